/* scheduler/daemon/agent_link.c - the agents' connections. Depends on roster, commit.
 */
#include "scheduler/daemon/agent_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/topology/digest.h"
#include "common/util/log.h"
#include "scheduler/daemon/client_logs.h"
#include "scheduler/daemon/reports.h"

/* ---- down ------------------------------------------------------------------------ */

static void down_settled(struct ls_server *server, const struct ls_event *event,
                         struct ls_ticket ticket, const struct ls_effects *effects,
                         const struct ls_error *failure)
{
    (void)ticket;
    (void)effects;
    (void)failure; /* the next heartbeat tries again */
    ls_roster_member(server->roster, event->node)->down_queued = false;
}

static void queue_down(struct ls_server *server, struct ls_member *member,
                       const char *why)
{
    struct ls_event event = ls_server_event(server, LS_EVENT_NODE_DOWN);

    snprintf(event.node, sizeof(event.node), "%s", member->name);
    snprintf(event.text, sizeof(event.text), "%s", why);
    member->down_queued = true;
    if (ls_commit_add(server->commit, &event, (struct ls_ticket){0}, down_settled,
                      NULL) < 0)
        member->down_queued = false;
}

void ls_agents_all_down(struct ls_server *server, const char *why)
{
    for (size_t i = 0; i < ls_policy_node_count(server->policy); i++) {
        const struct ls_node *node = ls_policy_node_at(server->policy, i);
        struct ls_member *member = ls_roster_member(server->roster, node->name);

        if (node->up && !member->agent && !member->down_queued)
            queue_down(server, member, why);
    }
}

void ls_agent_gone(struct ls_peer *peer, const char *why)
{
    struct ls_member *member = peer->member;
    char text[LS_REASON_MAX];

    if (!member || member->agent != peer)
        return; /* never registered, or replaced by a new connection */
    member->agent = NULL;
    member->registered = false;
    ls_relays_agent_gone(peer->server, member);
    if (peer->server->stopping)
        return;
    snprintf(text, sizeof(text), "agent not connected: %s", why);
    ls_log_warn("node %s: agent lost: %s", member->name, why);
    queue_down(peer->server, member, text);
}

void ls_agents_heartbeat(struct ls_server *server)
{
    struct ls_member *member, *next;

    HASH_ITER(hh, server->roster->members, member, next)
    {
        if (!member->agent || ++member->silent_periods <= LS_HEARTBEATS_MISSED_MAX)
            continue;
        ls_connection_close(member->agent->connection, "silent: no heartbeat in time");
    }
    ls_agents_all_down(server, "agent not connected");
}

/* ---- registration ------------------------------------------------------------------
 */

static void answer_registered(struct ls_server *server, struct ls_ticket ticket)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Registered registered = LS__REGISTERED__INIT;

    registered.heartbeat_ms = LS_HEARTBEAT_MS;
    frame.body_case = LS__FRAME__BODY_REGISTERED;
    frame.registered = &registered;
    ls_ticket_answer(server, ticket, &frame);
}

static void up_settled(struct ls_server *server, const struct ls_event *event,
                       struct ls_ticket ticket, const struct ls_effects *effects,
                       const struct ls_error *failure)
{
    struct ls_peer *peer = ls_peer_find(server, ticket.peer);
    const char *refused = failure ? failure->text : NULL;

    for (size_t i = 0; effects && i < effects->count; i++) {
        if (effects->items[i].kind == LS_EFFECT_REFUSED)
            refused = effects->items[i].text;
    }
    if (!peer)
        return;
    if (refused) {
        ls_ticket_refuse(server, ticket, failure ? -failure->code : EINVAL, refused);
        ls_peer_expel(peer, refused);
        return;
    }
    peer->member->registered = peer->member->agent == peer;
    answer_registered(server, ticket);
    ls_log_info("node %s: agent registered (%s): %u cores, %u GPUs", event->node,
                ls_connection_name(peer->connection), event->cores, event->gpu_count);
    ls_relays_agent_up(server, peer->member);
}

/* An agent of that name is there. If it has been silent, its host may be gone and this
 * be its successor: worth another try, after heartbeats have told. */
static int refuse_second(const struct ls_member *member, struct ls_error *err)
{
    const char *holder = ls_connection_name(member->agent->connection);

    if (member->silent_periods >= 2)
        return ls_error_set(err, -EAGAIN,
                            "node %s is registered by an agent that is silent (%s)",
                            member->name, holder);
    return ls_error_set(
        err, -EEXIST,
        "node %s is already registered by another agent (%s); give each "
        "agent a node name of its own",
        member->name, holder);
}

static int check_register(struct ls_peer *peer, const Ls__Register *body,
                          struct ls_error *err)
{
    const struct ls_member *member = ls_roster_find(peer->server->roster, peer->name);

    if (strcmp(body->node, peer->name) != 0)
        return ls_error_set(err, -EPROTO, "register: node %.64s, hello said %s",
                            body->node, peer->name);
    if (!body->digest)
        return ls_error_set(err, -EPROTO, "register: without a node digest");
    if (ls_digest_validate(body->digest, err) < 0)
        return ls_error_wrap(err, "register: node %s", peer->name);
    if (member && member->agent && member->agent != peer &&
        member->incarnation != body->incarnation)
        return refuse_second(member, err);
    return 0;
}

/* From here on the member's agent is this peer. */
static void take_member(struct ls_peer *peer, const Ls__Register *body)
{
    struct ls_member *member = ls_roster_member(peer->server->roster, peer->name);

    if (member->agent && member->agent != peer) {
        ls_relays_agent_gone(peer->server, member);
        ls_connection_close(member->agent->connection, "replaced: the agent connected "
                                                       "again");
    }
    member->agent = peer;
    member->incarnation = body->incarnation;
    member->registered = false;
    member->silent_periods = 0;
    peer->member = member;
    ls_roster_set_digest(peer->server->roster, member, body->digest);
}

static void queue_up(struct ls_peer *peer, const Ls__Register *body,
                     struct ls_ticket ticket)
{
    struct ls_event event = ls_server_event(peer->server, LS_EVENT_NODE_UP);
    struct ls_error err;

    snprintf(event.node, sizeof(event.node), "%s", peer->name);
    event.cores = body->digest->cores;
    event.gpu_count = (uint32_t)body->digest->n_gpus;
    event.memory_bytes = body->digest->memory_bytes;
    if (ls_commit_add(peer->server->commit, &event, ticket, up_settled, &err) < 0) {
        ls_ticket_refuse(peer->server, ticket, -err.code, err.text);
        ls_peer_expel(peer, err.text);
    }
}

static void register_agent(struct ls_peer *peer, const Ls__Frame *frame)
{
    const Ls__Register *body = frame->register_;
    struct ls_error err = {0};
    struct ls_ticket ticket;

    if (check_register(peer, body, &err) < 0) {
        ls_connection_refuse(peer->connection, frame->request, -err.code, "%s",
                             err.text);
        ls_peer_expel(peer, err.text);
        return;
    }
    if (!ls_peer_open_request(peer, frame->request, &ticket))
        return;
    take_member(peer, body);
    ls_reports_missing(peer, body);
    queue_up(peer, body, ticket);
    for (size_t i = 0; i < body->n_steps; i++)
        ls_report_received(peer, body->steps[i]);
}

/* ---- messages ----------------------------------------------------------------------
 */

static bool is_replaced(const struct ls_peer *peer)
{
    return peer->member && peer->member->agent != peer;
}

void ls_agent_received(struct ls_peer *peer, const Ls__Frame *frame)
{
    if (is_replaced(peer))
        return;
    if (peer->member)
        peer->member->silent_periods = 0;
    if (frame->body_case == LS__FRAME__BODY_REGISTER) {
        register_agent(peer, frame);
        return;
    }
    if (!peer->member) {
        ls_peer_expel(peer, "an agent's message before it registered");
        return;
    }
    switch (frame->body_case) {
    case LS__FRAME__BODY_HEARTBEAT:
        break;
    case LS__FRAME__BODY_STEP_REPORT:
        ls_report_received(peer, frame->step_report);
        break;
    case LS__FRAME__BODY_LOG_CHUNK:
    case LS__FRAME__BODY_LOG_END:
    case LS__FRAME__BODY_ERROR:
        ls_relay_received(peer, frame);
        break;
    default:
        ls_connection_refuse(peer->connection, frame->request, EPROTO,
                             "message %d is not for a scheduler from an agent",
                             (int)frame->body_case);
        ls_peer_expel(peer, "a message that no agent sends");
    }
}

/* ---- orders
 * -------------------------------------------------------------------------- */

void ls_agent_send(struct ls_member *member, const Ls__Frame *frame)
{
    if (member->agent && member->registered)
        ls_connection_send(member->agent->connection, frame);
}

void ls_agent_send_kill(struct ls_member *member, uint64_t job, uint32_t attempt,
                        int signal, const char *reason)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__StepKill kill = LS__STEP_KILL__INIT;

    kill.job = job;
    kill.attempt = attempt;
    kill.signal = signal;
    kill.reason = (char *)reason;
    frame.body_case = LS__FRAME__BODY_STEP_KILL;
    frame.step_kill = &kill;
    ls_agent_send(member, &frame);
}

void ls_agent_send_forget(struct ls_member *member, uint64_t job, uint32_t attempt)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__StepForget forget = LS__STEP_FORGET__INIT;

    forget.job = job;
    forget.attempt = attempt;
    frame.body_case = LS__FRAME__BODY_STEP_FORGET;
    frame.step_forget = &forget;
    ls_agent_send(member, &frame);
}
