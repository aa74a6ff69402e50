/* common/collective/operation.c - what the paths share: publishing, gathering, settling,
 * the ring to the lane. Depends on comm, segment. */
#include "common/collective/operation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/collective/reduce.h"
#include "common/util/check.h"

/* ---- the node's ranks ------------------------------------------------------------- */

void ls_comm_ring_others(struct ls_comm *comm)
{
    for (int i = 0; i < comm->local_size; i++) {
        if (i != comm->local_rank)
            ls_bell_ring(&comm->segment->members[i].bell);
    }
}

/* Fetch the line of the next operation back from the peers that have read it, so that its
 * store need not wait for that: some percent of a small operation's two hops. */
static void prepare_to_write(const struct ls_entry *entry)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*entry));
#else
    (void)entry;
#endif
}

void ls_operation_announce(struct ls_comm *comm, const struct ls_operation *op)
{
    struct ls_entry *entry = ls_entry_of(comm, comm->local_rank, op->sequence);

    atomic_store_explicit(&entry->word, op->word, memory_order_release);
    ls_comm_ring_others(comm);
    prepare_to_write(ls_entry_of(comm, comm->local_rank, op->sequence + 1));
}

static const char *describe(uint32_t signature, char *text, size_t size)
{
    static const char *const names[] = {"nothing",        "barrier",   "allreduce",
                                        "reduce_scatter", "allgather", "broadcast",
                                        "nothing",        "nothing"};
    uint32_t collective = signature >> 29;
    const char *type = ls_type_name((lockstep_type)(signature >> 26 & 7));
    const char *op = ls_op_name((lockstep_op)(signature >> 23 & 7));

    if (collective == LS_BARRIER)
        return "barrier";
    snprintf(text, size, "%s of %s%s%s", names[collective], type ? type : "?",
             collective <= LS_REDUCE_SCATTER ? ", " : "",
             collective <= LS_REDUCE_SCATTER && op ? op : "");
    return text;
}

static void fail_mismatch(struct ls_comm *comm, const struct ls_operation *op, int local,
                          uint64_t theirs)
{
    uint32_t mine = (uint32_t)(op->word >> 32), other = (uint32_t)(theirs >> 32);
    bool same_call = mine >> 23 == other >> 23;
    char text[192], a[64], b[64];

    snprintf(text, sizeof(text), "operation %llu: rank %d called %s, rank %d called %s%s",
             (unsigned long long)op->sequence, comm->rank, describe(mine, a, sizeof(a)),
             comm->first_rank + local, describe(other, b, sizeof(b)),
             same_call ? " with another count or root" : "");
    ls_segment_fail(comm->segment, LOCKSTEP_ERR_MISMATCH, (uint32_t)(comm->first_rank + local),
                    text);
}

bool ls_operation_published(struct ls_comm *comm, struct ls_operation *op, int local)
{
    struct ls_entry *entry = ls_entry_of(comm, local, op->sequence);
    uint64_t word = atomic_load_explicit(&entry->word, memory_order_acquire);

    if ((uint32_t)word != (uint32_t)op->sequence)
        return false;
    if (word == op->word)
        return true;
    fail_mismatch(comm, op, local, word);
    return false;
}

bool ls_operation_gathered(struct ls_comm *comm, struct ls_operation *op)
{
    while (op->seen < comm->local_size) {
        if (!ls_operation_published(comm, op, op->seen))
            return false;
        op->seen++;
    }
    return true;
}

void ls_operation_finish_work(struct ls_comm *comm, struct ls_operation *op)
{
    uint64_t done = atomic_load_explicit(&comm->me->done, memory_order_relaxed);
    uint64_t before = done;

    comm->finished[op->sequence % LS_ENTRIES] = true;
    while (comm->finished[(done + 1) % LS_ENTRIES]) {
        done++;
        comm->finished[done % LS_ENTRIES] = false;
    }
    if (done != before) {
        atomic_store_explicit(&comm->me->done, done, memory_order_release);
        ls_comm_ring_others(comm);
    }
}

bool ls_operation_settled(struct ls_comm *comm, const struct ls_operation *op)
{
    if (comm->done_min >= op->sequence)
        return true;
    for (int i = 0; i < comm->local_size; i++) {
        if (atomic_load_explicit(&comm->segment->members[i].done, memory_order_acquire) <
            op->sequence)
            return false;
    }
    comm->done_min = op->sequence;
    return true;
}

void ls_operation_complete(struct ls_operation *op, lockstep_status status)
{
    op->status = status;
    op->phase = LS_PHASE_COMPLETE;
}

void ls_slice(uint64_t count, size_t type_size, uint32_t part, uint32_t parts,
              uint64_t *ret_begin, uint64_t *ret_end)
{
    uint64_t line = 64 / type_size;
    uint64_t lines = (count + line - 1) / line;
    uint64_t begin = lines * part / parts * line, end = lines * (part + 1) / parts * line;

    *ret_begin = begin < count ? begin : count;
    *ret_end = end < count ? end : count;
}

/* ---- the lane ---------------------------------------------------------------------- */

static struct ls_lane_ring *lane_ring(const struct ls_comm *comm)
{
    return ls_segment_lane(comm->segment, (uint32_t)comm->local_rank);
}

/* Wake the lane's host if it sleeps; a lane of our own is driven by our own waiting. */
static void ring_lane(const struct ls_comm *comm)
{
    struct ls_lane_door *door;
    uint64_t one = 1;

    if (comm->lane)
        return;
    door = ls_segment_door(comm->segment, (uint32_t)comm->local_rank);
    atomic_signal_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&door->sleeping, memory_order_relaxed))
        return;
    if (write(comm->door_fd, &one, sizeof(one)) < 0) {
        /* Full counter: it is awake. */
    }
}

struct ls_lane_request ls_lane_request_for(const struct ls_comm *comm,
                                           const struct ls_operation *op,
                                           enum ls_lane_collective collective)
{
    return (struct ls_lane_request){
        .collective = (uint8_t)collective,
        .type = (uint8_t)op->args.type,
        .op = (uint8_t)op->args.op,
        .divisor = op->args.op == LOCKSTEP_AVG ? (uint32_t)comm->size : 1,
        .hash = (uint32_t)(op->word >> 32) ^ (uint32_t)op->sequence * 0x9E3779B9u,
        .arena = (uint32_t)comm->local_rank,
        .count = op->args.count,
    };
}

void ls_operation_post(struct ls_comm *comm, struct ls_operation *op,
                       const struct ls_lane_request *request, uint64_t ready)
{
    struct ls_lane_ring *ring = lane_ring(comm);
    struct ls_lane_request *slot = &ring->requests[comm->lane_posted % LS_LANE_DEPTH];

    ls_assert(comm->lane_posted - atomic_load(&ring->completed) < LS_LANE_DEPTH);
    *slot = *request;
    atomic_store_explicit(&slot->ready, ready, memory_order_relaxed);
    atomic_store_explicit(&slot->done, 0, memory_order_relaxed);
    op->request = slot;
    op->lane_number = comm->lane_posted++;
    op->lane_is_posted = true;
    atomic_store_explicit(&ring->posted, comm->lane_posted, memory_order_release);
    ring_lane(comm);
}

void ls_operation_ready(struct ls_comm *comm, struct ls_operation *op, uint64_t ready)
{
    atomic_store_explicit(&op->request->ready, ready, memory_order_release);
    ring_lane(comm);
}

bool ls_operation_lane_done(struct ls_comm *comm, const struct ls_operation *op)
{
    return atomic_load_explicit(&lane_ring(comm)->completed, memory_order_acquire) >
           op->lane_number;
}
