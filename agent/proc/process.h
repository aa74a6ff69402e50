/* agent/proc/process.h - finding processes in /proc and ending them.
 *
 * A job's processes are known in two ways: as descendants of their living step (the
 * step is a subreaper, so none can leave), and, once the step is dead, by
 * LOCKSTEP_STEP_ID in their environment. Depends on common/util, pidfd. */
#ifndef LS_AGENT_PROC_PROCESS_H
#define LS_AGENT_PROC_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "common/util/error.h"

#define LS_STEP_ID_VARIABLE "LOCKSTEP_STEP_ID"

/* Send a signal to every descendant of this process, except `spared` and theirs
 * (`spared_count` pids, NULL when 0). SIGKILL stops all of them first, so that none
 * forks on. Returns how many there were, zombies not counted, or -errno. */
int ls_process_signal_descendants(int signal, const pid_t *spared, size_t spared_count,
                                  struct ls_error *err);

/* Kill every process that carries `step_id` in its environment, except this one, until
 * none is found. Returns how many were killed; -ETIMEDOUT when some cannot be (they
 * hang in the kernel, or belong to another user). Blocks, at most some seconds. */
int ls_process_sweep(const char *step_id, struct ls_error *err);

#endif
