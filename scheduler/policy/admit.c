/* scheduler/policy/admit.c - could this request ever run, and if not, what could?
 *
 * Compares with every node that has ever registered, whole: what is used, down or
 * drained now does not count. Pure. */
#include "scheduler/policy/policy.h"

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/need.h"
#include "scheduler/policy/nodes.h"
#include "scheduler/policy/text.h"

/* The cluster as one request may use it. */
struct census {
    uint32_t allowed;         /* nodes that --nodelist and --exclude leave */
    uint32_t capable;         /* of these, nodes that have enough of everything */
    uint32_t capable_in_rack; /* of these, in the rack with most */
    uint32_t gpus_max, cores_max;
    uint64_t memory_bytes_max;
    bool filtered;
};

static struct census count_nodes(const struct ls_policy *policy,
                                 const struct ls_request *request)
{
    struct census census = {.filtered =
                                request->nodelist_count || request->exclude_count};
    struct ls_filter filter = ls_filter_new(policy, request);
    struct ls_need need = ls_need_of(request);
    uint32_t *by_rack = ls_calloc(policy->rack_count + (size_t)1, sizeof(*by_rack));

    for (size_t i = 0; i < policy->node_count; i++) {
        const struct ls_node *node = &policy->nodes[i]->node;

        if (!ls_filter_allows(&filter, node))
            continue;
        census.allowed++;
        if (node->gpu_count > census.gpus_max)
            census.gpus_max = node->gpu_count;
        if (node->cores > census.cores_max)
            census.cores_max = node->cores;
        if (node->memory_bytes > census.memory_bytes_max)
            census.memory_bytes_max = node->memory_bytes;
        if (!ls_need_fits_ever(&need, node))
            continue;
        census.capable++;
        if (++by_rack[node->rack] > census.capable_in_rack)
            census.capable_in_rack = by_rack[node->rack];
    }
    ls_free(by_rack);
    ls_filter_free(&filter);
    return census;
}

/* Does the request make sense at all? The caller filled it in from a user's words. */
static bool is_sound(const struct ls_request *request, struct ls_text *why)
{
    uint64_t gpus;

    if (request->nodes == 0)
        ls_text_add(why, "asks for no node");
    else if (request->ranks < request->nodes)
        ls_text_add(why, "asks for fewer ranks than nodes");
    else if (request->ranks > LS_RANKS_MAX) {
        ls_text_add(why, "asks for ");
        ls_text_add_count(why, request->ranks, "rank");
        ls_text_add(why, ": at most ");
        ls_text_add_number(why, LS_RANKS_MAX);
    } else if (request->cpus_per_rank == 0)
        ls_text_add(why, "asks for ranks without a core: at least --cpus-per-task 1");
    if (why->length)
        return false;
    gpus = (uint64_t)ls_need_ranks_on(request, 0) * request->gpus_per_rank;
    if (gpus > request->gpus_per_node) {
        ls_text_add(why, "the ranks of a node need ");
        ls_text_add_count(why, gpus, "GPU");
        ls_text_add(why, ", the job asks for ");
        ls_text_add_number(why, request->gpus_per_node);
        ls_text_add(why, " a node");
    }
    return why->length == 0;
}

static bool names_known_nodes(const struct ls_policy *policy,
                              const struct ls_request *request, struct ls_text *why)
{
    for (size_t i = 0; i < request->nodelist_count; i++) {
        if (ls_nodes_find(policy, request->nodelist[i]))
            continue;
        ls_text_add(why, "--nodelist names ");
        ls_text_add(why, request->nodelist[i]);
        ls_text_add(why, ", which is no node of this cluster");
        return false;
    }
    return true;
}

/* No single node has enough: say of what, and how much there is. */
static void explain_node(const struct ls_request *request, const struct census *census,
                         struct ls_text *why)
{
    struct ls_need need = ls_need_of(request);

    if (need.gpus > census->gpus_max) {
        ls_text_add(why, "asks for ");
        ls_text_add_count(why, need.gpus, "GPU");
        ls_text_add(why, " a node, the largest node has ");
        ls_text_add_number(why, census->gpus_max);
        ls_text_add(why, ": at most --gpus-per-node ");
        ls_text_add_number(why, census->gpus_max);
    } else if (need.cores > census->cores_max) {
        ls_text_add(why, "asks for ");
        ls_text_add_count(why, need.ranks, "rank");
        ls_text_add(why, " of ");
        ls_text_add_count(why, request->cpus_per_rank, "core");
        ls_text_add(why, " on a node, the largest node has ");
        ls_text_add_count(why, census->cores_max, "core");
        ls_text_add(why, ": at most --ntasks-per-node ");
        ls_text_add_number(why, census->cores_max / request->cpus_per_rank);
    } else if (need.memory_bytes > census->memory_bytes_max) {
        ls_text_add(why, "asks for ");
        ls_text_add_memory(why, need.memory_bytes);
        ls_text_add(why, " of memory a node, the largest node has ");
        ls_text_add_memory(why, census->memory_bytes_max);
        ls_text_add(why, ": at most --mem ");
        ls_text_add_memory(why, census->memory_bytes_max);
    } else
        ls_text_add(why, "no node has the GPUs, cores and memory asked for together");
}

/* "9 nodes of 8 GPUs" */
static void add_nodes_of(struct ls_text *why, const struct ls_request *request)
{
    struct ls_need need = ls_need_of(request);

    ls_text_add_count(why, request->nodes, "node");
    if (need.gpus) {
        ls_text_add(why, " of ");
        ls_text_add_count(why, need.gpus, "GPU");
    } else if (need.cores) {
        ls_text_add(why, " of ");
        ls_text_add_count(why, need.cores, "core");
    }
    if (need.memory_bytes) {
        ls_text_add(why, need.gpus || need.cores ? " and " : " of ");
        ls_text_add_memory(why, need.memory_bytes);
        ls_text_add(why, " of memory");
    }
}

static void explain_count(const struct ls_request *request, const struct census *census,
                          struct ls_text *why)
{
    bool in_rack = census->capable >= request->nodes;
    uint32_t most = in_rack ? census->capable_in_rack : census->capable;

    ls_text_add(why, "asks for ");
    add_nodes_of(why, request);
    if (in_rack)
        ls_text_add(why, " in one rack, the largest rack has ");
    else if (census->filtered)
        ls_text_add(why, ", --nodelist and --exclude leave ");
    else
        ls_text_add(why, ", the cluster has ");
    ls_text_add_number(why, most);
    ls_text_add(why, ": at most --nodes ");
    ls_text_add_number(why, request->within_rack ? census->capable_in_rack : most);
}

bool ls_policy_admit(const struct ls_policy *policy, const struct ls_request *request,
                     char reason[LS_REASON_MAX])
{
    struct ls_text why = ls_text_begin(reason, LS_REASON_MAX);
    struct census census;

    if (!is_sound(request, &why))
        return false;
    if (policy->node_count == 0) {
        ls_text_add(&why, "no node has registered yet");
        return false;
    }
    if (!names_known_nodes(policy, request, &why))
        return false;
    census = count_nodes(policy, request);
    if (census.allowed == 0)
        ls_text_add(&why, "--nodelist and --exclude leave no node");
    else if (census.capable == 0)
        explain_node(request, &census, &why);
    else if (census.capable < request->nodes ||
             (request->within_rack && census.capable_in_rack < request->nodes))
        explain_count(request, &census, &why);
    ls_assert(why.length == 0 || reason[0]);
    return why.length == 0;
}
