/* scheduler/daemon/agent_link.h - the agents' connections: registration, heartbeats,
 * orders out, reports in (reports.h). */
#ifndef LS_SCHEDULER_DAEMON_AGENT_LINK_H
#define LS_SCHEDULER_DAEMON_AGENT_LINK_H

#include "scheduler/daemon/peer.h"
#include "scheduler/daemon/roster.h"

void ls_agent_received(struct ls_peer *peer, const Ls__Frame *frame);

/* Its connection has closed. */
void ls_agent_gone(struct ls_peer *peer, const char *why);

/* Send to a node's agent; dropped when none is registered. */
void ls_agent_send(struct ls_member *member, const Ls__Frame *frame);
void ls_agent_send_kill(struct ls_member *member, uint64_t job, uint32_t attempt,
                        int signal, const char *reason);
void ls_agent_send_forget(struct ls_member *member, uint64_t job, uint32_t attempt);

/* Every LS_HEARTBEAT_MS: drop agents that were silent for too long, and see to it that
 * no node without an agent counts as up. */
void ls_agents_heartbeat(struct ls_server *server);

/* After the replay no agent is connected: nodes that are up go down. */
void ls_agents_all_down(struct ls_server *server, const char *why);

#endif
