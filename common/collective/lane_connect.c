/* common/collective/lane_connect.c - staging memory, hellos and connections of a lane.
 *
 * Where a node's messages lie in a peer's staging memory follows from node numbers
 * alone: both sides compute the same layout. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "common/collective/lane_private.h"
#include "common/util/check.h"
#include "common/util/mem.h"

#define HELLO_MAGIC UINT32_C(0x4c4e3031)

/* A hello as it travels between nodes of one cluster, which run one build. */
struct hello {
    uint32_t magic;
    uint32_t node_count, node, lane, lane_count;
    uint32_t window, slots, ring_slot_bytes, other_slot_bytes;
    uint32_t address_size;
    uint8_t address[LS_FABRIC_ADDRESS_MAX];
    uint8_t key[LS_FABRIC_KEY_MAX];
};
_Static_assert(sizeof(struct hello) <= LS_LANE_HELLO_MAX, "a hello must fit its place");

static size_t slot_bytes(const struct ls_schedule_peer *peer)
{
    return peer->in_ring ? LANE_RING_SLOT_BYTES : LANE_OTHER_SLOT_BYTES;
}

/* Offset of `from`'s messages in node `to`'s staging memory; the whole size when `from`
 * is no peer of it. */
static uint64_t staging_offset(uint32_t node_count, uint32_t to, uint32_t from)
{
    struct ls_schedule_peer peers[LS_SCHEDULE_PEERS_MAX];
    uint32_t count = ls_schedule_peers(node_count, to, peers);
    uint64_t offset = 0;

    for (uint32_t i = 0; i < count && peers[i].node != from; i++)
        offset += (uint64_t)LANE_WINDOW * LANE_SLOTS * slot_bytes(&peers[i]);
    return offset;
}

static void list_peers(struct ls_lane *lane)
{
    const uint32_t n = lane->config.node_count, me = lane->config.node_index;
    struct ls_schedule_peer list[LS_SCHEDULE_PEERS_MAX];

    lane->peer_count = ls_schedule_peers(n, me, list);
    lane->peers = ls_calloc(lane->peer_count, sizeof(*lane->peers));
    lane->peer_of_node = ls_calloc(n, sizeof(*lane->peer_of_node));
    for (uint32_t i = 0; i < n; i++)
        lane->peer_of_node[i] = LANE_NOBODY;
    for (uint32_t i = 0; i < lane->peer_count; i++) {
        struct lane_peer *peer = &lane->peers[i];

        peer->node = list[i].node;
        peer->slot_bytes = (uint32_t)slot_bytes(&list[i]);
        peer->staging = lane->staging + staging_offset(n, me, peer->node);
        peer->remote_offset = staging_offset(n, peer->node, me);
        lane->peer_of_node[peer->node] = (uint16_t)i;
    }
}

int lane_staging_make(struct ls_lane *lane, struct ls_error *err)
{
    const uint32_t n = lane->config.node_count, me = lane->config.node_index;
    void *memory;

    lane->staging_bytes = staging_offset(n, me, me);
    memory = mmap(NULL, lane->staging_bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return ls_error_sys(err, -errno, "lane: %zu bytes of staging memory",
                            lane->staging_bytes);
    lane->staging = memory;
    list_peers(lane);
    return ls_fabric_register(lane->fabric, lane->staging, lane->staging_bytes,
                              &lane->memory, err);
}

void lane_staging_free(struct ls_lane *lane)
{
    ls_fabric_unregister(lane->memory);
    if (lane->staging)
        munmap(lane->staging, lane->staging_bytes);
    ls_free(lane->peers);
    ls_free(lane->peer_of_node);
}

static struct hello expected_hello(const struct ls_lane *lane, uint32_t node)
{
    return (struct hello){
        .magic = HELLO_MAGIC,
        .node_count = lane->config.node_count,
        .node = node,
        .lane = lane->config.lane,
        .lane_count = lane->config.lane_count,
        .window = LANE_WINDOW,
        .slots = LANE_SLOTS,
        .ring_slot_bytes = LANE_RING_SLOT_BYTES,
        .other_slot_bytes = LANE_OTHER_SLOT_BYTES,
    };
}

void ls_lane_hello(const struct ls_lane *lane, uint8_t hello[LS_LANE_HELLO_MAX])
{
    struct hello own = expected_hello(lane, lane->config.node_index);
    size_t size = 0;

    /* Without an address the others refuse to connect, which says what is wrong. */
    if (ls_fabric_address(lane->fabric, own.address, &size, NULL) == 0)
        own.address_size = (uint32_t)size;
    ls_fabric_export(lane->memory, own.key, &size);
    memset(hello, 0, LS_LANE_HELLO_MAX);
    memcpy(hello, &own, sizeof(own));
}

static int connect_peer(struct ls_lane *lane, uint32_t index, const uint8_t *bytes,
                        struct ls_error *err)
{
    struct lane_peer *peer = &lane->peers[index];
    struct hello expected = expected_hello(lane, peer->node), hello;
    int rc;

    memcpy(&hello, bytes, sizeof(hello));
    if (memcmp(&hello, &expected, offsetof(struct hello, address_size)) != 0 ||
        hello.address_size > sizeof(hello.address))
        return ls_error_set(
            err, -EPROTO,
            "lane %u: node %u's hello does not fit: it counts %u nodes and "
            "%u lanes and calls itself lane %u of node %u, or it runs "
            "another version",
            lane->config.lane, peer->node, hello.node_count, hello.lane_count,
            hello.lane, hello.node);
    memcpy(peer->key, hello.key, sizeof(peer->key));
    rc = ls_fabric_connect(lane->fabric, index, hello.address, hello.address_size, err);
    if (rc < 0)
        ls_error_wrap(err, "lane %u: node %u", lane->config.lane, peer->node);
    return rc;
}

int ls_lane_connect(struct ls_lane *lane, const uint8_t *hellos, struct ls_error *err)
{
    for (uint32_t i = 0; i < lane->peer_count; i++) {
        const uint8_t *hello = hellos + (size_t)lane->peers[i].node * LS_LANE_HELLO_MAX;
        int rc = connect_peer(lane, i, hello, err);

        if (rc < 0)
            return rc;
    }
    return 0;
}
