/* common/client/join_step.c - a rank joins through its step's socket (join.h).
 * Depends on collective. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/client/client_private.h"
#include "common/collective/join.h"
#include "common/util/file.h"
#include "common/util/mem.h"

static int connect_to(const char *path, struct ls_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return ls_error_set(err, -ENAMETOOLONG, "LOCKSTEP_STEP_SOCKET=%s: too long", path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ls_error_sys(err, -errno, "socket");
    while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int rc;

        if (errno == EINTR)
            continue;
        rc = ls_error_sys(err, -errno, "cannot reach the step at %s", path);
        close(fd);
        return rc;
    }
    return fd;
}

/* The next packet, which must be of `kind`; a refusal becomes its text. */
static int expect(int socket, enum ls_join_kind kind, struct ls_join_packet *packet,
                  int fds[LS_JOIN_FDS_MAX], struct ls_error *err)
{
    int rc = ls_join_receive(socket, packet, fds);

    if (rc == 0)
        return ls_error_set(err, -ECONNRESET, "the step closed the connection");
    if (rc < 0)
        return ls_error_sys(err, rc, "message of the step");
    if (packet->kind == (uint32_t)kind)
        return 0;
    ls_close(fds[0]);
    ls_close(fds[1]);
    if (packet->kind == LS_JOIN_REFUSED)
        return ls_error_set(err, -ECONNREFUSED, "%s", packet->text);
    return ls_error_set(err, -EPROTO, "the step sent message %u, expected %d", packet->kind,
                        kind);
}

static int take_arena(struct ls_comm *comm, const struct ls_join_packet *packet, int fd,
                      uint32_t own, struct ls_error *err)
{
    uint32_t i = packet->rank;

    if (i >= LS_MEMBERS_MAX || comm->arenas[i]) {
        ls_close(fd);
        return ls_error_set(err, -EPROTO, "the step sent the memory of local rank %u twice", i);
    }
    comm->arena_sizes[i] = packet->arena_size;
    comm->arenas[i] =
        i == own ? ls_arena_base(comm->arena) : ls_arena_map(fd, packet->arena_size, err);
    ls_close(fd);
    return comm->arenas[i] ? 0 : -EINVAL;
}

/* ARENA … ARENA WELCOME */
static int take_welcome(struct ls_comm *comm, int socket, uint32_t own, struct ls_error *err)
{
    struct ls_join_packet packet;
    int fds[LS_JOIN_FDS_MAX];
    int rc;

    for (;;) {
        rc = ls_join_receive(socket, &packet, fds);
        if (rc == 1 && packet.kind == LS_JOIN_ARENA) {
            rc = take_arena(comm, &packet, fds[0], own, err);
            if (rc < 0)
                return rc;
            continue;
        }
        break;
    }
    if (rc == 0)
        return ls_error_set(err, -ECONNRESET, "the step closed the connection");
    if (rc < 0)
        return ls_error_sys(err, rc, "message of the step");
    if (packet.kind == LS_JOIN_REFUSED)
        return ls_error_set(err, -ECONNREFUSED, "%s", packet.text);
    if (packet.kind != LS_JOIN_WELCOME || fds[0] < 0)
        return ls_error_set(err, -EPROTO, "the step sent message %u, expected a welcome",
                            packet.kind);
    comm->door_fd = fds[1];
    rc = ls_segment_map(fds[0], &comm->segment, err);
    close(fds[0]);
    return rc;
}

static int check_welcome(const struct ls_comm *comm, uint32_t own, struct ls_error *err)
{
    if (own >= comm->segment->local_count || comm->segment->local_count > LS_MEMBERS_MAX)
        return ls_error_set(err, -EPROTO, "control segment of %u ranks, this is local rank %u",
                            comm->segment->local_count, own);
    for (uint32_t i = 0; i < comm->segment->local_count; i++) {
        if (!comm->arenas[i])
            return ls_error_set(err, -EPROTO, "the memory of local rank %u is missing", i);
    }
    return 0;
}

/* HELLO, then TABLE: this rank drives its lane itself. */
static int join_lane(struct ls_comm *comm, int socket, uint32_t own, struct ls_error *err)
{
    struct ls_join_packet packet = {
        .magic = LS_JOIN_MAGIC, .kind = LS_JOIN_HELLO, .rank = own};
    size_t size = (size_t)comm->segment->node_count * LS_LANE_HELLO_MAX;
    int fds[LS_JOIN_FDS_MAX];
    void *table;
    int rc;

    rc = ls_join_open_lane(comm, own, getenv("LOCKSTEP_NIC"), getenv("LOCKSTEP_HOST"), err);
    if (rc < 0)
        return rc;
    ls_lane_hello(comm->lane, packet.hello);
    rc = ls_join_send(socket, &packet, NULL, 0);
    if (rc < 0)
        return ls_error_sys(err, rc, "hello to the step");
    rc = expect(socket, LS_JOIN_TABLE, &packet, fds, err);
    if (rc < 0)
        return rc;
    table = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fds[0], 0);
    ls_close(fds[0]);
    if (table == MAP_FAILED)
        return ls_error_sys(err, -errno, "table of the step");
    rc = ls_lane_connect(comm->lane, table, err);
    munmap(table, size);
    return rc;
}

static int local_rank(struct ls_error *err)
{
    const char *text = getenv("LOCKSTEP_LOCAL_RANK");
    char *end = NULL;
    long value = text ? strtol(text, &end, 10) : -1;

    if (!text || *end != '\0' || value < 0 || value >= LS_MEMBERS_MAX)
        return ls_error_set(err, -EINVAL, "LOCKSTEP_LOCAL_RANK=%s: expected 0 to %d",
                            text ? text : "", LS_MEMBERS_MAX - 1);
    return (int)value;
}

int ls_join_step(struct ls_comm *comm, const char *socket_path, int *ret_socket,
                 struct ls_error *err)
{
    struct ls_join_packet packet = {.magic = LS_JOIN_MAGIC, .kind = LS_JOIN_ENTER};
    int own = local_rank(err), rc, fd;

    if (own < 0)
        return own;
    rc = ls_arena_create(0, &comm->arena, err);
    if (rc < 0)
        return rc;
    rc = connect_to(socket_path, err);
    if (rc < 0)
        return rc;
    *ret_socket = rc;
    packet.rank = (uint32_t)own;
    packet.arena_size = ls_arena_size(comm->arena);
    fd = ls_arena_fd(comm->arena);
    rc = ls_join_send(*ret_socket, &packet, &fd, 1);
    if (rc < 0)
        return ls_error_sys(err, rc, "enter the step");
    rc = take_welcome(comm, *ret_socket, (uint32_t)own, err);
    if (rc == 0)
        rc = check_welcome(comm, (uint32_t)own, err);
    if (rc == 0 && comm->segment->rank_hosted && (uint32_t)own < comm->segment->lane_count)
        rc = join_lane(comm, *ret_socket, (uint32_t)own, err);
    if (rc == 0)
        ls_comm_prepare(comm, own);
    return rc;
}
