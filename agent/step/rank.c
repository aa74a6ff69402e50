/* agent/step/rank.c - one rank's process.
 *
 * Depends on agent/proc, output, rank_environment. */
#include "agent/step/rank.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/proc/spawn.h"
#include "common/util/check.h"
#include "common/util/log.h"
#include "common/util/mem.h"

/* The cores of the plan, as far as this process may use them. False = do not bind. */
static bool find_cpus(const struct ls_rank *rank, const struct ls_rank_context *context,
                      struct ls_cpus *ret_cpus)
{
    const char *cores = rank->plan->cores;
    struct ls_error err = {0};
    int rc;

    if (context->launch->modelled || !cores[0])
        return false;
    rc = ls_cpus_parse(cores, ret_cpus, &err);
    if (rc == 0)
        rc = ls_cpus_keep_allowed(ret_cpus, &err);
    if (rc == 0)
        ls_error_set(&err, -EINVAL, "none of them may be used here");
    if (rc <= 0)
        ls_log_warn("rank %u: not bound to cores %s: %s", rank->plan->rank, cores,
                    err.text);
    return rc > 0;
}

/* What to run; the array is the caller's to free, the strings are borrowed. */
static char **build_argv(const struct ls_rank_context *context)
{
    const Ls__JobSpec *spec = context->launch->spec;
    const struct ls_script *script = context->script;
    char **argv = ls_calloc(spec->n_argv + 4, sizeof(*argv));
    size_t count = 0;

    if (script) {
        argv[count++] = script->interpreter;
        if (script->argument)
            argv[count++] = script->argument;
        argv[count++] = script->path;
    }
    for (size_t i = script ? 1 : 0; i < spec->n_argv;
         i++) /* a script's [0] is its name */
        argv[count++] = spec->argv[i];
    return argv;
}

static void cannot_start(struct ls_rank *rank, int exit_code,
                         const struct ls_error *err)
{
    rank->state = LS_RANK_ENDED;
    rank->exit_code = exit_code;
    rank->text = ls_strdup(err->text);
}

int ls_rank_start(struct ls_rank *rank, const struct ls_rank_context *context,
                  const struct ls_rank_place *place)
{
    const Ls__JobSpec *spec = context->launch->spec;
    struct ls_environment environment;
    char **argv = build_argv(context);
    struct ls_cpus cpus;
    struct ls_error err = {0};
    struct ls_spawn spawn = {
        .argv = argv,
        .cwd = spec->cwd[0] ? spec->cwd : "/",
        .stdin_fd = -1,
        .stdout_fd = ls_output_pipe(rank->out),
        .stderr_fd = ls_output_pipe(rank->err ? rank->err : rank->out),
        .identity = context->identity,
        .die_with_parent = true,
    };
    int exit_code, rc;

    ls_assert(rank->state == LS_RANK_WAITING);
    ls_rank_environment(place, &environment);
    spawn.env = environment.items;
    if (find_cpus(rank, context, &cpus))
        spawn.cpus = &cpus;
    rc = ls_spawn(&spawn, &rank->pid, &exit_code, &err);
    if (rc < 0)
        cannot_start(rank, exit_code, &err);
    else
        rank->state = LS_RANK_RUNNING;
    ls_output_read(rank->out);
    if (rank->err)
        ls_output_read(rank->err);
    ls_environment_free(&environment);
    ls_free(argv);
    return rc;
}

void ls_rank_reaped(struct ls_rank *rank, int status)
{
    ls_assert(rank->state == LS_RANK_RUNNING);
    rank->state = LS_RANK_ENDED;
    rank->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    rank->exit_code = WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
}

static void finish_stream(struct ls_rank *rank, struct ls_output *output,
                          const char *name)
{
    size_t lost;
    char *text;
    int code;

    if (!output)
        return;
    ls_output_drain(output);
    lost = ls_output_lost(output, &code);
    if (!lost)
        return;
    text = ls_asprintf("%s%s%s: %zu bytes lost: %s", rank->text ? rank->text : "",
                       rank->text ? "; " : "", name, lost, strerror(-code));
    ls_log_warn("rank %u: %s", rank->plan->rank, text);
    ls_free(rank->text);
    rank->text = text;
}

void ls_rank_finish_output(struct ls_rank *rank)
{
    finish_stream(rank, rank->out, "stdout");
    finish_stream(rank, rank->err, "stderr");
    ls_output_close(rank->out);
    ls_output_close(rank->err);
    rank->out = rank->err = NULL;
}

bool ls_rank_failed(const struct ls_rank *rank)
{
    return rank->state == LS_RANK_ENDED && (rank->signal || rank->exit_code);
}

char *ls_rank_describe_end(const struct ls_rank *rank)
{
    if (rank->text)
        return ls_strdup(rank->text);
    if (rank->signal)
        return ls_asprintf("was ended by signal %d (%s)", rank->signal,
                           strsignal(rank->signal));
    return ls_asprintf("exited with code %d", rank->exit_code);
}

void ls_rank_free(struct ls_rank *rank)
{
    ls_output_close(rank->out);
    ls_output_close(rank->err);
    ls_free(rank->text);
    *rank = (struct ls_rank){0};
}
