/* common/collective/schedule_check.h - proof of a set of schedules by running them.
 *
 * Runs all nodes' schedules against one another with one slot per pair of nodes,
 * tracking whose contributions each block holds. Depends on schedule only. */
#ifndef LS_COMMON_COLLECTIVE_SCHEDULE_CHECK_H
#define LS_COMMON_COLLECTIVE_SCHEDULE_CHECK_H

#include "common/collective/schedule.h"
#include "common/util/error.h"

enum ls_schedule_goal {
    LS_GOAL_ALLREDUCE, /* all nodes hold every node's contribution to every block */
    LS_GOAL_REDUCE_SCATTER, /* node b holds every node's contribution to block b */
    LS_GOAL_ALLGATHER,      /* all nodes hold block b of node b */
    LS_GOAL_BROADCAST,      /* all nodes hold the root's blocks */
};

struct ls_schedule_set {
    enum ls_schedule_goal goal;
    uint32_t node_count, block_count, root;
    const struct ls_schedule_step *const *steps; /* per node */
    const uint32_t *step_counts;                 /* per node */
};

/* 0 if every contribution arrives once and only once, messages match pairwise in order,
 * nothing waits for ever, nothing is overwritten while it is being sent, the divisor is
 * applied once, and all nodes combine in the same order (so get the same bits). Else
 * -EINVAL and which node fails where. */
int ls_schedule_check(const struct ls_schedule_set *set, struct ls_error *err);

#endif
