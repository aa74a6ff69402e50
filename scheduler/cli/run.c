/* scheduler/cli/run.c - `lockstep run`: a job that feels like a program run here. */
#include <unistd.h>

#include "common/util/file.h"
#include "scheduler/cli/attach.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/submission.h"

struct run_options {
    bool labels;
};

static int submit(const struct ls_job_options *options,
                  const struct ls_operands *operands, struct ls_client *client,
                  uint64_t *ret_job, struct ls_error *err)
{
    const struct ls_job_command command = {operands->items, operands->count, NULL, 0};
    Ls__JobSpec *spec;
    int rc = ls_spec_build(options, &command, &spec, err);

    if (rc < 0)
        return rc;
    rc = ls_submit(client, spec, ret_job, err);
    ls__job_spec__free_unpacked(spec, NULL);
    return rc;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct ls_job_options job_options = {0};
    struct run_options options = {0};
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    uint64_t job;
    int signal_fd;
    int rc = ls_command_begin(command, argc, argv, (void *[]){&job_options, &options},
                              &line);

    if (rc >= 0)
        return rc;
    if (ls_client_open(line.directory, &client, &err) < 0)
        return ls_complain(&err);
    signal_fd = ls_attach_signals(&err);
    if (signal_fd < 0 || submit(&job_options, &line.operands, &client, &job, &err) < 0)
        rc = ls_complain(&err);
    else
        rc = ls_attach(&client, job, signal_fd, options.labels);
    ls_close(signal_fd);
    ls_client_close(&client);
    return rc;
}

static const struct ls_option option_table[] = {
    {"label", 'l', NULL, ls_set_flag, offsetof(struct run_options, labels),
     "write the rank before each line"},
    {0},
};

const struct ls_command ls_command_run = {
    .name = "run",
    .group = LS_COMMANDS_JOBS,
    .summary = "run a job here: its output, its exit code",
    .operands = "-- COMMAND [ARGUMENT…]",
    .text = "Submits COMMAND, once for each rank, shows what the ranks write and\n"
            "exits as the job did: the highest exit code of its ranks, 128 + N for\n"
            "signal N, 127 when the program is not there. Ctrl-C cancels the job\n"
            "and waits for its end; a second one kills it, a third leaves it\n"
            "behind. A restarted scheduler does not end it.",
    .examples = "  lockstep run -- hostname\n"
                "  lockstep run -N 2 -n 4 -l -- sh -c 'echo I am $LOCKSTEP_RANK'\n"
                "  lockstep run -N 2 --ntasks-per-node 8 --gpus-per-task 1 -- ./train",
    .operands_min = 1,
    .operands_max = LS_OPERANDS_ANY,
    .stop_at_operand = true,
    .tables = {{"Job options", ls_job_option_table}, {"Output", option_table}},
    .run = run,
};
