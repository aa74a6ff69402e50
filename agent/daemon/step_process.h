/* agent/daemon/step_process.h - the process lockstep-step, started or found.
 *
 * Depends on agent/proc, libuv. */
#ifndef LS_AGENT_DAEMON_STEP_PROCESS_H
#define LS_AGENT_DAEMON_STEP_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/util/error.h"

struct ls_step_process;

struct ls_step_process_events {
    void (*ready)(void *context); /* it listens on agent.sock; only of a started one */
    void (*ended)(void *context);
    void (*closed)(void *context); /* after ls_step_process_close(), last */
};

struct ls_step_process_start {
    const char *program, *dir, *id, *host, *log_level;
    bool log_json;
    int lock; /* descriptor that holds the lock; the child gets a copy */
};

/* Start the program in a session of its own. */
int ls_step_process_start(uv_loop_t *loop, const struct ls_step_process_start *start,
                          const struct ls_step_process_events *events, void *context,
                          struct ls_step_process **ret_process, struct ls_error *err);

/* Watch one that is running already. -ESRCH when it has ended. */
int ls_step_process_watch(uv_loop_t *loop, pid_t pid,
                          const struct ls_step_process_events *events, void *context,
                          struct ls_step_process **ret_process);

pid_t ls_step_process_pid(const struct ls_step_process *process);

/* Stop watching (the process goes on); closed() follows. NULL and twice are fine. */
void ls_step_process_close(struct ls_step_process *process);

#endif
