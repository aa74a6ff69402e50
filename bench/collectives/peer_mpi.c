/* bench/collectives/peer_mpi.c - MPI in our own processes, under mpirun. */
#include <stdio.h>

#include "bench/collectives/mpi.h"
#include "bench/collectives/peer.h"
#include "common/util/mem.h"

static int time_in_process(struct ls_peer *peer, struct ls_bench *bench,
                           const struct ls_case *c, unsigned iterations,
                           double *ret_seconds, struct ls_error *err)
{
    double own;
    int rc = ls_mpi_time(c, bench->first, bench->second, iterations, &own, err);

    (void)peer;
    return rc < 0 ? rc : ls_bench_combine(bench, own, ret_seconds, err);
}

static void close_peer(struct ls_peer *peer)
{
    ls_free(peer);
}

int ls_peer_mpi_open(struct ls_bench *bench, struct ls_peer **ret_peer,
                     struct ls_error *err)
{
    struct ls_peer *peer = ls_calloc(1, sizeof(*peer));
    char version[96], settings[128];

    (void)bench;
    (void)err;
    ls_mpi_version(version, sizeof(version));
    ls_mpi_settings(settings, sizeof(settings));
    snprintf(peer->description, sizeof(peer->description),
             "%s in the same processes, same buffers, %s", version, settings);
    peer->time = time_in_process;
    peer->close = close_peer;
    *ret_peer = peer;
    return 0;
}
