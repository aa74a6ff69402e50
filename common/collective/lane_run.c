/* common/collective/lane_run.c - running pieces: start, step, complete in order. */
#include <errno.h>
#include <string.h>

#include "common/collective/lane_private.h"
#include "common/collective/reduce.h"
#include "common/util/check.h"

enum { HASH_BITS = 22 };

/* What a message of the piece is marked with, so that nodes in different collectives
 * notice instead of adding apples to pears. */
static uint32_t piece_hash(const struct lane_plan *plan, uint32_t index)
{
    uint32_t hash = (plan->hash ^ index * UINT32_C(0x9e3779b1)) * UINT32_C(0x85ebca6b);

    return (hash ^ hash >> 15) & ((UINT32_C(1) << HASH_BITS) - 1);
}

static struct lane_peer *peer_at(const struct ls_lane *lane, uint32_t node)
{
    uint16_t index = lane->peer_of_node[node];

    ls_assert(index != LANE_NOBODY);
    return &lane->peers[index];
}

static void fail_lost(struct ls_lane *lane, const struct lane_peer *peer)
{
    lane_fail(lane, LOCKSTEP_ERR_PEER_LOST, peer->node, -ECONNRESET,
              "node %u is lost: %s", peer->node,
              ls_fabric_why(lane->fabric, (uint32_t)(peer - lane->peers)));
}

static bool run_send(struct ls_lane *lane, struct lane_piece *piece,
                     const struct ls_schedule_step *step)
{
    const struct lane_plan *plan = piece->plan;
    struct lane_peer *peer = peer_at(lane, step->peer);
    uint64_t start, count = lane_plan_block(plan, piece->index, step->block, &start);

    int rc =
        lane_channel_send(lane, piece, peer, plan->buffer + start * plan->type_size,
                          count * plan->type_size);

    if (rc < 0 && rc != -EAGAIN)
        fail_lost(lane, peer);
    return rc == 0;
}

/* The lower node's data is the left operand, on all nodes. */
static void reduce_block(struct ls_lane *lane, const struct lane_piece *piece,
                         const struct ls_schedule_step *step, const void *message,
                         void *block, uint64_t count)
{
    const struct lane_plan *plan = piece->plan;
    bool peer_first = step->peer < lane->config.node_index;
    const void *in[] = {peer_first ? message : block, peer_first ? block : message};
    void *out[] = {block};
    struct ls_reduce reduce = {
        .in = in,
        .in_count = 2,
        .out = out,
        .out_count = 1,
        .count = count,
        .type = plan->type,
        .op = plan->op,
        .divisor = step->final ? plan->divisor : 1,
    };

    ls_reduce(&reduce);
    lane->counters.reduced_bytes += count * plan->type_size;
}

static bool run_receive(struct ls_lane *lane, struct lane_piece *piece,
                        const struct ls_schedule_step *step)
{
    const struct lane_plan *plan = piece->plan;
    struct lane_peer *peer = peer_at(lane, step->peer);
    uint64_t start, count;
    uint32_t hash = 0;
    const void *message = lane_channel_arrived(peer, piece->place, &hash);
    char *block;

    if (!message) {
        if (peer->lost)
            fail_lost(lane, peer);
        return false;
    }
    if (hash != piece->hash) {
        lane_fail(
            lane, LOCKSTEP_ERR_MISMATCH, peer->node, -EPROTO,
            "node %u is in another collective than node %u (kind, type, operation, "
            "count or order)",
            peer->node, lane->config.node_index);
        return false;
    }
    if (piece->sends_done < step->sends_done)
        return false;
    count = lane_plan_block(plan, piece->index, step->block, &start);
    block = plan->buffer + start * plan->type_size;
    if (count > 0 && step->action == LS_STEP_REDUCE)
        reduce_block(lane, piece, step, message, block, count);
    else if (count > 0)
        memcpy(block, message, count * plan->type_size);
    lane->counters.bytes_received += count * plan->type_size;
    lane_channel_consume(lane, peer, piece->place);
    return true;
}

static bool run_piece(struct ls_lane *lane, struct lane_piece *piece)
{
    bool moved = false;

    while (piece->next_step < piece->step_count && !lane_has_failed(lane)) {
        const struct ls_schedule_step *step = &piece->steps[piece->next_step];
        bool done = step->action == LS_STEP_SEND ? run_send(lane, piece, step)
                                                 : run_receive(lane, piece, step);

        if (!done)
            break;
        piece->next_step++;
        moved = true;
    }
    return moved;
}

static void start_piece(struct ls_lane *lane, struct lane_plan *plan, uint32_t index)
{
    const struct ls_lane_config *config = &lane->config;
    uint32_t place = (uint32_t)(lane->newest % LANE_WINDOW);
    struct lane_piece *piece = &lane->pieces[place];

    piece->plan = plan;
    piece->index = index;
    piece->hash = piece_hash(plan, index);
    piece->place = place;
    piece->next_step = piece->sends = piece->sends_done = 0;
    piece->starved = false;
    piece->steps = lane->steps[plan->algorithm];
    piece->step_count = lane->step_counts[plan->algorithm];
    if (plan->collective == LS_LANE_BROADCAST) {
        piece->steps = piece->broadcast;
        piece->step_count =
            ls_schedule_build(plan->algorithm, config->node_count, config->node_index,
                              plan->root, piece->broadcast);
    }
    lane->newest++;
}

/* The plan of the request to cut next, or NULL when there is none. */
static struct lane_plan *next_plan(struct ls_lane *lane)
{
    struct ls_lane_ring *ring = lane->config.ring;
    struct lane_plan *plan = &lane->plans[lane->cut % LS_LANE_DEPTH];
    struct ls_error err = {0};
    uint64_t posted;

    if (lane->cut < lane->planned)
        return plan;
    posted = atomic_load_explicit(&ring->posted, memory_order_acquire);
    if (posted == lane->planned)
        return NULL;
    if (posted - lane->completed > LS_LANE_DEPTH) {
        lane_fail(lane, LOCKSTEP_ERR_ARGUMENT, lane->config.node_index, -EINVAL,
                  "more than %d requests were posted", LS_LANE_DEPTH);
        return NULL;
    }
    if (lane_plan_make(lane, plan, &ring->requests[lane->cut % LS_LANE_DEPTH], &err) <
        0) {
        lane_fail(lane, LOCKSTEP_ERR_ARGUMENT, lane->config.node_index, err.code, "%s",
                  err.text);
        return NULL;
    }
    lane->planned++;
    return plan;
}

static bool is_ready(const struct lane_plan *plan, uint32_t index)
{
    return !plan->waits_for_ready ||
           atomic_load_explicit(&plan->shared->ready, memory_order_acquire) >=
               lane_plan_end(plan, index);
}

/* Fill the window with pieces whose data is there; strictly in order, as on all nodes.
 */
static bool start_pieces(struct ls_lane *lane)
{
    bool moved = false;

    while (lane->newest - lane->oldest < LANE_WINDOW) {
        struct lane_plan *plan = next_plan(lane);

        if (!plan)
            break;
        if (lane->cut_piece < plan->piece_count) {
            if (!is_ready(plan, lane->cut_piece))
                break;
            start_piece(lane, plan, lane->cut_piece++);
        }
        if (lane->cut_piece == plan->piece_count) {
            lane->cut++;
            lane->cut_piece = 0;
        }
        moved = true;
    }
    return moved;
}

static bool is_done(const struct lane_piece *piece)
{
    return piece->next_step == piece->step_count && piece->sends_done == piece->sends;
}

/* Tell the producer about the pieces that are done, and the requests. */
static bool complete(struct ls_lane *lane)
{
    const uint64_t before = lane->completed;
    bool moved = false;

    while (lane->oldest < lane->newest &&
           is_done(&lane->pieces[lane->oldest % LANE_WINDOW])) {
        const struct lane_piece *piece = &lane->pieces[lane->oldest % LANE_WINDOW];
        struct lane_plan *plan = piece->plan;

        if (plan->collective == LS_LANE_ALLREDUCE ||
            plan->collective == LS_LANE_BROADCAST)
            atomic_store_explicit(&plan->shared->done,
                                  lane_plan_end(plan, piece->index),
                                  memory_order_release);
        plan->pieces_done++;
        lane->oldest++;
        moved = true;
    }
    while (lane->completed < lane->cut) {
        const struct lane_plan *plan = &lane->plans[lane->completed % LS_LANE_DEPTH];

        if (plan->pieces_done < plan->piece_count)
            break;
        lane->completed++;
    }
    if (lane->completed != before)
        atomic_store_explicit(&lane->config.ring->completed, lane->completed,
                              memory_order_release);
    return moved || lane->completed != before;
}

bool lane_run(struct ls_lane *lane)
{
    bool moved = false, again = true;

    while (again && !lane_has_failed(lane)) {
        again = start_pieces(lane);
        for (uint64_t g = lane->oldest; g < lane->newest; g++)
            again |= run_piece(lane, &lane->pieces[g % LANE_WINDOW]);
        again |= complete(lane);
        moved |= again;
    }
    return moved;
}
