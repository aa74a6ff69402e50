/* scheduler/daemon/launch.h - the Launch messages of a gang. */
#ifndef LS_SCHEDULER_DAEMON_LAUNCH_H
#define LS_SCHEDULER_DAEMON_LAUNCH_H

#include "scheduler/daemon/server.h"

struct ls_launch_message;

/* The message of the attempt at hand, kept because its effects come one node after
 * the other. Start from {.server = …}; end with ls_launch_end(). */
struct ls_launch {
    struct ls_server *server;
    struct ls_launch_message *message;
};

/* Send Launch to the effect's node, if an agent is there to take it. */
void ls_launch_send(struct ls_launch *launch, const struct ls_effect *effect);
void ls_launch_end(struct ls_launch *launch);

#endif
