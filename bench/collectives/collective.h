/* bench/collectives/collective.h - the collectives that can be measured, and what one
 * measurement is about: bytes, buffers, and the conventions of nccl-tests. */
#ifndef LS_BENCH_COLLECTIVES_COLLECTIVE_H
#define LS_BENCH_COLLECTIVES_COLLECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/client/lockstep.h"

enum ls_collective_kind {
    LS_BENCH_ALLREDUCE,
    LS_BENCH_REDUCE_SCATTER,
    LS_BENCH_ALLGATHER,
    LS_BENCH_BROADCAST,
    LS_BENCH_BARRIER,
    LS_BENCH_KIND_COUNT,
};

/* One measurement: a collective with all its parameters. */
struct ls_case {
    enum ls_collective_kind kind;
    lockstep_type type;
    lockstep_op op;
    int root;
    int ranks;
    uint64_t count; /* as in the lockstep call: elements of a rank's own block */
};

/* "allreduce", …; NULL when out of range. */
const char *ls_collective_name(enum ls_collective_kind kind);
bool ls_collective_by_name(const char *name, enum ls_collective_kind *ret_kind);

bool ls_collective_reduces(enum ls_collective_kind kind);  /* has an operation */
bool ls_collective_has_data(enum ls_collective_kind kind); /* all but barrier */
bool ls_collective_has_root(enum ls_collective_kind kind);
bool ls_collective_has_two_places(
    enum ls_collective_kind kind); /* out of and in place */

/* Elements of a rank's input and output, counted in elements. */
uint64_t ls_case_in_count(const struct ls_case *c);
uint64_t ls_case_out_count(const struct ls_case *c);

/* The size by which nccl-tests lists the case: bytes of the larger of the two. */
uint64_t ls_case_bytes(const struct ls_case *c);

/* The case's count for a size of at most `bytes`. */
uint64_t ls_case_count_for(const struct ls_case *c, uint64_t bytes);

/* busbw = algbw * this: what the busiest link must carry, per byte of size. */
double ls_case_bus_factor(const struct ls_case *c);

/* Bytes that all ranks together must read and write, each input and output once. */
double ls_case_memory_traffic(const struct ls_case *c);

/* Bytes that must cross the network between `nodes` nodes in all. */
double ls_case_wire_traffic(const struct ls_case *c, int nodes);

/* Where input and output lie for an in-place call in one buffer of ls_case_bytes(). */
void ls_case_in_place(const struct ls_case *c, int rank, char *buffer,
                      const void **ret_in, void **ret_out);

/* Make the call. For a broadcast the buffer is `out`. */
lockstep_status ls_case_run(const struct ls_case *c, lockstep_comm *comm,
                            const void *in, void *out);

#endif
