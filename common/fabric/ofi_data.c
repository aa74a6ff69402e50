/* common/fabric/ofi_data.c - libfabric backend: memory, puts and the events they cause.
 */
#include <errno.h>
#include <poll.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <string.h>

#include "common/fabric/ofi_private.h"
#include "common/util/check.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

enum {
    LINGER_MAX_MS = 1000,
    FALSE_ALARMS_MAX = 8,
    REST_NS = 50000, /* about what a wake-up by a socket takes */
};

struct ofi_memory {
    struct ls_fabric_memory base;
    struct fid_mr *mr;
    struct ofi_key key;
};

int ofi_register(struct ls_fabric *fabric, void *memory, size_t size,
                 struct ls_fabric_memory **ret_memory, struct ls_error *err)
{
    struct ofi_fabric *ofi = ofi_of(fabric);
    struct ofi_memory *registered = ls_calloc(1, sizeof(*registered));
    int rc = fi_mr_reg(ofi->domain, memory, size, FI_WRITE | FI_REMOTE_WRITE, 0,
                       ++ofi->next_key, 0, &registered->mr, NULL);

    if (rc < 0) {
        ls_free(registered);
        return ls_error_set(err, rc, "fabric: registering %zu bytes: %s", size,
                            fi_strerror(-rc));
    }
    registered->base.fabric = fabric;
    registered->key.key = fi_mr_key(registered->mr);
    if (ofi->info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)
        registered->key.base = (uint64_t)(uintptr_t)memory;
    *ret_memory = &registered->base;
    return 0;
}

void ofi_unregister(struct ls_fabric_memory *memory)
{
    struct ofi_memory *registered = (struct ofi_memory *)memory;

    fi_close(&registered->mr->fid);
    ls_free(registered);
}

void ofi_export(const struct ls_fabric_memory *memory, void *key, size_t *ret_size)
{
    const struct ofi_memory *registered = (const struct ofi_memory *)memory;

    memcpy(key, &registered->key, sizeof(registered->key));
    *ret_size = sizeof(registered->key);
}

int ofi_put(struct ls_fabric *fabric, uint32_t index, struct ls_fabric_memory *memory,
            const void *source, size_t size, const void *key, uint64_t offset,
            uint32_t signal, void *context)
{
    struct ofi_fabric *ofi = ofi_of(fabric);
    struct ofi_peer *peer = ofi_peer_of(ofi, index);
    uint64_t data;
    ssize_t rc;

    if (!peer || peer->state == OFI_PEER_LOST)
        return -EPIPE;
    if (peer->state == OFI_PEER_WAITING)
        return -EAGAIN;

    memcpy(&peer->key, key, sizeof(peer->key));
    peer->used = true;
    data = (uint64_t)peer->number << OFI_PEER_SHIFT | signal;
    if (!context && !memory && size <= ofi->info->tx_attr->inject_size)
        rc = fi_inject_writedata(peer->endpoint, source, size, data, 0,
                                 peer->key.base + offset, peer->key.key);
    else
        rc = fi_writedata(peer->endpoint, source, size, NULL, data, 0,
                          peer->key.base + offset, peer->key.key, context);
    if (rc == 0 || rc == -FI_EAGAIN)
        return (int)rc;
    ofi->idle_polls = OFI_EQ_EVERY; /* the event queue will say more */
    ofi_peer_lost(ofi, peer, fi_strerror((int)-rc));
    return -EPIPE;
}

/* Turn a completion into an event; false when it means nothing to the caller. */
static bool take_completion(struct ofi_fabric *ofi,
                            const struct fi_cq_data_entry *entry,
                            struct ls_fabric_event *ret_event)
{
    uint32_t index = (uint32_t)((entry->data & ~OFI_GOODBYE) >> OFI_PEER_SHIFT);
    struct ofi_peer *peer;

    if (!(entry->flags & FI_REMOTE_CQ_DATA)) {
        *ret_event = (struct ls_fabric_event){.kind = LS_FABRIC_PUT_DONE,
                                              .context = entry->op_context};
        return entry->op_context != NULL;
    }
    peer = ofi_peer_of(ofi, index);
    if (!peer)
        return false;
    if (entry->data & OFI_GOODBYE) {
        ofi_peer_lost(ofi, peer, "it has closed its end");
        return false;
    }
    *ret_event = (struct ls_fabric_event){
        .kind = LS_FABRIC_SIGNAL, .peer = index, .signal = (uint32_t)entry->data};
    return true;
}

/* A failed put's source may be reused too. Whose it was, the event queue tells. */
static int take_failure(struct ofi_fabric *ofi, struct ls_fabric_event *event)
{
    struct fi_cq_err_entry entry = {0};

    ofi->idle_polls = OFI_EQ_EVERY;
    if (fi_cq_readerr(ofi->cq, &entry, 0) <= 0 || !entry.op_context ||
        entry.flags & FI_REMOTE_CQ_DATA)
        return 0;
    *event = (struct ls_fabric_event){.kind = LS_FABRIC_PUT_DONE,
                                      .context = entry.op_context};
    return 1;
}

/* The completion queue is empty: tell what was lost before it was, then look for more.
 * In this order, because a peer's last signals come before the end of its connection.
 */
static int take_losses(struct ofi_fabric *ofi, struct ls_fabric_event *events, int max)
{
    int count = 0;

    while (count < max && ofi->lost_count > 0)
        events[count++] = (struct ls_fabric_event){
            .kind = LS_FABRIC_PEER_LOST, .peer = ofi->lost[--ofi->lost_count]};
    if (ofi->waiting_count > 0 || ++ofi->idle_polls >= OFI_EQ_EVERY) {
        ofi->idle_polls = 0;
        ofi_events_take(ofi);
    }
    return count;
}

int ofi_poll(struct ls_fabric *fabric, struct ls_fabric_event *events, int max)
{
    struct ofi_fabric *ofi = ofi_of(fabric);
    struct fi_cq_data_entry entries[OFI_CQ_BATCH];
    size_t room = max < OFI_CQ_BATCH ? (size_t)max : OFI_CQ_BATCH;
    ssize_t taken;
    int count = 0;

    ls_assert(max > 0);
    taken = fi_cq_read(ofi->cq, entries, room);
    if (taken == -FI_EAGAIN)
        return take_losses(ofi, events, max);
    if (taken == -FI_EAVAIL)
        return take_failure(ofi, events);
    if (taken < 0)
        return ls_error_set(&ofi->broken, (int)taken, "%s: completion queue: %s",
                            ofi->name, fi_strerror((int)-taken));
    ofi->false_alarms = 0;
    for (ssize_t i = 0; i < taken; i++)
        count += take_completion(ofi, &entries[i], &events[count]);
    return count;
}

/* libfabric 1.17 never takes back the wake-ups of its `net` provider: once one has come,
 * the descriptors stay readable. After some that brought nothing, give the core to somebody
 * for a moment, as a real sleep would have done. */
static void rest_after_false_alarm(struct ofi_fabric *ofi, int wake_fd)
{
    struct pollfd door = {.fd = wake_fd, .events = POLLIN};
    struct timespec rest = {.tv_nsec = REST_NS};

    if (++ofi->false_alarms > FALSE_ALARMS_MAX)
        (void)ppoll(&door, 1, &rest, NULL);
}

int ofi_wait(struct ls_fabric *fabric, int wake_fd, int timeout_ms)
{
    struct ofi_fabric *ofi = ofi_of(fabric);
    struct fid *fids[] = {&ofi->cq->fid, &ofi->eq->fid};
    struct pollfd polls[] = {{.fd = ofi->cq_fd, .events = POLLIN},
                             {.fd = ofi->eq_fd, .events = POLLIN},
                             {.fd = wake_fd, .events = POLLIN}};

    ofi->idle_polls = OFI_EQ_EVERY;
    if (ofi->lost_count > 0 || fi_trywait(ofi->fabric, fids, 2) != FI_SUCCESS)
        return 0;
    if (poll(polls, wake_fd >= 0 ? 3 : 2, timeout_ms) > 0 && polls[2].revents == 0)
        rest_after_false_alarm(ofi, wake_fd);
    return 0;
}

static void put_goodbye(struct ofi_peer *peer)
{
    uint64_t data = OFI_GOODBYE | (uint64_t)peer->number << OFI_PEER_SHIFT;

    if (fi_writedata(peer->endpoint, NULL, 0, NULL, data, 0, peer->key.base,
                     peer->key.key, NULL) == 0)
        peer->told = true;
}

/* True while a peer that we have put to is there and may still send. */
static bool is_awaited(const struct ofi_peer *peer)
{
    return peer && peer->used && peer->state == OFI_PEER_CONNECTED;
}

/* Closing a socket with unread data resets the connection, and the peer may lose what
 * we had sent it last. So each side goes on reading until the other has said goodbye
 * too. */
void ofi_goodbye_all(struct ofi_fabric *ofi)
{
    uint64_t end_ms = ls_clock_ms() + LINGER_MAX_MS;
    struct ls_fabric_event event;
    bool awaited = true;

    while (awaited && ls_clock_ms() < end_ms) {
        awaited = false;
        for (size_t i = 0; i < ofi->peer_count; i++) {
            if (!is_awaited(ofi->peers[i]))
                continue;
            awaited = true;
            if (!ofi->peers[i]->told)
                put_goodbye(ofi->peers[i]);
        }
        if (awaited && ofi_poll(&ofi->base, &event, 1) == 0)
            ofi_wait(&ofi->base, -1, 1);
    }
}
