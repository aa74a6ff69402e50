/* agent/proc/spawn.h - starting a process, with the reason when it cannot start.
 *
 * Everything that allocates happens before the fork: the child makes system calls
 * only, so that a parent with threads may spawn. Depends on common/util. */
#ifndef LS_AGENT_PROC_SPAWN_H
#define LS_AGENT_PROC_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "agent/proc/cpulist.h"
#include "agent/proc/identity.h"
#include "common/util/error.h"

enum {
    LS_SPAWN_KEEP_MAX = 4,
    LS_SPAWN_NOT_FOUND = 127, /* exit codes as in a shell */
    LS_SPAWN_NOT_RUNNABLE = 126,
    LS_SPAWN_FAILED = 1,
};

struct ls_spawn {
    char *const *argv; /* argv[0] with a '/' is a path (relative to cwd),
                          else it is searched in PATH of `env` */
    char *const *env;
    const char *cwd;                    /* NULL = the parent's */
    int stdin_fd, stdout_fd, stderr_fd; /* -1 = /dev/null */
    int keep[LS_SPAWN_KEEP_MAX];        /* the child has them as 3, 4, …; no others */
    size_t keep_count;
    const struct ls_cpus *cpus;         /* to bind to, NULL = the parent's */
    const struct ls_identity *identity; /* NULL = the parent's */
    bool new_session;                   /* else: a new process group */
    bool die_with_parent;               /* SIGKILL when the calling thread ends */
};

/* Start a process with default signal handling and an empty mask. Returns once the
 * program runs, or -errno with the reason ("cannot run 'x': No such file or directory")
 * and *ret_exit_code, what a shell would exit with. */
int ls_spawn(const struct ls_spawn *spawn, pid_t *ret_pid, int *ret_exit_code,
             struct ls_error *err);

#endif
