/* scheduler/daemon/client_nodes.h - nodes and the fabric: listing, drain, resume. */
#ifndef LS_SCHEDULER_DAEMON_CLIENT_NODES_H
#define LS_SCHEDULER_DAEMON_CLIENT_NODES_H

#include "scheduler/daemon/peer.h"

void ls_client_nodes(struct ls_peer *peer, const Ls__Frame *frame);
void ls_client_drain(struct ls_peer *peer, const Ls__Frame *frame);
void ls_client_resume(struct ls_peer *peer, const Ls__Frame *frame);

#endif
