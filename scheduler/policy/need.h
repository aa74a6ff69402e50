/* scheduler/policy/need.h - what a request needs of each of its nodes, and which nodes
 * could give it, now or ever. Pure. */
#ifndef LS_SCHEDULER_POLICY_NEED_H
#define LS_SCHEDULER_POLICY_NEED_H

#include "scheduler/policy/state.h"

/* Of the node with the most ranks: every node of a gang must have room for that. */
struct ls_need {
    uint32_t ranks;
    uint32_t gpus;
    uint64_t cores; /* 0 when ranks may share cores */
    uint64_t memory_bytes;
    bool exclusive;
};

struct ls_need ls_need_of(const struct ls_request *request);

/* Ranks on the `part`-th node: in blocks, the first nodes get one more. */
uint32_t ls_need_ranks_on(const struct ls_request *request, uint32_t part);

/* Has the node enough of everything, were it empty; and has it enough free right now?
 * A node that is down or drained has nothing free. */
bool ls_need_fits_ever(const struct ls_need *need, const struct ls_node *node);
bool ls_need_fits_now(const struct ls_need *need, const struct ls_node *node);

uint64_t ls_node_free_gpus(const struct ls_node *node); /* bits */
uint32_t ls_node_free_gpu_count(const struct ls_node *node);
uint32_t ls_node_free_cores(const struct ls_node *node);

/* The nodes that --nodelist and --exclude leave. */
struct ls_filter {
    bool *allowed; /* by node index; NULL = all */
};

/* The caller ends it with ls_filter_free(). */
struct ls_filter ls_filter_new(const struct ls_policy *policy,
                               const struct ls_request *request);
bool ls_filter_allows(const struct ls_filter *filter, const struct ls_node *node);
void ls_filter_free(struct ls_filter *filter);

#endif
