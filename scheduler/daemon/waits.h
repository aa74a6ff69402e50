/* scheduler/daemon/waits.h - clients that wait for the end of a job. */
#ifndef LS_SCHEDULER_DAEMON_WAITS_H
#define LS_SCHEDULER_DAEMON_WAITS_H

#include "scheduler/daemon/peer.h"

struct ls_waits *ls_waits_new(void);
void ls_waits_free(struct ls_waits *waits);

/* Answer a Wait now or when the job has ended. */
void ls_wait_received(struct ls_peer *peer, const Ls__Frame *frame);
void ls_waits_job_changed(struct ls_server *server, uint64_t id);
/* The peer has gone: it waits no more. */
void ls_waits_peer_gone(struct ls_server *server, const struct ls_peer *peer);

#endif
