/* bench/machine/tcp.c - see tcp.h. Raw sockets, one thread per rank, polled. */
#include "bench/machine/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/machine/placement.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum {
    CHUNK_BYTES = 256 << 10,
    PATIENCE_MS = 10000, /* then the partner is taken for lost */
    ROUNDS_MIN = 3,
    ROUNDS_MAX = 40,
};
static const double BUDGET_SECONDS = 0.05;

/* What ranks tell one another to find their partners. */
struct seat {
    int32_t node, local_rank, port;
};

struct ls_tcp_ring {
    lockstep_comm *comm;
    int streams; /* connections per node: local ranks that every node has */
    int out;     /* to the same local rank of the next node; -1 on the other ranks */
    int in;      /* from the same local rank of the node before */
    char *chunk; /* CHUNK_BYTES to send, as many to receive into */
};

static int open_listener(int32_t *ret_port, struct ls_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ls_error_sys(err, -errno, "cannot make a TCP socket");
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        int rc = ls_error_sys(err, -errno, "cannot listen on 127.0.0.1");

        close(fd);
        return rc;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int connect_to(int32_t port, struct ls_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ls_error_sys(err, -errno, "cannot make a TCP socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int rc = ls_error_sys(err, -errno, "cannot connect to 127.0.0.1:%d", port);

        close(fd);
        return rc;
    }
    return fd;
}

static void no_delay(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Connect to the partner on the next node. The listener's backlog holds the connection
 * until it is accepted, so that connecting first cannot deadlock. */
static int open_links(struct ls_tcp_ring *ring, const struct seat *seats, int listener,
                      struct ls_error *err)
{
    lockstep_comm *comm = ring->comm;
    int next = (lockstep_node_rank(comm) + 1) % lockstep_node_count(comm);
    int32_t port = 0;

    for (int rank = 0; rank < lockstep_size(comm); rank++)
        if (seats[rank].node == next &&
            seats[rank].local_rank == lockstep_local_rank(comm))
            port = seats[rank].port;
    ring->out = connect_to(port, err);
    if (ring->out < 0)
        return ring->out;
    ring->in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (ring->in < 0)
        return ls_error_sys(err, -errno, "cannot accept");
    no_delay(ring->out);
    return 0;
}

/* Ranks of the smallest node. */
static int count_streams(struct ls_tcp_ring *ring, struct ls_error *err)
{
    int32_t own = lockstep_local_size(ring->comm), least = 0;

    if (lockstep_allreduce(ring->comm, &own, &least, 1, LOCKSTEP_INT32, LOCKSTEP_MIN) !=
        LOCKSTEP_OK)
        return ls_exchange_error(err, "allreduce");
    ring->streams = least;
    return 0;
}

/* Tell one another the ports, then connect. */
static int connect_ring(struct ls_tcp_ring *ring, struct ls_error *err)
{
    lockstep_comm *comm = ring->comm;
    struct seat seat = {lockstep_node_rank(comm), lockstep_local_rank(comm), 0};
    struct seat *seats = ls_calloc((size_t)lockstep_size(comm), sizeof(*seats));
    bool has_link = seat.local_rank < ring->streams;
    int listener = has_link ? open_listener(&seat.port, err) : -1;
    int rc = has_link && listener < 0 ? listener : 0;

    if (rc == 0 && lockstep_allgather(comm, &seat, seats, sizeof(seat) / 4,
                                      LOCKSTEP_INT32) != LOCKSTEP_OK)
        rc = ls_exchange_error(err, "allgather");
    if (rc == 0 && has_link)
        rc = open_links(ring, seats, listener, err);
    ls_close(listener);
    ls_free(seats);
    return rc;
}

int ls_tcp_open(lockstep_comm *comm, struct ls_tcp_ring **ret_ring,
                struct ls_error *err)
{
    struct ls_tcp_ring *ring = ls_calloc(1, sizeof(*ring));
    int rc;

    ring->comm = comm;
    ring->out = ring->in = -1;
    ring->chunk = ls_calloc(2, CHUNK_BYTES);
    rc = count_streams(ring, err);
    if (rc == 0)
        rc = connect_ring(ring, err);
    if (rc < 0) {
        ls_tcp_close(ring);
        return rc;
    }
    *ret_ring = ring;
    return 0;
}

void ls_tcp_close(struct ls_tcp_ring *ring)
{
    if (!ring)
        return;
    ls_close(ring->out);
    ls_close(ring->in);
    ls_free(ring->chunk);
    ls_free(ring);
}

static size_t at_most_chunk(size_t bytes)
{
    return bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;
}

/* What send() or recv() moved; 0 when it would block, -errno when the socket failed. */
static ssize_t moved(ssize_t result)
{
    if (result >= 0)
        return result;
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Send and receive `bytes` at once. */
static int exchange(struct ls_tcp_ring *ring, size_t bytes, struct ls_error *err)
{
    uint64_t end_ms = ls_clock_ms() + PATIENCE_MS;
    size_t to_send = bytes, to_receive = bytes;

    while (to_send > 0 || to_receive > 0) {
        ssize_t sent = 0, received = 0;

        if (to_send > 0)
            sent = moved(send(ring->out, ring->chunk, at_most_chunk(to_send),
                              MSG_DONTWAIT | MSG_NOSIGNAL));
        if (to_receive > 0)
            received = moved(recv(ring->in, ring->chunk + CHUNK_BYTES,
                                  at_most_chunk(to_receive), MSG_DONTWAIT));
        if (sent < 0 || received < 0)
            return ls_error_sys(err, (int)(sent < 0 ? sent : received),
                                "TCP between the nodes");
        to_send -= (size_t)sent;
        to_receive -= (size_t)received;
        if (sent > 0 || received > 0)
            continue;
        if (ls_clock_ms() > end_ms)
            return ls_error_set(err, -ETIMEDOUT,
                                "TCP between the nodes: no data for %d s",
                                PATIENCE_MS / 1000);
        sched_yield(); /* the partner may wait for this core */
    }
    return 0;
}

/* One round over the first `streams` connections of each node; time of the slowest. */
static int time_round(struct ls_tcp_ring *ring, int streams, size_t bytes,
                      double *ret_seconds, struct ls_error *err)
{
    double own = 0;

    if (lockstep_barrier(ring->comm) != LOCKSTEP_OK)
        return ls_exchange_error(err, "barrier");
    if (lockstep_local_rank(ring->comm) < streams) {
        uint64_t start_ns = ls_clock_ns();
        int rc = exchange(ring, (bytes + (size_t)streams - 1) / (size_t)streams, err);

        if (rc < 0)
            return rc;
        own = (double)(ls_clock_ns() - start_ns) * 1e-9;
    }
    if (lockstep_allreduce(ring->comm, &own, ret_seconds, 1, LOCKSTEP_FLOAT64,
                           LOCKSTEP_MAX) != LOCKSTEP_OK)
        return ls_exchange_error(err, "allreduce");
    return 0;
}

int ls_tcp_exchange(struct ls_tcp_ring *ring, size_t bytes, double *ret_seconds,
                    struct ls_error *err)
{
    double best = 0;

    for (int streams = 1; streams <= ring->streams; streams += ring->streams - 1) {
        double spent = 0;

        for (int round = 0; round < ROUNDS_MAX; round++) {
            double seconds = 0;
            int rc = time_round(ring, streams, bytes, &seconds, err);

            if (rc < 0)
                return rc;
            best = best == 0 || seconds < best ? seconds : best;
            spent += seconds;
            if (round + 1 >= ROUNDS_MIN && spent > BUDGET_SECONDS)
                break;
        }
        if (ring->streams == 1)
            break;
    }
    *ret_seconds = best;
    return 0;
}
