/* scheduler/cli/wait.c - `lockstep wait`: until jobs have ended. */
#include <inttypes.h>
#include <stdio.h>

#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/follow.h"
#include "scheduler/cli/format.h"
#include "scheduler/cli/outcome.h"

/* Returns the exit code for one job. */
static int wait_for(struct ls_client *client, uint64_t job)
{
    struct ls_follow follow = {.job = job, .to_end = true};
    const Ls__JobInfo *info;
    struct ls_error err;
    int code;

    if (ls_follow_wait(&follow, client, &err) < 0)
        return ls_complain(&err);
    info = follow.end->jobs_reply->jobs[0];
    printf("job %" PRIu64 " %s, exit code %d\n", job, ls_job_state_name(info->state),
           info->exit_code);
    code = ls_outcome_code(info);
    ls_follow_clear(&follow);
    return code;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    uint64_t job;
    int highest = 0;
    int rc = ls_command_begin(command, argc, argv, NULL, &line);

    if (rc >= 0)
        return rc;
    for (int i = 0; i < line.operands.count; i++) {
        if (ls_client_read_job(line.operands.items[i], &job, &err) < 0)
            return ls_complain_usage(command, &err);
    }
    if (ls_client_open(line.directory, &client, &err) < 0)
        return ls_complain(&err);
    for (int i = 0; i < line.operands.count; i++) {
        ls_client_read_job(line.operands.items[i], &job, &err);
        rc = wait_for(&client, job);
        highest = rc > highest ? rc : highest;
    }
    ls_client_close(&client);
    return highest;
}

const struct ls_command ls_command_wait = {
    .name = "wait",
    .group = LS_COMMANDS_JOBS,
    .summary = "wait until jobs have ended; exits as the job did",
    .operands = "ID…",
    .text = "Exits with the job's exit code: the highest of its ranks, 128 + N for\n"
            "signal N. A job that was cancelled, timed out or lost its node gives 1\n"
            "if no rank gave more. Of several jobs the highest counts.",
    .examples = "  lockstep wait 12\n"
                "  lockstep wait 12 13 && echo both went well",
    .operands_min = 1,
    .operands_max = LS_OPERANDS_ANY,
    .run = run,
};
