/* scheduler/cli/drain.c - `lockstep drain`: no new jobs on these nodes. */
#include <errno.h>
#include <stdio.h>

#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"

struct drain_options {
    const char *reason;
};

static int drain(struct ls_client *client, char *nodes, const char *reason,
                 struct ls_error *err)
{
    Ls__DrainRequest drain = LS__DRAIN_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT;
    Ls__Frame *answer;
    int rc;

    drain.nodes = nodes;
    drain.reason = (char *)reason;
    request.body_case = LS__FRAME__BODY_DRAIN;
    request.drain = &drain;
    rc = ls_client_ask(client, &request, LS__FRAME__BODY_OK, &answer, err);
    if (rc == 0)
        ls__frame__free_unpacked(answer, NULL);
    return rc;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct drain_options options = {0};
    void *const targets[] = {&options};
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    int rc = ls_command_begin(command, argc, argv, targets, &line);

    if (rc >= 0)
        return rc;
    if (!options.reason) {
        ls_error_set(&err, -EINVAL, "drain: needs --reason TEXT");
        return ls_complain_usage(command, &err);
    }
    rc = ls_client_open(line.directory, &client, &err);
    if (rc == 0)
        rc = drain(&client, line.operands.items[0], options.reason, &err);
    ls_client_close(&client);
    if (rc < 0)
        return ls_complain(&err);
    printf("%s: gets no new jobs\n", line.operands.items[0]);
    return LS_EXIT_DONE;
}

static const struct ls_option option_table[] = {
    {"reason", 'r', "TEXT", ls_set_text, offsetof(struct drain_options, reason),
     "why: shown wherever the node is shown; must be given"},
    {0},
};

const struct ls_command ls_command_drain = {
    .name = "drain",
    .group = LS_COMMANDS_NODES,
    .summary = "give nodes no new jobs; running ones go on",
    .operands = "NODES",
    .examples = "  lockstep drain n3 --reason \"GPU 2 shows ECC errors\"\n"
                "  lockstep drain 'n[4-7]' --reason \"new firmware\"\n"
                "  lockstep resume n3               when it is well again",
    .operands_min = 1,
    .operands_max = 1,
    .tables = {{"Options", option_table}},
    .run = run,
};
