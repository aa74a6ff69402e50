/* scheduler/cli/resume.c - `lockstep resume`: drained nodes take jobs again. */
#include <stdio.h>

#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"

static int resume(struct ls_client *client, char *nodes, struct ls_error *err)
{
    Ls__ResumeRequest resume = LS__RESUME_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT;
    Ls__Frame *answer;
    int rc;

    resume.nodes = nodes;
    request.body_case = LS__FRAME__BODY_RESUME;
    request.resume = &resume;
    rc = ls_client_ask(client, &request, LS__FRAME__BODY_OK, &answer, err);
    if (rc == 0)
        ls__frame__free_unpacked(answer, NULL);
    return rc;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    int rc = ls_command_begin(command, argc, argv, NULL, &line);

    if (rc >= 0)
        return rc;
    rc = ls_client_open(line.directory, &client, &err);
    if (rc == 0)
        rc = resume(&client, line.operands.items[0], &err);
    ls_client_close(&client);
    if (rc < 0)
        return ls_complain(&err);
    printf("%s: takes jobs again\n", line.operands.items[0]);
    return LS_EXIT_DONE;
}

const struct ls_command ls_command_resume = {
    .name = "resume",
    .group = LS_COMMANDS_NODES,
    .summary = "let drained nodes take jobs again",
    .operands = "NODES",
    .examples = "  lockstep resume n3\n"
                "  lockstep resume 'n[4-7]'",
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
