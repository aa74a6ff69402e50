/* agent/daemon/agent.h - the daemon of one node.
 *
 * Depends on discover, agent/proc, wire, libuv. */
#ifndef LS_AGENT_DAEMON_AGENT_H
#define LS_AGENT_DAEMON_AGENT_H

#include <uv.h>

#include "agent/daemon/options.h"
#include "common/util/error.h"

struct ls_agent;

/* Become the agent of the node: take its lock, discover it, take over the steps that
 * are there, connect to the scheduler. `options` is borrowed. */
int ls_agent_open(uv_loop_t *loop, const struct ls_agent_options *options,
                  struct ls_agent **ret_agent, struct ls_error *err);

/* After uv_run() has returned: 0, or -errno when the scheduler refused us. */
int ls_agent_close(struct ls_agent *agent);

#endif
