/* bench/collectives/options.h - the command line of lockstep-bench: nccl-tests' flags
 * and ours. */
#ifndef LS_BENCH_COLLECTIVES_OPTIONS_H
#define LS_BENCH_COLLECTIVES_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/collectives/collective.h"
#include "common/util/error.h"

/* How the ranks' times become one, numbered as nccl-tests' -a. */
enum ls_average { LS_AVERAGE_RANK0, LS_AVERAGE_MEAN, LS_AVERAGE_MIN, LS_AVERAGE_MAX };

struct ls_bench_options {
    enum ls_collective_kind kind;
    uint64_t bytes_min, bytes_max;
    uint64_t step_factor; /* or, when step_bytes > 0, a fixed step */
    uint64_t step_bytes;
    unsigned types; /* bit set of lockstep_type */
    unsigned ops;   /* bit set of lockstep_op */
    int root;
    unsigned iterations; /* of a batch; 0 = by time */
    unsigned warmup;
    bool check;
    enum ls_average average;
    double budget_s; /* for the batches of one size and place */
    bool vs_mpi;
    bool shared_memory;      /* buffers from lockstep_alloc(), else malloc() */
    int local;               /* ranks to start here; 0 = none */
    int ranks_per_node;      /* nodes to emulate on this machine; 0 = as it is */
    double tolerance;        /* slower by this share than the baseline = regression */
    const char *json, *csv;  /* NULL = no, "-" = standard output */
    const char *baseline;    /* JSON file of an earlier run, or NULL */
    const char *peer_server; /* internal: serve MPI timings on this socket */
};

enum ls_options_result { LS_OPTIONS_RUN, LS_OPTIONS_HELP, LS_OPTIONS_BAD };

/* Read the arguments; texts are borrowed from argv. On LS_OPTIONS_BAD err says why. */
enum ls_options_result ls_bench_options_read(int argc, char **argv,
                                             struct ls_bench_options *ret_options,
                                             struct ls_error *err);
const char *ls_bench_usage(void);

/* The size after `bytes`; 0 when it was the last. */
uint64_t ls_bench_next_size(const struct ls_bench_options *options, uint64_t bytes);

#endif
