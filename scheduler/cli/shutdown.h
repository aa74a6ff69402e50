/* scheduler/cli/shutdown.h - ending a cluster: its jobs, its daemons, its sockets. */
#ifndef LS_SCHEDULER_CLI_SHUTDOWN_H
#define LS_SCHEDULER_CLI_SHUTDOWN_H

#include "common/util/error.h"
#include "scheduler/cli/daemons.h"

/* Cancel what runs and wait for it (bounded), end scheduler and agents and what is left
 * of steps and ranks, and remove the sockets. History stays. `daemons` were found in
 * `directory`. */
int ls_shutdown(const char *directory, const struct ls_daemons *daemons,
                struct ls_error *err);

/* Take the lock that keeps `up` and `down` of one directory apart. Returns a descriptor
 * that holds it, or -EWOULDBLOCK naming who has it. */
int ls_cluster_lock(const char *directory, struct ls_error *err);

#endif
