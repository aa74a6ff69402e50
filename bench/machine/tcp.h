/* bench/machine/tcp.h - what plain TCP sockets reach between the nodes of a job that
 * share one machine: the limit of an exchange over a kernel network. Depends on
 * lockstep.h and util. */
#ifndef LS_BENCH_MACHINE_TCP_H
#define LS_BENCH_MACHINE_TCP_H

#include <stddef.h>

#include "common/client/lockstep.h"
#include "common/util/error.h"

/* Connections over 127.0.0.1 from every node to the next one, around in a ring: one for
 * each local rank that all nodes have. */
struct ls_tcp_ring;

/* Connect. Collective over the job, which must have two nodes or more, on one machine.
 * The caller ends it with ls_tcp_close(). */
int ls_tcp_open(lockstep_comm *comm, struct ls_tcp_ring **ret_ring,
                struct ls_error *err);
void ls_tcp_close(struct ls_tcp_ring *ring);

/* The time in which every node can send `bytes` to the next node and receive as many:
 * the best round's of its slowest rank, over one connection per node or over all,
 * whichever is faster. Polled, from a buffer in cache. Collective, equal on all ranks.
 */
int ls_tcp_exchange(struct ls_tcp_ring *ring, size_t bytes, double *ret_seconds,
                    struct ls_error *err);

#endif
