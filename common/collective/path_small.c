/* common/collective/path_small.c - small operations: the payload rides in the segment.
 *
 * On one node each rank publishes its input beside its flag, and reads and reduces all of
 * them by itself: one hop of a cache line, no second round. Over several nodes the node's
 * first rank reduces, exchanges the result on lane 0, and publishes it for the others.
 * Depends on operation, reduce. */
#include <string.h>

#include "common/collective/operation.h"
#include "common/collective/reduce.h"

enum { READ_BYTES_MAX = 32 * 1024 }; /* over all inputs; above, sharing the work pays */

static const void *payload_in(const struct ls_entry *entry, const uint8_t *slot, uint64_t bytes)
{
    return bytes <= LS_INLINE_BYTES ? (const void *)entry->payload : slot;
}

static const void *input_of(struct ls_comm *comm, const struct ls_operation *op, int local)
{
    struct ls_member *member = &comm->segment->members[local];
    uint64_t at = op->sequence % LS_ENTRIES;

    return payload_in(&member->entries[at], member->slots[at], op->in_bytes);
}

static bool payload_fits(const struct ls_comm *comm, const struct ls_operation *op)
{
    return op->in_bytes <= LS_SLOT_BYTES &&
           op->in_bytes * (uint64_t)comm->local_size <= READ_BYTES_MAX;
}

bool ls_small_local_fits(const struct ls_comm *comm, const struct ls_operation *op)
{
    return comm->node_count == 1 && payload_fits(comm, op);
}

static bool is_source(const struct ls_comm *comm, const struct ls_operation *op)
{
    return op->args.collective != LS_BROADCAST || op->args.root == comm->rank;
}

void ls_small_publish(struct ls_comm *comm, struct ls_operation *op)
{
    uint64_t at = op->sequence % LS_ENTRIES;
    struct ls_entry *entry = &comm->me->entries[at];
    uint8_t *to = op->in_bytes <= LS_INLINE_BYTES ? entry->payload : comm->me->slots[at];

    if (op->in_bytes > 0 && is_source(comm, op))
        memcpy(to, op->args.in, op->in_bytes);
    ls_operation_announce(comm, op);
}

/* Reduce `count` elements of all local inputs, from byte `offset` of each, into `out`. */
static void reduce_inputs(struct ls_comm *comm, const struct ls_operation *op, uint64_t offset,
                          void *out, uint32_t divisor)
{
    const void *in[LS_MEMBERS_MAX];

    for (int i = 0; i < comm->local_size; i++)
        in[i] = (const char *)input_of(comm, op, i) + offset;
    ls_reduce(&(struct ls_reduce){
        .in = in,
        .in_count = (unsigned)comm->local_size,
        .out = &out,
        .out_count = 1,
        .count = op->args.count,
        .type = op->args.type,
        .op = op->args.op,
        .divisor = divisor,
    });
}

static void take_result(struct ls_comm *comm, struct ls_operation *op)
{
    uint32_t divisor = op->args.op == LOCKSTEP_AVG ? (uint32_t)comm->size : 1;
    char *out = op->args.out;

    if (op->args.count == 0)
        return;
    switch (op->args.collective) {
    case LS_ALLREDUCE:
        reduce_inputs(comm, op, 0, out, divisor);
        break;
    case LS_REDUCE_SCATTER:
        reduce_inputs(comm, op, (uint64_t)comm->local_rank * op->out_bytes, out, divisor);
        break;
    case LS_ALLGATHER:
        for (int i = 0; i < comm->local_size; i++)
            memcpy(out + (uint64_t)i * op->in_bytes, input_of(comm, op, i), op->in_bytes);
        break;
    case LS_BROADCAST:
        if (!is_source(comm, op))
            memcpy(out, input_of(comm, op, op->args.root), op->out_bytes);
        break;
    case LS_BARRIER:
        break;
    }
}

static bool inputs_are_here(struct ls_comm *comm, struct ls_operation *op)
{
    if (op->args.collective != LS_BROADCAST)
        return ls_operation_gathered(comm, op);
    return ls_operation_published(comm, op, op->args.root);
}

bool ls_small_local_advance(struct ls_comm *comm, struct ls_operation *op)
{
    if (!inputs_are_here(comm, op))
        return false;
    take_result(comm, op);
    ls_operation_finish_work(comm, op);
    ls_operation_complete(op, LOCKSTEP_OK);
    return true;
}

/* ---- several nodes ------------------------------------------------------------------ */

bool ls_small_leader_fits(const struct ls_comm *comm, const struct ls_operation *op)
{
    return comm->node_count > 1 && payload_fits(comm, op) &&
           (op->args.collective == LS_ALLREDUCE || op->args.collective == LS_BARRIER);
}

static bool leader_post(struct ls_comm *comm, struct ls_operation *op)
{
    uint8_t *slot = comm->me->result_slots[op->sequence % LS_ENTRIES];
    struct ls_lane_request request;

    if (!ls_operation_gathered(comm, op))
        return false;
    request = ls_lane_request_for(comm, op, LS_LANE_ALLREDUCE);
    request.arena = (uint32_t)comm->local_size;
    request.offset = (uint64_t)(slot - (uint8_t *)comm->segment);
    if (op->args.count == 0) { /* also a barrier: something must cross to be waited for */
        memset(slot, 0, sizeof(uint64_t));
        request.count = 1;
        request.divisor = 1;
    } else {
        reduce_inputs(comm, op, 0, slot, 1);
    }
    ls_operation_post(comm, op, &request, request.count);
    op->phase = LS_PHASE_WORK;
    return true;
}

static bool leader_publish(struct ls_comm *comm, struct ls_operation *op)
{
    uint64_t at = op->sequence % LS_ENTRIES;
    struct ls_entry *result = &comm->me->results[at];
    const uint8_t *slot = comm->me->result_slots[at];

    if (!ls_operation_lane_done(comm, op))
        return false;
    if (op->in_bytes > 0 && op->in_bytes <= LS_INLINE_BYTES)
        memcpy(result->payload, slot, op->in_bytes);
    atomic_store_explicit(&result->word, op->word, memory_order_release);
    ls_comm_ring_others(comm);
    if (op->in_bytes > 0)
        memcpy(op->args.out, slot, op->in_bytes);
    return true;
}

static bool follower_take(struct ls_comm *comm, struct ls_operation *op)
{
    struct ls_member *leader = &comm->segment->members[0];
    uint64_t at = op->sequence % LS_ENTRIES;
    uint64_t word = atomic_load_explicit(&leader->results[at].word, memory_order_acquire);

    if ((uint32_t)word != (uint32_t)op->sequence)
        return false;
    if (op->in_bytes > 0)
        memcpy(op->args.out,
               payload_in(&leader->results[at], leader->result_slots[at], op->in_bytes),
               op->in_bytes);
    return true;
}

bool ls_small_leader_advance(struct ls_comm *comm, struct ls_operation *op)
{
    if (comm->local_rank == 0 && op->phase == LS_PHASE_GATHER && !leader_post(comm, op))
        return false;
    if (comm->local_rank == 0 ? !leader_publish(comm, op) : !follower_take(comm, op))
        return false;
    ls_operation_finish_work(comm, op);
    ls_operation_complete(op, LOCKSTEP_OK);
    return true;
}
