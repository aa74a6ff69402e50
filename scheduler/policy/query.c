/* scheduler/policy/query.c - what others may see of the state. Pure. */
#include "scheduler/policy/state.h"

#include "common/util/check.h"
#include "scheduler/policy/jobs.h"
#include "scheduler/policy/nodes.h"
#include "scheduler/policy/text.h"

bool ls_job_ended(const struct ls_job *job)
{
    return job->state >= LS_JOB_COMPLETED;
}

/* A job behind the first waits for that one. Written when it is asked for: on every
 * change of the first it would cost a look at the whole queue. */
static const struct ls_job *explained(const struct ls_policy *policy,
                                      struct ls_job *job)
{
    const struct ls_job *first;
    struct ls_text why;

    if (!job || job->state != LS_JOB_PENDING || job->part_count > 0)
        return job;
    first = ls_job_list_at(&policy->waiting, 0);
    if (job == first)
        return job;
    why = ls_text_begin(job->reason, sizeof(job->reason));
    ls_text_add(&why, "job ");
    ls_text_add_number(&why, (int64_t)first->id);
    ls_text_add(&why, " is first in line");
    return job;
}

const struct ls_job *ls_policy_job(const struct ls_policy *policy, uint64_t id)
{
    return explained(policy, ls_job_list_find(&policy->jobs, id));
}

const struct ls_job *ls_policy_job_by_key(const struct ls_policy *policy, uint32_t uid,
                                          const char *submit_key)
{
    return explained(policy, ls_jobs_find_key(policy, uid, submit_key));
}

size_t ls_policy_job_count(const struct ls_policy *policy)
{
    return policy->jobs.count;
}

const struct ls_job *ls_policy_job_at(const struct ls_policy *policy, size_t index)
{
    return explained(policy, ls_job_list_at(&policy->jobs, index));
}

size_t ls_policy_node_count(const struct ls_policy *policy)
{
    return policy->node_count;
}

const struct ls_node *ls_policy_node_at(const struct ls_policy *policy, size_t index)
{
    ls_assert(index < policy->node_count);
    return &policy->nodes[index]->node;
}

const struct ls_node *ls_policy_node(const struct ls_policy *policy, const char *name)
{
    const struct ls_node_entry *entry = ls_nodes_find(policy, name);

    return entry ? &entry->node : NULL;
}

uint32_t ls_policy_rack_count(const struct ls_policy *policy)
{
    return policy->rack_count + 1;
}

const char *ls_policy_rack_name(const struct ls_policy *policy, uint32_t rack)
{
    ls_assert(rack <= policy->rack_count);
    if (rack < policy->rack_count)
        return policy->racks[rack].name;
    return policy->rack_count ? "other" : "rack0";
}

int64_t ls_policy_next_tick_ms(const struct ls_policy *policy)
{
    return policy->tick_ms;
}
