/* scheduler/cli/job_options.h - what a user may ask for in a job: `submit`, `run`,
 * scripts. */
#ifndef LS_SCHEDULER_CLI_JOB_OPTIONS_H
#define LS_SCHEDULER_CLI_JOB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/lockstep.pb-c.h"
#include "scheduler/cli/options.h"

/* 0 and NULL mean "not given"; texts are borrowed. */
struct ls_job_options {
    uint32_t nodes, ntasks, ntasks_per_node, cpus_per_task;
    uint32_t gpus, gpus_per_node, gpus_per_task;
    uint64_t memory_bytes; /* per node */
    uint64_t time_limit_s;
    const char *name, *comment;
    const char *output, *error; /* file patterns */
    const char *nodelist, *exclude, *within;
    const char *cwd, *export;
    bool exclusive, overcommit;
    Ls__ExchangeHost exchange;
    uint32_t kill_grace_ms;
};

/* Rows for struct ls_job_options. */
extern const struct ls_option ls_job_option_table[];

#endif
