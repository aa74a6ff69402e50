/* scheduler/cli/foreground.h - staying with a cluster until it is told to end. */
#ifndef LS_SCHEDULER_CLI_FOREGROUND_H
#define LS_SCHEDULER_CLI_FOREGROUND_H

#include "scheduler/cli/bring_up.h"

/* Wait for SIGINT, SIGTERM or SIGHUP, or for the scheduler's end, then end the cluster.
 * Agents that end are reported. Returns the exit code. */
int ls_foreground(const struct ls_cluster *cluster);

#endif
