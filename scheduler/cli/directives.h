/* scheduler/cli/directives.h - `#LOCKSTEP` and `#SBATCH` lines of a job script.
 *
 * The lines before the first command carry submit options, several on a line if need
 * be, with quotes as in a shell and `# comment` at the end. `##SBATCH` is a comment. */
#ifndef LS_SCHEDULER_CLI_DIRECTIVES_H
#define LS_SCHEDULER_CLI_DIRECTIVES_H

#include <stddef.h>

#include "common/util/error.h"
#include "scheduler/cli/job_options.h"

/* Words of directives, which the options that were read from them borrow. */
struct ls_directives {
    char **words;
    size_t count, capacity;
};

/* Read the directives of a script (NUL-terminated) into `options`. Start `directives`
 * from {0} and free it after the last use of `options`, also after an error. Errors
 * name `path`, the line and the directive. */
int ls_directives_read(const char *path, const char *script,
                       struct ls_job_options *options, struct ls_directives *directives,
                       struct ls_error *err);

void ls_directives_free(struct ls_directives *directives);

#endif
