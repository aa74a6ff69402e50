/* scheduler/daemon/client_submit.c - new jobs. Depends on submit, commit, policy. */
#include "scheduler/daemon/client_submit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/util/hostlist.h"
#include "common/util/log.h"
#include "common/util/mem.h"
#include "scheduler/daemon/client_api.h"
#include "scheduler/daemon/submit.h"

/* ---- the answer
 * ------------------------------------------------------------------------ */

static void answer_id(struct ls_server *server, struct ls_ticket ticket, uint64_t job)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__SubmitReply reply = LS__SUBMIT_REPLY__INIT;

    reply.job = job;
    frame.body_case = LS__FRAME__BODY_SUBMIT_REPLY;
    frame.submit_reply = &reply;
    ls_ticket_answer(server, ticket, &frame);
}

static void submit_settled(struct ls_server *server, const struct ls_event *event,
                           struct ls_ticket ticket, const struct ls_effects *effects,
                           const struct ls_error *failure)
{
    const struct ls_effect *accepted =
        effects ? ls_effects_find(effects, LS_EFFECT_ACCEPTED) : NULL;

    if (!accepted) {
        ls_client_settled_ok(server, event, ticket, effects, failure);
        return;
    }
    ls_log_info("job %llu: accepted from uid %u: %u ranks on %u nodes",
                (unsigned long long)accepted->job, event->uid, event->request.ranks,
                event->request.nodes);
    answer_id(server, ticket, accepted->job);
}

/* ---- the request
 * -------------------------------------------------------------------------- */

static int expand(const char *what, const char *text, const char *const **ret_names,
                  size_t *ret_count, struct ls_error *err)
{
    char **names;
    int rc;

    if (!text[0])
        return 0;
    rc = ls_hostlist_expand(text, &names, ret_count, err);
    if (rc < 0)
        return ls_error_wrap(err, "%s", what);
    *ret_names = (const char *const *)names;
    return 0;
}

/* Names as keys of a set: a job may name every node of a large cluster. */
struct name {
    const char *text;
    UT_hash_handle hh;
};

static bool set_has(struct name *set, const char *text)
{
    struct name *found;

    HASH_FIND_STR(set, text, found);
    return found != NULL;
}

static struct name *set_of(const char *const *names, size_t count, struct name *room)
{
    struct name *set = NULL;

    for (size_t i = 0; i < count; i++) {
        if (set_has(set, names[i]))
            continue;
        room[i].text = names[i];
        HASH_ADD_KEYPTR(hh, set, room[i].text, strlen(room[i].text), &room[i]);
    }
    return set;
}

/* The sizes of the nodes that --nodelist and --exclude leave; the caller frees. */
static struct ls_node_size *usable_sizes(const struct ls_policy *policy,
                                         const struct ls_request *request,
                                         size_t *ret_count)
{
    size_t node_count = ls_policy_node_count(policy);
    struct ls_node_size *sizes = ls_calloc(node_count, sizeof(*sizes));
    struct name *rooms =
        ls_calloc(request->nodelist_count + request->exclude_count, sizeof(*rooms));
    struct name *listed = set_of(request->nodelist, request->nodelist_count, rooms);
    struct name *excluded = set_of(request->exclude, request->exclude_count,
                                   rooms + request->nodelist_count);
    size_t count = 0;

    for (size_t i = 0; i < node_count; i++) {
        const struct ls_node *node = ls_policy_node_at(policy, i);

        if ((request->nodelist && !set_has(listed, node->name)) ||
            set_has(excluded, node->name))
            continue;
        sizes[count++] = (struct ls_node_size){
            .cores = node->cores,
            .gpus = node->gpu_count,
            .memory_bytes = node->memory_bytes,
        };
    }
    HASH_CLEAR(hh, listed);
    HASH_CLEAR(hh, excluded);
    ls_free(rooms);
    *ret_count = count;
    return sizes;
}

/* Fills event->request and the event's packed spec. */
static int fill_event(const struct ls_policy *policy, Ls__JobSpec *spec,
                      struct ls_event *event, struct ls_error *err)
{
    struct ls_request *request = &event->request;
    struct ls_request lists = {0};
    struct ls_node_size *sizes;
    size_t size_count;
    uint8_t *packed;
    int rc = expand("--nodelist", spec->nodelist, &request->nodelist,
                    &request->nodelist_count, err);

    if (rc == 0)
        rc = expand("--exclude", spec->exclude, &request->exclude,
                    &request->exclude_count, err);
    if (rc < 0)
        return rc;
    sizes = usable_sizes(policy, request, &size_count);
    lists = *request;
    rc = ls_submit_resolve(sizes, size_count, spec, request, err);
    ls_free(sizes);
    request->nodelist = lists.nodelist;
    request->nodelist_count = lists.nodelist_count;
    request->exclude = lists.exclude;
    request->exclude_count = lists.exclude_count;
    if (rc < 0)
        return rc;
    event->spec_size = ls__job_spec__get_packed_size(spec);
    packed = ls_calloc(event->spec_size + 1, 1);
    ls__job_spec__pack(spec, packed);
    event->spec = packed;
    return 0;
}

static int prepare(const struct ls_peer *peer, Ls__JobSpec *spec,
                   struct ls_event *event, struct ls_error *err)
{
    char reason[LS_REASON_MAX];
    int rc = ls_spec_check(spec, err);

    if (rc == 0)
        rc = fill_event(peer->server->policy, spec, event, err);
    if (rc < 0)
        return rc;
    event->uid = peer->uid;
    event->gid = peer->gid;
    snprintf(event->submit_key, sizeof(event->submit_key), "%s", spec->submit_key);
    if (!ls_policy_admit(peer->server->policy, &event->request, reason))
        return ls_error_set(err, -EINVAL, "job %s", reason);
    return 0;
}

void ls_client_submit(struct ls_peer *peer, const Ls__Frame *frame)
{
    struct ls_event event = ls_server_event(peer->server, LS_EVENT_JOB_SUBMIT);
    Ls__JobSpec *spec = frame->submit->spec;
    const struct ls_job *known = NULL;
    struct ls_ticket ticket;
    struct ls_error err;

    if (spec && spec->submit_key[0])
        known = ls_policy_job_by_key(peer->server->policy, peer->uid, spec->submit_key);
    if (known) { /* the answer was lost on the way to a client that asks again */
        if (ls_peer_open_request(peer, frame->request, &ticket))
            answer_id(peer->server, ticket, known->id);
        return;
    }
    if (!spec || prepare(peer, spec, &event, &err) < 0) {
        ls_event_release(&event);
        ls_connection_refuse(peer->connection, frame->request,
                             spec ? -err.code : EINVAL, "%s",
                             spec ? err.text : "submit: without a job");
        return;
    }
    ls_client_queue(peer, frame->request, &event, submit_settled);
}
