/* scheduler/daemon/fabric_view.h - the configured fabric: into the log, and to clients.
 */
#ifndef LS_SCHEDULER_DAEMON_FABRIC_VIEW_H
#define LS_SCHEDULER_DAEMON_FABRIC_VIEW_H

#include "scheduler/daemon/peer.h"

/* Read the configured file; without one all nodes are in one rack. */
int ls_fabric_view_open(const char *path, struct ls_fabric_view **ret_view,
                        struct ls_error *err);
void ls_fabric_view_free(struct ls_fabric_view *view);

/* While the log is replayed: remember what fabric it has. */
void ls_fabric_view_replayed(struct ls_fabric_view *view, const struct ls_event *event);

/* After the replay: when the configured fabric is another one, queue it. */
int ls_fabric_view_commit(struct ls_server *server, struct ls_error *err);

void ls_client_fabric(struct ls_peer *peer, const Ls__Frame *frame);

#endif
