/* common/collective/join.h - what a rank and its step say to one another when it joins.
 *
 * Packets on a Unix SOCK_SEQPACKET socket (LOCKSTEP_STEP_SOCKET), each one struct, some
 * with descriptors (SCM_RIGHTS):
 *
 *   rank -> step  ENTER    rank, arena_size        + the arena
 *   step -> rank  ARENA    local rank, arena_size  + its arena; one for each local rank
 *   step -> rank  WELCOME                          + control segment, + lane's doorbell
 *                                                    (step drives the lane)
 *   rank -> step  HELLO    hello of its lane (when ranks drive the lanes)
 *   step -> rank  TABLE                            + memfd: hellos of this lane, by node
 *   rank -> step  LEAVE    finalize: the end that follows is no loss
 *   step -> rank  REFUSED  text
 *
 * Depends on lane. */
#ifndef LS_COMMON_COLLECTIVE_JOIN_H
#define LS_COMMON_COLLECTIVE_JOIN_H

#include <stdint.h>

#include "common/collective/lane.h"
#include "common/util/error.h"

#define LS_JOIN_MAGIC UINT32_C(0x6c736a31) /* "lsj1": changes with the protocol */

enum ls_join_kind {
    LS_JOIN_ENTER = 1,
    LS_JOIN_ARENA,
    LS_JOIN_WELCOME,
    LS_JOIN_HELLO,
    LS_JOIN_TABLE,
    LS_JOIN_LEAVE,
    LS_JOIN_REFUSED,
};

struct ls_join_packet {
    uint32_t magic;
    uint32_t kind;
    uint32_t rank;          /* local rank */
    uint32_t reserved;
    uint64_t arena_size;
    uint8_t hello[LS_LANE_HELLO_MAX];
    char text[256];
};

enum { LS_JOIN_FDS_MAX = 2 };

/* Send one packet with up to LS_JOIN_FDS_MAX descriptors. 0 or -errno. */
int ls_join_send(int socket, const struct ls_join_packet *packet, const int *fds,
                 int fd_count);

/* Receive one packet; descriptors (close-on-exec) go to fds[], the rest to -1. Returns 1,
 * 0 at end of file, -EAGAIN on a non-blocking socket, -EPROTO for anything else than a
 * packet of this version, -errno. */
int ls_join_receive(int socket, struct ls_join_packet *ret_packet, int fds[LS_JOIN_FDS_MAX]);

#endif
