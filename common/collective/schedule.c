/* common/collective/schedule.c - generators of the schedules. Pure. */
#include "common/collective/schedule.h"

#include "common/util/check.h"

/* The schedule being written. */
struct writer {
    struct ls_schedule_step *steps;
    uint32_t count;
    uint32_t sends;
};

static void add_send(struct writer *writer, uint32_t peer, uint32_t block)
{
    writer->steps[writer->count++] =
        (struct ls_schedule_step){.action = LS_STEP_SEND, .peer = peer, .block = block};
    writer->sends++;
}

static void add_reduce(struct writer *writer, uint32_t peer, uint32_t block, bool final,
                       uint32_t sends_done)
{
    writer->steps[writer->count++] =
        (struct ls_schedule_step){.action = LS_STEP_REDUCE,
                                  .final = final,
                                  .peer = peer,
                                  .block = block,
                                  .sends_done = sends_done};
}

static void add_copy(struct writer *writer, uint32_t peer, uint32_t block,
                     uint32_t sends_done)
{
    writer->steps[writer->count++] = (struct ls_schedule_step){
        .action = LS_STEP_COPY, .peer = peer, .block = block, .sends_done = sends_done};
}

/* The node `back` places before `me` in the ring of n; back <= 2n. */
static uint32_t before(uint32_t n, uint32_t me, uint32_t back)
{
    return (me + 2 * n - back) % n;
}

/* Block b starts at node b + 1 and ends, complete, at node b. */
static void ring_reduce_scatter(struct writer *writer, uint32_t n, uint32_t me)
{
    for (uint32_t k = 0; k + 1 < n; k++) {
        add_send(writer, before(n, me, n - 1), before(n, me, k + 1));
        add_reduce(writer, before(n, me, 1), before(n, me, k + 2), k + 2 == n, 0);
    }
}

/* Block b starts at node b. Before an all-reduce's copy overwrites a block, the SEND of
 * that block, in the same turn of the reduce-scatter, must have left. */
static void ring_allgather(struct writer *writer, uint32_t n, uint32_t me,
                           bool after_sends)
{
    for (uint32_t k = 0; k + 1 < n; k++) {
        add_send(writer, before(n, me, n - 1), before(n, me, k));
        add_copy(writer, before(n, me, 1), before(n, me, k + 1),
                 after_sends ? k + 1 : 0);
    }
}

static uint32_t power_of_two_within(uint32_t n)
{
    uint32_t power = 1;

    while (power * 2 <= n)
        power *= 2;
    return power;
}

/* The first 2 * extra nodes form pairs; the lower of each pair takes part for both. */
static void doubling_allreduce(struct writer *writer, uint32_t n, uint32_t me)
{
    const uint32_t power = power_of_two_within(n), extra = n - power;
    const bool paired = me < 2 * extra;
    const uint32_t place = paired ? me / 2 : me - extra;

    if (paired && me % 2 == 1) {
        add_send(writer, me - 1, 0);
        add_copy(writer, me - 1, 0, 1);
        return;
    }
    if (paired)
        add_reduce(writer, me + 1, 0, false, 0);
    for (uint32_t distance = 1; distance < power; distance *= 2) {
        uint32_t partner = place ^ distance;
        uint32_t peer = partner < extra ? 2 * partner : partner + extra;

        add_send(writer, peer, 0);
        add_reduce(writer, peer, 0, distance * 2 == power, writer->sends);
    }
    if (paired)
        add_send(writer, me + 1, 0);
}

/* Nodes count from the root; a node's parent is its number without its lowest bit. */
static void tree_broadcast(struct writer *writer, uint32_t n, uint32_t me,
                           uint32_t root)
{
    const uint32_t place = before(n, me, root);
    uint32_t low = place & -place;
    uint32_t distance = place ? low : power_of_two_within(n) * 2;

    if (place)
        add_copy(writer, before(n, me, low), 0, 0);
    for (distance /= 2; distance > 0; distance /= 2) {
        if (place + distance < n)
            add_send(writer, (me + distance) % n, 0);
    }
}

static void chain_broadcast(struct writer *writer, uint32_t n, uint32_t me,
                            uint32_t root)
{
    if (me != root)
        add_copy(writer, before(n, me, 1), 0, 0);
    if ((me + 1) % n != root)
        add_send(writer, (me + 1) % n, 0);
}

uint32_t ls_schedule_block_count(enum ls_schedule_algorithm algorithm,
                                 uint32_t node_count)
{
    switch (algorithm) {
    case LS_RING_ALLREDUCE:
    case LS_RING_REDUCE_SCATTER:
    case LS_RING_ALLGATHER:
        return node_count;
    default:
        return 1;
    }
}

uint32_t ls_schedule_steps_max(enum ls_schedule_algorithm algorithm,
                               uint32_t node_count)
{
    switch (algorithm) {
    case LS_RING_ALLREDUCE:
        return 4 * (node_count - 1);
    case LS_RING_REDUCE_SCATTER:
    case LS_RING_ALLGATHER:
        return 2 * (node_count - 1);
    case LS_DOUBLING_ALLREDUCE:
        return 2 + 2 * LS_SCHEDULE_DEPTH_MAX;
    default:
        return LS_SCHEDULE_BROADCAST_STEPS_MAX;
    }
}

uint32_t ls_schedule_build(enum ls_schedule_algorithm algorithm, uint32_t node_count,
                           uint32_t me, uint32_t root, struct ls_schedule_step *steps)
{
    struct writer writer = {.steps = steps};

    ls_assert(node_count >= 1 && node_count <= LS_SCHEDULE_NODES_MAX);
    ls_assert(me < node_count && root < node_count);
    if (node_count == 1)
        return 0;
    switch (algorithm) {
    case LS_RING_ALLREDUCE:
        ring_reduce_scatter(&writer, node_count, me);
        ring_allgather(&writer, node_count, me, true);
        break;
    case LS_RING_REDUCE_SCATTER:
        ring_reduce_scatter(&writer, node_count, me);
        break;
    case LS_RING_ALLGATHER:
        ring_allgather(&writer, node_count, me, false);
        break;
    case LS_DOUBLING_ALLREDUCE:
        doubling_allreduce(&writer, node_count, me);
        break;
    case LS_TREE_BROADCAST:
        tree_broadcast(&writer, node_count, me, root);
        break;
    case LS_CHAIN_BROADCAST:
        chain_broadcast(&writer, node_count, me, root);
        break;
    default:
        ls_assert(!"no such algorithm");
    }
    ls_assert(writer.count <= ls_schedule_steps_max(algorithm, node_count));
    return writer.count;
}

/* Insert in order; a node that is there already only gains the mark. */
static uint32_t add_peer(struct ls_schedule_peer *peers, uint32_t count, uint32_t node,
                         bool in_ring)
{
    uint32_t at = 0;

    while (at < count && peers[at].node < node)
        at++;
    if (at < count && peers[at].node == node) {
        peers[at].in_ring |= in_ring;
        return count;
    }
    ls_assert(count < LS_SCHEDULE_PEERS_MAX);
    for (uint32_t i = count; i > at; i--)
        peers[i] = peers[i - 1];
    peers[at] = (struct ls_schedule_peer){.node = node, .in_ring = in_ring};
    return count + 1;
}

uint32_t ls_schedule_peers(uint32_t node_count, uint32_t me,
                           struct ls_schedule_peer peers[LS_SCHEDULE_PEERS_MAX])
{
    struct ls_schedule_step steps[2 + 2 * LS_SCHEDULE_DEPTH_MAX];
    uint32_t count = 0, step_count;

    if (node_count == 1)
        return 0;
    step_count = ls_schedule_build(LS_DOUBLING_ALLREDUCE, node_count, me, 0, steps);
    for (uint32_t i = 0; i < step_count; i++)
        count = add_peer(peers, count, steps[i].peer, false);
    for (uint32_t distance = 1; distance < node_count; distance *= 2) {
        bool next = distance == 1;

        count = add_peer(peers, count, (me + distance) % node_count, next);
        count = add_peer(peers, count, before(node_count, me, distance), next);
    }
    return count;
}

static uint32_t log2_up(uint32_t n)
{
    uint32_t rounds = 0;

    while ((UINT32_C(1) << rounds) < n)
        rounds++;
    return rounds;
}

static uint64_t wire_ns(const struct ls_schedule_model *model, uint64_t bytes)
{
    return bytes / model->bytes_per_us * 1000;
}

enum ls_schedule_algorithm ls_schedule_choose_allreduce(
    const struct ls_schedule_model *model, uint64_t bytes, uint32_t node_count)
{
    const uint32_t power = power_of_two_within(node_count);
    const uint32_t rounds = log2_up(power) + (power < node_count ? 2 : 0);
    const uint64_t turns = 2 * (uint64_t)(node_count - 1);
    uint64_t ring_ns, doubling_ns;

    if (model->force == LS_CHOOSE_RING)
        return LS_RING_ALLREDUCE;
    if (model->force == LS_CHOOSE_DOUBLING)
        return LS_DOUBLING_ALLREDUCE;
    ring_ns = turns * (model->step_ns + wire_ns(model, bytes / node_count));
    doubling_ns = rounds * (model->step_ns + wire_ns(model, bytes));
    return ring_ns < doubling_ns ? LS_RING_ALLREDUCE : LS_DOUBLING_ALLREDUCE;
}

/* The chain's last node waits for n - 1 pieces to pass, each as long as a piece takes.
 */
enum ls_schedule_algorithm ls_schedule_choose_broadcast(
    const struct ls_schedule_model *model, uint64_t bytes, uint32_t node_count)
{
    const uint64_t piece = bytes < 65536 ? bytes : 65536;
    uint64_t tree_ns, chain_ns;

    tree_ns = log2_up(node_count) * (model->step_ns + wire_ns(model, bytes));
    chain_ns = (node_count - 1) * (model->step_ns + wire_ns(model, piece)) +
               wire_ns(model, bytes - piece);
    return chain_ns < tree_ns ? LS_CHAIN_BROADCAST : LS_TREE_BROADCAST;
}
