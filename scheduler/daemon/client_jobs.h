/* scheduler/daemon/client_jobs.h - listing and cancelling jobs. */
#ifndef LS_SCHEDULER_DAEMON_CLIENT_JOBS_H
#define LS_SCHEDULER_DAEMON_CLIENT_JOBS_H

#include "scheduler/daemon/peer.h"

void ls_client_jobs(struct ls_peer *peer, const Ls__Frame *frame);
void ls_client_cancel(struct ls_peer *peer, const Ls__Frame *frame);

/* A JobsReply with this one job and its ranks. */
void ls_client_answer_job(struct ls_server *server, struct ls_ticket ticket,
                          const struct ls_job *job);
void ls_client_refuse_unknown_job(struct ls_peer *peer, uint64_t request, uint64_t job);

/* May this peer see the job's output and signal it? */
bool ls_client_owns(const struct ls_peer *peer, const struct ls_job *job);

#endif
