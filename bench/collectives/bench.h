/* bench/collectives/bench.h - one run of the benchmark, as every rank of it sees it. */
#ifndef LS_BENCH_COLLECTIVES_BENCH_H
#define LS_BENCH_COLLECTIVES_BENCH_H

#include "bench/collectives/collective.h"
#include "bench/collectives/options.h"
#include "bench/machine/placement.h"
#include "bench/machine/tcp.h"
#include "common/util/error.h"

struct ls_peer;

/* What the machine allows, measured in this run. */
struct ls_machine_limits {
    bool one_machine; /* all ranks on one: only then there are limits */
    double hop_s;     /* a cache line from core to core */
    double switch_s;  /* from one thread to another on a core */
    int cores;
    struct ls_tcp_ring *tcp; /* with several nodes on this machine, else NULL */
    double tcp_latency_s;    /* a byte to the next node */
    double tcp_bytes_per_s;  /* of all nodes together, each sending and receiving */
};

struct ls_bench {
    const struct ls_bench_options *options;
    lockstep_comm *comm;
    int rank, ranks, nodes;
    struct ls_placement *placement; /* of each rank */
    struct ls_machine_limits limits;
    struct ls_peer *peer; /* the library we compare with, or NULL */
    char *first, *second; /* two buffers of buffer_bytes */
    size_t buffer_bytes;
    double *gathered; /* room for two numbers from each rank */
};

/* Join the ranks of an initialised communicator to a run: buffers for the largest size,
 * placement, the machine's limits. Collective. ls_bench_close() frees all of it, but
 * neither `comm` nor `peer`; `node` overrides this rank's node name unless it is NULL.
 */
int ls_bench_open(struct ls_bench *bench, const struct ls_bench_options *options,
                  lockstep_comm *comm, const char *node, struct ls_error *err);
void ls_bench_close(struct ls_bench *bench);

/* All ranks' numbers as one, by options->average; equal on all ranks. Collective. */
int ls_bench_combine(struct ls_bench *bench, double own, double *ret_all,
                     struct ls_error *err);

/* A barrier in which waiting ranks sleep, for when someone else needs the cores. */
int ls_bench_wait_quietly(struct ls_bench *bench, struct ls_error *err);

/* Rank 0's number on all ranks. Collective. */
int ls_bench_share(struct ls_bench *bench, double *number, struct ls_error *err);

#endif
