/* common/fabric/ofi_private.h - the libfabric backend's structs, shared by its files.
 *
 * One connected endpoint (FI_EP_MSG) per peer, all on one completion queue and one
 * event queue. Connected endpoints rather than FI_EP_RDM, because only they tell a
 * receiver that its peer has died: the reliable-datagram endpoints of libfabric's TCP
 * providers quietly reconnect for ever. It is the model of verbs' queue pairs too. */
#ifndef LS_COMMON_FABRIC_OFI_PRIVATE_H
#define LS_COMMON_FABRIC_OFI_PRIVATE_H

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include "common/fabric/fabric_backend.h"

/* A signal travels as 64 bits of completion data: the sender's number as the receiver
 * knows it, then the caller's 32 bits. */
#define OFI_GOODBYE                                                                    \
    UINT64_C(0x8000000000000000) /* the peer closes, nothing follows                   \
                                  */
#define OFI_PEER_SHIFT 32
#define OFI_GREETING   UINT32_C(0x4c534631)

enum {
    OFI_CQ_SIZE = 4096,
    OFI_CQ_BATCH = 16,
    OFI_EQ_EVERY = 64, /* empty polls between two looks at the event queue */
    OFI_CM_DATA_MAX = 256,
};

/* What ls_fabric_address() gives. The nonce tells this endpoint from an earlier one on
 * the same port, and keeps strangers out; the smaller one of two endpoints connects. */
struct ofi_address {
    uint64_t nonce;
    uint8_t sockaddr[LS_FABRIC_ADDRESS_MAX - sizeof(uint64_t)];
};

/* The private data of a connection request and of its answer. */
struct ofi_greeting {
    uint32_t magic;
    uint32_t number;   /* of the receiver, to put into the signals sent to us */
    uint64_t from, to; /* nonces */
};

/* What ls_fabric_export() gives. */
struct ofi_key {
    uint64_t key, base;
};

enum ofi_peer_state { OFI_PEER_WAITING, OFI_PEER_CONNECTED, OFI_PEER_LOST };

struct ofi_peer {
    uint32_t index;  /* the caller's number of it */
    uint32_t number; /* its number of us */
    enum ofi_peer_state state;
    bool told; /* it has our goodbye */
    bool used; /* something was put, with `key` */
    struct ofi_key key;
    uint64_t nonce;
    struct fid_ep *endpoint; /* NULL until we connect or accept */
    char name[64];           /* its network address, for messages */
    char why[LS_ERROR_TEXT_MAX];
};

/* A connection request of a peer that the caller has not named yet. */
struct ofi_request {
    struct fi_info *info;
    struct ofi_greeting greeting;
};

struct ofi_fabric {
    struct ls_fabric base;
    struct fi_info *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;
    struct fid_cq *cq;
    struct fid_eq *eq;
    struct fid_pep *listener;
    int cq_fd, eq_fd;
    uint64_t nonce;
    uint64_t next_key;       /* for providers that let us choose keys */
    struct ofi_peer **peers; /* by the caller's number, with holes */
    size_t peer_count;
    size_t waiting_count; /* peers in OFI_PEER_WAITING */
    struct ofi_request *requests;
    size_t request_count, request_capacity;
    uint32_t *lost; /* peers whose loss is to be told */
    size_t lost_count, lost_capacity;
    unsigned idle_polls;
    unsigned false_alarms; /* wake-ups since the last completion */
    struct ls_error broken; /* code 0 while the endpoint works */
    char name[96];
};

static inline struct ofi_fabric *ofi_of(const struct ls_fabric *fabric)
{
    return (struct ofi_fabric *)fabric;
}

static inline struct ofi_peer *ofi_peer_of(const struct ofi_fabric *ofi, uint32_t index)
{
    return index < ofi->peer_count ? ofi->peers[index] : NULL;
}

/* ofi_connect.c */
int ofi_listen(struct ofi_fabric *ofi, struct ls_error *err);
int ofi_connect(struct ls_fabric *fabric, uint32_t index, const void *address,
                size_t size, struct ls_error *err);
void ofi_disconnect_all(struct ofi_fabric *ofi);

/* Take what the event queue has: connections made, lost, asked for. */
void ofi_events_take(struct ofi_fabric *ofi);

/* The peer cannot be reached any more; told with the next empty poll. */
void ofi_peer_lost(struct ofi_fabric *ofi, struct ofi_peer *peer, const char *why);

/* ofi_data.c */
int ofi_register(struct ls_fabric *fabric, void *memory, size_t size,
                 struct ls_fabric_memory **ret_memory, struct ls_error *err);
void ofi_unregister(struct ls_fabric_memory *memory);
void ofi_export(const struct ls_fabric_memory *memory, void *key, size_t *ret_size);
int ofi_put(struct ls_fabric *fabric, uint32_t index, struct ls_fabric_memory *memory,
            const void *source, size_t size, const void *key, uint64_t offset,
            uint32_t signal, void *context);
int ofi_poll(struct ls_fabric *fabric, struct ls_fabric_event *events, int max);
int ofi_wait(struct ls_fabric *fabric, int wake_fd, int timeout_ms);
/* Tell all peers that nothing follows, and wait a little for them to say the same. */
void ofi_goodbye_all(struct ofi_fabric *ofi);

#endif
