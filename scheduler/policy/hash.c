/* scheduler/policy/hash.c - a digest of all state, to prove that a replay came out
 * equal.
 *
 * Field by field: padding and pointers are no state. The reason of a waiting job is
 * left out, as queries write it (query.c). Pure. */
#include "scheduler/policy/index.h"
#include "scheduler/policy/state.h"

#include <string.h>

static uint64_t add_number(uint64_t hash, uint64_t number)
{
    return ls_fnv(hash, &number, sizeof(number));
}

static uint64_t add_text(uint64_t hash, const char *text)
{
    return ls_fnv(hash, text, strlen(text) + 1);
}

static uint64_t add_names(uint64_t hash, const char *const *names, size_t count)
{
    hash = add_number(hash, count);
    for (size_t i = 0; i < count; i++)
        hash = add_text(hash, names[i]);
    return hash;
}

static uint64_t add_request(uint64_t hash, const struct ls_request *request)
{
    hash = add_number(hash, request->nodes);
    hash = add_number(hash, request->ranks);
    hash = add_number(hash, request->cpus_per_rank);
    hash = add_number(hash, request->gpus_per_rank);
    hash = add_number(hash, request->gpus_per_node);
    hash = add_number(hash, request->memory_bytes);
    hash = add_number(hash, request->time_limit_ms);
    hash = add_number(hash, request->exclusive);
    hash = add_number(hash, request->overcommit);
    hash = add_number(hash, request->within_rack);
    hash = add_names(hash, request->nodelist, request->nodelist_count);
    return add_names(hash, request->exclude, request->exclude_count);
}

static uint64_t add_part(uint64_t hash, const struct ls_part *part)
{
    hash = add_number(hash, part->node);
    hash = add_number(hash, part->first_rank);
    hash = add_number(hash, part->rank_count);
    hash = add_number(hash, part->gpus);
    hash = add_number(hash, part->cores);
    hash = add_number(hash, part->state);
    return add_text(hash, part->address);
}

static uint64_t add_rank_end(uint64_t hash, const struct ls_rank_end *end)
{
    hash = add_number(hash, end->known);
    hash = add_number(hash, (uint64_t)end->exit_code);
    hash = add_number(hash, (uint64_t)end->signal);
    return add_text(hash, end->text);
}

static uint64_t add_job(uint64_t hash, const struct ls_job *job)
{
    bool waits = job->state == LS_JOB_PENDING && job->part_count == 0;

    hash = add_number(hash, job->id);
    hash = add_number(hash, job->uid);
    hash = add_number(hash, job->gid);
    hash = add_text(hash, job->submit_key);
    hash = add_number(hash, job->state);
    hash = add_text(hash, waits ? "" : job->reason);
    hash = add_request(hash, &job->request);
    hash = add_number(hash, job->spec_size);
    hash = ls_fnv(hash, job->spec, job->spec_size);
    hash = add_number(hash, job->attempt);
    hash = add_number(hash, job->part_count);
    for (uint32_t i = 0; i < job->part_count; i++)
        hash = add_part(hash, &job->parts[i]);
    for (uint32_t i = 0; job->rank_ends && i < job->request.ranks; i++)
        hash = add_rank_end(hash, &job->rank_ends[i]);
    hash = add_number(hash, job->parts_ready);
    hash = add_number(hash, job->parts_ended);
    hash = add_number(hash, job->ending);
    hash = add_number(hash, (uint64_t)job->submit_ms);
    hash = add_number(hash, (uint64_t)job->start_ms);
    hash = add_number(hash, (uint64_t)job->end_ms);
    return add_number(hash, (uint64_t)job->exit_code);
}

static uint64_t add_hold(uint64_t hash, const struct ls_hold *hold)
{
    hash = add_number(hash, hold->job);
    hash = add_number(hash, hold->attempt);
    hash = add_number(hash, hold->part);
    hash = add_number(hash, hold->gpus);
    hash = add_number(hash, hold->memory_bytes);
    hash = add_number(hash, hold->cores);
    hash = add_number(hash, hold->exclusive);
    return add_number(hash, hold->lost);
}

static uint64_t add_node(uint64_t hash, const struct ls_node_entry *entry)
{
    const struct ls_node *node = &entry->node;

    hash = add_text(hash, node->name);
    hash = add_number(hash, node->rack);
    hash = add_number(hash, entry->position);
    hash = add_number(hash, node->up);
    hash = add_number(hash, node->drained);
    hash = add_text(hash, node->reason);
    hash = add_number(hash, node->cores);
    hash = add_number(hash, node->gpu_count);
    hash = add_number(hash, node->memory_bytes);
    hash = add_number(hash, node->cores_used);
    hash = add_number(hash, node->gpus_used);
    hash = add_number(hash, node->memory_used);
    hash = add_number(hash, node->exclusive);
    hash = add_number(hash, (uint64_t)entry->down_ms);
    hash = add_number(hash, entry->hold_count);
    for (size_t i = 0; i < entry->hold_count; i++)
        hash = add_hold(hash, &entry->holds[i]);
    return hash;
}

static uint64_t add_list(uint64_t hash, const struct ls_job_list *list)
{
    hash = add_number(hash, list->count);
    for (size_t i = 0; i < list->count; i++)
        hash = add_number(hash, ls_job_list_at(list, i)->id);
    return hash;
}

uint64_t ls_policy_hash(const struct ls_policy *policy)
{
    uint64_t hash = add_number(LS_FNV_START, (uint64_t)policy->now_ms);

    hash = add_number(hash, (uint64_t)policy->tick_ms);
    hash = add_number(hash, policy->rack_count);
    for (uint32_t i = 0; i < policy->rack_count; i++)
        hash = add_text(hash, policy->racks[i].name);
    hash = add_number(hash, policy->node_count);
    for (size_t i = 0; i < policy->node_count; i++) {
        hash = add_node(hash, policy->nodes[i]);
        hash = add_number(hash, policy->plan_order[i]);
    }
    hash = add_number(hash, policy->last_id);
    hash = add_number(hash, policy->jobs.count);
    for (size_t i = 0; i < policy->jobs.count; i++)
        hash = add_job(hash, ls_job_list_at(&policy->jobs, i));
    hash = add_list(hash, &policy->waiting);
    hash = add_list(hash, &policy->live);
    return add_list(hash, &policy->ended);
}
