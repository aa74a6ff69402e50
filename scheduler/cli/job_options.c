/* scheduler/cli/job_options.c - the table of submit options, named as Slurm names
 * them. */
#include "scheduler/cli/job_options.h"

#include <errno.h>
#include <string.h>

static int set_exchange(void *field, const char *value, struct ls_error *err)
{
    Ls__ExchangeHost *exchange = field;

    if (!strcmp(value, "auto"))
        *exchange = LS__EXCHANGE_HOST__EXCHANGE_AUTO;
    else if (!strcmp(value, "step"))
        *exchange = LS__EXCHANGE_HOST__EXCHANGE_STEP;
    else if (!strcmp(value, "rank"))
        *exchange = LS__EXCHANGE_HOST__EXCHANGE_RANK;
    else
        return ls_error_set(err, -EINVAL, "\"%.60s\" is none of auto, step, rank",
                            value);
    return 0;
}

static int set_within(void *field, const char *value, struct ls_error *err)
{
    if (strcmp(value, "rack") != 0)
        return ls_error_set(err, -EINVAL,
                            "\"%.60s\" is not a level of the fabric; "
                            "known: rack",
                            value);
    return ls_set_text(field, value, err);
}

#define FIELD(field) offsetof(struct ls_job_options, field)

const struct ls_option ls_job_option_table[] = {
    {"nodes", 'N', "COUNT", ls_set_count, FIELD(nodes), "nodes of the job"},
    {"ntasks", 'n', "COUNT", ls_set_count, FIELD(ntasks),
     "ranks of the job (default: one a node, or one a GPU with --gpus-per-task)"},
    {"ntasks-per-node", 0, "COUNT", ls_set_count, FIELD(ntasks_per_node),
     "ranks on each node"},
    {"gpus", 'G', "COUNT", ls_set_number, FIELD(gpus), "GPUs of the whole job"},
    {"gpus-per-node", 0, "COUNT", ls_set_number, FIELD(gpus_per_node),
     "GPUs on each node"},
    {"gpus-per-task", 0, "COUNT", ls_set_number, FIELD(gpus_per_task),
     "GPUs of each rank"},
    {"cpus-per-task", 'c', "COUNT", ls_set_count, FIELD(cpus_per_task),
     "cores of each rank (default 1)"},
    {"mem", 0, "SIZE", ls_set_bytes, FIELD(memory_bytes),
     "memory on each node: MiB, or with K, M, G or T; 0 asks for none in particular"},
    {"time", 't', "LIMIT", ls_set_time_limit, FIELD(time_limit_s),
     "end the job after MIN, MIN:SEC, H:MIN:SEC, D-H, D-H:MIN or D-H:MIN:SEC"},
    {"job-name", 'J', "NAME", ls_set_text, FIELD(name),
     "name in listings (default: that of the program)"},
    {"output", 'o', "FILE", ls_set_text, FIELD(output),
     "write the ranks' stdout here, in place of `lockstep logs`; %j job, %x name, %t "
     "rank, %n node's number, %N its name, %u user, %% a percent sign"},
    {"error", 'e', "FILE", ls_set_text, FIELD(error),
     "the same for stderr (default: where stdout goes)"},
    {"nodelist", 'w', "NODES", ls_set_text, FIELD(nodelist),
     "use only these nodes: n0,n[3-5]"},
    {"exclude", 'x', "NODES", ls_set_text, FIELD(exclude), "use none of these nodes"},
    {"exclusive", 0, NULL, ls_set_flag, FIELD(exclusive),
     "share no node with another job"},
    {"overcommit", 'O', NULL, ls_set_flag, FIELD(overcommit),
     "more ranks than cores on a node are fine"},
    {"within", 0, "LEVEL", set_within, FIELD(within),
     "keep all nodes in one domain of the fabric: rack"},
    {"exchange", 0, "HOST", set_exchange, FIELD(exchange),
     "who drives the network in collectives: step, rank, or auto (default): the step "
     "where it has cores to spare"},
    {"chdir", 'D', "DIR", ls_set_text, FIELD(cwd),
     "directory to run in (default: this one)"},
    {"export", 0, "LIST", ls_set_text, FIELD(export),
     "environment of the job: ALL (default), NONE, or NAME,NAME=VALUE,…; a list with "
     "ALL adds to the whole environment"},
    {"kill-grace", 0, "TIME", ls_set_span, FIELD(kill_grace_ms),
     "time between SIGTERM and SIGKILL when the job is ended (default 5s)"},
    {"comment", 0, "TEXT", ls_set_text, FIELD(comment), "a note kept with the job"},
    {0},
};
