/* scheduler/cli/outcome.c - from a job's end to an exit code. */
#include "scheduler/cli/outcome.h"

enum { EXIT_CODE_MAX = 255 };

int ls_outcome_code(const Ls__JobInfo *job)
{
    if (job->state == LS__JOB_STATE__JOB_COMPLETED)
        return 0;
    if (job->exit_code <= 0)
        return 1;
    return job->exit_code > EXIT_CODE_MAX ? EXIT_CODE_MAX : job->exit_code;
}
