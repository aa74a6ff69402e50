/* scheduler/daemon/silent.h - the nodes of a batch script that run no process of it.
 *
 * A script runs once, on its first node, and holds all its nodes. For the others there
 * is no step that could report, so the daemon does: ready when launched, ended when
 * the script has or is told to. */
#ifndef LS_SCHEDULER_DAEMON_SILENT_H
#define LS_SCHEDULER_DAEMON_SILENT_H

#include "scheduler/daemon/server.h"

/* Queue what is due for the silent parts of a job; nothing for other jobs. Called after
 * each effect on the job, and again as long as something is due. */
void ls_silent_settle(struct ls_server *server, uint64_t id);

/* For all jobs: what could not be queued or written before. */
void ls_silent_settle_all(struct ls_server *server);

#endif
