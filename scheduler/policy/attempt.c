/* scheduler/policy/attempt.c - from an agent's report to the attempt it is about. Pure.
 */
#include "scheduler/policy/attempt.h"

#include "common/util/check.h"
#include "scheduler/policy/effects.h"
#include "scheduler/policy/nodes.h"

bool ls_attempt_find(const struct ls_policy *policy, const struct ls_event *event,
                     struct ls_effects *effects, struct ls_attempt *ret_attempt)
{
    struct ls_attempt at = {.entry = ls_nodes_find(policy, event->node)};

    if (!at.entry)
        return false;
    at.hold = ls_nodes_find_hold(at.entry, event->job, event->attempt);
    if (!at.hold || at.hold->lost) {
        ls_effects_add_node(effects, LS_EFFECT_KILL, at.entry->node.index, event->job,
                            event->attempt, "the scheduler no longer counts on it");
        return false;
    }
    at.job = ls_job_list_find(&policy->live, event->job);
    ls_assert(at.job && at.job->attempt == event->attempt);
    ls_assert(at.hold->part < at.job->part_count);
    at.part = &at.job->parts[at.hold->part];
    ls_assert(at.part->node == at.entry->node.index);
    *ret_attempt = at;
    return true;
}

int64_t ls_job_deadline_ms(const struct ls_job *job)
{
    uint64_t limit_ms = job->request.time_limit_ms;

    if (job->state != LS_JOB_RUNNING || limit_ms == 0 ||
        limit_ms > (uint64_t)(INT64_MAX - job->start_ms))
        return INT64_MAX;
    return job->start_ms + (int64_t)limit_ms;
}
