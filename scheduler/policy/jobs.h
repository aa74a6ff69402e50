/* scheduler/policy/jobs.h - the table of jobs and the moves of their state. Pure. */
#ifndef LS_SCHEDULER_POLICY_JOBS_H
#define LS_SCHEDULER_POLICY_JOBS_H

#include "scheduler/policy/state.h"

/* Accept a submission: a new waiting job, or the old one that the same user submitted
 * with the same key. */
struct ls_job *ls_jobs_add(struct ls_policy *policy, const struct ls_event *event);

struct ls_job *ls_jobs_find_key(const struct ls_policy *policy, uint32_t uid,
                                const char *submit_key);

/* Change the state, along the table of legal moves only. */
void ls_job_move(struct ls_job *job, enum ls_job_state state);

/* The job has ended: keep it for queries, drop the oldest over the limit. */
void ls_jobs_retire(struct ls_policy *policy, struct ls_job *job);

void ls_job_free(struct ls_job *job);

#endif
