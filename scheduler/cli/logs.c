/* scheduler/cli/logs.c - `lockstep logs`: what a job's ranks have written. */
#include <errno.h>
#include <signal.h>

#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/follow.h"
#include "scheduler/cli/values.h"

enum { EXIT_PIPE_CLOSED = 128 + SIGPIPE };

struct logs_options {
    bool follow, labels;
    const char *rank;
};

static int print_logs(const struct logs_options *options, struct ls_client *client,
                      uint64_t job, uint64_t rank)
{
    struct ls_follow follow = {
        .job = job,
        .output = ls_output_new(options->labels),
        .live = options->follow,
        .one_rank = options->rank != NULL,
        .rank = (uint32_t)rank,
    };
    struct ls_error err;
    int rc = ls_follow_wait(&follow, client, &err);

    ls_output_free(follow.output);
    if (rc == -EPIPE)
        return EXIT_PIPE_CLOSED;
    return rc < 0 ? ls_complain(&err) : LS_EXIT_DONE;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct logs_options options = {0};
    void *const targets[] = {&options};
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    uint64_t job, rank = 0;
    int rc = ls_command_begin(command, argc, argv, targets, &line);

    if (rc >= 0)
        return rc;
    if (ls_client_read_job(line.operands.items[0], &job, &err) < 0)
        return ls_complain_usage(command, &err);
    if (options.rank && ls_read_count(options.rank, 0, UINT32_MAX, &rank, &err) < 0) {
        ls_error_wrap(&err, "--rank");
        return ls_complain_usage(command, &err);
    }
    if (ls_client_open(line.directory, &client, &err) < 0)
        return ls_complain(&err);
    rc = print_logs(&options, &client, job, rank);
    ls_client_close(&client);
    return rc;
}

#define FIELD(field) offsetof(struct logs_options, field)

static const struct ls_option option_table[] = {
    {"follow", 'f', NULL, ls_set_flag, FIELD(follow), "go on until the job has ended"},
    {"rank", 'r', "RANK", ls_set_text, FIELD(rank), "only this rank"},
    {"label", 'l', NULL, ls_set_flag, FIELD(labels), "write the rank before each line"},
    {0},
};

const struct ls_command ls_command_logs = {
    .name = "logs",
    .group = LS_COMMANDS_JOBS,
    .summary = "show what a job's ranks have written",
    .operands = "ID",
    .text = "The ranks' stdout goes to stdout, their stderr to stderr. Output that\n"
            "the job sent to files of its own (--output) is there and not here.",
    .examples =
        "  lockstep logs 12                 all that is there\n"
        "  lockstep logs 12 -f -l           live, with the rank before each line\n"
        "  lockstep logs 12 --rank 3 2>/dev/null",
    .operands_min = 1,
    .operands_max = 1,
    .tables = {{"Options", option_table}},
    .run = run,
};
