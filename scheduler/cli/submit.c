/* scheduler/cli/submit.c - `lockstep submit`: queue a script or a command. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/directives.h"
#include "scheduler/cli/format.h"
#include "scheduler/cli/submission.h"

/* A script with what its directives say. */
struct script {
    char *text;
    size_t size;
    struct ls_directives directives;
};

static int read_script(const char *path, struct script *script,
                       struct ls_job_options *options, struct ls_error *err)
{
    int rc = ls_file_read(path, LS_SCRIPT_BYTES_MAX, &script->text, &script->size, err);

    if (rc < 0)
        return rc;
    if (strncmp(script->text, "#!", 2) != 0)
        return ls_error_set(
            err, -ENOEXEC,
            "%s: does not begin with #! and an interpreter; to submit a "
            "program write `lockstep submit -- %s`",
            path, path);
    if (strlen(script->text) != script->size)
        return ls_error_set(err, -ENOEXEC, "%s: has a NUL byte, so it is no script",
                            path);
    return ls_directives_read(path, script->text, options, &script->directives, err);
}

static void free_script(struct script *script)
{
    ls_directives_free(&script->directives);
    ls_free(script->text);
}

static int submit(const struct ls_job_options *options,
                  const struct ls_command_line *line, const struct script *script,
                  uint64_t *ret_job, struct ls_error *err)
{
    const struct ls_job_command command = {line->operands.items, line->operands.count,
                                           script->text, script->size};
    struct ls_client client;
    Ls__JobSpec *spec;
    int rc = ls_spec_build(options, &command, &spec, err);

    if (rc < 0)
        return rc;
    rc = ls_client_open(line->directory, &client, err);
    if (rc == 0)
        rc = ls_submit(&client, spec, ret_job, err);
    ls_client_close(&client);
    ls__job_spec__free_unpacked(spec, NULL);
    return rc;
}

static void print_job(const struct ls_command_line *line, uint64_t job)
{
    if (line->json)
        ls_json_print(json_pack("{s:I}", "id", (json_int_t)job));
    else
        printf("job %" PRIu64 "\n", job);
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct ls_job_options options = {0}, from_script = {0};
    struct script script = {0};
    struct ls_command_line line;
    struct ls_error err;
    uint64_t job;
    int rc = ls_command_begin(command, argc, argv, (void *[]){&options}, &line);

    if (rc >= 0)
        return rc;
    if (line.operands.after_dashes) {
        rc = submit(&options, &line, &script, &job, &err);
    } else {
        rc = read_script(line.operands.items[0], &script, &from_script, &err);
        /* Once more on top of the directives: the command line has the last word. */
        if (rc == 0)
            ls_command_begin(command, argc, argv, (void *[]){&from_script}, &line);
        if (rc == 0)
            rc = submit(&from_script, &line, &script, &job, &err);
    }
    free_script(&script);
    if (rc != 0)
        return ls_complain(&err);
    print_job(&line, job);
    return LS_EXIT_DONE;
}

const struct ls_command ls_command_submit = {
    .name = "submit",
    .group = LS_COMMANDS_JOBS,
    .summary = "queue a job: a script, or a command",
    .operands = "SCRIPT [ARGUMENT…] | -- COMMAND [ARGUMENT…]",
    .text = "A COMMAND is started once for each rank. A SCRIPT runs once, on the\n"
            "first node. Its lines before the first command may carry options:\n\n"
            "  #LOCKSTEP --nodes 2 --gpus-per-node 8\n"
            "  #SBATCH --time=1:00:00\n\n"
            "Options of the command line win over those of the script. Prints `job\n"
            "ID`.",
    .examples =
        "  lockstep submit train.sh\n"
        "  lockstep submit -N 2 -n 16 --gpus-per-task 1 -- ./train --epochs 10\n"
        "  lockstep submit -t 0:30 -J smoke -- ./train --steps 100",
    .operands_min = 1,
    .operands_max = LS_OPERANDS_ANY,
    .stop_at_operand = true,
    .json = true,
    .tables = {{"Job options", ls_job_option_table}},
    .run = run,
};
