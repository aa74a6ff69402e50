/* scheduler/cli/down.c - `lockstep down`: end the cluster on this machine. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/format.h"
#include "scheduler/cli/place.h"
#include "scheduler/cli/shutdown.h"

static void report(const struct ls_command_line *line, const char *directory,
                   size_t ended)
{
    if (line->json)
        ls_json_print(json_pack("{s:o, s:I}", "directory", ls_json_text(directory),
                                "ended", (json_int_t)ended));
    else if (ended)
        printf("cluster in %s is down; `lockstep up` brings it back\n", directory);
    else
        printf("nothing runs in %s\n", directory);
}

/* With the lock held. */
static int end_cluster(const char *directory, size_t *ret_ended, struct ls_error *err)
{
    struct ls_daemons daemons;
    int rc = ls_daemons_find(directory, &daemons, err);

    if (rc < 0)
        return rc;
    *ret_ended = daemons.count;
    rc = ls_shutdown(directory, &daemons, err);
    ls_daemons_free(&daemons);
    return rc;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct ls_command_line line;
    struct ls_error err;
    char *directory;
    size_t ended = 0;
    int lock = -1;
    int rc = ls_command_begin(command, argc, argv, NULL, &line);

    if (rc >= 0)
        return rc;
    rc = ls_place_find(line.directory, &directory, &err);
    if (rc < 0)
        return ls_complain(&err);
    if (access(directory, F_OK) == 0) {
        lock = ls_cluster_lock(directory, &err);
        rc = lock < 0 ? lock : end_cluster(directory, &ended, &err);
    }
    if (rc == 0)
        report(&line, directory, ended);
    ls_close(lock);
    ls_free(directory);
    return rc < 0 ? ls_complain(&err) : LS_EXIT_DONE;
}

const struct ls_command ls_command_down = {
    .name = "down",
    .group = LS_COMMANDS_CLUSTER,
    .summary = "end the cluster on this machine",
    .operands = "",
    .text = "Cancels what runs, waits for it, and ends scheduler and agents. The\n"
            "directory with the history of jobs and their output stays, for the\n"
            "next `lockstep up`.",
    .examples = "  lockstep down\n"
                "  lockstep down --dir /tmp/cluster2",
    .json = true,
    .run = run,
};
