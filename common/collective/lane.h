/* common/collective/lane.h - the exchange between nodes of one slice of every node.
 *
 * A node's buffer is cut into `lane_count` slices; lane k of every node exchanges slice
 * k with lane k of the other nodes (slice k on rail k). A lane is driven by whoever
 * hosts it - a thread of the step, or the rank itself - through ls_lane_progress().
 * Work arrives in a ring in memory shared between the rank that owns the slice
 * (producer) and the host (consumer), so that both hosts run the same code.
 *
 * Depends on fabric, schedule, reduce. One thread at a time per lane. */
#ifndef LS_COMMON_COLLECTIVE_LANE_H
#define LS_COMMON_COLLECTIVE_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/client/lockstep.h"
#include "common/fabric/fabric.h"
#include "common/util/error.h"

enum {
    LS_LANE_DEPTH = 32,        /* requests in a ring */
    LS_LANE_NODES_MAX = 4096,
    LS_LANE_HELLO_MAX = 512,   /* bytes of ls_lane_hello() */
};

enum ls_lane_collective {
    LS_LANE_ALLREDUCE,         /* buffer[0 … count) in place */
    LS_LANE_REDUCE_SCATTER,    /* buffer = one block per node, packed; after it this node's
                                  block holds the reduction, the rest is undefined */
    LS_LANE_ALLGATHER,         /* buffer = one block per node, packed; this node's is the input */
    LS_LANE_BROADCAST,         /* buffer[0 … count), from node `root` */
};

/* Elements of node `node`'s block in REDUCE_SCATTER and ALLGATHER: the lane's portion of
 * `count` elements for each of the node's ranks. Blocks of all nodes are packed in order. */
static inline uint64_t ls_lane_block(uint32_t ranks_of_node, uint64_t count, uint32_t lane,
                                     uint32_t lane_count)
{
    uint64_t all = ranks_of_node * count;

    return all * (lane + 1) / lane_count - all * lane / lane_count;
}

/* One request, in shared memory. The producer fills it, then publishes it by raising
 * ring->posted; it may be posted before its data is ready. */
struct ls_lane_request {
    uint8_t collective;        /* enum ls_lane_collective */
    uint8_t type, op;          /* lockstep_type, lockstep_op */
    uint8_t reserved;
    uint32_t root;             /* node, for BROADCAST */
    uint32_t divisor;          /* LOCKSTEP_AVG: ranks of the job; else 1 */
    uint32_t hash;             /* of the operation (sequence, collective, type, op, count) */
    uint32_t arena;            /* local rank whose arena holds the buffer */
    uint32_t reserved2;
    uint64_t offset;           /* of the buffer in that arena, bytes */
    uint64_t count;            /* elements, see above; 0 is legal */
    _Atomic uint64_t ready;    /* ALLREDUCE, and BROADCAST on the root: elements from the
                                  start that may be sent. Others: all at posting. */
    _Atomic uint64_t done;     /* elements from the start that hold the result (ALLREDUCE,
                                  BROADCAST); others: 0, at the end everything */
} __attribute__((aligned(64)));

struct ls_lane_ring {
    _Atomic uint64_t posted __attribute__((aligned(64)));    /* by the producer */
    _Atomic uint64_t completed __attribute__((aligned(64))); /* by the host */
    _Atomic int32_t status;       /* 0, or a lockstep_status: the lane has failed */
    _Atomic uint32_t lost_node;   /* with LOCKSTEP_ERR_PEER_LOST, MISMATCH: which */
    struct ls_lane_request requests[LS_LANE_DEPTH]; /* number n sits at n % DEPTH */
};

struct ls_lane;

struct ls_lane_config {
    uint32_t node_count, node_index;
    uint32_t lane, lane_count;
    const uint32_t *ranks_per_node;   /* node_count entries; copied */
    struct ls_lane_ring *ring;        /* shared with the producer; zeroed before */
    /* Address of an arena offset in this process; called on the lane's thread. */
    void *(*arena_address)(void *context, uint32_t arena, uint64_t offset, uint64_t size);
    void *context;
    struct ls_fabric_config fabric;
};

/* Open the lane's endpoint. Then: every node publishes its hello, everybody connects
 * with the table of all nodes' hellos (node_count entries of LS_LANE_HELLO_MAX bytes, own
 * included). Errors as sentences in err. */
int ls_lane_open(const struct ls_lane_config *config, struct ls_lane **ret_lane,
                 struct ls_error *err);
void ls_lane_hello(const struct ls_lane *lane, uint8_t hello[LS_LANE_HELLO_MAX]);
int ls_lane_connect(struct ls_lane *lane, const uint8_t *hellos, struct ls_error *err);
void ls_lane_close(struct ls_lane *lane);

/* Move everything that can be moved now, without waiting. Returns > 0 when something
 * moved, 0 when not, -errno after a failure (ring->status is set, err says why, and it
 * stays failed). */
int ls_lane_progress(struct ls_lane *lane, struct ls_error *err);

/* True while requests or puts are in flight: then the network must be polled. */
bool ls_lane_busy(const struct ls_lane *lane);

/* Sleep until the network or wake_fd may have something, at most timeout_ms. */
void ls_lane_wait(struct ls_lane *lane, int wake_fd, int timeout_ms);

/* What it has moved since it was opened. */
struct ls_lane_counters {
    uint64_t messages_sent, messages_received, bytes_sent, bytes_received;
    uint64_t reduced_bytes, credit_waits;
};
void ls_lane_counters(const struct ls_lane *lane, struct ls_lane_counters *ret_counters);

#endif
