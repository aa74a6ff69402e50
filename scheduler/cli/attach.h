/* scheduler/cli/attach.h - the terminal's side of a running job: output, Ctrl-C,
 * waiting. */
#ifndef LS_SCHEDULER_CLI_ATTACH_H
#define LS_SCHEDULER_CLI_ATTACH_H

#include <stdbool.h>

#include "scheduler/cli/client.h"

/* Block SIGINT, SIGTERM and SIGHUP, which ls_attach() reads from the descriptor that is
 * returned (caller closes), or -errno. Before the job is submitted, so that no signal
 * can fall between. */
int ls_attach_signals(struct ls_error *err);

/* Show a job's output until it has ended, also over a restart of the scheduler. The
 * first signal cancels the job, a second kills it, a third leaves it. `control` is a
 * connection for short requests. Returns the exit code. */
int ls_attach(struct ls_client *control, uint64_t job, int signal_fd, bool labels);

#endif
