/* common/collective/comm.h - a communicator: one rank's view of the ranks of its job.
 *
 * Made by the client library once the rank has joined (the segment and all arenas of the
 * node are mapped); starts operations, drives them, completes them.
 * Depends on segment, arena, lane. One thread at a time. */
#ifndef LS_COMMON_COLLECTIVE_COMM_H
#define LS_COMMON_COLLECTIVE_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/client/lockstep.h"
#include "common/collective/arena.h"
#include "common/collective/bell.h"
#include "common/collective/lane.h"
#include "common/collective/segment.h"
#include "common/util/error.h"

struct ls_operation;

enum ls_collective {
    LS_BARRIER = 1,
    LS_ALLREDUCE,
    LS_REDUCE_SCATTER,
    LS_ALLGATHER,
    LS_BROADCAST,
};

/* One call of a user. Buffers are borrowed until the operation is complete. */
struct ls_call_args {
    enum ls_collective collective;
    const void *in;
    void *out;
    uint64_t count;           /* per rank, as in lockstep.h */
    lockstep_type type;
    lockstep_op op;
    int root;
};

struct ls_comm {
    int rank, size, local_rank, local_size, node_rank, node_count, first_rank;
    struct ls_segment *segment;
    struct ls_member *me;
    struct ls_arena *arena;           /* own */
    char *arenas[LS_MEMBERS_MAX];     /* of the local ranks; own one included */
    uint64_t arena_sizes[LS_MEMBERS_MAX];
    struct ls_lane *lane;             /* when this rank drives one itself */
    int door_fd;                      /* eventfd of the lane's host, else -1 */
    uint64_t sequence;                /* of the operation started last */
    uint64_t lane_posted;             /* requests given to this rank's lane */
    uint64_t done_min;                /* all local ranks have done at least these */
    bool finished[LS_ENTRIES];        /* own work of operation s, at s % LS_ENTRIES */
    struct ls_operation *queue[LOCKSTEP_IN_FLIGHT_MAX]; /* oldest first */
    int in_flight;
    struct ls_operation *pool;        /* LOCKSTEP_IN_FLIGHT_MAX of them */
    struct ls_waiter waiter;
    struct ls_error error;            /* of the last failed operation */
};

/* Fill in the fields that follow from `segment` (which is set, with arenas and lane). */
void ls_comm_prepare(struct ls_comm *comm, int local_rank);
void ls_comm_release(struct ls_comm *comm);

/* Start an operation. LOCKSTEP_ERR_BUSY with too many in flight, _ARGUMENT for bad
 * arguments, _MEMORY when ordinary buffers find no room in the arena. */
lockstep_status ls_comm_start(struct ls_comm *comm, const struct ls_call_args *args,
                              struct ls_operation **ret_operation);

/* Drive everything in flight without waiting; true when something moved. */
bool ls_comm_progress(struct ls_comm *comm);

/* Until the operation is complete; frees it. Returns its status. */
lockstep_status ls_comm_wait(struct ls_comm *comm, struct ls_operation *operation);

/* LOCKSTEP_IN_PROGRESS, or its status (and it is freed). */
lockstep_status ls_comm_test(struct ls_comm *comm, struct ls_operation *operation);

/* The lane's way to memory; `context` is the comm. `arena` is a local rank, or local_count for the segment. */
void *ls_comm_lane_address(void *context, uint32_t arena, uint64_t offset, uint64_t size);

#endif
