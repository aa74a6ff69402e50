/* common/fabric/ofi_connect.c - libfabric backend: connections, made and lost.
 *
 * Every endpoint listens. Of two endpoints the one with the smaller nonce connects, so
 * that both may start at once; the other accepts when its caller has named the peer.
 * All steps but the first are carried out by ofi_events_take(), without waiting. */
#include <errno.h>
#include <netdb.h>
#include <rdma/fi_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fabric/ofi_private.h"
#include "common/util/mem.h"

int ofi_listen(struct ofi_fabric *ofi, struct ls_error *err)
{
    int rc = fi_passive_ep(ofi->fabric, ofi->info, &ofi->listener, NULL);

    if (rc == 0)
        rc = fi_pep_bind(ofi->listener, &ofi->eq->fid, 0);
    if (rc == 0)
        rc = fi_listen(ofi->listener);
    if (rc < 0)
        return ls_error_set(err, rc, "fabric: listening: %s", fi_strerror(-rc));
    return 0;
}

void ofi_peer_lost(struct ofi_fabric *ofi, struct ofi_peer *peer, const char *why)
{
    if (peer->state == OFI_PEER_LOST)
        return;
    if (peer->state == OFI_PEER_WAITING)
        ofi->waiting_count--;
    peer->state = OFI_PEER_LOST;
    snprintf(peer->why, sizeof(peer->why), "peer %u (%s): %s", peer->index, peer->name,
             why);
    LS_GROW(ofi->lost, ofi->lost_count, ofi->lost_capacity);
    ofi->lost[ofi->lost_count++] = peer->index;
}

static int make_endpoint(struct ofi_fabric *ofi, struct ofi_peer *peer,
                         struct fi_info *info)
{
    int rc = fi_endpoint(ofi->domain, info, &peer->endpoint, peer);

    if (rc == 0)
        rc = fi_ep_bind(peer->endpoint, &ofi->eq->fid, 0);
    if (rc == 0)
        rc = fi_ep_bind(peer->endpoint, &ofi->cq->fid, FI_TRANSMIT | FI_RECV);
    if (rc == 0)
        rc = fi_enable(peer->endpoint);
    return rc;
}

static struct ofi_greeting greeting_to(const struct ofi_fabric *ofi,
                                       const struct ofi_peer *peer)
{
    return (struct ofi_greeting){.magic = OFI_GREETING,
                                 .number = peer->index,
                                 .from = ofi->nonce,
                                 .to = peer->nonce};
}

static int call(struct ofi_fabric *ofi, struct ofi_peer *peer, const void *address,
                size_t size)
{
    struct ofi_greeting greeting = greeting_to(ofi, peer);
    struct fi_info *info = fi_dupinfo(ofi->info);
    int rc;

    if (!info)
        return -ENOMEM;
    free(info->dest_addr);
    info->dest_addr = malloc(size);
    if (info->dest_addr) {
        memcpy(info->dest_addr, address, size);
        info->dest_addrlen = size;
    }
    rc = info->dest_addr ? make_endpoint(ofi, peer, info) : -ENOMEM;
    if (rc == 0)
        rc = fi_connect(peer->endpoint, address, &greeting, sizeof(greeting));
    fi_freeinfo(info);
    return rc;
}

static int answer(struct ofi_fabric *ofi, struct ofi_peer *peer,
                  const struct ofi_request *request)
{
    struct ofi_greeting greeting = greeting_to(ofi, peer);
    int rc;

    peer->number = request->greeting.number;
    rc = make_endpoint(ofi, peer, request->info);
    if (rc == 0)
        rc = fi_accept(peer->endpoint, &greeting, sizeof(greeting));
    return rc;
}

/* Accept the peer's connection if it has asked for it already. */
static int answer_early(struct ofi_fabric *ofi, struct ofi_peer *peer)
{
    int rc;

    for (size_t i = 0; i < ofi->request_count; i++) {
        struct ofi_request request = ofi->requests[i];

        if (request.greeting.from != peer->nonce)
            continue;
        ofi->requests[i] = ofi->requests[--ofi->request_count];
        rc = answer(ofi, peer, &request);
        fi_freeinfo(request.info);
        return rc;
    }
    return 0;
}

static int check_address(const struct ofi_fabric *ofi, uint32_t index,
                         const struct ofi_address *address, size_t size,
                         struct ls_error *err)
{
    if (size < offsetof(struct ofi_address, sockaddr) + ofi->info->src_addrlen)
        return ls_error_set(err, -EINVAL, "peer %u: its address has only %zu bytes",
                            index, size);
    if (address->nonce == ofi->nonce)
        return ls_error_set(err, -EINVAL, "peer %u: this is our own address", index);
    if (ofi_peer_of(ofi, index))
        return ls_error_set(err, -EEXIST, "peer %u: connected before", index);
    return 0;
}

static void name_peer(struct ofi_peer *peer, const void *sockaddr, size_t size)
{
    char host[40], port[8];

    if (getnameinfo(sockaddr, (socklen_t)size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(peer->name, sizeof(peer->name), "address unknown");
        return;
    }
    snprintf(peer->name, sizeof(peer->name), "%s port %s", host, port);
}

static struct ofi_peer *add_peer(struct ofi_fabric *ofi, uint32_t index,
                                 const struct ofi_address *address)
{
    struct ofi_peer *peer = ls_calloc(1, sizeof(*peer));

    peer->index = index;
    peer->nonce = address->nonce;
    name_peer(peer, address->sockaddr, ofi->info->src_addrlen);
    if (index >= ofi->peer_count) {
        size_t count = (size_t)index + 1;

        ofi->peers = ls_realloc(ofi->peers, count, sizeof(struct ofi_peer *));
        while (ofi->peer_count < count)
            ofi->peers[ofi->peer_count++] = NULL;
    }
    ofi->peers[index] = peer;
    ofi->waiting_count++;
    return peer;
}

int ofi_connect(struct ls_fabric *fabric, uint32_t index, const void *address,
                size_t size, struct ls_error *err)
{
    struct ofi_fabric *ofi = ofi_of(fabric);
    struct ofi_address target = {0};
    struct ofi_peer *peer;
    int rc;

    memcpy(&target, address, size < sizeof(target) ? size : sizeof(target));
    rc = check_address(ofi, index, &target, size, err);
    if (rc < 0)
        return rc;

    peer = add_peer(ofi, index, &target);
    if (ofi->nonce < target.nonce)
        rc = call(ofi, peer, target.sockaddr,
                  size - offsetof(struct ofi_address, sockaddr));
    else
        rc = answer_early(ofi, peer);
    if (rc < 0)
        return ls_error_set(err, rc, "peer %u (%s): connecting: %s", index, peer->name,
                            fi_strerror(-rc));
    return 0;
}

/* The peer that a connection request comes from, if the caller has named it. */
static struct ofi_peer *find_caller(const struct ofi_fabric *ofi, uint64_t nonce)
{
    for (size_t i = 0; i < ofi->peer_count; i++) {
        struct ofi_peer *peer = ofi->peers[i];

        if (peer && peer->nonce == nonce && !peer->endpoint)
            return peer;
    }
    return NULL;
}

static void refuse(struct ofi_fabric *ofi, struct fi_info *info)
{
    fi_reject(ofi->listener, info->handle, NULL, 0);
    fi_freeinfo(info);
}

static void take_request(struct ofi_fabric *ofi, struct fi_info *info, const void *data,
                         size_t size)
{
    struct ofi_request request = {.info = info};
    struct ofi_peer *peer;
    int rc;

    if (size >= sizeof(request.greeting))
        memcpy(&request.greeting, data, sizeof(request.greeting));
    if (request.greeting.magic != OFI_GREETING || request.greeting.to != ofi->nonce ||
        ofi->request_count >= LS_FABRIC_PEERS_MAX) {
        refuse(ofi, info);
        return;
    }
    peer = find_caller(ofi, request.greeting.from);
    if (!peer) {
        LS_GROW(ofi->requests, ofi->request_count, ofi->request_capacity);
        ofi->requests[ofi->request_count++] = request;
        return;
    }
    rc = answer(ofi, peer, &request);
    fi_freeinfo(info);
    if (rc < 0)
        ofi_peer_lost(ofi, peer, fi_strerror(-rc));
}

static void take_connected(struct ofi_fabric *ofi, struct ofi_peer *peer,
                           const void *data, size_t size)
{
    struct ofi_greeting greeting;

    if (peer->state != OFI_PEER_WAITING)
        return;
    if (ofi->nonce < peer->nonce) { /* we have called: this is the answer */
        if (size < sizeof(greeting)) {
            ofi_peer_lost(ofi, peer, "it answered without a greeting");
            return;
        }
        memcpy(&greeting, data, sizeof(greeting));
        if (greeting.magic != OFI_GREETING || greeting.from != peer->nonce) {
            ofi_peer_lost(ofi, peer, "another endpoint answered at its address");
            return;
        }
        peer->number = greeting.number;
    }
    peer->state = OFI_PEER_CONNECTED;
    ofi->waiting_count--;
}

static void take_error(struct ofi_fabric *ofi)
{
    struct fi_eq_err_entry entry = {0};
    ssize_t rc = fi_eq_readerr(ofi->eq, &entry, 0);

    if (rc > 0 && entry.fid && entry.fid->fclass == FI_CLASS_EP)
        ofi_peer_lost(ofi, entry.fid->context, fi_strerror(entry.err));
}

void ofi_events_take(struct ofi_fabric *ofi)
{
    union {
        struct fi_eq_cm_entry cm;
        uint8_t bytes[sizeof(struct fi_eq_cm_entry) + OFI_CM_DATA_MAX];
    } entry;
    const size_t head = sizeof(entry.cm);
    uint32_t event;

    for (;;) {
        ssize_t size = fi_eq_read(ofi->eq, &event, &entry, sizeof(entry), 0);
        size_t data = (size_t)size > head ? (size_t)size - head : 0;

        if (size == -FI_EAVAIL) {
            take_error(ofi);
            continue;
        }
        if (size < 0)
            return;
        if (event == FI_CONNREQ)
            take_request(ofi, entry.cm.info, entry.cm.data, data);
        else if (event == FI_CONNECTED)
            take_connected(ofi, entry.cm.fid->context, entry.cm.data, data);
        else if (event == FI_SHUTDOWN)
            ofi_peer_lost(ofi, entry.cm.fid->context, "the connection was closed");
    }
}

void ofi_disconnect_all(struct ofi_fabric *ofi)
{
    for (size_t i = 0; i < ofi->peer_count; i++) {
        struct ofi_peer *peer = ofi->peers[i];

        if (peer && peer->endpoint)
            fi_close(&peer->endpoint->fid);
        ls_free(peer);
    }
    for (size_t i = 0; i < ofi->request_count; i++)
        refuse(ofi, ofi->requests[i].info);
    ofi->peer_count = 0;
    ofi->request_count = 0;
}
