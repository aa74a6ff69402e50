/* common/collective/schedule.h - the algorithms of the exchange between nodes, as data.
 *
 * A schedule is what one node does for one piece of a collective: a list of steps that
 * send a block to another node, or receive one and combine or copy it. The executor
 * (lane) carries out any schedule; the checker (schedule_check) proves a set of them.
 *
 * Pure: no allocation, no system. Every node builds its own schedule from the same
 * arguments, so nothing is negotiated. */
#ifndef LS_COMMON_COLLECTIVE_SCHEDULE_H
#define LS_COMMON_COLLECTIVE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LS_SCHEDULE_NODES_MAX = 4096,
    LS_SCHEDULE_DEPTH_MAX = 12, /* log2 of it */
    /* Peers that any schedule of one node uses: ring, tree, doubling. */
    LS_SCHEDULE_PEERS_MAX = 2 + 2 * LS_SCHEDULE_DEPTH_MAX + LS_SCHEDULE_DEPTH_MAX + 1,
    /* Steps of one node's broadcast: a receive and the sends to its children. */
    LS_SCHEDULE_BROADCAST_STEPS_MAX = 1 + LS_SCHEDULE_DEPTH_MAX,
};

enum ls_schedule_algorithm {
    LS_RING_ALLREDUCE,     /* block b is summed round the ring up to node b, then copied
                              round: 2(n-1) steps of 1/n of the data */
    LS_DOUBLING_ALLREDUCE, /* everything with a partner at distance 1, 2, 4 …; nodes
                              over a power of two first fold into their lower neighbour.
                              Sums in the order of nodes, so all nodes get the same bits
                            */
    LS_RING_REDUCE_SCATTER, /* the first half of the ring all-reduce */
    LS_RING_ALLGATHER,      /* the second half */
    LS_TREE_BROADCAST,      /* binomial tree from the root */
    LS_CHAIN_BROADCAST,     /* from node to node; full bandwidth when cut into pieces */
    LS_SCHEDULE_ALGORITHM_COUNT,
};

enum ls_schedule_action { LS_STEP_SEND, LS_STEP_REDUCE, LS_STEP_COPY };

/* One step. REDUCE and COPY wait for the peer's next block. In REDUCE the data of the
 * node with the lower index is the left operand. */
struct ls_schedule_step {
    uint8_t action; /* enum ls_schedule_action */
    bool final;     /* REDUCE gives the result: apply the divisor */
    uint32_t peer;  /* node */
    uint32_t block;
    uint32_t sends_done; /* before the block is overwritten, so many of this node's
                            SENDs (from the first) must have left its memory */
};

/* Blocks that a piece is cut into, and the steps one node needs at most. */
uint32_t ls_schedule_block_count(enum ls_schedule_algorithm algorithm,
                                 uint32_t node_count);
uint32_t ls_schedule_steps_max(enum ls_schedule_algorithm algorithm,
                               uint32_t node_count);

/* Write node `me`'s schedule into `steps` (room for ls_schedule_steps_max()); returns
 * the number of steps, 0 for a single node. `root` counts for broadcasts only. */
uint32_t ls_schedule_build(enum ls_schedule_algorithm algorithm, uint32_t node_count,
                           uint32_t me, uint32_t root, struct ls_schedule_step *steps);

/* All nodes that node `me` exchanges with in any schedule, ascending; returns how many.
 * Who is a peer of whom is symmetric. `in_ring` marks the neighbours in the ring, who
 * carry the bulk. */
struct ls_schedule_peer {
    uint32_t node;
    bool in_ring;
};
uint32_t ls_schedule_peers(uint32_t node_count, uint32_t me,
                           struct ls_schedule_peer peers[LS_SCHEDULE_PEERS_MAX]);

/* What the choice between algorithms rests on. All nodes must use the same. */
struct ls_schedule_model {
    uint32_t step_ns;      /* one small message from node to node */
    uint32_t bytes_per_us; /* one direction of a link */
    enum { LS_CHOOSE_BY_COST, LS_CHOOSE_RING, LS_CHOOSE_DOUBLING } force;
};

/* Loopback TCP. */
#define LS_SCHEDULE_MODEL_DEFAULT                                                      \
    {                                                                                  \
        .step_ns = 12000, .bytes_per_us = 2000                                         \
    }

enum ls_schedule_algorithm ls_schedule_choose_allreduce(
    const struct ls_schedule_model *model, uint64_t bytes, uint32_t node_count);
enum ls_schedule_algorithm ls_schedule_choose_broadcast(
    const struct ls_schedule_model *model, uint64_t bytes, uint32_t node_count);

#endif
