/* scheduler/daemon/client_submit.h - new jobs. */
#ifndef LS_SCHEDULER_DAEMON_CLIENT_SUBMIT_H
#define LS_SCHEDULER_DAEMON_CLIENT_SUBMIT_H

#include "scheduler/daemon/peer.h"

void ls_client_submit(struct ls_peer *peer, const Ls__Frame *frame);

#endif
