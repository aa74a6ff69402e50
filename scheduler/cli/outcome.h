/* scheduler/cli/outcome.h - the exit code of a command that stands for a job. Pure. */
#ifndef LS_SCHEDULER_CLI_OUTCOME_H
#define LS_SCHEDULER_CLI_OUTCOME_H

#include "common/wire/lockstep.pb-c.h"

/* 0 for a job that completed; else its exit code, at least 1, at most 255. */
int ls_outcome_code(const Ls__JobInfo *job);

#endif
