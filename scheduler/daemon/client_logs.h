/* scheduler/daemon/client_logs.h - output of ranks, relayed from agents to a client.
 *
 * One relay for each LogsRequest. Each agent of the job gets a LogsRequest of its own
 * and sends at most 256 KiB unacknowledged; the client's acks are passed on
 * to the agents whose bytes they are for, so a slow reader slows the agents down and
 * nothing piles up here. An agent that comes back is asked again; what the client has
 * already seen is skipped by offset. */
#ifndef LS_SCHEDULER_DAEMON_CLIENT_LOGS_H
#define LS_SCHEDULER_DAEMON_CLIENT_LOGS_H

#include "scheduler/daemon/peer.h"
#include "scheduler/daemon/roster.h"

enum { LS_RELAY_NODES_MAX = 128 }; /* streams of one relay at once */

struct ls_relays *ls_relays_new(struct ls_server *server);
void ls_relays_free(struct ls_relays *relays);

/* Of a client. */
void ls_client_logs(struct ls_peer *peer, const Ls__Frame *frame);
void ls_client_log_ack(struct ls_peer *peer, const Ls__Frame *frame);
void ls_relays_client_gone(struct ls_peer *peer);

/* Of an agent: LogChunk, LogEnd or Error. */
void ls_relay_received(struct ls_peer *agent, const Ls__Frame *frame);
void ls_relays_agent_gone(struct ls_server *server, struct ls_member *member);
void ls_relays_agent_up(struct ls_server *server, struct ls_member *member);

/* A job has started or ended. */
void ls_relays_job_changed(struct ls_server *server, uint64_t job);

#endif
