/* agent/step/step.h - one job attempt on one node, from launch.pb to result.pb.
 *
 * Depends on agent/proc, collective (the exchange), wire, libuv. */
#ifndef LS_AGENT_STEP_STEP_H
#define LS_AGENT_STEP_STEP_H

#include <uv.h>

#include "agent/proc/step_dir.h"
#include "common/util/error.h"

struct ls_step;

/* Read the Launch of a directory and get ready: everything but the ranks. When the job
 * cannot be prepared (output not writable, no such user) that is its result, and the
 * step ends by itself. Negative only when not even that can be told. `dir` and `host`
 * (this node's address for others) are borrowed. */
int ls_step_open(uv_loop_t *loop, const struct ls_step_dir *dir, const char *host,
                 struct ls_step **ret_step, struct ls_error *err);

/* After uv_run() has returned: nothing is left of it but memory. */
void ls_step_free(struct ls_step *step);

#endif
