/* agent/daemon/step_link.h - the agent's connection to one step (agent.sock).
 *
 * Depends on wire, libuv. */
#ifndef LS_AGENT_DAEMON_STEP_LINK_H
#define LS_AGENT_DAEMON_STEP_LINK_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

struct ls_step_link;

struct ls_step_link_events {
    void (*connected)(void *context, pid_t step);
    void (*reported)(void *context, const Ls__StepReport *report); /* borrowed */
    void (*closed)(void *context); /* last, also after a failed connect */
};

int ls_step_link_open(uv_loop_t *loop, const char *socket_path,
                      const struct ls_step_link_events *events, void *context,
                      struct ls_step_link **ret_link, struct ls_error *err);

bool ls_step_link_is_open(const struct ls_step_link *link);

/* Orders; the link must be open. */
void ls_step_link_start(struct ls_step_link *link, const Ls__StepStart *start);
void ls_step_link_kill(struct ls_step_link *link, const Ls__StepKill *kill);

/* Tell the step that its end is known, if it is still there to hear. */
void ls_step_link_forget(struct ls_step_link *link);

/* Close it; closed() follows, then it is freed. NULL is fine. */
void ls_step_link_close(struct ls_step_link *link);

#endif
