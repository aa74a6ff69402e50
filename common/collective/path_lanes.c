/* common/collective/path_lanes.c - large operations over several nodes.
 *
 * The first `lanes` ranks of each node own a slice each: they reduce it over the node's
 * ranks, hand it to their lane piece by piece (reduction overlaps the wire), and copy what
 * comes back into the outputs of the node's other ranks, again piece by piece.
 * Depends on path_large, lane, reduce. */
#include <string.h>

#include "common/collective/operation.h"
#include "common/collective/path_large.h"
#include "common/collective/reduce.h"
#include "common/util/check.h"

enum {
    LANE_BYTES_MIN = 64 * 1024,  /* below, one more lane costs more than it brings */
    PIECE_BYTES = 256 * 1024,    /* of a slice, between two looks at the lane */
};

uint32_t ls_lanes_in_use(const struct ls_comm *comm, const struct ls_operation *op)
{
    uint64_t worth = op->in_bytes / LANE_BYTES_MIN;
    uint32_t most = comm->segment->lane_count;

    if (op->args.collective == LS_REDUCE_SCATTER || op->args.collective == LS_ALLGATHER)
        return most;
    return worth < 1 ? 1 : worth > most ? most : (uint32_t)worth;
}

struct slice {
    size_t type_size;
    uint64_t begin, end;   /* elements of the buffer */
    uint64_t piece;        /* elements */
};

static struct slice own_slice(const struct ls_comm *comm, const struct ls_operation *op)
{
    struct slice slice = {.type_size = ls_type_size(op->args.type)};

    ls_slice(op->args.count, slice.type_size, (uint32_t)comm->local_rank,
             ls_lanes_in_use(comm, op), &slice.begin, &slice.end);
    slice.piece = PIECE_BYTES / slice.type_size;
    return slice;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- allreduce ---------------------------------------------------------------------- */

static bool allreduce_post(struct ls_comm *comm, struct ls_operation *op)
{
    struct slice slice = own_slice(comm, op);
    struct ls_lane_request request = ls_lane_request_for(comm, op, LS_LANE_ALLREDUCE);

    request.offset = op->out_offset + slice.begin * slice.type_size;
    request.count = slice.end - slice.begin;
    ls_operation_post(comm, op, &request, 0);
    return true;
}

/* Reduce the next piece of the own slice over the node's ranks. */
static bool allreduce_reduce(struct ls_comm *comm, struct ls_operation *op)
{
    struct slice slice = own_slice(comm, op);
    uint64_t count = least(slice.end - slice.begin - op->reduced, slice.piece);
    uint64_t at = slice.begin + op->reduced;
    const void *in[LS_MEMBERS_MAX];
    void *out[LS_MEMBERS_MAX];

    if (count == 0 || !ls_large_addresses(comm, op, in, out))
        return false;
    if (comm->local_size > 1 || in[0] != out[0])
        ls_large_reduce(comm, op, in, at, &out[comm->local_rank], 1, at, count, 1);
    else
        count = slice.end - slice.begin - op->reduced; /* nothing to do: all at once */
    op->reduced += count;
    ls_operation_ready(comm, op, op->reduced);
    return true;
}

/* Copy the elements [op->distributed, upto) of the own slice from `from` to the outputs
 * of the node's ranks, but not to rank `skip`. */
static bool distribute(struct ls_comm *comm, struct ls_operation *op, const char *from,
                       int skip, uint64_t upto)
{
    struct slice slice = own_slice(comm, op);
    uint64_t count = least(upto - op->distributed, slice.piece);
    uint64_t at = (slice.begin + op->distributed) * slice.type_size;

    if (count == 0)
        return false;
    for (int i = 0; i < comm->local_size; i++) {
        char *to = i == skip ? NULL : ls_large_out(comm, op, i);

        if (to)
            memcpy(to + at, from + at, count * slice.type_size);
    }
    op->distributed += count;
    return true;
}

static bool allreduce_work(struct ls_comm *comm, struct ls_operation *op, bool *ret_done)
{
    struct slice slice = own_slice(comm, op);
    uint64_t done = atomic_load_explicit(&op->request->done, memory_order_acquire);
    char *own = ls_large_out(comm, op, comm->local_rank);
    bool moved = allreduce_reduce(comm, op);

    if (!own)
        return false;
    if (comm->local_size == 1)
        op->distributed = done;
    else
        moved |= distribute(comm, op, own, comm->local_rank, done);
    *ret_done = op->distributed == slice.end - slice.begin && ls_operation_lane_done(comm, op);
    return moved;
}

/* ---- broadcast ---------------------------------------------------------------------- */

static int root_node(const struct ls_comm *comm, int root, int *ret_local)
{
    const uint32_t *ranks = ls_segment_ranks_per_node(comm->segment);
    int node = 0;

    while (root >= (int)ranks[node])
        root -= (int)ranks[node++];
    *ret_local = root;
    return node;
}

static bool broadcast_post(struct ls_comm *comm, struct ls_operation *op)
{
    struct slice slice = own_slice(comm, op);
    struct ls_lane_request request = ls_lane_request_for(comm, op, LS_LANE_BROADCAST);
    int local, node = root_node(comm, op->args.root, &local);
    bool here = node == comm->node_rank;
    const struct ls_entry *entry = ls_entry_of(comm, local, op->sequence);

    request.root = (uint32_t)node;
    request.count = slice.end - slice.begin;
    request.arena = (uint32_t)(here ? local : comm->local_rank);
    request.offset = (here ? entry->in : op->out_offset) + slice.begin * slice.type_size;
    ls_operation_post(comm, op, &request, here ? request.count : 0);
    return true;
}

static bool broadcast_work(struct ls_comm *comm, struct ls_operation *op, bool *ret_done)
{
    struct slice slice = own_slice(comm, op);
    int local, node = root_node(comm, op->args.root, &local);
    bool here = node == comm->node_rank;
    int source = here ? local : comm->local_rank;
    const char *from = here ? ls_large_in(comm, op, local) : ls_large_out(comm, op, source);
    uint64_t done = here ? slice.end - slice.begin
                         : atomic_load_explicit(&op->request->done, memory_order_acquire);
    bool moved = from && distribute(comm, op, from, source, done);

    *ret_done = op->distributed == slice.end - slice.begin && ls_operation_lane_done(comm, op);
    return moved;
}

/* ---- reduce_scatter, allgather: packed blocks, one per node ---------------------------- */

/* This lane's portion of node `node`'s block: elements [*begin, *begin + return value) of
 * the whole buffer; *packed is where it lies in the packed scratch. */
static uint64_t portion(const struct ls_comm *comm, const struct ls_operation *op, int node,
                        uint64_t *begin, uint64_t *packed)
{
    const uint32_t *ranks = ls_segment_ranks_per_node(comm->segment);
    uint32_t lane = (uint32_t)comm->local_rank;
    uint32_t lanes = comm->segment->lane_count;
    uint64_t start = 0, size = 0;

    *packed = 0;
    for (int n = 0; n <= node; n++) {
        *packed += size;
        start += n ? ranks[n - 1] * op->args.count : 0;
        size = ls_lane_block(ranks[n], op->args.count, lane, lanes);
    }
    *begin = start + ranks[node] * op->args.count * lane / lanes;
    return size;
}

static uint64_t packed_size(const struct ls_comm *comm, const struct ls_operation *op)
{
    uint64_t begin, packed;
    uint64_t last = portion(comm, op, comm->node_count - 1, &begin, &packed);

    return packed + last;
}

/* Scratch for the packed blocks, once per operation. */
static char *packed_scratch(struct ls_comm *comm, struct ls_operation *op)
{
    uint64_t bytes = packed_size(comm, op) * ls_type_size(op->args.type);

    if (!op->lane_scratch)
        op->lane_scratch = ls_arena_alloc(comm->arena, bytes, false);
    if (!op->lane_scratch)
        ls_segment_fail(comm->segment, LOCKSTEP_ERR_MEMORY, (uint32_t)comm->rank,
                        "no room for the blocks between nodes in the shared arena");
    return op->lane_scratch;
}

static bool blocks_post(struct ls_comm *comm, struct ls_operation *op,
                        enum ls_lane_collective collective)
{
    struct ls_lane_request request = ls_lane_request_for(comm, op, collective);

    ls_arena_offset(comm->arena, op->lane_scratch, 0, &request.offset);
    ls_operation_post(comm, op, &request, packed_size(comm, op));
    return true;
}

static bool reduce_scatter_post(struct ls_comm *comm, struct ls_operation *op)
{
    void *scratch = packed_scratch(comm, op);
    const void *in[LS_MEMBERS_MAX];

    for (int i = 0; i < comm->local_size && scratch; i++) {
        in[i] = ls_large_in(comm, op, i);
        if (!in[i])
            return true;
    }
    for (int node = 0; node < comm->node_count && scratch; node++) {
        uint64_t begin, packed;
        uint64_t count = portion(comm, op, node, &begin, &packed);

        if (count > 0)
            ls_large_reduce(comm, op, in, begin, &scratch, 1, packed, count, 1);
    }
    return scratch ? blocks_post(comm, op, LS_LANE_REDUCE_SCATTER) : true;
}

/* Copy elements [begin, begin + count) of the node's block between the packed scratch and
 * the buffers of the ranks they belong to. */
static void copy_block(struct ls_comm *comm, struct ls_operation *op, char *scratch,
                       uint64_t begin, uint64_t count, bool to_ranks)
{
    size_t size = ls_type_size(op->args.type);
    uint64_t per_rank = op->args.count, at = begin - (uint64_t)comm->first_rank * per_rank;

    while (count > 0) {
        int local = (int)(at / per_rank);
        uint64_t within = at % per_rank, n = least(count, per_rank - within);
        char *rank = to_ranks ? ls_large_out(comm, op, local) : ls_large_in(comm, op, local);

        if (!rank)
            return;
        if (to_ranks)
            memcpy(rank + within * size, scratch, n * size);
        else
            memcpy(scratch, rank + within * size, n * size);
        scratch += n * size;
        at += n;
        count -= n;
    }
}

static bool reduce_scatter_work(struct ls_comm *comm, struct ls_operation *op, bool *ret_done)
{
    uint64_t begin, packed, count = portion(comm, op, comm->node_rank, &begin, &packed);
    size_t size = ls_type_size(op->args.type);

    if (!ls_operation_lane_done(comm, op))
        return false;
    copy_block(comm, op, (char *)op->lane_scratch + packed * size, begin, count, true);
    *ret_done = true;
    return true;
}

static bool allgather_post(struct ls_comm *comm, struct ls_operation *op)
{
    uint64_t begin, packed, count = portion(comm, op, comm->node_rank, &begin, &packed);
    char *scratch = packed_scratch(comm, op);
    size_t size = ls_type_size(op->args.type);

    if (!scratch)
        return true;
    copy_block(comm, op, scratch + packed * size, begin, count, false);
    return blocks_post(comm, op, LS_LANE_ALLGATHER);
}

static bool allgather_work(struct ls_comm *comm, struct ls_operation *op, bool *ret_done)
{
    size_t size = ls_type_size(op->args.type);

    if (!ls_operation_lane_done(comm, op))
        return false;
    for (int node = 0; node < comm->node_count; node++) {
        uint64_t begin, packed, count = portion(comm, op, node, &begin, &packed);

        for (int i = 0; i < comm->local_size; i++) {
            char *out = ls_large_out(comm, op, i);

            if (out)
                memcpy(out + begin * size, (char *)op->lane_scratch + packed * size,
                       count * size);
        }
    }
    *ret_done = true;
    return true;
}

/* ---- the path ---------------------------------------------------------------------- */

struct lane_collective {
    bool (*post)(struct ls_comm *comm, struct ls_operation *op);
    bool (*work)(struct ls_comm *comm, struct ls_operation *op, bool *ret_done);
};

static const struct lane_collective *collective_of(const struct ls_operation *op)
{
    static const struct lane_collective table[] = {
        [LS_ALLREDUCE] = {allreduce_post, allreduce_work},
        [LS_REDUCE_SCATTER] = {reduce_scatter_post, reduce_scatter_work},
        [LS_ALLGATHER] = {allgather_post, allgather_work},
        [LS_BROADCAST] = {broadcast_post, broadcast_work},
    };

    ls_assert(table[op->args.collective].post && table[op->args.collective].work);
    return &table[op->args.collective];
}

bool ls_large_lanes_advance(struct ls_comm *comm, struct ls_operation *op)
{
    bool moved = false, done = false;

    if (op->phase == LS_PHASE_GATHER) {
        if (!ls_operation_gathered(comm, op))
            return false;
        moved = true;
        op->phase = LS_PHASE_WORK;
        if (op->needs_lane)
            collective_of(op)->post(comm, op);
    }
    if (op->phase == LS_PHASE_WORK) {
        if (op->lane_is_posted)
            moved |= collective_of(op)->work(comm, op, &done);
        if (op->needs_lane && !done)
            return moved;
        ls_operation_finish_work(comm, op);
        op->phase = LS_PHASE_SETTLE;
        moved = true;
    }
    if (!ls_operation_settled(comm, op))
        return moved;
    ls_large_finish(comm, op);
    return true;
}
