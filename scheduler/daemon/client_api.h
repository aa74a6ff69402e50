/* scheduler/daemon/client_api.h - what users' commands ask; one file for each area:
 * client_submit, client_jobs, client_nodes, client_logs, waits. */
#ifndef LS_SCHEDULER_DAEMON_CLIENT_API_H
#define LS_SCHEDULER_DAEMON_CLIENT_API_H

#include "scheduler/daemon/peer.h"

void ls_client_received(struct ls_peer *peer, const Ls__Frame *frame);
void ls_client_gone(struct ls_peer *peer);

/* Answers a request when its event has settled: Ok, or why not. */
void ls_client_settled_ok(struct ls_server *server, const struct ls_event *event,
                          struct ls_ticket ticket, const struct ls_effects *effects,
                          const struct ls_error *failure);

/* The effect of a kind, NULL when there is none. */
const struct ls_effect *ls_effects_find(const struct ls_effects *effects,
                                        enum ls_effect_kind kind);

/* Queue a client's event; a full queue is answered here. */
void ls_client_queue(struct ls_peer *peer, uint64_t request, struct ls_event *event,
                     ls_settled_fn *settled);

#endif
