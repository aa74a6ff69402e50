/* scheduler/daemon/plan.h - which GPUs, NIC and cores each rank of an attempt gets.
 *
 * Made from the policy's parts (nodes, ranks, GPUs) and the nodes' digests; the same
 * history gives the same plan, also after a restart. */
#ifndef LS_SCHEDULER_DAEMON_PLAN_H
#define LS_SCHEDULER_DAEMON_PLAN_H

#include "scheduler/daemon/roster.h"

/* One rank: what it gets, and what its step last said of it. */
struct ls_plan_rank {
    uint32_t part; /* index of its node in the plan's order */
    uint32_t local_rank;
    uint64_t gpus;      /* bit per index in the node's digest */
    int32_t nic;        /* index in the node's digest, -1 */
    char *cores;        /* cpu list, "" = not bound */
    uint32_t *core_ids; /* taken from the member's cores */
    uint32_t core_count;
    int32_t pid; /* 0 until it runs */
    bool ended;
    int32_t exit_code, signal;
};

struct ls_plan {
    uint32_t attempt;
    uint32_t rank_count;
    struct ls_plan_rank *ranks; /* in rank order; of a batch script only rank 0 */
};

/* `members` has one entry for each part of the job; cores are taken from them. With
 * `batch`, one process on the first node gets that node's whole share. A node of
 * unknown digest gives GPUs only. The caller ends it with ls_plan_free(). */
struct ls_plan *ls_plan_make(const struct ls_job *job, struct ls_member *const *members,
                             bool batch);

/* Give back the cores of one part; again is harmless. */
void ls_plan_release(struct ls_plan *plan, uint32_t part, struct ls_member *member);

void ls_plan_free(struct ls_plan *plan);

#endif
