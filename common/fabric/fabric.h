/* common/fabric/fabric.h - the network between nodes: one small interface, several
 * backends.
 *
 * An endpoint can register memory, put bytes into a peer's registered memory with a
 * 32-bit signal that the peer polls, and report errors per peer. Backends: ofi
 * (libfabric: tcp and whatever else a machine has); verbs and sim join behind the
 * same ops table. Not thread-safe: one thread at a time per endpoint. */
#ifndef LS_COMMON_FABRIC_FABRIC_H
#define LS_COMMON_FABRIC_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"

struct ls_fabric;
struct ls_fabric_memory;

enum {
    LS_FABRIC_ADDRESS_MAX = 128, /* bytes of an endpoint's address */
    LS_FABRIC_KEY_MAX = 32,      /* bytes of an exported memory key */
    LS_FABRIC_PEERS_MAX = 16384,
};

struct ls_fabric_config {
    const char
        *backend; /* "ofi"; NULL = the default, or LOCKSTEP_FABRIC of the environment */
    const char
        *provider; /* ofi: "tcp" …; NULL = best found, or LOCKSTEP_OFI_PROVIDER */
    const char *device; /* NIC name of the plan; NULL = any */
    const char *host;   /* local address or host name to bind; NULL = any */
};

enum ls_fabric_event_kind {
    LS_FABRIC_SIGNAL,    /* a peer's put has arrived whole: `signal` */
    LS_FABRIC_PUT_DONE,  /* our put's source may be reused: `context` */
    LS_FABRIC_PEER_LOST, /* `peer` cannot be reached any more: ls_fabric_why(). Told
                            once, after all it had put */
};
struct ls_fabric_event {
    enum ls_fabric_event_kind kind;
    uint32_t peer;
    uint32_t signal;
    void *context;
};

int ls_fabric_open(const struct ls_fabric_config *config, struct ls_fabric **ret_fabric,
                   struct ls_error *err);
void ls_fabric_close(struct ls_fabric *fabric);

/* This endpoint's address, to hand to peers by other means; at most
 * LS_FABRIC_ADDRESS_MAX bytes. */
int ls_fabric_address(const struct ls_fabric *fabric, void *address, size_t *ret_size,
                      struct ls_error *err);

/* Make a peer known under the caller's number `peer` (dense, from 0). May connect
 * lazily; never blocks for long. All peers may connect to one another at once. */
int ls_fabric_connect(struct ls_fabric *fabric, uint32_t peer, const void *address,
                      size_t size, struct ls_error *err);

/* Register memory as a source and as a target of peers' puts. Freed by _unregister(),
 * before close. */
int ls_fabric_register(struct ls_fabric *fabric, void *memory, size_t size,
                       struct ls_fabric_memory **ret_memory, struct ls_error *err);
void ls_fabric_unregister(struct ls_fabric_memory *memory);
/* What a peer needs to put into it (at most LS_FABRIC_KEY_MAX bytes). */
void ls_fabric_export(const struct ls_fabric_memory *memory, void *key,
                      size_t *ret_size);

/* Put `size` bytes (0 is legal: signal only) into the peer's exported memory at
 * `offset`, then raise `signal` there; puts to one peer signal in the order posted.
 * `source` belongs to `memory`. With memory NULL, up to ls_fabric_inline_max() bytes
 * are copied at once; more is legal if ls_fabric_any_source(). -EAGAIN: queue full or
 * not yet connected, poll and try again. -EPIPE: the peer is lost, see ls_fabric_why().
 * Once accepted, PUT_DONE with `context` follows, also if the peer gets lost, unless
 * context is NULL. `key` and `offset` count for a signal alone too. */
int ls_fabric_put(struct ls_fabric *fabric, uint32_t peer,
                  struct ls_fabric_memory *memory, const void *source, size_t size,
                  const void *key, uint64_t offset, uint32_t signal, void *context);
size_t ls_fabric_inline_max(const struct ls_fabric *fabric);
/* True when puts may come from memory that was not registered. */
bool ls_fabric_any_source(const struct ls_fabric *fabric);

/* Take up to `max` events; returns how many, 0 when nothing moved, or -errno when the
 * endpoint itself is broken. */
int ls_fabric_poll(struct ls_fabric *fabric, struct ls_fabric_event *events, int max);

/* Sleep until an event may be there, `wake_fd` (if >= 0) is readable, or the time is
 * over. Returns 0; early returns are legal. */
int ls_fabric_wait(struct ls_fabric *fabric, int wake_fd, int timeout_ms);

/* Why a peer or the endpoint was lost; borrowed. */
const char *ls_fabric_why(const struct ls_fabric *fabric, uint32_t peer);

/* "ofi tcp;ofi_rxm eth0" or the like, for reports; borrowed. */
const char *ls_fabric_name(const struct ls_fabric *fabric);

#endif
