/* scheduler/policy/gang.c - how a gang comes up: launch, ready, start.
 *
 * No rank starts before every node of the gang is prepared. Pure. */
#include "scheduler/policy/gang.h"

#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/attempt.h"
#include "scheduler/policy/effects.h"
#include "scheduler/policy/jobs.h"
#include "scheduler/policy/need.h"
#include "scheduler/policy/nodes.h"
#include "scheduler/policy/place.h"
#include "scheduler/policy/text.h"

/* ---- launch --------------------------------------------------------------------- */

/* The cores a part holds: what its ranks need, or with --overcommit what is left of it.
 */
static uint32_t cores_of(const struct ls_request *request, uint32_t ranks,
                         const struct ls_node *node)
{
    uint64_t wanted = (uint64_t)ranks * request->cpus_per_rank;
    uint32_t free = ls_node_free_cores(node);

    ls_assert(request->overcommit || wanted <= free);
    return wanted < free ? (uint32_t)wanted : free;
}

static void take_share(struct ls_policy *policy, const struct ls_job *job,
                       uint32_t index, struct ls_part *part)
{
    struct ls_node_entry *entry = policy->nodes[part->node];
    struct ls_hold hold = {
        .job = job->id,
        .attempt = job->attempt,
        .part = index,
        .memory_bytes = job->request.memory_bytes,
        .exclusive = job->request.exclusive,
    };

    part->gpus =
        ls_place_gpus(ls_node_free_gpus(&entry->node), job->request.gpus_per_node);
    part->cores = cores_of(&job->request, part->rank_count, &entry->node);
    hold.gpus = part->gpus;
    hold.cores = part->cores;
    ls_nodes_hold(entry, &hold);
}

static void send_launch(const struct ls_job *job, const struct ls_part *part,
                        struct ls_effects *effects)
{
    ls_effects_add_node(effects, LS_EFFECT_LAUNCH, part->node, job->id, job->attempt,
                        NULL);
}

void ls_gang_launch(struct ls_policy *policy, struct ls_job *job, const uint32_t *nodes,
                    struct ls_effects *effects)
{
    const struct ls_request *request = &job->request;
    struct ls_text reason = ls_text_begin(job->reason, sizeof(job->reason));
    uint32_t first_rank = 0;

    ls_assert(job->state == LS_JOB_PENDING && !job->parts);
    job->attempt++;
    job->part_count = request->nodes;
    job->parts = ls_calloc(job->part_count, sizeof(*job->parts));
    job->rank_ends = ls_calloc(request->ranks, sizeof(*job->rank_ends));
    for (uint32_t i = 0; i < job->part_count; i++) {
        struct ls_part *part = &job->parts[i];

        part->node = nodes[i];
        part->first_rank = first_rank;
        part->rank_count = ls_need_ranks_on(request, i);
        first_rank += part->rank_count;
        take_share(policy, job, i, part);
        send_launch(job, part, effects);
    }
    ls_assert(first_rank == request->ranks);
    ls_job_list_push(&policy->live, job);
    ls_text_add(&reason, "starting on ");
    ls_text_add_count(&reason, job->part_count, "node");
    ls_effects_add_job(effects, LS_EFFECT_JOB_CHANGED, job->id);
}

/* ---- ready, start -----------------------------------------------------------------
 */

static void send_start(const struct ls_job *job, const struct ls_part *part,
                       struct ls_effects *effects)
{
    ls_effects_add_node(effects, LS_EFFECT_START, part->node, job->id, job->attempt,
                        NULL);
}

static void start(struct ls_policy *policy, struct ls_job *job,
                  struct ls_effects *effects)
{
    ls_assert(job->parts_ready == job->part_count && job->parts_ended == 0);
    ls_job_move(job, LS_JOB_RUNNING);
    job->start_ms = policy->now_ms;
    job->reason[0] = '\0';
    for (uint32_t i = 0; i < job->part_count; i++) {
        ls_assert(job->parts[i].state == LS_PART_READY);
        job->parts[i].state = LS_PART_STARTED;
        send_start(job, &job->parts[i], effects);
    }
    if (ls_job_deadline_ms(job) < policy->tick_ms)
        policy->tick_ms = ls_job_deadline_ms(job);
    ls_effects_add_job(effects, LS_EFFECT_JOB_CHANGED, job->id);
}

/* READY of a part that runs: its START was lost on the way, or its step is a new one
 * where nobody of the gang looks for it. */
static void ready_again(const struct ls_policy *policy, struct ls_job *job,
                        const struct ls_part *part, const char *address,
                        struct ls_effects *effects)
{
    char reason[LS_REASON_MAX];
    struct ls_text text = ls_text_begin(reason, sizeof(reason));

    if (!strcmp(part->address, address)) {
        send_start(job, part, effects);
        return;
    }
    ls_text_add(&text, "the step on ");
    ls_text_add(&text, policy->nodes[part->node]->node.name);
    ls_text_add(&text, " was lost while the gang started");
    ls_gang_end(job, LS_JOB_NODE_FAIL, reason, effects);
}

void ls_gang_part_ready(struct ls_policy *policy, const struct ls_event *event,
                        struct ls_effects *effects)
{
    struct ls_attempt at;
    struct ls_part *part;

    if (!ls_attempt_find(policy, event, effects, &at))
        return;
    part = at.part;
    if (at.job->state == LS_JOB_COMPLETING) {
        ls_effects_add_node(effects, LS_EFFECT_KILL, part->node, at.job->id,
                            at.job->attempt, at.job->reason);
        return;
    }
    if (part->state == LS_PART_STARTED) {
        ready_again(policy, at.job, part, event->address, effects);
        return;
    }
    ls_text_copy(part->address, sizeof(part->address), event->address);
    if (part->state == LS_PART_READY)
        return;
    ls_assert(part->state == LS_PART_LAUNCHED);
    part->state = LS_PART_READY;
    at.job->parts_ready++;
    if (at.job->parts_ready == at.job->part_count)
        start(policy, at.job, effects);
}

/* ---- a node is back -----------------------------------------------------------------
 */

static void resend_hold(const struct ls_policy *policy,
                        const struct ls_node_entry *entry, const struct ls_hold *hold,
                        struct ls_effects *effects)
{
    const struct ls_job *job;
    const struct ls_part *part;

    if (hold->lost) {
        ls_effects_add_node(effects, LS_EFFECT_KILL, entry->node.index, hold->job,
                            hold->attempt, "the node was silent for too long");
        return;
    }
    job = ls_job_list_find(&policy->live, hold->job);
    ls_assert(job && job->attempt == hold->attempt);
    part = &job->parts[hold->part];
    if (job->state == LS_JOB_COMPLETING)
        ls_effects_add_node(effects, LS_EFFECT_KILL, part->node, job->id, job->attempt,
                            job->reason);
    else if (part->state == LS_PART_LAUNCHED)
        send_launch(job, part, effects);
    else if (part->state == LS_PART_STARTED)
        send_start(job, part, effects);
}

void ls_gang_resend(struct ls_policy *policy, const struct ls_node_entry *entry,
                    struct ls_effects *effects)
{
    ls_assert(entry->node.up);
    for (size_t i = 0; i < entry->hold_count; i++)
        resend_hold(policy, entry, &entry->holds[i], effects);
}
