/* common/client/client_private.h - the ways to join a job, behind lockstep_init().
 *
 * Private to common/client. Depends on collective. */
#ifndef LS_COMMON_CLIENT_PRIVATE_H
#define LS_COMMON_CLIENT_PRIVATE_H

#include "common/client/lockstep.h"
#include "common/collective/comm.h"
#include "common/util/error.h"

/* Each fills segment, arena, arenas, lane and door_fd of a zeroed comm and prepares it.
 * 0 or -errno with the reason; on failure what was made is left in comm for release. */

/* Under lockstep: through the step's socket. *ret_socket stays open for the job's life. */
int ls_join_step(struct ls_comm *comm, const char *socket_path, int *ret_socket,
                 struct ls_error *err);

/* With the caller's all-gather; ranks reach one another's memory by /proc/PID/fd. */
int ls_join_bootstrap(struct ls_comm *comm, const lockstep_bootstrap *bootstrap,
                      struct ls_error *err);

/* Alone: a job of one rank. */
int ls_join_alone(struct ls_comm *comm, struct ls_error *err);

/* Open this rank's own lane (it must have one); `device` may be NULL. */
int ls_join_open_lane(struct ls_comm *comm, uint32_t local_rank, const char *device,
                      const char *host, struct ls_error *err);

#endif
