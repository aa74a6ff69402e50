/* scheduler/policy/gang.h - the life of a job's attempt on its nodes: all or none.
 *
 * gang.c brings it up (launch, ready, start), gang_end.c brings it down. Pure. */
#ifndef LS_SCHEDULER_POLICY_GANG_H
#define LS_SCHEDULER_POLICY_GANG_H

#include "scheduler/policy/state.h"

/* ---- up ---------------------------------------------------------------------- */

/* Give a waiting job its nodes (request.nodes indices in plan order, with room) and
 * tell all of them to prepare. */
void ls_gang_launch(struct ls_policy *policy, struct ls_job *job, const uint32_t *nodes,
                    struct ls_effects *effects);

/* A part is prepared; with the last one the gang starts. */
void ls_gang_part_ready(struct ls_policy *policy, const struct ls_event *event,
                        struct ls_effects *effects);

/* A node is back: tell it again all that it may not have heard. */
void ls_gang_resend(struct ls_policy *policy, const struct ls_node_entry *entry,
                    struct ls_effects *effects);

/* ---- down -------------------------------------------------------------------- */

/* End a live attempt: tell every node, and note what the job will be. A job that is
 * ending already keeps its first cause. */
void ls_gang_end(struct ls_job *job, enum ls_job_state ending, const char *reason,
                 struct ls_effects *effects);

void ls_gang_rank_failed(struct ls_policy *policy, const struct ls_event *event,
                         struct ls_effects *effects);
void ls_gang_part_ended(struct ls_policy *policy, const struct ls_event *event,
                        struct ls_effects *effects);

/* A node was silent for too long: nobody waits for its parts any more. */
void ls_gang_lose_node(struct ls_policy *policy, struct ls_node_entry *entry,
                       struct ls_effects *effects);

/* A job has ended for good, in the state `state`. */
void ls_gang_finish(struct ls_policy *policy, struct ls_job *job,
                    enum ls_job_state state, struct ls_effects *effects);

#endif
