/* common/collective/operation.h - one collective in flight, and the four paths it may take.
 *
 * Which path depends only on what all ranks know alike (bytes, ranks, nodes), so that
 * they all take the same one. Private to common/collective. Depends on comm. */
#ifndef LS_COMMON_COLLECTIVE_OPERATION_H
#define LS_COMMON_COLLECTIVE_OPERATION_H

#include "common/collective/comm.h"

enum ls_phase {
    LS_PHASE_GATHER,      /* until the node's ranks have published the operation */
    LS_PHASE_WORK,        /* own share of the reduction or copying */
    LS_PHASE_SETTLE,      /* until the others have finished theirs */
    LS_PHASE_COMPLETE,
};

struct ls_operation {
    struct ls_call_args args;
    /* Move on as far as possible without waiting; true when something moved. */
    bool (*advance)(struct ls_comm *comm, struct ls_operation *operation);
    uint64_t sequence;
    uint64_t word;            /* what each rank's entry must say: sequence, signature */
    uint64_t in_bytes, out_bytes;
    enum ls_phase phase;
    lockstep_status status;
    bool in_use;
    int seen;                 /* local ranks 0 … seen-1 have published */
    bool needs_lane;          /* this rank will post a request to its lane */
    bool lane_is_posted;
    uint64_t lane_number;     /* of the request */
    struct ls_lane_request *request;
    /* Data of the large paths: places in the arena, and scratch for other memory. */
    uint64_t in_offset, out_offset;
    void *in_scratch, *out_scratch;
    void *lane_scratch;       /* packed blocks between nodes */
    uint64_t reduced;         /* elements of the own slice that are reduced locally */
    uint64_t distributed;     /* … that hold the result in all local outputs */
};

/* The paths. */
bool ls_small_local_fits(const struct ls_comm *comm, const struct ls_operation *op);
void ls_small_publish(struct ls_comm *comm, struct ls_operation *op);
bool ls_small_local_advance(struct ls_comm *comm, struct ls_operation *op);

bool ls_small_leader_fits(const struct ls_comm *comm, const struct ls_operation *op);
bool ls_small_leader_advance(struct ls_comm *comm, struct ls_operation *op);

lockstep_status ls_large_publish(struct ls_comm *comm, struct ls_operation *op);
void ls_large_release(struct ls_comm *comm, struct ls_operation *op);
bool ls_large_local_advance(struct ls_comm *comm, struct ls_operation *op);

bool ls_large_lanes_advance(struct ls_comm *comm, struct ls_operation *op);
/* How many lanes of each node a large operation uses; the same on all nodes. */
uint32_t ls_lanes_in_use(const struct ls_comm *comm, const struct ls_operation *op);

/* ---- what the paths share ------------------------------------------------------- */

static inline struct ls_entry *ls_entry_of(struct ls_comm *comm, int local, uint64_t sequence)
{
    return &comm->segment->members[local].entries[sequence % LS_ENTRIES];
}

/* Have all local ranks published it? Fails the operation on a mismatch. */
bool ls_operation_gathered(struct ls_comm *comm, struct ls_operation *op);

/* Has this one? */
bool ls_operation_published(struct ls_comm *comm, struct ls_operation *op, int local);

/* Store the word of this rank's entry and ring the others. */
void ls_operation_announce(struct ls_comm *comm, const struct ls_operation *op);
void ls_comm_ring_others(struct ls_comm *comm);

/* This rank's share of the work is finished: peers may rely on it. */
void ls_operation_finish_work(struct ls_comm *comm, struct ls_operation *op);

/* Have all local ranks finished their work of this operation? */
bool ls_operation_settled(struct ls_comm *comm, const struct ls_operation *op);

void ls_operation_complete(struct ls_operation *op, lockstep_status status);

/* Give a request to this rank's lane; `op->request` is it afterwards. */
struct ls_lane_request ls_lane_request_for(const struct ls_comm *comm,
                                           const struct ls_operation *op,
                                           enum ls_lane_collective collective);
void ls_operation_post(struct ls_comm *comm, struct ls_operation *op,
                       const struct ls_lane_request *request, uint64_t ready);
/* More of the request's data is ready. */
void ls_operation_ready(struct ls_comm *comm, struct ls_operation *op, uint64_t ready);
/* Is the whole request finished? */
bool ls_operation_lane_done(struct ls_comm *comm, const struct ls_operation *op);

/* Slice `part` of `parts` of `count` elements, cut at cache lines: [*ret_begin, *ret_end). */
void ls_slice(uint64_t count, size_t type_size, uint32_t part, uint32_t parts,
              uint64_t *ret_begin, uint64_t *ret_end);

#endif
