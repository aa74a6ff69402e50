/* bench/collectives/peer.h - the library that ours is compared with, and the two ways
 * to reach it: in this process (under mpirun), or in processes of its own. */
#ifndef LS_BENCH_COLLECTIVES_PEER_H
#define LS_BENCH_COLLECTIVES_PEER_H

#include "bench/collectives/bench.h"

struct ls_peer {
    char description[400]; /* name, version and how it was started */

    /* Time `iterations` operations of a case; *ret_seconds is that of one, combined
     * over the ranks like our own. Collective, equal on all ranks. */
    int (*time)(struct ls_peer *peer, struct ls_bench *bench, const struct ls_case *c,
                unsigned iterations, double *ret_seconds, struct ls_error *err);
    void (*close)(struct ls_peer *peer);
};

/* MPI in this process: MPI_Init was called; uses the bench's buffers. The caller ends
 * it with peer->close(), as with the next. */
int ls_peer_mpi_open(struct ls_bench *bench, struct ls_peer **ret_peer,
                     struct ls_error *err);

/* Processes started by `mpirun` from rank 0, as many as the bench has ranks. While they
 * measure our ranks sleep, and the other way round. Collective. */
int ls_peer_client_open(struct ls_bench *bench, struct ls_peer **ret_peer,
                        struct ls_error *err);

/* The other end: a rank of `mpirun`, answers until the client leaves. */
int ls_peer_server_run(const char *socket_name, struct ls_error *err);

#endif
