/* scheduler/policy/rank_end.h - how ranks ended, and what that means for their job.
 * Pure. */
#ifndef LS_SCHEDULER_POLICY_RANK_END_H
#define LS_SCHEDULER_POLICY_RANK_END_H

#include "scheduler/policy/policy.h"

/* Note the ends that a report names, as far as they are ranks of that part; the first
 * report of a rank stands. */
void ls_rank_ends_record(struct ls_job *job, const struct ls_part *part,
                         const struct ls_event *event);

/* Has a rank of the part failed? Then the reason names the first that was not just
 * swept away by SIGTERM or SIGKILL. */
bool ls_part_explain_failure(const struct ls_job *job, const struct ls_part *part,
                             const char *node, char reason[LS_REASON_MAX]);

/* Is the end of a rank of this part unknown? Then the reason names it. */
bool ls_part_explain_silence(const struct ls_job *job, const struct ls_part *part,
                             const char *node, char reason[LS_REASON_MAX]);

/* Of an ended job: the highest of its ranks, 128+signal for a signal. Ranks ended by
 * SIGTERM or SIGKILL count only when no rank failed otherwise, since the rest of a
 * failed gang is ended with these. Not 0 for a job that did not complete. */
int32_t ls_job_exit_code(const struct ls_job *job);

#endif
