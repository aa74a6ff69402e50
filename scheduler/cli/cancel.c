/* scheduler/cli/cancel.c - `lockstep cancel`: end jobs, or send them a signal. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"

struct cancel_options {
    int signal;
};

static int cancel(struct ls_client *client, uint64_t job, int signal)
{
    struct ls_error err;

    if (ls_client_cancel(client, job, signal, &err) < 0)
        return ls_complain(&err);
    if (signal)
        printf("sent SIG%s to job %" PRIu64 "\n", sigabbrev_np(signal), job);
    else
        printf("cancelling job %" PRIu64 "\n", job);
    return LS_EXIT_DONE;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct cancel_options options = {0};
    void *const targets[] = {&options};
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    uint64_t job;
    int worst = LS_EXIT_DONE;
    int rc = ls_command_begin(command, argc, argv, targets, &line);

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
        if (cancel(&client, job, options.signal) != LS_EXIT_DONE)
            worst = LS_EXIT_FAILED;
    }
    ls_client_close(&client);
    return worst;
}

static const struct ls_option option_table[] = {
    {"signal", 's', "SIGNAL", ls_set_signal, offsetof(struct cancel_options, signal),
     "only send this signal to every rank: USR1, SIGTERM, 10"},
    {0},
};

const struct ls_command ls_command_cancel = {
    .name = "cancel",
    .group = LS_COMMANDS_JOBS,
    .summary = "end jobs, or send them a signal",
    .operands = "ID…",
    .text = "A running job gets SIGTERM, and SIGKILL when its --kill-grace is over.\n"
            "The command returns at once; `lockstep wait ID` returns when nothing\n"
            "of the job is left.",
    .examples = "  lockstep cancel 12               end job 12\n"
                "  lockstep cancel 12 13 14         end several\n"
                "  lockstep cancel --signal USR1 12 only a signal",
    .operands_min = 1,
    .operands_max = LS_OPERANDS_ANY,
    .tables = {{"Options", option_table}},
    .run = run,
};
