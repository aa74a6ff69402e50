/* bench/collectives/peer_protocol.h - what client and server of peer.h say to one
 * another, over a Unix SOCK_SEQPACKET socket. Both ends are the same program. */
#ifndef LS_BENCH_COLLECTIVES_PEER_PROTOCOL_H
#define LS_BENCH_COLLECTIVES_PEER_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bench/collectives/collective.h"

/* The first message of each of mpirun's ranks. */
struct ls_peer_hello {
    int32_t rank, size;
    char version[120];
};

/* Client to every rank: time a case. 0 iterations: leave. */
struct ls_peer_request {
    struct ls_case c;
    uint32_t iterations;
};

/* And its answer. */
struct ls_peer_reply {
    double seconds; /* of one operation, on this rank; < 0 = failed, see its stderr */
};

/* The abstract address (no file to clean up) of a socket's name. */
static inline socklen_t ls_peer_address(const char *name,
                                        struct sockaddr_un *ret_address)
{
    size_t length = strlen(name);

    memset(ret_address, 0, sizeof(*ret_address));
    ret_address->sun_family = AF_UNIX;
    if (length > sizeof(ret_address->sun_path) - 1)
        length = sizeof(ret_address->sun_path) - 1;
    memcpy(ret_address->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

#endif
