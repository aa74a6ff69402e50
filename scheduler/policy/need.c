/* scheduler/policy/need.c - what a request needs of each of its nodes. Pure. */
#include "scheduler/policy/need.h"

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/nodes.h"

struct ls_need ls_need_of(const struct ls_request *request)
{
    uint32_t ranks = ls_need_ranks_on(request, 0);

    return (struct ls_need){
        .ranks = ranks,
        .gpus = request->gpus_per_node,
        .cores = request->overcommit ? 0 : (uint64_t)ranks * request->cpus_per_rank,
        .memory_bytes = request->memory_bytes,
        .exclusive = request->exclusive,
    };
}

uint32_t ls_need_ranks_on(const struct ls_request *request, uint32_t part)
{
    ls_assert(request->nodes > 0 && part < request->nodes);
    return request->ranks / request->nodes +
           (part < request->ranks % request->nodes ? 1 : 0);
}

bool ls_need_fits_ever(const struct ls_need *need, const struct ls_node *node)
{
    return need->gpus <= node->gpu_count && need->cores <= node->cores &&
           need->memory_bytes <= node->memory_bytes;
}

static uint64_t free_memory(const struct ls_node *node)
{
    if (node->memory_used >= node->memory_bytes)
        return 0;
    return node->memory_bytes - node->memory_used;
}

bool ls_need_fits_now(const struct ls_need *need, const struct ls_node *node)
{
    if (!node->up || node->drained || node->exclusive)
        return false;
    if (need->exclusive && node->job_count > 0)
        return false;
    return need->gpus <= ls_node_free_gpu_count(node) &&
           need->cores <= ls_node_free_cores(node) &&
           need->memory_bytes <= free_memory(node);
}

uint64_t ls_node_free_gpus(const struct ls_node *node)
{
    uint64_t all;

    ls_assert(node->gpu_count <= LS_GPUS_PER_NODE_MAX);
    all = node->gpu_count == 64 ? UINT64_MAX : (UINT64_C(1) << node->gpu_count) - 1;
    return all & ~node->gpus_used;
}

uint32_t ls_node_free_gpu_count(const struct ls_node *node)
{
    return (uint32_t)__builtin_popcountll(ls_node_free_gpus(node));
}

uint32_t ls_node_free_cores(const struct ls_node *node)
{
    return node->cores > node->cores_used ? node->cores - node->cores_used : 0;
}

static void mark(const struct ls_policy *policy, bool *allowed, bool value,
                 const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct ls_node_entry *entry = ls_nodes_find(policy, names[i]);

        if (entry)
            allowed[entry->node.index] = value;
    }
}

struct ls_filter ls_filter_new(const struct ls_policy *policy,
                               const struct ls_request *request)
{
    struct ls_filter filter = {0};

    if (!request->nodelist_count && !request->exclude_count)
        return filter;
    filter.allowed = ls_calloc(policy->node_count, sizeof(*filter.allowed));
    for (size_t i = 0; i < policy->node_count; i++)
        filter.allowed[i] = request->nodelist_count == 0;
    mark(policy, filter.allowed, true, request->nodelist, request->nodelist_count);
    mark(policy, filter.allowed, false, request->exclude, request->exclude_count);
    return filter;
}

bool ls_filter_allows(const struct ls_filter *filter, const struct ls_node *node)
{
    return !filter->allowed || filter->allowed[node->index];
}

void ls_filter_free(struct ls_filter *filter)
{
    ls_free(filter->allowed);
    filter->allowed = NULL;
}
