/* scheduler/policy/gang_end.c - how a gang comes down: ranks end, fail, are killed or
 * lost.
 *
 * A job has ended when every part has: no node is left with something of it, but for
 * nodes that were silent for too long, whose share stays reserved. Pure. */
#include "scheduler/policy/gang.h"

#include "common/util/check.h"
#include "scheduler/policy/attempt.h"
#include "scheduler/policy/effects.h"
#include "scheduler/policy/jobs.h"
#include "scheduler/policy/nodes.h"
#include "scheduler/policy/rank_end.h"
#include "scheduler/policy/text.h"

void ls_gang_end(struct ls_job *job, enum ls_job_state ending, const char *reason,
                 struct ls_effects *effects)
{
    ls_assert(job->part_count > 0 && !ls_job_ended(job));
    ls_assert(ending > LS_JOB_COMPLETED);
    if (job->state == LS_JOB_COMPLETING)
        return;
    ls_job_move(job, LS_JOB_COMPLETING);
    job->ending = ending;
    ls_text_copy(job->reason, sizeof(job->reason), reason);
    ls_effects_add_job(effects, LS_EFFECT_JOB_CHANGED, job->id);
    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct ls_part *part = &job->parts[i];

        if (part->state == LS_PART_ENDED || part->state == LS_PART_LOST)
            continue;
        ls_effects_add_node(effects, LS_EFFECT_KILL, part->node, job->id, job->attempt,
                            job->reason);
    }
}

void ls_gang_finish(struct ls_policy *policy, struct ls_job *job,
                    enum ls_job_state state, struct ls_effects *effects)
{
    ls_assert(job->parts_ended == job->part_count);
    ls_job_move(job, state);
    ls_assert(ls_job_ended(job));
    job->end_ms = policy->now_ms;
    job->exit_code = ls_job_exit_code(job);
    ls_effects_add_job(effects, LS_EFFECT_JOB_CHANGED, job->id);
    ls_jobs_retire(policy, job);
}

static void finish_if_all_ended(struct ls_policy *policy, struct ls_job *job,
                                struct ls_effects *effects)
{
    bool completing = job->state == LS_JOB_COMPLETING;

    ls_assert(job->parts_ended <= job->part_count);
    if (job->parts_ended < job->part_count)
        return;
    ls_job_list_remove(&policy->live, job);
    ls_gang_finish(policy, job, completing ? job->ending : LS_JOB_COMPLETED, effects);
}

/* ---- ranks and parts end -----------------------------------------------------------
 */

void ls_gang_rank_failed(struct ls_policy *policy, const struct ls_event *event,
                         struct ls_effects *effects)
{
    char reason[LS_REASON_MAX];
    struct ls_attempt at;

    if (!ls_attempt_find(policy, event, effects, &at))
        return;
    ls_rank_ends_record(at.job, at.part, event);
    if (ls_part_explain_failure(at.job, at.part, at.entry->node.name, reason))
        ls_gang_end(at.job, LS_JOB_FAILED, reason, effects);
}

/* Why a part that ended on its own ended badly; false when it did not. */
static bool ended_badly(const struct ls_attempt *at, const struct ls_event *event,
                        char reason[LS_REASON_MAX])
{
    struct ls_text text = ls_text_begin(reason, LS_REASON_MAX);

    if (event->text[0]) {
        ls_text_add(&text, at->entry->node.name);
        ls_text_add(&text, ": ");
        ls_text_add(&text, event->text);
        return true;
    }
    if (ls_part_explain_failure(at->job, at->part, at->entry->node.name, reason))
        return true;
    if (at->job->state == LS_JOB_PENDING) {
        ls_text_add(&text, at->entry->node.name);
        ls_text_add(&text, " ended its part before the gang started");
        return true;
    }
    return ls_part_explain_silence(at->job, at->part, at->entry->node.name, reason);
}

static void end_part(struct ls_policy *policy, struct ls_attempt *at,
                     const struct ls_event *event, struct ls_effects *effects)
{
    char reason[LS_REASON_MAX];

    ls_assert(at->part->state < LS_PART_ENDED);
    ls_rank_ends_record(at->job, at->part, event);
    ls_nodes_release(policy, at->entry, at->hold);
    at->part->state = LS_PART_ENDED;
    at->job->parts_ended++;
    if (at->job->state != LS_JOB_COMPLETING && ended_badly(at, event, reason))
        ls_gang_end(at->job, LS_JOB_FAILED, reason, effects);
    finish_if_all_ended(policy, at->job, effects);
}

void ls_gang_part_ended(struct ls_policy *policy, const struct ls_event *event,
                        struct ls_effects *effects)
{
    struct ls_node_entry *entry = ls_nodes_find(policy, event->node);
    struct ls_attempt at;
    struct ls_hold *hold;

    if (!entry)
        return;
    hold = ls_nodes_find_hold(entry, event->job, event->attempt);
    if (hold && hold->lost)
        ls_nodes_release(policy, entry, hold);
    else if (hold && ls_attempt_find(policy, event, effects, &at))
        end_part(policy, &at, event, effects);
    ls_effects_add_node(effects, LS_EFFECT_FORGET, entry->node.index, event->job,
                        event->attempt, NULL);
}

/* ---- a node is lost
 * ------------------------------------------------------------------ */

static void lose_part(struct ls_policy *policy, const struct ls_node_entry *entry,
                      struct ls_hold *hold, struct ls_effects *effects)
{
    struct ls_job *job = ls_job_list_find(&policy->live, hold->job);
    char reason[LS_REASON_MAX];
    struct ls_text text = ls_text_begin(reason, sizeof(reason));

    ls_assert(job && hold->part < job->part_count);
    ls_assert(job->parts[hold->part].state < LS_PART_ENDED);
    hold->lost = true;
    job->parts[hold->part].state = LS_PART_LOST;
    job->parts_ended++;
    ls_text_add(&text, "node ");
    ls_text_add(&text, entry->node.name);
    ls_text_add(&text, " was lost: silent for ");
    ls_text_add_duration(&text, (uint64_t)(policy->now_ms - entry->down_ms));
    ls_gang_end(job, LS_JOB_NODE_FAIL, reason, effects);
    finish_if_all_ended(policy, job, effects);
}

void ls_gang_lose_node(struct ls_policy *policy, struct ls_node_entry *entry,
                       struct ls_effects *effects)
{
    ls_assert(!entry->node.up);
    for (size_t i = 0; i < entry->hold_count; i++) {
        if (!entry->holds[i].lost)
            lose_part(policy, entry, &entry->holds[i], effects);
    }
}
