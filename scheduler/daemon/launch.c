/* scheduler/daemon/launch.c - from plan to Launch message. Depends on book, agent_link.
 */
#include "scheduler/daemon/launch.h"

#include "common/util/mem.h"
#include "scheduler/daemon/agent_link.h"
#include "scheduler/daemon/book.h"
#include "scheduler/daemon/key.h"

struct ls_launch_message {
    Ls__Launch body;
    Ls__JobSpec *spec;
    Ls__RankPlan *ranks; /* body.ranks points into it */
    uint32_t *gpus;      /* and these into it */
    uint8_t key[LS_GANG_KEY_SIZE];
};

static void message_free(struct ls_launch_message *message)
{
    if (!message)
        return;
    if (message->spec)
        ls__job_spec__free_unpacked(message->spec, NULL);
    ls_free(message->body.nodes);
    ls_free(message->body.ranks);
    ls_free(message->ranks);
    ls_free(message->gpus);
    ls_free(message);
}

static void set_nodes(struct ls_launch_message *message, struct ls_server *server,
                      const struct ls_job *job, bool batch)
{
    Ls__Launch *body = &message->body;

    body->n_nodes = batch ? 1 : job->part_count;
    body->nodes = ls_calloc(body->n_nodes, sizeof(char *));
    for (size_t i = 0; i < body->n_nodes; i++)
        body->nodes[i] = ls_book_member(server->book, &job->parts[i])->name;
}

static size_t count_gpus(const struct ls_plan *plan)
{
    size_t count = 0;

    for (uint32_t i = 0; i < plan->rank_count; i++)
        count += (size_t)__builtin_popcountll(plan->ranks[i].gpus);
    return count;
}

static size_t list_gpus(uint64_t gpus, uint32_t *list)
{
    size_t count = 0;

    for (; gpus; gpus &= gpus - 1)
        list[count++] = (uint32_t)__builtin_ctzll(gpus);
    return count;
}

static void set_ranks(struct ls_launch_message *message, const struct ls_plan *plan)
{
    Ls__Launch *body = &message->body;
    uint32_t *gpus = ls_calloc(count_gpus(plan), sizeof(*gpus));

    message->gpus = gpus;
    message->ranks = ls_calloc(plan->rank_count, sizeof(*message->ranks));
    body->n_ranks = plan->rank_count;
    body->ranks = ls_calloc(plan->rank_count, sizeof(Ls__RankPlan *));
    for (uint32_t i = 0; i < plan->rank_count; i++) {
        const struct ls_plan_rank *planned = &plan->ranks[i];
        Ls__RankPlan *rank = &message->ranks[i];

        ls__rank_plan__init(rank);
        rank->rank = i;
        rank->node = planned->part;
        rank->local_rank = planned->local_rank;
        rank->nic = planned->nic;
        rank->cores = planned->cores;
        rank->gpus = gpus;
        rank->n_gpus = list_gpus(planned->gpus, gpus);
        gpus += rank->n_gpus;
        body->ranks[i] = rank;
    }
}

static struct ls_launch_message *message_new(struct ls_server *server,
                                             const struct ls_job *job,
                                             const struct ls_book_job *page)
{
    struct ls_launch_message *message = ls_calloc(1, sizeof(*message));
    Ls__Launch *body = &message->body;

    ls__launch__init(body);
    message->spec = ls__job_spec__unpack(NULL, job->spec_size, job->spec);
    ls_key_of_gang(server->key, job->id, job->attempt, message->key);
    body->job = job->id;
    body->attempt = job->attempt;
    body->spec = message->spec;
    body->uid = job->uid;
    body->gid = job->gid;
    body->user = page->user;
    body->key.data = message->key;
    body->key.len = sizeof(message->key);
    set_nodes(message, server, job, page->batch);
    set_ranks(message, page->plan);
    return message;
}

static bool is_of(const struct ls_launch_message *message,
                  const struct ls_effect *effect)
{
    return message && message->body.job == effect->job &&
           message->body.attempt == effect->attempt;
}

void ls_launch_send(struct ls_launch *launch, const struct ls_effect *effect)
{
    struct ls_server *server = launch->server;
    const struct ls_job *job = ls_policy_job(server->policy, effect->job);
    const struct ls_book_job *page = ls_book_find(server->book, effect->job);
    Ls__Frame frame = LS__FRAME__INIT;

    if (!job || !page || !page->plan || page->plan->attempt != job->attempt)
        return;
    if (!is_of(launch->message, effect)) {
        message_free(launch->message);
        launch->message = message_new(server, job, page);
    }
    frame.body_case = LS__FRAME__BODY_LAUNCH;
    frame.launch = &launch->message->body;
    for (uint32_t i = 0; i < job->part_count; i++) {
        if (job->parts[i].node != effect->node || ls_book_part_is_silent(page, i))
            continue;
        launch->message->body.node_index = i;
        ls_agent_send(ls_book_member(server->book, &job->parts[i]), &frame);
    }
}

void ls_launch_end(struct ls_launch *launch)
{
    message_free(launch->message);
    launch->message = NULL;
}
