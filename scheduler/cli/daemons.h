/* scheduler/cli/daemons.h - the running programs of one cluster on this machine.
 *
 * They are found in the process table and not by pid files, which may be stale or
 * missing: our program's name, our user, and the cluster's directory among the
 * arguments. A descriptor is taken before the check, so that no other process can be
 * meant by a reused pid. */
#ifndef LS_SCHEDULER_CLI_DAEMONS_H
#define LS_SCHEDULER_CLI_DAEMONS_H

#include <stddef.h>
#include <sys/types.h>

#include "common/util/error.h"

enum ls_daemon_kind { LS_DAEMON_SCHEDULER, LS_DAEMON_AGENT, LS_DAEMON_STEP };

struct ls_daemon {
    enum ls_daemon_kind kind;
    char *name; /* "scheduler", an agent's node, a step's directory */
    pid_t pid;
    int pidfd;
};

struct ls_daemons {
    struct ls_daemon *items;
    size_t count, capacity;
};

/* All living daemons of the cluster in `directory`. Free with ls_daemons_free(). */
int ls_daemons_find(const char *directory, struct ls_daemons *ret_daemons,
                    struct ls_error *err);

/* The first of a kind, with this name if it is not NULL; NULL when there is none. */
const struct ls_daemon *ls_daemons_get(const struct ls_daemons *daemons,
                                       enum ls_daemon_kind kind, const char *name);

/* Add one; `pidfd` is owned from here, `name` is copied. */
void ls_daemons_add(struct ls_daemons *daemons, enum ls_daemon_kind kind,
                    const char *name, pid_t pid, int pidfd);

/* End all of a kind: SIGTERM, and SIGKILL for those that are there after `grace_ms`.
 * -ETIMEDOUT when one outlives even that. */
int ls_daemons_stop(const struct ls_daemons *daemons, enum ls_daemon_kind kind,
                    int grace_ms, struct ls_error *err);

void ls_daemons_free(struct ls_daemons *daemons);

#endif
