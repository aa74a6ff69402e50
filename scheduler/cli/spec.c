/* scheduler/cli/spec.c - building the message that submits a job. */
#include "scheduler/cli/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/util/mem.h"

/* protobuf-c's empty string is shared and never freed; ours are all copies. */
static char *copy_text(const char *text)
{
    return ls_strdup(text ? text : "");
}

static int make_key(char **ret_key, struct ls_error *err)
{
    unsigned long long random[2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return ls_error_sys(err, -errno, "cannot get random bytes");
    *ret_key = ls_asprintf("%016llx%016llx", random[0], random[1]);
    return 0;
}

static int resolve_directory(const char *wanted, char **ret_path, struct ls_error *err)
{
    char *path;

    if (wanted) {
        path = realpath(wanted, NULL);
        if (!path)
            return ls_error_sys(err, -errno, "--chdir: cannot use %s", wanted);
    } else {
        path = getcwd(NULL, 0);
        if (!path)
            return ls_error_sys(err, -errno, "cannot find out the current directory");
    }
    *ret_path = path; /* from malloc, as ls_free() wants it */
    return 0;
}

static void set_command(Ls__JobSpec *spec, const struct ls_job_options *options,
                        const struct ls_job_command *command)
{
    const char *slash = strrchr(command->argv[0], '/');

    spec->name = copy_text(options->name ? options->name
                           : slash       ? slash + 1
                                         : command->argv[0]);
    spec->n_argv = (size_t)command->argc;
    spec->argv = ls_calloc(spec->n_argv, sizeof(*spec->argv));
    for (size_t i = 0; i < spec->n_argv; i++)
        spec->argv[i] = ls_strdup(command->argv[i]);
    if (command->script) {
        spec->script.data = ls_memdup(command->script, command->script_size);
        spec->script.len = command->script_size;
    }
}

static void set_resources(Ls__JobSpec *spec, const struct ls_job_options *options)
{
    spec->nodes = options->nodes;
    spec->ntasks = options->ntasks;
    spec->ntasks_per_node = options->ntasks_per_node;
    spec->cpus_per_task = options->cpus_per_task;
    spec->gpus = options->gpus;
    spec->gpus_per_node = options->gpus_per_node;
    spec->gpus_per_task = options->gpus_per_task;
    spec->memory_bytes = options->memory_bytes;
    spec->time_limit_s = options->time_limit_s;
    spec->exclusive = options->exclusive;
    spec->overcommit = options->overcommit;
    spec->nodelist = copy_text(options->nodelist);
    spec->exclude = copy_text(options->exclude);
    spec->within = copy_text(options->within);
    spec->exchange = options->exchange;
    spec->kill_grace_ms = options->kill_grace_ms;
    spec->output = copy_text(options->output);
    spec->error = copy_text(options->error);
    spec->comment = copy_text(options->comment);
}

int ls_spec_build(const struct ls_job_options *options,
                  const struct ls_job_command *command, Ls__JobSpec **ret_spec,
                  struct ls_error *err)
{
    Ls__JobSpec *spec = ls_calloc(1, sizeof(*spec));
    int rc;

    ls__job_spec__init(spec);
    set_command(spec, options, command);
    set_resources(spec, options);
    rc = ls_export_build(options->export, environ, &spec->env, &spec->n_env, err);
    if (rc < 0)
        goto free_spec;
    rc = resolve_directory(options->cwd, &spec->cwd, err);
    if (rc < 0)
        goto free_spec;
    rc = make_key(&spec->submit_key, err);
    if (rc < 0)
        goto free_spec;
    *ret_spec = spec;
    return 0;

free_spec:
    ls__job_spec__free_unpacked(spec, NULL);
    return rc;
}
