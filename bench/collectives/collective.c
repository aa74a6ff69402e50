/* bench/collectives/collective.c - see collective.h. One table, one row per collective.
 */
#include "bench/collectives/collective.h"

#include <string.h>

#include "common/util/check.h"

/* How many blocks of `count` elements a buffer has. */
enum extent { NOTHING, ONE_BLOCK, BLOCK_PER_RANK };

struct collective {
    const char *name;
    enum extent in, out;
    bool reduces, rooted, two_places;
};

static const struct collective TABLE[LS_BENCH_KIND_COUNT] = {
    [LS_BENCH_ALLREDUCE] = {"allreduce", ONE_BLOCK, ONE_BLOCK, .reduces = true,
                            .two_places = true},
    [LS_BENCH_REDUCE_SCATTER] = {"reducescatter", BLOCK_PER_RANK, ONE_BLOCK,
                                 .reduces = true, .two_places = true},
    [LS_BENCH_ALLGATHER] = {"allgather", ONE_BLOCK, BLOCK_PER_RANK, .two_places = true},
    [LS_BENCH_BROADCAST] = {"broadcast", ONE_BLOCK, ONE_BLOCK, .rooted = true},
    [LS_BENCH_BARRIER] = {"barrier", NOTHING, NOTHING, .reduces = false},
};

static const struct collective *row(enum ls_collective_kind kind)
{
    ls_assert((unsigned)kind < LS_BENCH_KIND_COUNT);
    return &TABLE[kind];
}

const char *ls_collective_name(enum ls_collective_kind kind)
{
    return (unsigned)kind < LS_BENCH_KIND_COUNT ? TABLE[kind].name : NULL;
}

bool ls_collective_by_name(const char *name, enum ls_collective_kind *ret_kind)
{
    for (unsigned kind = 0; kind < LS_BENCH_KIND_COUNT; kind++) {
        if (strcmp(name, TABLE[kind].name) == 0) {
            *ret_kind = (enum ls_collective_kind)kind;
            return true;
        }
    }
    return false;
}

bool ls_collective_reduces(enum ls_collective_kind kind)
{
    return row(kind)->reduces;
}

bool ls_collective_has_data(enum ls_collective_kind kind)
{
    return row(kind)->in != NOTHING;
}

bool ls_collective_has_root(enum ls_collective_kind kind)
{
    return row(kind)->rooted;
}

bool ls_collective_has_two_places(enum ls_collective_kind kind)
{
    return row(kind)->two_places;
}

static uint64_t elements(const struct ls_case *c, enum extent extent)
{
    switch (extent) {
    case NOTHING:
        return 0;
    case ONE_BLOCK:
        return c->count;
    case BLOCK_PER_RANK:
        return c->count * (uint64_t)c->ranks;
    }
    return 0;
}

uint64_t ls_case_in_count(const struct ls_case *c)
{
    return elements(c, row(c->kind)->in);
}

uint64_t ls_case_out_count(const struct ls_case *c)
{
    return elements(c, row(c->kind)->out);
}

uint64_t ls_case_bytes(const struct ls_case *c)
{
    uint64_t in = ls_case_in_count(c), out = ls_case_out_count(c);

    return (in > out ? in : out) * lockstep_type_size(c->type);
}

uint64_t ls_case_count_for(const struct ls_case *c, uint64_t bytes)
{
    const struct collective *collective = row(c->kind);
    uint64_t blocks =
        collective->in == BLOCK_PER_RANK || collective->out == BLOCK_PER_RANK
            ? (uint64_t)c->ranks
            : 1;

    return bytes / lockstep_type_size(c->type) / blocks;
}

double ls_case_bus_factor(const struct ls_case *c)
{
    double ranks = c->ranks;

    switch (c->kind) {
    case LS_BENCH_ALLREDUCE:
        return 2 * (ranks - 1) / ranks;
    case LS_BENCH_REDUCE_SCATTER:
    case LS_BENCH_ALLGATHER:
        return (ranks - 1) / ranks;
    default:
        return 1;
    }
}

double ls_case_memory_traffic(const struct ls_case *c)
{
    double size = (double)lockstep_type_size(c->type);
    double in = size * (double)ls_case_in_count(c);
    double out = size * (double)ls_case_out_count(c);

    if (c->kind == LS_BENCH_BROADCAST) /* read on the root, written by all others */
        return in + (c->ranks - 1) * out;
    return c->ranks * (in + out);
}

double ls_case_wire_traffic(const struct ls_case *c, int nodes)
{
    double once = (nodes - 1) * (double)ls_case_bytes(c);

    return c->kind == LS_BENCH_ALLREDUCE ? 2 * once : once;
}

void ls_case_in_place(const struct ls_case *c, int rank, char *buffer,
                      const void **ret_in, void **ret_out)
{
    size_t own = (size_t)rank * c->count * lockstep_type_size(c->type);

    *ret_in = row(c->kind)->out == BLOCK_PER_RANK ? buffer + own : buffer;
    *ret_out = row(c->kind)->in == BLOCK_PER_RANK ? buffer + own : buffer;
}

lockstep_status ls_case_run(const struct ls_case *c, lockstep_comm *comm,
                            const void *in, void *out)
{
    switch (c->kind) {
    case LS_BENCH_ALLREDUCE:
        return lockstep_allreduce(comm, in, out, c->count, c->type, c->op);
    case LS_BENCH_REDUCE_SCATTER:
        return lockstep_reduce_scatter(comm, in, out, c->count, c->type, c->op);
    case LS_BENCH_ALLGATHER:
        return lockstep_allgather(comm, in, out, c->count, c->type);
    case LS_BENCH_BROADCAST:
        return lockstep_broadcast(comm, out, c->count, c->type, c->root);
    case LS_BENCH_BARRIER:
        return lockstep_barrier(comm);
    case LS_BENCH_KIND_COUNT:
        break;
    }
    return LOCKSTEP_ERR_ARGUMENT;
}
