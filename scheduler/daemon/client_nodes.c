/* scheduler/daemon/client_nodes.c - listing, draining, resuming nodes. Depends on
 * roster, policy. */
#include "scheduler/daemon/client_nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/util/hostlist.h"
#include "common/util/mem.h"
#include "scheduler/daemon/client_api.h"
#include "scheduler/daemon/roster.h"

/* ---- listing
 * --------------------------------------------------------------------------- */

static Ls__NodeState node_state(const struct ls_node *node)
{
    if (!node->up)
        return LS__NODE_STATE__NODE_DOWN;
    if (node->drained)
        return node->job_count > 0 ? LS__NODE_STATE__NODE_DRAINING
                                   : LS__NODE_STATE__NODE_DRAINED;
    if (node->job_count == 0)
        return LS__NODE_STATE__NODE_IDLE;
    if (node->exclusive || node->cores_used >= node->cores ||
        (node->gpu_count > 0 &&
         (uint32_t)__builtin_popcountll(node->gpus_used) >= node->gpu_count))
        return LS__NODE_STATE__NODE_ALLOCATED;
    return LS__NODE_STATE__NODE_MIXED;
}

/* Everything is borrowed but `jobs`. */
static void set_info(struct ls_server *server, const struct ls_node *node,
                     Ls__NodeInfo *info)
{
    const struct ls_member *member = ls_roster_find(server->roster, node->name);

    ls__node_info__init(info);
    info->name = (char *)node->name;
    info->state = node_state(node);
    info->reason = (char *)node->reason;
    info->rack = (char *)ls_policy_rack_name(server->policy, node->rack);
    info->digest = member ? member->digest : NULL;
    info->gpus_used = (uint32_t)__builtin_popcountll(node->gpus_used);
    info->cores_used = node->cores_used;
    info->jobs = ls_calloc(node->job_count, sizeof(*info->jobs));
}

/* One pass over the jobs for all nodes. `infos` is by node index; nodes that are not
 * listed have no room. */
static void add_jobs(struct ls_server *server, Ls__NodeInfo *infos)
{
    for (size_t i = 0; i < ls_policy_job_count(server->policy); i++) {
        const struct ls_job *job = ls_policy_job_at(server->policy, i);

        for (uint32_t k = 0; k < job->part_count; k++) {
            uint32_t index = job->parts[k].node;
            Ls__NodeInfo *info = &infos[index];

            if (job->parts[k].state < LS_PART_ENDED && info->jobs &&
                info->n_jobs < ls_policy_node_at(server->policy, index)->job_count)
                info->jobs[info->n_jobs++] = job->id;
        }
    }
}

static void answer_nodes(struct ls_server *server, struct ls_ticket ticket,
                         const char *name)
{
    size_t total = ls_policy_node_count(server->policy);
    Ls__NodeInfo *infos = ls_calloc(total, sizeof(*infos));
    Ls__NodeInfo **listed = ls_calloc(total, sizeof(Ls__NodeInfo *));
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__NodesReply reply = LS__NODES_REPLY__INIT;

    for (size_t i = 0; i < total; i++) {
        const struct ls_node *node = ls_policy_node_at(server->policy, i);

        if (name[0] && strcmp(name, node->name) != 0)
            continue;
        set_info(server, node, &infos[i]);
        listed[reply.n_nodes++] = &infos[i];
    }
    add_jobs(server, infos);
    reply.nodes = listed;
    frame.body_case = LS__FRAME__BODY_NODES_REPLY;
    frame.nodes_reply = &reply;
    if (ls__frame__get_packed_size(&frame) > LS_FRAME_MAX)
        ls_ticket_refuse(server, ticket, E2BIG,
                         "the list is too long for one answer; "
                         "ask for single nodes");
    else
        ls_ticket_answer(server, ticket, &frame);
    for (size_t i = 0; i < reply.n_nodes; i++)
        ls_free(listed[i]->jobs);
    ls_free(listed);
    ls_free(infos);
}

static void refuse_unknown_node(struct ls_peer *peer, uint64_t request,
                                const char *name)
{
    ls_connection_refuse(peer->connection, request, ENOENT, "there is no node %.64s",
                         name);
}

void ls_client_nodes(struct ls_peer *peer, const Ls__Frame *frame)
{
    const char *name = frame->nodes->name;
    struct ls_ticket ticket;

    if (name[0] && !ls_policy_node(peer->server->policy, name)) {
        refuse_unknown_node(peer, frame->request, name);
        return;
    }
    if (ls_peer_open_request(peer, frame->request, &ticket))
        answer_nodes(peer->server, ticket, name);
}

/* ---- drain, resume
 * ------------------------------------------------------------------------- */

static struct ls_event node_event(struct ls_server *server, enum ls_event_kind kind,
                                  const char *node, const char *reason)
{
    struct ls_event event = ls_server_event(server, kind);

    snprintf(event.node, sizeof(event.node), "%s", node);
    snprintf(event.text, sizeof(event.text), "%s", reason);
    return event;
}

/* One event a node; the last one, which settles last, carries the answer. */
static void queue_events(struct ls_peer *peer, uint64_t request,
                         enum ls_event_kind kind, char *const *names, size_t count,
                         const char *reason)
{
    for (size_t i = 0; i < count; i++) {
        struct ls_event event = node_event(peer->server, kind, names[i], reason);
        struct ls_error err;

        if (i + 1 == count) {
            ls_client_queue(peer, request, &event, ls_client_settled_ok);
        } else if (ls_commit_add(peer->server->commit, &event, (struct ls_ticket){0},
                                 NULL, &err) < 0) {
            ls_connection_refuse(peer->connection, request, -err.code, "%s", err.text);
            return;
        }
    }
}

static void change_nodes(struct ls_peer *peer, uint64_t request,
                         enum ls_event_kind kind, const char *hostlist,
                         const char *reason)
{
    struct ls_error err;
    char **names;
    size_t count;
    size_t known = 0;

    if (!peer->is_operator) {
        ls_connection_refuse(peer->connection, request, EPERM,
                             "only root and the scheduler's user may drain or resume "
                             "nodes");
        return;
    }
    if (ls_hostlist_expand(hostlist, &names, &count, &err) < 0) {
        ls_connection_refuse(peer->connection, request, -err.code, "%s", err.text);
        return;
    }
    while (known < count && ls_policy_node(peer->server->policy, names[known]))
        known++;
    if (known < count)
        refuse_unknown_node(peer, request, names[known]);
    else if (count == 0)
        ls_connection_refuse(peer->connection, request, EINVAL, "no node was named");
    else
        queue_events(peer, request, kind, names, count, reason);
    ls_hostlist_free(names, count);
}

void ls_client_drain(struct ls_peer *peer, const Ls__Frame *frame)
{
    change_nodes(peer, frame->request, LS_EVENT_NODE_DRAIN, frame->drain->nodes,
                 frame->drain->reason[0] ? frame->drain->reason
                                         : "drained by an operator");
}

void ls_client_resume(struct ls_peer *peer, const Ls__Frame *frame)
{
    change_nodes(peer, frame->request, LS_EVENT_NODE_RESUME, frame->resume->nodes, "");
}
