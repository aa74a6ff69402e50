/* common/collective/segment.h - the control segment of one node: what its ranks share.
 *
 * One memfd, made by the step (or by the node's first rank under mpirun), mapped by all
 * ranks of the job on the node. It holds flags, small payloads, bells, progress words and
 * the rings to the lanes; gradients live in the arenas.
 *
 * Each rank (a member) publishes operation number s in its entry s % LS_ENTRIES: the
 * entry's word is stored last, with release, and carries s and the operation's signature,
 * so that a peer that waits for s sees at once that a rank called something else.
 * Depends on bell, lane. */
#ifndef LS_COMMON_COLLECTIVE_SEGMENT_H
#define LS_COMMON_COLLECTIVE_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/client/lockstep.h"
#include "common/collective/bell.h"
#include "common/collective/lane.h"
#include "common/util/error.h"

enum {
    LS_SEGMENT_VERSION = 1,
    LS_MEMBERS_MAX = 256,       /* ranks of a job on one node */
    LS_ENTRIES = 32,            /* operations a rank may be ahead of the slowest */
    LS_INLINE_BYTES = 48,       /* payload that rides in the flag's own line */
    LS_SLOT_BYTES = 8192,       /* payload that rides in the segment */
};
#define LS_SEGMENT_MAGIC UINT64_C(0x6c6f636b73746570) /* "lockstep" */

/* One operation of one rank: one cache line. */
struct ls_entry {
    _Atomic uint64_t word;      /* sequence (low 32 bits) and signature; 0 = none yet */
    uint64_t reserved;
    union {
        uint8_t payload[LS_INLINE_BYTES];
        struct {
            uint64_t in, out;   /* offsets in the rank's arena */
        };
    };
} __attribute__((aligned(64)));

struct ls_member {
    /* All work of operations <= done is finished; single writer: the member. */
    _Atomic uint64_t done __attribute__((aligned(64)));
    _Atomic int32_t pid;
    struct ls_bell bell;
    /* Progress words, for whoever watches: one store each. */
    _Atomic uint64_t started __attribute__((aligned(64)));
    _Atomic uint64_t completed;
    _Atomic uint64_t bytes;
    struct ls_entry entries[LS_ENTRIES];
    struct ls_entry results[LS_ENTRIES];  /* of the node's first rank: small results */
    uint8_t slots[LS_ENTRIES][LS_SLOT_BYTES] __attribute__((aligned(4096)));
    uint8_t result_slots[LS_ENTRIES][LS_SLOT_BYTES];
};

/* The doorbell of a lane: its host may sleep on the network and an eventfd at once. */
struct ls_lane_door {
    _Atomic uint32_t sleeping __attribute__((aligned(64)));
};

struct ls_segment {
    uint64_t magic;
    uint32_t version;
    uint32_t local_count, node_count, node_index;
    uint32_t first_rank, world_size;
    uint32_t lane_count;        /* lanes of each node: least local_count of all nodes */
    uint32_t rank_hosted;       /* 1: lanes are driven by ranks 0 … lane_count-1 */
    uint32_t crowded;           /* more ranks than cores */
    uint64_t lanes_offset;      /* of struct ls_lane_ring[lane_count] */
    uint64_t doors_offset;      /* of struct ls_lane_door[lane_count] */
    uint64_t ranks_per_node_offset; /* of uint32_t[node_count] */
    uint64_t size;
    /* The end: a lockstep_status, set once; then the rank at fault and why. */
    _Atomic int32_t failed __attribute__((aligned(64)));
    _Atomic uint32_t failing;   /* claimed by who writes the text */
    uint32_t lost_rank;
    char why[192];
    struct ls_member members[]; /* local_count */
};

/* Make the segment of a node. *ret_fd is a sealed memfd that the caller owns. */
int ls_segment_create(uint32_t node_count, uint32_t node_index,
                      const uint32_t *ranks_per_node, bool rank_hosted, int *ret_fd,
                      struct ls_segment **ret_segment, struct ls_error *err);

/* Map a segment that came from elsewhere, after checking it. */
int ls_segment_map(int fd, struct ls_segment **ret_segment, struct ls_error *err);
void ls_segment_unmap(struct ls_segment *segment);

struct ls_lane_ring *ls_segment_lane(struct ls_segment *segment, uint32_t lane);
struct ls_lane_door *ls_segment_door(struct ls_segment *segment, uint32_t lane);
const uint32_t *ls_segment_ranks_per_node(const struct ls_segment *segment);

/* Declare the exchange failed, once; wakes all members. `rank` may be UINT32_MAX. */
void ls_segment_fail(struct ls_segment *segment, lockstep_status status, uint32_t rank,
                     const char *why);

/* The same for a lane whose ring says that it has failed, and which node is at fault: the
 * rank named is that node's first. */
void ls_segment_fail_lane(struct ls_segment *segment, uint32_t lane, const char *why);

#endif
