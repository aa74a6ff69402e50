/* scheduler/daemon/listen.h - where the scheduler can be reached, and who must know. */
#ifndef LS_SCHEDULER_DAEMON_LISTEN_H
#define LS_SCHEDULER_DAEMON_LISTEN_H

#include "scheduler/daemon/server.h"

/* Listen on DIR/scheduler.sock and, if configured, on a TCP address, which must be a
 * loopback one: there is no encryption yet. */
int ls_listeners_open(struct ls_server *server, struct ls_error *err);
void ls_listeners_close(struct ls_server *server);

/* Write the pid file, a log line, and the line to the ready descriptor:
 * "unix:PATH[ HOST:PORT]". */
void ls_listeners_announce(struct ls_server *server);

#endif
