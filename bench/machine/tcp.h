/* bench/machine/tcp.h - what plain TCP sockets reach between the nodes of a job that
 * share one machine: the limit of an exchange over a kernel network. Depends on
 * lockstep.h and util. */
#ifndef LS_BENCH_MACHINE_TCP_H
#define LS_BENCH_MACHINE_TCP_H

#include "common/client/lockstep.h"
#include "common/util/error.h"

struct ls_tcp_limit {
    double bytes_per_s; /* of all streams together, every node sending and receiving */
    double
        latency_s; /* one byte one way between two nodes, polled, best half's median */
    int streams;   /* per node, of the better of one and one per rank */
};

/* Every node's ranks send to the next node and receive from the one before, over
 * 127.0.0.1, for a tenth of a second. Collective over the job, which must have at least
 * two nodes on one machine. The result is equal on all ranks. */
int ls_tcp_limit(lockstep_comm *comm, struct ls_tcp_limit *ret_limit,
                 struct ls_error *err);

#endif
