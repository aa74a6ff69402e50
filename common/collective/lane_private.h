/* common/collective/lane_private.h - the lane's structs, shared by the lane_*.c files.
 *
 * From the outside in: requests are taken from the ring in order and become plans
 * (lane_plan.c); a plan is cut into pieces, the same on all nodes; a window of pieces
 * is in flight, each running the plan's schedule with its own program counter
 * (lane_run.c); pieces exchange messages through channels, one per peer and place in
 * the window, each a FIFO of slots in the receiver's staging memory with credits
 * (lane_channel.c). */
#ifndef LS_COMMON_COLLECTIVE_LANE_PRIVATE_H
#define LS_COMMON_COLLECTIVE_LANE_PRIVATE_H

#include "common/collective/lane.h"
#include "common/collective/schedule.h"

enum {
    LANE_WINDOW = 4,       /* pieces in flight; piece g uses place g % LANE_WINDOW */
    LANE_SLOTS = 3,        /* messages in flight per channel */
    LANE_CREDIT_AFTER = 2, /* messages consumed before credit is returned on its own */
    LANE_RING_SLOT_BYTES = 256 << 10,
    LANE_OTHER_SLOT_BYTES = 64 << 10,
    LANE_PIECE_BYTES_MIN = 128 << 10, /* cut no smaller for the sake of overlap */
    LANE_PIECES_WANTED = 2 * LANE_WINDOW,
    LANE_ALIGN = 16, /* elements: pieces begin on whole cache lines */
    LANE_NOBODY = UINT16_MAX,
};

/* Staging memory of a lane: LANE_WINDOW * LANE_SLOTS slots per peer, so at most
 * 4 * 3 * (2 * 256 KiB + 37 * 64 KiB) = 34 MiB at 4096 nodes, 3 MiB at two. Only
 * touched pages count. */

/* One of them per peer and place in the window, for both directions. Counters are of
 * messages since the start and wrap; message k lies in slot k % LANE_SLOTS. */
struct lane_channel {
    uint32_t sent, credited;     /* to the peer */
    uint32_t arrived, consumed;  /* from the peer */
    uint32_t credit_told;        /* what the peer knows of `consumed` */
    uint32_t hashes[LANE_SLOTS]; /* of the messages that have arrived */
};

struct lane_peer {
    uint32_t node;
    uint32_t slot_bytes;
    uint8_t *staging;               /* of its messages to us */
    uint64_t remote_offset;         /* of ours in its memory */
    uint8_t key[LS_FABRIC_KEY_MAX]; /* of its memory */
    bool lost;                      /* and all that it had sent has arrived */
    bool credit_owed, abort_owed;
    struct lane_channel channels[LANE_WINDOW];
};

/* A request, checked, and how it will be carried out. */
struct lane_plan {
    struct ls_lane_request *shared; /* for `ready` and `done` */
    enum ls_lane_collective collective;
    lockstep_type type;
    lockstep_op op;
    uint32_t divisor, hash;
    uint32_t type_size;
    bool waits_for_ready;
    char *buffer;
    uint64_t count;   /* elements; of blocks: of each rank */
    uint64_t *starts; /* blocks: first element of each, and the end */
    uint64_t stride;  /* elements of a piece */
    uint32_t piece_count, pieces_done;
    uint32_t block_count;
    enum ls_schedule_algorithm algorithm;
    uint32_t root;
};

struct lane_piece {
    struct lane_plan *plan;
    uint32_t index; /* in the plan */
    uint32_t hash;
    uint32_t place; /* in the window */
    const struct ls_schedule_step *steps;
    uint32_t step_count, next_step;
    uint32_t sends, sends_done;
    bool starved; /* waits for a credit: counted once */
    struct ls_schedule_step broadcast[LS_SCHEDULE_BROADCAST_STEPS_MAX];
};

struct ls_lane {
    struct ls_lane_config config; /* ranks_per_node is our copy */
    struct ls_schedule_model model;
    struct ls_fabric *fabric;
    size_t inline_max;

    uint8_t *staging;
    size_t staging_bytes;
    struct ls_fabric_memory *memory;
    struct lane_peer *peers;
    uint32_t peer_count;
    uint16_t *peer_of_node; /* index into peers, or LANE_NOBODY */
    bool credits_owed;      /* some peer's credit_owed is set */

    struct ls_schedule_step *steps[LS_SCHEDULE_ALGORITHM_COUNT]; /* but broadcasts */
    uint32_t step_counts[LS_SCHEDULE_ALGORITHM_COUNT];

    struct lane_plan plans[LS_LANE_DEPTH]; /* of request n at n % DEPTH */
    uint64_t planned;                      /* requests that have a plan */
    uint64_t cut;                          /* request being cut into pieces … */
    uint32_t cut_piece;                    /* … and its next piece */
    uint64_t completed;                    /* requests */
    struct lane_piece pieces[LANE_WINDOW];
    uint64_t oldest, newest; /* pieces [oldest, newest) are in flight */

    struct ls_lane_counters counters;
    struct ls_error error; /* code 0 until the lane has failed */
};

/* lane_connect.c: who sends where. */
int lane_staging_make(struct ls_lane *lane, struct ls_error *err);
void lane_staging_free(struct ls_lane *lane);

/* lane_plan.c */
/* Make a plan of the request at the slot; -EINVAL and *err if it makes no sense. */
int lane_plan_make(struct ls_lane *lane, struct lane_plan *plan,
                   struct ls_lane_request *request, struct ls_error *err);
/* Elements [*ret_start, *ret_start + return value) of the buffer are block `block` of
 * the plan's piece `index`. */
uint64_t lane_plan_block(const struct lane_plan *plan, uint32_t index, uint32_t block,
                         uint64_t *ret_start);
/* Elements from the start of an all-reduce or broadcast up to the end of piece `index`.
 */
uint64_t lane_plan_end(const struct lane_plan *plan, uint32_t index);

/* lane_channel.c */
/* Take what has arrived; > 0 when something did, -errno when the endpoint is broken. */
int lane_channel_poll(struct ls_lane *lane);
/* Send a message of the piece. -EAGAIN: it must wait (no credit, no room); -EPIPE: the
 * peer is gone. */
int lane_channel_send(struct ls_lane *lane, struct lane_piece *piece,
                      struct lane_peer *peer, const void *data, size_t size);
/* The peer's next message for the piece, or NULL. */
const void *lane_channel_arrived(const struct lane_peer *peer, uint32_t place,
                                 uint32_t *ret_hash);
/* Its slot may be used again. */
void lane_channel_consume(struct ls_lane *lane, struct lane_peer *peer, uint32_t place);
/* Return credits for which there was no room before. */
void lane_channel_return_credits(struct ls_lane *lane);
/* Tell all peers that the lane has failed; again while some could not be told. */
void lane_channel_abort(struct ls_lane *lane);

/* lane_run.c */
/* Start pieces, run them as far as they get, complete requests; true if one moved. */
bool lane_run(struct ls_lane *lane);

/* lane.c */
/* The lane has failed for good. `node` is at fault, or UINT32_MAX. */
void lane_fail(struct ls_lane *lane, lockstep_status status, uint32_t node, int code,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

static inline bool lane_has_failed(const struct ls_lane *lane)
{
    return lane->error.code != 0;
}

#endif
