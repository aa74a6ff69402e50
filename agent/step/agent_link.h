/* agent/step/agent_link.h - the step's side of agent.sock.
 *
 * The agent connects, any time and again after it was restarted; the newest connection
 * is the one that counts. Depends on wire, libuv. */
#ifndef LS_AGENT_STEP_AGENT_LINK_H
#define LS_AGENT_STEP_AGENT_LINK_H

#include <uv.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

struct ls_agent_link;

struct ls_agent_link_events {
    void (*connected)(void *context); /* an agent is here: tell it how things stand */
    void (*start)(void *context, const Ls__StepStart *start);
    void (*kill)(void *context, const Ls__StepKill *kill);
    void (*forget)(void *context);
};

/* Listen at a socket path. Borrows `events`. */
int ls_agent_link_open(uv_loop_t *loop, const char *path,
                       const struct ls_agent_link_events *events, void *context,
                       struct ls_agent_link **ret_link, struct ls_error *err);

/* Send a report if an agent is connected; when not, the next one asks anyway. */
void ls_agent_link_report(struct ls_agent_link *link, const Ls__StepReport *report);

/* Stop listening, close once all is sent; frees itself. NULL is fine. */
void ls_agent_link_close(struct ls_agent_link *link);

#endif
