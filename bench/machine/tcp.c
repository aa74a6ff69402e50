/* bench/machine/tcp.c - see tcp.h. Raw sockets, one thread, poll(2). */
#include "bench/machine/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/machine/placement.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum {
    CHUNK_BYTES = 256 << 10,
    STREAM_MS = 100,
    PATIENCE_MS = 10000, /* then the partner is taken for lost */
    PINGS = 300,
};

/* What ranks tell one another to find their partners. */
struct seat {
    int32_t node, local_rank, port;
};

struct link {
    int out; /* to the same local rank of the next node */
    int in;  /* from the same local rank of the node before */
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
static int open_link(lockstep_comm *comm, const struct seat *seats, int listener,
                     struct link *ret_link, struct ls_error *err)
{
    int next = (lockstep_node_rank(comm) + 1) % lockstep_node_count(comm);
    int32_t port = 0;

    for (int rank = 0; rank < lockstep_size(comm); rank++)
        if (seats[rank].node == next &&
            seats[rank].local_rank == lockstep_local_rank(comm))
            port = seats[rank].port;
    ret_link->out = connect_to(port, err);
    if (ret_link->out < 0)
        return ret_link->out;
    ret_link->in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (ret_link->in < 0) {
        int rc = ls_error_sys(err, -errno, "cannot accept");

        close(ret_link->out);
        return rc;
    }
    no_delay(ret_link->out);
    no_delay(ret_link->in);
    return 0;
}

/* Send what the socket takes; after `end_ms` close the sending side. */
static bool push(int fd, const char *chunk, uint64_t end_ms)
{
    if (ls_clock_ms() >= end_ms) {
        shutdown(fd, SHUT_WR);
        return false;
    }
    return send(fd, chunk, CHUNK_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
           errno == EAGAIN || errno == EINTR;
}

/* Send and receive at once until the partner has sent everything. Returns bytes
 * received, or -errno. */
static int64_t stream(const struct link *link, char *chunk, struct ls_error *err)
{
    uint64_t end_ms = ls_clock_ms() + STREAM_MS;
    int64_t received = 0;
    bool sending = true;

    for (;;) {
        struct pollfd fds[2] = {{.fd = link->in, .events = POLLIN},
                                {.fd = sending ? link->out : -1, .events = POLLOUT}};
        int ready = poll(fds, 2, PATIENCE_MS);

        if (ready < 0 && errno != EINTR)
            return ls_error_sys(err, -errno, "poll");
        if (ready == 0)
            return ls_error_set(err, -ETIMEDOUT, "TCP measurement: no data for %d s",
                                PATIENCE_MS / 1000);
        if (fds[1].revents)
            sending = push(link->out, chunk, end_ms);
        if (fds[0].revents) {
            ssize_t got =
                recv(link->in, chunk + CHUNK_BYTES, CHUNK_BYTES, MSG_DONTWAIT);

            if (got == 0)
                break;
            if (got < 0 && errno != EAGAIN && errno != EINTR)
                return ls_error_sys(err, -errno, "recv");
            received += got > 0 ? got : 0;
        }
    }
    if (sending)
        shutdown(link->out, SHUT_WR);
    return received;
}

/* Poll for one byte; false when it does not come. */
static bool receive_byte(int fd)
{
    uint64_t end_ms = ls_clock_ms() + PATIENCE_MS;
    char byte;

    for (unsigned round = 1;; round++) {
        ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

        if (got == 1)
            return true;
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return false;
        if (round % 1024 == 0 && ls_clock_ms() > end_ms)
            return false;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Rank 0 of node 0 and of node 1: half of a round trip's time. */
static double ping(const struct link *link, int node)
{
    double seconds[PINGS];

    for (int i = 0; i < PINGS; i++) {
        uint64_t start = ls_clock_ns();

        if (node == 0) {
            if (send(link->out, "", 1, MSG_NOSIGNAL) != 1 || !receive_byte(link->out))
                return 0;
        } else if (!receive_byte(link->in) ||
                   send(link->in, "", 1, MSG_NOSIGNAL) != 1) {
            return 0;
        }
        seconds[i] = (double)(ls_clock_ns() - start) * 1e-9 / 2;
    }
    qsort(seconds, PINGS, sizeof(seconds[0]), by_value);
    return seconds[PINGS / 4];
}

/* What a rank reports of its part. */
struct part {
    double bytes_received, seconds, latency_s;
};

/* This rank's part: connect, ping (the first ranks of two nodes), stream. */
static int take_part(lockstep_comm *comm, const struct seat *seats, int listener,
                     struct part *part, struct ls_error *err)
{
    char *chunk = ls_calloc(2, CHUNK_BYTES);
    int64_t received;
    struct link link;
    uint64_t start_ns;
    int rc = open_link(comm, seats, listener, &link, err);

    if (rc < 0)
        goto free_chunk;
    if (lockstep_local_rank(comm) == 0 && lockstep_node_rank(comm) < 2)
        part->latency_s = ping(&link, lockstep_node_rank(comm));
    start_ns = ls_clock_ns();
    received = stream(&link, chunk, err);
    part->bytes_received = (double)received;
    part->seconds = (double)(ls_clock_ns() - start_ns) * 1e-9;
    rc = received < 0 ? (int)received : 0;
    close(link.in);
    close(link.out);
free_chunk:
    ls_free(chunk);
    return rc;
}

/* All ranks' parts as one; the latency is that of node 0's first rank. */
static void add_up(const struct part *parts, const struct seat *seats, int size,
                   struct ls_tcp_limit *limit)
{
    double bytes = 0, seconds = 0;

    for (int rank = 0; rank < size; rank++) {
        bytes += parts[rank].bytes_received;
        seconds = parts[rank].seconds > seconds ? parts[rank].seconds : seconds;
        if (seats[rank].node == 0 && seats[rank].local_rank == 0)
            limit->latency_s = parts[rank].latency_s;
    }
    limit->bytes_per_s = seconds > 0 ? bytes / seconds : 0;
}

/* One measurement with the first `streams` ranks of every node. */
static int measure(lockstep_comm *comm, int streams, struct ls_tcp_limit *ret_limit,
                   struct ls_error *err)
{
    size_t size = (size_t)lockstep_size(comm);
    bool takes_part = lockstep_local_rank(comm) < streams;
    struct seat seat = {lockstep_node_rank(comm), lockstep_local_rank(comm), 0};
    struct seat *seats = ls_calloc(size, sizeof(*seats));
    struct part part = {0};
    struct part *parts = ls_calloc(size, sizeof(*parts));
    int listener = takes_part ? open_listener(&seat.port, err) : -1;
    int rc = takes_part && listener < 0 ? listener : 0;

    if (rc == 0 && lockstep_allgather(comm, &seat, seats, sizeof(seat) / 4,
                                      LOCKSTEP_INT32) != LOCKSTEP_OK)
        rc = ls_exchange_error(err, "allgather");
    if (rc == 0 && takes_part)
        rc = take_part(comm, seats, listener, &part, err);
    if (rc == 0 && lockstep_allgather(comm, &part, parts, sizeof(part) / 8,
                                      LOCKSTEP_FLOAT64) != LOCKSTEP_OK)
        rc = ls_exchange_error(err, "allgather");
    if (rc == 0) {
        ret_limit->streams = streams;
        add_up(parts, seats, (int)size, ret_limit);
    }
    ls_close(listener);
    ls_free(parts);
    ls_free(seats);
    return rc;
}

/* Ranks of the smallest node: each of them has a partner on every node. */
static int smallest_node(lockstep_comm *comm, int32_t *ret_ranks, struct ls_error *err)
{
    int32_t own = lockstep_local_size(comm);

    if (lockstep_allreduce(comm, &own, ret_ranks, 1, LOCKSTEP_INT32, LOCKSTEP_MIN) !=
        LOCKSTEP_OK)
        return ls_exchange_error(err, "allreduce");
    return 0;
}

int ls_tcp_limit(lockstep_comm *comm, struct ls_tcp_limit *ret_limit,
                 struct ls_error *err)
{
    struct ls_tcp_limit one = {0}, all = {0};
    int32_t ranks = 0;
    int rc = smallest_node(comm, &ranks, err);

    if (rc == 0)
        rc = measure(comm, 1, &one, err);
    if (rc < 0)
        return rc;
    if (ranks > 1) {
        rc = measure(comm, ranks, &all, err);
        if (rc < 0)
            return rc;
        if (all.latency_s > 0 && (one.latency_s == 0 || all.latency_s < one.latency_s))
            one.latency_s = all.latency_s;
        if (all.bytes_per_s > one.bytes_per_s) {
            one.bytes_per_s = all.bytes_per_s;
            one.streams = all.streams;
        }
    }
    *ret_limit = one;
    return 0;
}
