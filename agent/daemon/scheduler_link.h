/* agent/daemon/scheduler_link.h - the agent's connection to the scheduler.
 *
 * Connects, registers, sends heartbeats; when the connection is lost it connects
 * again for ever, with growing pauses. Depends on wire, libuv. */
#ifndef LS_AGENT_DAEMON_SCHEDULER_LINK_H
#define LS_AGENT_DAEMON_SCHEDULER_LINK_H

#include <stdbool.h>
#include <uv.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

struct ls_scheduler_link;

struct ls_scheduler_link_config {
    const char *address, *node, *key; /* borrowed; key may be NULL */
    /* Fill in the digest and the steps; the message is sent during the call of `send`.
     */
    void (*fill_register)(void *context, Ls__Register *message,
                          void (*send)(void *link, const Ls__Register *message),
                          void *link);
    void (*registered)(void *context);
    void (*lost)(void *context);                             /* after registered() */
    void (*received)(void *context, const Ls__Frame *frame); /* an order */
    /* The scheduler will not have us, and asking again is no use. */
    void (*refused)(void *context, const char *why);
    void *context;
};

/* Start connecting. `config` is copied. Errors: an address that is none. */
int ls_scheduler_link_open(uv_loop_t *loop,
                           const struct ls_scheduler_link_config *config,
                           struct ls_scheduler_link **ret_link, struct ls_error *err);

/* Send a frame if registered, else drop it: all is repeated on registration. */
void ls_scheduler_link_send(struct ls_scheduler_link *link, const Ls__Frame *frame);

/* Close it; frees itself. NULL is fine. */
void ls_scheduler_link_close(struct ls_scheduler_link *link);

#endif
