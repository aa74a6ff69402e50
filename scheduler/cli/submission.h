/* scheduler/cli/submission.h - from a command line to an accepted job: `submit` and
 * `run`. */
#ifndef LS_SCHEDULER_CLI_SUBMISSION_H
#define LS_SCHEDULER_CLI_SUBMISSION_H

#include "common/util/error.h"
#include "scheduler/cli/client.h"
#include "scheduler/cli/spec.h"

/* How long a submission goes on trying when the connection breaks before the answer. */
enum { LS_SUBMIT_AWAY_MS = 10000 };

/* Submit a job. When the connection is lost before the answer, it is sent again with
 * the same key, so that there is one job at most. */
int ls_submit(struct ls_client *client, Ls__JobSpec *spec, uint64_t *ret_job,
              struct ls_error *err);

#endif
