/* common/collective/comm.c - the queue of operations in flight, and waiting for them.
 * Depends on operation. */
#include "common/collective/comm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/collective/operation.h"
#include "common/collective/reduce.h"
#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/mem.h"

void ls_comm_prepare(struct ls_comm *comm, int local_rank)
{
    struct ls_segment *segment = comm->segment;

    comm->local_rank = local_rank;
    comm->local_size = (int)segment->local_count;
    comm->node_rank = (int)segment->node_index;
    comm->node_count = (int)segment->node_count;
    comm->first_rank = (int)segment->first_rank;
    comm->rank = comm->first_rank + local_rank;
    comm->size = (int)segment->world_size;
    comm->me = &segment->members[local_rank];
    comm->pool = ls_calloc(LOCKSTEP_IN_FLIGHT_MAX, sizeof(*comm->pool));
    ls_waiter_init(&comm->waiter, &comm->me->bell, segment->crowded);
    atomic_store(&comm->me->pid, getpid());
}

void ls_comm_release(struct ls_comm *comm)
{
    ls_lane_close(comm->lane);
    for (int i = 0; i < comm->local_size; i++) {
        if (i != comm->local_rank && comm->arenas[i])
            munmap(comm->arenas[i], comm->arena_sizes[i]);
    }
    ls_arena_destroy(comm->arena);
    ls_segment_unmap(comm->segment);
    ls_close(comm->door_fd);
    ls_free(comm->pool);
}

void *ls_comm_lane_address(void *context, uint32_t arena, uint64_t offset, uint64_t size)
{
    struct ls_comm *comm = context;
    uint64_t limit = arena == (uint32_t)comm->local_size ? comm->segment->size
                                                         : comm->arena_sizes[arena];

    if (offset > limit || size > limit - offset)
        return NULL;
    if (arena == (uint32_t)comm->local_size)
        return (char *)comm->segment + offset;
    return comm->arenas[arena] + offset;
}

/* ---- starting -------------------------------------------------------------------- */

static lockstep_status check_args(struct ls_comm *comm, const struct ls_call_args *args)
{
    uint64_t most = UINT64_C(1) << 40;

    if (ls_type_size(args->type) == 0) {
        ls_error_set(&comm->error, -EINVAL, "type %d: expected a lockstep_type", args->type);
    } else if ((unsigned)args->op >= LOCKSTEP_OP_COUNT) {
        ls_error_set(&comm->error, -EINVAL, "operation %d: expected a lockstep_op", args->op);
    } else if (args->root < 0 || args->root >= comm->size) {
        ls_error_set(&comm->error, -EINVAL, "root %d: expected 0 to %d", args->root,
                     comm->size - 1);
    } else if (args->count > most) {
        ls_error_set(&comm->error, -EINVAL, "count %llu: expected at most 2^40",
                     (unsigned long long)args->count);
    } else if (args->count > 0 && (!args->in || !args->out)) {
        ls_error_set(&comm->error, -EINVAL, "buffer is NULL with a count of %llu",
                     (unsigned long long)args->count);
    } else {
        return LOCKSTEP_OK;
    }
    return LOCKSTEP_ERR_ARGUMENT;
}

static struct ls_operation *new_operation(struct ls_comm *comm)
{
    for (int i = 0; i < LOCKSTEP_IN_FLIGHT_MAX; i++) {
        if (!comm->pool[i].in_use) {
            comm->pool[i] = (struct ls_operation){.in_use = true};
            return &comm->pool[i];
        }
    }
    return NULL;
}

/* Collective, type, operation and a hash of count and root in 32 bits: what must agree. */
static uint32_t signature(const struct ls_call_args *args)
{
    uint64_t mixed = (args->count * 31 + (uint64_t)args->root + 1) * UINT64_C(0x9E3779B97F4A7C15);

    return (uint32_t)args->collective << 29 | (uint32_t)args->type << 26 |
           (uint32_t)args->op << 23 | (uint32_t)(mixed >> 41);
}

static void set_sizes(const struct ls_comm *comm, struct ls_operation *op)
{
    const struct ls_call_args *args = &op->args;
    uint64_t bytes = args->count * ls_type_size(args->type);

    op->in_bytes = op->out_bytes = bytes;
    if (args->collective == LS_BARRIER)
        op->in_bytes = op->out_bytes = 0;
    if (args->collective == LS_REDUCE_SCATTER)
        op->in_bytes = bytes * (uint64_t)comm->size;
    if (args->collective == LS_ALLGATHER)
        op->out_bytes = bytes * (uint64_t)comm->size;
}

/* An entry may be used again once all ranks have done the operation that used it last. */
static bool entry_is_free(struct ls_comm *comm, uint64_t sequence)
{
    uint64_t least = UINT64_MAX;

    if (sequence <= LS_ENTRIES || comm->done_min >= sequence - LS_ENTRIES)
        return true;
    for (int i = 0; i < comm->local_size; i++) {
        uint64_t done = atomic_load_explicit(&comm->segment->members[i].done,
                                             memory_order_acquire);

        least = done < least ? done : least;
    }
    comm->done_min = least;
    return least >= sequence - LS_ENTRIES;
}

static bool has_failed(const struct ls_comm *comm)
{
    return atomic_load_explicit(&comm->segment->failed, memory_order_acquire) != 0;
}

static void pause_a_little(struct ls_comm *comm)
{
    if (!ls_waiter_pause(&comm->waiter))
        return;
    if (comm->lane && ls_lane_busy(comm->lane))
        ls_lane_wait(comm->lane, -1, 1);
    else
        ls_waiter_sleep(&comm->waiter);
}

static void wait_for_entry(struct ls_comm *comm, uint64_t sequence)
{
    if (entry_is_free(comm, sequence))
        return;
    ls_waiter_begin(&comm->waiter);
    while (!entry_is_free(comm, sequence) && !has_failed(comm)) {
        if (ls_comm_progress(comm))
            ls_waiter_begin(&comm->waiter);
        else
            pause_a_little(comm);
    }
    ls_waiter_end(&comm->waiter);
}

static lockstep_status failure(struct ls_comm *comm)
{
    struct ls_segment *segment = comm->segment;

    ls_error_set(&comm->error, -EIO, "%s", segment->why);
    return atomic_load(&segment->failed);
}

lockstep_status ls_comm_start(struct ls_comm *comm, const struct ls_call_args *args,
                              struct ls_operation **ret_operation)
{
    struct ls_operation *op;
    lockstep_status status = check_args(comm, args);

    if (status != LOCKSTEP_OK)
        return status;
    op = new_operation(comm);
    if (!op) {
        ls_error_set(&comm->error, -EBUSY, "%d operations are in flight: wait for one first",
                     LOCKSTEP_IN_FLIGHT_MAX);
        return LOCKSTEP_ERR_BUSY;
    }
    op->args = *args;
    set_sizes(comm, op);
    op->sequence = comm->sequence + 1;
    op->word = (uint64_t)signature(args) << 32 | (uint32_t)op->sequence;
    wait_for_entry(comm, op->sequence);
    if (ls_small_local_fits(comm, op)) {
        op->advance = ls_small_local_advance;
        ls_small_publish(comm, op);
    } else if (ls_small_leader_fits(comm, op)) {
        op->advance = ls_small_leader_advance;
        op->needs_lane = comm->local_rank == 0;
        ls_small_publish(comm, op);
    } else {
        op->advance = comm->node_count == 1 ? ls_large_local_advance : ls_large_lanes_advance;
        op->needs_lane = (uint32_t)comm->local_rank < ls_lanes_in_use(comm, op);
        status = ls_large_publish(comm, op);
    }
    if (status != LOCKSTEP_OK) {
        /* The other ranks must not wait for what will never come. */
        ls_segment_fail(comm->segment, status, (uint32_t)comm->rank, comm->error.text);
        op->in_use = false;
        return status;
    }
    comm->sequence = op->sequence;
    atomic_store_explicit(&comm->me->started, op->sequence, memory_order_relaxed);
    comm->queue[comm->in_flight++] = op;
    *ret_operation = op;
    return LOCKSTEP_OK;
}

/* ---- driving --------------------------------------------------------------------- */

static void take_from_queue(struct ls_comm *comm, int at)
{
    comm->in_flight--;
    for (int i = at; i < comm->in_flight; i++)
        comm->queue[i] = comm->queue[i + 1];
}

static void settle_accounts(struct ls_comm *comm, const struct ls_operation *op)
{
    struct ls_member *me = comm->me;

    atomic_store_explicit(&me->completed,
                          atomic_load_explicit(&me->completed, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(&me->bytes,
                          atomic_load_explicit(&me->bytes, memory_order_relaxed) + op->in_bytes,
                          memory_order_relaxed);
}

static bool drive_lane(struct ls_comm *comm)
{
    struct ls_error error = {0};
    int moved;

    if (!comm->lane)
        return false;
    moved = ls_lane_progress(comm->lane, &error);
    if (moved >= 0)
        return moved > 0;
    ls_segment_fail_lane(comm->segment, (uint32_t)comm->local_rank, error.text);
    return true;
}

bool ls_comm_progress(struct ls_comm *comm)
{
    bool moved = drive_lane(comm);
    bool lane_in_order = true;

    if (has_failed(comm)) {
        while (comm->in_flight > 0) {
            ls_operation_complete(comm->queue[0], failure(comm));
            take_from_queue(comm, 0);
        }
        return true;
    }
    for (int i = 0; i < comm->in_flight;) {
        struct ls_operation *op = comm->queue[i];

        /* Requests reach the lane in the order of operations, on every node. */
        if (lane_in_order || !op->needs_lane)
            moved |= op->advance(comm, op);
        if (op->needs_lane && !op->lane_is_posted && op->phase != LS_PHASE_COMPLETE)
            lane_in_order = false;
        if (op->phase == LS_PHASE_COMPLETE) {
            settle_accounts(comm, op);
            take_from_queue(comm, i);
        } else {
            i++;
        }
    }
    return moved;
}

static lockstep_status finish(struct ls_comm *comm, struct ls_operation *op)
{
    lockstep_status status = op->status;

    ls_large_release(comm, op);
    op->in_use = false;
    return status;
}

lockstep_status ls_comm_wait(struct ls_comm *comm, struct ls_operation *op)
{
    ls_waiter_begin(&comm->waiter);
    while (op->phase != LS_PHASE_COMPLETE) {
        if (ls_comm_progress(comm))
            ls_waiter_begin(&comm->waiter);
        else
            pause_a_little(comm);
    }
    ls_waiter_end(&comm->waiter);
    return finish(comm, op);
}

lockstep_status ls_comm_test(struct ls_comm *comm, struct ls_operation *op)
{
    if (op->phase != LS_PHASE_COMPLETE)
        ls_comm_progress(comm);
    return op->phase == LS_PHASE_COMPLETE ? finish(comm, op) : LOCKSTEP_IN_PROGRESS;
}
