/* common/collective/path_large.c - large operations: data is read in place from the arenas.
 *
 * Each rank publishes where its buffers are. On one node every rank then reduces its slice
 * of all inputs straight into all outputs (single copy), and waits until the others have
 * done theirs. Memory that is no arena memory is copied into the arena and back.
 * Depends on operation, reduce, arena. */
#include <errno.h>
#include <string.h>

#include "common/collective/operation.h"
#include "common/collective/path_large.h"
#include "common/collective/reduce.h"
#include "common/util/check.h"

static bool reads_input(const struct ls_comm *comm, const struct ls_operation *op)
{
    return op->args.collective != LS_BROADCAST || op->args.root == comm->rank;
}

/* Bytes at the buffer `in` and `out` point to on this rank. */
static lockstep_status place(struct ls_comm *comm, const void *buffer, uint64_t bytes,
                             void **ret_scratch, uint64_t *ret_offset)
{
    *ret_offset = 0;
    if (bytes == 0 || ls_arena_offset(comm->arena, buffer, bytes, ret_offset))
        return LOCKSTEP_OK;
    *ret_scratch = ls_arena_alloc(comm->arena, bytes, false);
    if (!*ret_scratch || !ls_arena_offset(comm->arena, *ret_scratch, bytes, ret_offset)) {
        ls_error_set(&comm->error, -ENOMEM,
                     "no room for %llu bytes in the shared arena of %llu bytes "
                     "(LOCKSTEP_ARENA_SIZE sets it)",
                     (unsigned long long)bytes, (unsigned long long)ls_arena_size(comm->arena));
        return LOCKSTEP_ERR_MEMORY;
    }
    return LOCKSTEP_OK;
}

lockstep_status ls_large_publish(struct ls_comm *comm, struct ls_operation *op)
{
    struct ls_entry *entry = ls_entry_of(comm, comm->local_rank, op->sequence);
    lockstep_status status;

    status = place(comm, op->args.in, op->in_bytes, &op->in_scratch, &op->in_offset);
    if (status != LOCKSTEP_OK)
        return status;
    if (op->in_scratch && reads_input(comm, op))
        memcpy(op->in_scratch, op->args.in, op->in_bytes);
    if (op->args.in == op->args.out && op->in_bytes == op->out_bytes) {
        op->out_offset = op->in_offset;
    } else {
        status = place(comm, op->args.out, op->out_bytes, &op->out_scratch, &op->out_offset);
        if (status != LOCKSTEP_OK) {
            ls_large_release(comm, op);
            return status;
        }
    }
    entry->in = op->in_offset;
    entry->out = op->out_offset;
    ls_operation_announce(comm, op);
    return LOCKSTEP_OK;
}

void ls_large_release(struct ls_comm *comm, struct ls_operation *op)
{
    if (op->in_scratch)
        ls_arena_free(comm->arena, op->in_scratch);
    if (op->out_scratch)
        ls_arena_free(comm->arena, op->out_scratch);
    if (op->lane_scratch)
        ls_arena_free(comm->arena, op->lane_scratch);
    op->in_scratch = op->out_scratch = op->lane_scratch = NULL;
}

/* A peer says where its buffers are; a wrong place must not reach beyond its arena. */
static char *peer_address(struct ls_comm *comm, int local, uint64_t offset, uint64_t bytes)
{
    uint64_t size = comm->arena_sizes[local];

    if (offset <= size && bytes <= size - offset)
        return comm->arenas[local] + offset;
    ls_segment_fail(comm->segment, LOCKSTEP_ERR_MISMATCH, (uint32_t)(comm->first_rank + local),
                    "a rank published a buffer outside its shared memory");
    return NULL;
}

char *ls_large_in(struct ls_comm *comm, const struct ls_operation *op, int local)
{
    return peer_address(comm, local, ls_entry_of(comm, local, op->sequence)->in, op->in_bytes);
}

char *ls_large_out(struct ls_comm *comm, const struct ls_operation *op, int local)
{
    return peer_address(comm, local, ls_entry_of(comm, local, op->sequence)->out,
                        op->out_bytes);
}

void ls_large_finish(struct ls_comm *comm, struct ls_operation *op)
{
    /* Broadcast in ordinary memory: the root's output is its input, nothing to copy. */
    bool into_in = op->args.in == op->args.out && op->in_scratch;

    if (op->out_scratch)
        memcpy(op->args.out, op->out_scratch, op->out_bytes);
    else if (into_in && !(op->args.collective == LS_BROADCAST && reads_input(comm, op)))
        memcpy(op->args.out, op->in_scratch, op->out_bytes);
    ls_operation_complete(op, LOCKSTEP_OK);
}

bool ls_large_addresses(struct ls_comm *comm, const struct ls_operation *op,
                        const void *in[LS_MEMBERS_MAX], void *out[LS_MEMBERS_MAX])
{
    for (int i = 0; i < comm->local_size; i++) {
        in[i] = ls_large_in(comm, op, i);
        out[i] = ls_large_out(comm, op, i);
        if (!in[i] || !out[i])
            return false;
    }
    return true;
}

void ls_large_reduce(const struct ls_comm *comm, const struct ls_operation *op,
                     const void *const *inputs, uint64_t in_at, void *const *outputs,
                     unsigned output_count, uint64_t out_at, uint64_t count, uint32_t divisor)
{
    size_t size = ls_type_size(op->args.type);
    const void *in[LS_MEMBERS_MAX];
    void *out[LS_MEMBERS_MAX];

    ls_assert(comm->local_size <= LS_MEMBERS_MAX && output_count <= LS_MEMBERS_MAX);
    for (int i = 0; i < comm->local_size; i++)
        in[i] = (const char *)inputs[i] + in_at * size;
    for (unsigned j = 0; j < output_count; j++)
        out[j] = (char *)outputs[j] + out_at * size;
    ls_reduce(&(struct ls_reduce){
        .in = in,
        .in_count = (unsigned)comm->local_size,
        .out = out,
        .out_count = output_count,
        .count = count,
        .type = op->args.type,
        .op = op->args.op,
        .divisor = divisor,
    });
}

static void work_local(struct ls_comm *comm, struct ls_operation *op)
{
    const struct ls_call_args *args = &op->args;
    uint32_t divisor = args->op == LOCKSTEP_AVG ? (uint32_t)comm->size : 1;
    const void *in[LS_MEMBERS_MAX];
    void *out[LS_MEMBERS_MAX];
    uint64_t begin, end;

    if (!ls_large_addresses(comm, op, in, out))
        return;
    switch (args->collective) {
    case LS_ALLREDUCE:
        ls_slice(args->count, ls_type_size(args->type), (uint32_t)comm->local_rank,
                 (uint32_t)comm->local_size, &begin, &end);
        if (end > begin)
            ls_large_reduce(comm, op, in, begin, out, (unsigned)comm->local_size, begin,
                            end - begin, divisor);
        break;
    case LS_REDUCE_SCATTER:
        ls_large_reduce(comm, op, in, (uint64_t)comm->local_rank * args->count,
                        &out[comm->local_rank], 1, 0, args->count, divisor);
        break;
    case LS_ALLGATHER:
        for (int i = 0; i < comm->local_size; i++) {
            char *to = (char *)out[comm->local_rank] + (uint64_t)i * op->in_bytes;

            if (to != in[i])
                memcpy(to, in[i], op->in_bytes);
        }
        break;
    case LS_BROADCAST:
        if (args->root != comm->rank)
            memcpy(out[comm->local_rank], in[args->root], op->out_bytes);
        break;
    case LS_BARRIER:
        break;
    }
}

bool ls_large_local_advance(struct ls_comm *comm, struct ls_operation *op)
{
    if (op->phase == LS_PHASE_GATHER) {
        if (!ls_operation_gathered(comm, op))
            return false;
        work_local(comm, op);
        ls_operation_finish_work(comm, op);
        op->phase = LS_PHASE_SETTLE;
    }
    if (!ls_operation_settled(comm, op))
        return false;
    ls_large_finish(comm, op);
    return true;
}
