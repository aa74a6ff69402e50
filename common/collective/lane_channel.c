/* common/collective/lane_channel.c - messages, credits and bad news between two lanes.
 */
#include <errno.h>

#include "common/collective/lane_private.h"

enum { EVENTS = 16 };

/* A signal: kind (2 bits), place in the window (4), credit (4), argument (22). Every
 * signal of a channel carries its credit: messages consumed so far, modulo 16. */
enum signal_kind { SIGNAL_DATA, SIGNAL_CREDIT, SIGNAL_ABORT };
enum {
    KIND_SHIFT = 30,
    PLACE_SHIFT = 26,
    PLACE_MASK = 15,
    CREDIT_SHIFT = 22,
    CREDIT_MASK = 15,
    ARGUMENT_MASK = (1 << 22) - 1,
    ABORT_STATUS_SHIFT = 16, /* in the argument; below it the node */
    ABORT_NODE_MASK = 0xffff,
};
_Static_assert((int)LANE_WINDOW <= (int)PLACE_MASK + 1, "places must fit a signal");
_Static_assert((int)LANE_SLOTS <= (int)CREDIT_MASK, "credits must be told apart");
_Static_assert(LANE_CREDIT_AFTER < LANE_SLOTS,
               "a sender must not wait for a held credit");

static uint32_t make_signal(enum signal_kind kind, uint32_t place, uint32_t consumed,
                            uint32_t argument)
{
    return (uint32_t)kind << KIND_SHIFT | place << PLACE_SHIFT |
           (consumed & CREDIT_MASK) << CREDIT_SHIFT | (argument & ARGUMENT_MASK);
}

static uint64_t slot_offset(const struct lane_peer *peer, uint32_t place,
                            uint32_t message)
{
    return (uint64_t)(place * LANE_SLOTS + message % LANE_SLOTS) * peer->slot_bytes;
}

static int put(struct ls_lane *lane, struct lane_peer *peer, const void *data,
               size_t size, uint64_t offset, uint32_t signal, void *context)
{
    return ls_fabric_put(lane->fabric, (uint32_t)(peer - lane->peers), NULL, data, size,
                         peer->key, peer->remote_offset + offset, signal, context);
}

int lane_channel_send(struct ls_lane *lane, struct lane_piece *piece,
                      struct lane_peer *peer, const void *data, size_t size)
{
    struct lane_channel *channel = &peer->channels[piece->place];
    bool small = size <= lane->inline_max;
    uint32_t signal;
    int rc;

    if (channel->sent - channel->credited >= LANE_SLOTS) {
        lane->counters.credit_waits += !piece->starved;
        piece->starved = true;
        return -EAGAIN;
    }
    signal = make_signal(SIGNAL_DATA, piece->place, channel->consumed, piece->hash);
    rc = put(lane, peer, data, size, slot_offset(peer, piece->place, channel->sent),
             signal, small ? NULL : piece);
    if (rc < 0)
        return rc;
    channel->sent++;
    channel->credit_told = channel->consumed;
    piece->starved = false;
    piece->sends++;
    piece->sends_done += small;
    lane->counters.messages_sent++;
    lane->counters.bytes_sent += size;
    return 0;
}

const void *lane_channel_arrived(const struct lane_peer *peer, uint32_t place,
                                 uint32_t *ret_hash)
{
    const struct lane_channel *channel = &peer->channels[place];

    if (channel->arrived == channel->consumed)
        return NULL;
    *ret_hash = channel->hashes[channel->consumed % LANE_SLOTS];
    return peer->staging + slot_offset(peer, place, channel->consumed);
}

/* A lost peer needs no credit, and one that has no room now gets it later. */
static bool return_credit(struct ls_lane *lane, struct lane_peer *peer, uint32_t place)
{
    struct lane_channel *channel = &peer->channels[place];
    uint32_t signal = make_signal(SIGNAL_CREDIT, place, channel->consumed, 0);

    if (channel->consumed - channel->credit_told < LANE_CREDIT_AFTER)
        return true;
    if (put(lane, peer, NULL, 0, 0, signal, NULL) == -EAGAIN)
        return false;
    channel->credit_told = channel->consumed;
    return true;
}

void lane_channel_consume(struct ls_lane *lane, struct lane_peer *peer, uint32_t place)
{
    peer->channels[place].consumed++;
    if (return_credit(lane, peer, place))
        return;
    peer->credit_owed = true;
    lane->credits_owed = true;
}

void lane_channel_return_credits(struct ls_lane *lane)
{
    lane->credits_owed = false;
    for (uint32_t i = 0; i < lane->peer_count; i++) {
        struct lane_peer *peer = &lane->peers[i];

        if (!peer->credit_owed)
            continue;
        peer->credit_owed = false;
        for (uint32_t place = 0; place < LANE_WINDOW; place++)
            peer->credit_owed |= !return_credit(lane, peer, place);
        lane->credits_owed |= peer->credit_owed;
    }
}

void lane_channel_abort(struct ls_lane *lane)
{
    const struct ls_lane_ring *ring = lane->config.ring;
    uint32_t node = atomic_load_explicit(&ring->lost_node, memory_order_relaxed);
    int32_t status = atomic_load_explicit(&ring->status, memory_order_relaxed);
    uint32_t argument =
        (uint32_t)-status << ABORT_STATUS_SHIFT | (node & ABORT_NODE_MASK);
    uint32_t signal = make_signal(SIGNAL_ABORT, 0, 0, argument);

    for (uint32_t i = 0; i < lane->peer_count; i++) {
        struct lane_peer *peer = &lane->peers[i];

        if (peer->abort_owed)
            peer->abort_owed = put(lane, peer, NULL, 0, 0, signal, NULL) == -EAGAIN;
    }
}

/* Another lane has failed, and with it the collective. What it says of us, it says of
 * the two of us. */
static void take_abort(struct ls_lane *lane, const struct lane_peer *peer,
                       uint32_t argument)
{
    lockstep_status status = -(lockstep_status)(argument >> ABORT_STATUS_SHIFT);
    uint32_t node = argument & ABORT_NODE_MASK;

    if (node == lane->config.node_index || node >= lane->config.node_count)
        node = peer->node;
    if (status == LOCKSTEP_ERR_MISMATCH)
        lane_fail(lane, status, node, -EPROTO,
                  "node %u and another node are in different collectives", node);
    else if (status == LOCKSTEP_ERR_PEER_LOST)
        lane_fail(lane, status, node, -ECONNRESET, "node %u is lost, says node %u",
                  node, peer->node);
    else
        lane_fail(lane, LOCKSTEP_ERR_FABRIC, node, -EIO,
                  "the exchange has failed on node %u, says node %u", node, peer->node);
}

static void take_signal(struct ls_lane *lane, struct lane_peer *peer, uint32_t signal)
{
    uint32_t place = signal >> PLACE_SHIFT & PLACE_MASK;
    uint32_t credit = signal >> CREDIT_SHIFT & CREDIT_MASK;
    struct lane_channel *channel;

    if (signal >> KIND_SHIFT == SIGNAL_ABORT) {
        take_abort(lane, peer, signal & ARGUMENT_MASK);
        return;
    }
    channel = &peer->channels[place % LANE_WINDOW];
    channel->credited += (credit - channel->credited) & CREDIT_MASK;
    if (signal >> KIND_SHIFT != SIGNAL_DATA)
        return;
    if (channel->arrived - channel->consumed >= LANE_SLOTS) {
        lane_fail(lane, LOCKSTEP_ERR_FABRIC, peer->node, -EPROTO,
                  "node %u sends without credit", peer->node);
        return;
    }
    channel->hashes[channel->arrived++ % LANE_SLOTS] = signal & ARGUMENT_MASK;
    lane->counters.messages_received++;
}

int lane_channel_poll(struct ls_lane *lane)
{
    struct ls_fabric_event events[EVENTS];
    int count = ls_fabric_poll(lane->fabric, events, EVENTS);

    for (int i = 0; i < count; i++) {
        struct lane_piece *piece = events[i].context;

        switch (events[i].kind) {
        case LS_FABRIC_SIGNAL:
            take_signal(lane, &lane->peers[events[i].peer], events[i].signal);
            break;
        case LS_FABRIC_PUT_DONE:
            piece->sends_done++;
            break;
        case LS_FABRIC_PEER_LOST:
            lane->peers[events[i].peer].lost = true;
            break;
        }
    }
    return count;
}
