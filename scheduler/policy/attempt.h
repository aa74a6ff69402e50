/* scheduler/policy/attempt.h - from an agent's report to the attempt it is about. Pure.
 */
#ifndef LS_SCHEDULER_POLICY_ATTEMPT_H
#define LS_SCHEDULER_POLICY_ATTEMPT_H

#include "scheduler/policy/state.h"

/* A live attempt on one node. Borrowed from the state. */
struct ls_attempt {
    struct ls_node_entry *entry;
    struct ls_hold *hold;
    struct ls_job *job;
    struct ls_part *part;
};

/* Find the part that a report of a node is about. Returns false when nobody counts on
 * it (stale, unknown, lost): then the node, if known, was told to end it. */
bool ls_attempt_find(const struct ls_policy *policy, const struct ls_event *event,
                     struct ls_effects *effects, struct ls_attempt *ret_attempt);

/* When the job's time is over; INT64_MAX when it has no limit or does not run. */
int64_t ls_job_deadline_ms(const struct ls_job *job);

#endif
