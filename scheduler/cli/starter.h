/* scheduler/cli/starter.h - starting daemons in the background and waiting for them.
 *
 * Each gets a pipe (--ready-fd) and writes to it once it serves; the end of the pipe
 * without that means that it failed. */
#ifndef LS_SCHEDULER_CLI_STARTER_H
#define LS_SCHEDULER_CLI_STARTER_H

#include <stdbool.h>

#include "common/util/error.h"
#include "scheduler/cli/daemons.h"

struct ls_starting {
    char *name; /* "scheduler" or a node */
    char *log_path;
    long log_start; /* size of the log before */
    int ready_fd;   /* -1 once it is ready */
};

/* Daemons that were started here. */
struct ls_starter {
    const char *directory;
    struct ls_daemons started; /* same indices as items */
    struct ls_starting *items;
    size_t count, capacity;
};

/* Start a program that lies beside this one, else on PATH, in a session of its own,
 * with its output appended to DIRECTORY/log/NAME.log. `arguments` (NULL-terminated,
 * without argv[0]) are followed by --ready-fd. */
int ls_starter_add(struct ls_starter *starter, enum ls_daemon_kind kind,
                   const char *name, const char *program, const char *const *arguments,
                   struct ls_error *err);

/* Wait until all are ready. Fails as soon as one has ended, with its last log line;
 * -ETIMEDOUT after `timeout_ms`. */
int ls_starter_wait(struct ls_starter *starter, int timeout_ms, struct ls_error *err);

/* End what was started here. */
void ls_starter_stop(struct ls_starter *starter);

void ls_starter_free(struct ls_starter *starter);

/* The last line of a log from byte `start` on, "" when there is none; ls_free(). */
char *ls_log_last_line(const char *path, long start);

#endif
