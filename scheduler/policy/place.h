/* scheduler/policy/place.h - which nodes and GPUs a job gets. Pure. */
#ifndef LS_SCHEDULER_POLICY_PLACE_H
#define LS_SCHEDULER_POLICY_PLACE_H

#include "scheduler/policy/state.h"

/* Choose request->nodes nodes that have room now: in the fewest racks; of single racks
 * that can take the gang, the one with the least free room; within a rack, the fullest
 * nodes that still fit. On success writes their indices, in the order of the plan (a
 * rack's nodes are neighbours), and returns true. */
bool ls_place(const struct ls_policy *policy, const struct ls_request *request,
              uint32_t *ret_nodes);

/* The `count` GPUs to take of the `free` ones (bits): a free group that starts at a
 * multiple of its size, else the lowest free neighbours, else the lowest free ones. */
uint64_t ls_place_gpus(uint64_t free, uint32_t count);

#endif
