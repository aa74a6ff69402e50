/* scheduler/daemon/spec_check.c - a job's spec within bounds. Depends on messages. */
#include <errno.h>
#include <string.h>

#include "scheduler/daemon/submit.h"

enum {
    SPEC_BYTES_MAX = 8 * 1024 * 1024,
    PATH_BYTES_MAX = 4096,
    NAME_BYTES_MAX = 255,
    COMMENT_BYTES_MAX = 4096,
    HOSTLIST_BYTES_MAX = 64 * 1024,
    CPUS_PER_TASK_MAX = 65536,
    KILL_GRACE_MS_MAX = 3600 * 1000,
};

static const uint64_t TIME_LIMIT_S_MAX = UINT64_C(10) * 366 * 24 * 3600;

static bool is_printable(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

static int check_text(const char *what, const char *text, size_t bytes_max,
                      struct ls_error *err)
{
    if (strlen(text) > bytes_max)
        return ls_error_set(err, -E2BIG, "%s: %zu bytes, at most %zu", what,
                            strlen(text), bytes_max);
    if (!is_printable(text))
        return ls_error_set(err, -EINVAL, "%s: has control characters", what);
    return 0;
}

static int check_texts(const Ls__JobSpec *spec, struct ls_error *err)
{
    const struct {
        const char *what, *text;
        size_t bytes_max;
    } texts[] = {
        {"job name", spec->name, NAME_BYTES_MAX},
        {"working directory", spec->cwd, PATH_BYTES_MAX},
        {"--output", spec->output, PATH_BYTES_MAX},
        {"--error", spec->error, PATH_BYTES_MAX},
        {"--comment", spec->comment, COMMENT_BYTES_MAX},
        {"--nodelist", spec->nodelist, HOSTLIST_BYTES_MAX},
        {"--exclude", spec->exclude, HOSTLIST_BYTES_MAX},
        {"submit key", spec->submit_key, sizeof(((struct ls_job *)0)->submit_key) - 1},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int rc = check_text(texts[i].what, texts[i].text, texts[i].bytes_max, err);

        if (rc < 0)
            return rc;
    }
    if (spec->cwd[0] != '/')
        return ls_error_set(err, -EINVAL,
                            "working directory '%s': expected an absolute "
                            "path",
                            spec->cwd);
    if (spec->within[0] && strcmp(spec->within, "rack") != 0)
        return ls_error_set(err, -EINVAL, "--within %.32s: expected rack",
                            spec->within);
    return 0;
}

static int check_command(const Ls__JobSpec *spec, struct ls_error *err)
{
    size_t bytes = spec->script.len;

    if (spec->n_argv == 0 || !spec->argv[0][0])
        return ls_error_set(err, -EINVAL, "no program to run was given");
    for (size_t i = 0; i < spec->n_argv; i++)
        bytes += strlen(spec->argv[i]) + 1;
    for (size_t i = 0; i < spec->n_env; i++) {
        const char *equals = strchr(spec->env[i], '=');

        if (!equals || equals == spec->env[i])
            return ls_error_set(err, -EINVAL,
                                "environment entry %zu: expected NAME=value", i);
        bytes += strlen(spec->env[i]) + 1;
    }
    if (bytes > SPEC_BYTES_MAX)
        return ls_error_set(err, -E2BIG,
                            "arguments, environment and script: %zu bytes, at most %d",
                            bytes, SPEC_BYTES_MAX);
    return 0;
}

static int check_numbers(const Ls__JobSpec *spec, struct ls_error *err)
{
    const struct {
        const char *what;
        uint64_t value, max;
    } numbers[] = {
        {"--nodes", spec->nodes, LS_RANKS_MAX},
        {"--ntasks", spec->ntasks, LS_RANKS_MAX},
        {"--ntasks-per-node", spec->ntasks_per_node, LS_RANKS_MAX},
        {"--cpus-per-task", spec->cpus_per_task, CPUS_PER_TASK_MAX},
        {"--gpus", spec->gpus, (uint64_t)LS_RANKS_MAX * LS_GPUS_PER_NODE_MAX},
        {"--gpus-per-node", spec->gpus_per_node, LS_GPUS_PER_NODE_MAX},
        {"--gpus-per-task", spec->gpus_per_task, LS_GPUS_PER_NODE_MAX},
        {"--time in seconds", spec->time_limit_s, TIME_LIMIT_S_MAX},
        {"kill grace in ms", spec->kill_grace_ms, KILL_GRACE_MS_MAX},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].value > numbers[i].max)
            return ls_error_set(err, -EINVAL, "%s: %llu, at most %llu", numbers[i].what,
                                (unsigned long long)numbers[i].value,
                                (unsigned long long)numbers[i].max);
    }
    if ((unsigned)spec->exchange > LS__EXCHANGE_HOST__EXCHANGE_RANK)
        return ls_error_set(err, -EINVAL, "--exchange: %d, expected auto, step or rank",
                            (int)spec->exchange);
    return 0;
}

int ls_spec_check(const Ls__JobSpec *spec, struct ls_error *err)
{
    int rc = check_command(spec, err);

    if (rc == 0)
        rc = check_texts(spec, err);
    if (rc == 0)
        rc = check_numbers(spec, err);
    return rc;
}
