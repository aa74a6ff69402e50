/* scheduler/policy/state.h - all that the core remembers. Private to this folder. Pure.
 */
#ifndef LS_SCHEDULER_POLICY_STATE_H
#define LS_SCHEDULER_POLICY_STATE_H

#include "scheduler/policy/index.h"
#include "scheduler/policy/job_list.h"
#include "scheduler/policy/policy.h"

/* What one attempt has of one node. Outlives its job when the node was lost. */
struct ls_hold {
    uint64_t job;
    uint32_t attempt;
    uint32_t part; /* index in the job's parts */
    uint64_t gpus;
    uint64_t memory_bytes;
    uint32_t cores;
    bool exclusive;
    bool lost; /* the job no longer counts on it */
};

struct ls_node_entry {
    struct ls_node node;
    uint32_t position; /* in its rack as the fabric lists it; UINT32_MAX: not listed */
    int64_t down_ms;   /* since when it is not up */
    struct ls_hold *holds; /* in order of launch */
    size_t hold_count, hold_capacity;
};

struct ls_rack {
    char *name;
    char *nodes; /* the names, each with its NUL */
};

struct ls_policy {
    struct ls_policy_config config;
    int64_t now_ms;
    int64_t tick_ms; /* no TICK is needed before; may be too early, never late */
    bool pass_due;   /* something changed that may let the first job start */

    struct ls_rack *racks; /* of the fabric; one more, unnamed, is understood */
    uint32_t rack_count;
    struct ls_index racked; /* node name -> rack << 32 | position */

    struct ls_node_entry **nodes; /* by index */
    size_t node_count, node_capacity;
    uint32_t *plan_order; /* node indices by rack, position, name; node_count entries */
    struct ls_index node_index;

    uint64_t last_id;
    struct ls_job_list jobs;    /* all that are kept, owned; by id */
    struct ls_job_list waiting; /* by id: the order of starts */
    struct ls_job_list live;    /* with an attempt that has not ended; by id */
    struct ls_job_list ended;   /* in order of ending */
    struct ls_index keys;       /* uid and submit key -> id */
};

#endif
