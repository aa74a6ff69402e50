/* scheduler/cli/spec.h - from options to the message that submits a job. */
#ifndef LS_SCHEDULER_CLI_SPEC_H
#define LS_SCHEDULER_CLI_SPEC_H

#include <stddef.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"
#include "scheduler/cli/job_options.h"

enum { LS_SCRIPT_BYTES_MAX = 4 * 1024 * 1024 };

/* What is to run: a command, or a script with its arguments (argv[0] is its path). */
struct ls_job_command {
    char *const *argv;
    int argc;
    const char *script; /* its text, NULL for a command */
    size_t script_size;
};

/* The full message: this process's environment and directory where the options say
 * nothing else, and a fresh submit key. The caller frees it with
 * ls__job_spec__free_unpacked(spec, NULL). */
int ls_spec_build(const struct ls_job_options *options,
                  const struct ls_job_command *command, Ls__JobSpec **ret_spec,
                  struct ls_error *err);

/* The environment that --export asks for, from `environment` (NULL-terminated): an
 * array of *ret_count strings, each and the array for ls_free(). For NONE and for lists
 * without ALL a job still gets what every login has: HOME, USER, LOGNAME, SHELL and a
 * default PATH. */
int ls_export_build(const char *list, char *const *environment, char ***ret_env,
                    size_t *ret_count, struct ls_error *err);

#endif
