/* agent/step/script.h - a batch script, written down and ready to run.
 *
 * Run by its interpreter, as the kernel would by "#!", so that it works where files
 * may not be executed (/run is often mounted so). Depends on agent/proc, common/util.
 */
#ifndef LS_AGENT_STEP_SCRIPT_H
#define LS_AGENT_STEP_SCRIPT_H

#include <stddef.h>

#include "agent/proc/identity.h"
#include "common/util/error.h"

struct ls_script {
    char *path;
    char *interpreter;
    char *argument; /* the rest of the first line, NULL when there is none */
};

/* Write `bytes` to `path`, readable by its user alone. -EINVAL when it does not begin
 * with "#!" and an interpreter. Free with ls_script_free(). */
int ls_script_write(const char *path, const void *bytes, size_t size,
                    const struct ls_identity *identity, struct ls_script *ret_script,
                    struct ls_error *err);

void ls_script_free(struct ls_script *script);

#endif
