/* common/collective/lane_plan.c - from a request to pieces: what is exchanged how.
 *
 * Everything here follows from the request and the gang alone, so that all nodes cut
 * alike. Requests come from another process and are checked. */
#include <errno.h>

#include "common/collective/lane_private.h"
#include "common/collective/reduce.h"

#define COUNT_MAX                                                                      \
    (UINT64_C(1) << 36) /* elements: products below stay within 64 bits                \
                         */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static bool is_in_blocks(enum ls_lane_collective collective)
{
    return collective == LS_LANE_REDUCE_SCATTER || collective == LS_LANE_ALLGATHER;
}

static int check_request(const struct ls_lane *lane, const struct lane_plan *plan,
                         struct ls_error *err)
{
    if (plan->collective > LS_LANE_BROADCAST || plan->type >= LOCKSTEP_TYPE_COUNT ||
        plan->op >= LOCKSTEP_OP_COUNT)
        return ls_error_set(err, -EINVAL,
                            "request: no such collective, type or operation");
    if (plan->count > COUNT_MAX || plan->root >= lane->config.node_count)
        return ls_error_set(err, -EINVAL, "request: count or root out of range");
    return 0;
}

static void choose_algorithm(const struct ls_lane *lane, struct lane_plan *plan)
{
    const uint32_t n = lane->config.node_count;
    const uint64_t bytes = plan->count * plan->type_size;

    switch (plan->collective) {
    case LS_LANE_ALLREDUCE:
        plan->algorithm = ls_schedule_choose_allreduce(&lane->model, bytes, n);
        break;
    case LS_LANE_REDUCE_SCATTER:
        plan->algorithm = LS_RING_REDUCE_SCATTER;
        break;
    case LS_LANE_ALLGATHER:
        plan->algorithm = LS_RING_ALLGATHER;
        break;
    case LS_LANE_BROADCAST:
        plan->algorithm = ls_schedule_choose_broadcast(&lane->model, bytes, n);
        break;
    }
    plan->block_count = ls_schedule_block_count(plan->algorithm, n);
}

/* The largest message, in elements, that all peers of the schedule have slots for. */
static uint64_t message_max(const struct ls_lane *lane, const struct lane_plan *plan)
{
    bool in_ring =
        lane->config.node_count == 2 || (plan->algorithm != LS_DOUBLING_ALLREDUCE &&
                                         plan->algorithm != LS_TREE_BROADCAST);

    return (in_ring ? LANE_RING_SLOT_BYTES : LANE_OTHER_SLOT_BYTES) / plan->type_size;
}

/* Messages of `total` elements: enough for the window to overlap, not too small. */
static uint64_t message_size(const struct ls_lane *lane, const struct lane_plan *plan,
                             uint64_t total)
{
    uint64_t wanted = divide_up(total, LANE_PIECES_WANTED);
    uint64_t floor = LANE_PIECE_BYTES_MIN / plan->type_size;
    uint64_t size = least(wanted > floor ? wanted : floor, message_max(lane, plan));

    return divide_up(size, LANE_ALIGN) * LANE_ALIGN;
}

static void cut_whole(const struct ls_lane *lane, struct lane_plan *plan)
{
    uint64_t per_block = divide_up(plan->count, plan->block_count);

    plan->stride = message_size(lane, plan, per_block) * plan->block_count;
    plan->piece_count = (uint32_t)divide_up(plan->count, plan->stride);
}

/* Each piece is a strip through all blocks; the longest block says how many. */
static void cut_blocks(const struct ls_lane *lane, struct lane_plan *plan)
{
    const struct ls_lane_config *config = &lane->config;
    uint64_t longest = 0;

    plan->starts[0] = 0;
    for (uint32_t i = 0; i < config->node_count; i++) {
        uint64_t size = ls_lane_block(config->ranks_per_node[i], plan->count,
                                      config->lane, config->lane_count);

        plan->starts[i + 1] = plan->starts[i] + size;
        longest = size > longest ? size : longest;
    }
    plan->stride = message_size(lane, plan, longest);
    plan->piece_count = (uint32_t)divide_up(longest, plan->stride);
}

static int find_buffer(const struct ls_lane *lane, struct lane_plan *plan,
                       uint32_t arena, uint64_t offset, struct ls_error *err)
{
    uint64_t total = is_in_blocks(plan->collective)
                         ? plan->starts[lane->config.node_count]
                         : plan->count;

    if (plan->piece_count == 0)
        return 0;
    plan->buffer = lane->config.arena_address(lane->config.context, arena, offset,
                                              total * plan->type_size);
    if (!plan->buffer)
        return ls_error_set(err, -EINVAL, "request: its buffer is not within arena %u",
                            arena);
    return 0;
}

int lane_plan_make(struct ls_lane *lane, struct lane_plan *plan,
                   struct ls_lane_request *request, struct ls_error *err)
{
    int rc;

    *plan = (struct lane_plan){
        .shared = request,
        .collective = request->collective,
        .type = request->type,
        .op = request->op,
        .divisor = request->divisor,
        .hash = request->hash,
        .count = request->count,
        .root = request->root,
        .starts = plan->starts,
    };
    rc = check_request(lane, plan, err);
    if (rc < 0)
        return rc;
    plan->type_size = (uint32_t)ls_type_size(plan->type);
    plan->waits_for_ready = plan->collective == LS_LANE_ALLREDUCE ||
                            (plan->collective == LS_LANE_BROADCAST &&
                             plan->root == lane->config.node_index);
    choose_algorithm(lane, plan);
    if (is_in_blocks(plan->collective))
        cut_blocks(lane, plan);
    else
        cut_whole(lane, plan);
    return find_buffer(lane, plan, request->arena, request->offset, err);
}

uint64_t lane_plan_end(const struct lane_plan *plan, uint32_t index)
{
    return least(plan->count, (index + UINT64_C(1)) * plan->stride);
}

uint64_t lane_plan_block(const struct lane_plan *plan, uint32_t index, uint32_t block,
                         uint64_t *ret_start)
{
    uint64_t start, end, stride, first;

    if (is_in_blocks(plan->collective)) {
        start = plan->starts[block];
        end = plan->starts[block + 1];
        first = start + index * plan->stride;
        stride = plan->stride;
    } else {
        start = index * plan->stride;
        end = lane_plan_end(plan, index);
        stride = divide_up(divide_up(end - start, plan->block_count), LANE_ALIGN) *
                 LANE_ALIGN;
        first = start + block * stride;
    }
    first = least(first, end);
    *ret_start = first;
    return least(stride, end - first);
}
