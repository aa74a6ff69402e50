/* common/collective/exchange.c - brings the ranks of one node together, for the step.
 * Depends on join, segment, lane, lane_host, arena. */
#include "common/collective/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/collective/arena.h"
#include "common/collective/bell.h"
#include "common/collective/join.h"
#include "common/collective/lane_host.h"
#include "common/collective/segment.h"
#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum {
    HELLO_ROUND = 1,
    CONNECTIONS_MAX = LS_MEMBERS_MAX + 16,
    SEND_ROOM = LS_MEMBERS_MAX * 2 * (int)sizeof(struct ls_join_packet),
};

enum { TAG_LISTEN, TAG_FAILED, TAG_CONNECTION }; /* epoll: what a descriptor is */

struct member {
    int socket;              /* -1 until it has entered, and after it has left */
    int arena_fd;
    uint64_t arena_size;
    void *arena;             /* mapped here only when the step drives lanes */
    bool entered, left, has_hello;
    uint8_t hello[LS_LANE_HELLO_MAX];
    int door_fd;             /* of its lane */
    struct ls_lane *lane;    /* opened, until the host takes it over */
    struct ls_lane_host *host;
};

struct ls_exchange {
    struct ls_exchange_config config;
    uint32_t *ranks_per_node;
    char *host, *socket_path;
    char **devices;
    int epoll, listener, failed_fd;
    struct ls_segment *segment;
    int segment_fd;
    uint32_t local_count, first_rank, lane_count;
    uint32_t entered;
    struct member *members;
    int strangers[CONNECTIONS_MAX];  /* sockets accepted that have not said who they are */
    uint32_t stranger_count;
};

/* ---- opening --------------------------------------------------------------------- */

static int watch(struct ls_exchange *exchange, int fd, uint32_t tag)
{
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = (uint64_t)tag << 32 | (uint32_t)fd};

    return epoll_ctl(exchange->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int listen_at(const char *path, struct ls_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return ls_error_set(err, -ENAMETOOLONG, "%s: socket path longer than %zu bytes", path,
                            sizeof(address.sun_path) - 1);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ls_error_sys(err, -errno, "%s: socket", path);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0) {
        int rc = ls_error_sys(err, -errno, "%s: listen", path);

        close(fd);
        return rc;
    }
    return fd;
}

static void copy_config(struct ls_exchange *exchange, const struct ls_exchange_config *config)
{
    exchange->config = *config;
    exchange->ranks_per_node =
        ls_memdup(config->ranks_per_node, config->node_count * sizeof(uint32_t));
    exchange->host = ls_strdup(config->host);
    exchange->socket_path = ls_strdup(config->socket_path);
    exchange->local_count = config->ranks_per_node[config->node_index];
    exchange->lane_count = config->node_count > 1 ? exchange->local_count : 0;
    for (uint32_t n = 0; n < config->node_count; n++) {
        if (n < config->node_index)
            exchange->first_rank += config->ranks_per_node[n];
        if (config->ranks_per_node[n] < exchange->lane_count)
            exchange->lane_count = config->ranks_per_node[n];
    }
    exchange->members = ls_calloc(exchange->local_count, sizeof(*exchange->members));
    exchange->devices = ls_calloc(exchange->local_count, sizeof(char *));
    for (uint32_t i = 0; i < exchange->local_count; i++) {
        exchange->members[i].socket = exchange->members[i].arena_fd = -1;
        exchange->members[i].door_fd = -1;
        if (config->devices)
            exchange->devices[i] = ls_strdup(config->devices[i]);
    }
}

int ls_exchange_open(const struct ls_exchange_config *config,
                     struct ls_exchange **ret_exchange, struct ls_error *err)
{
    struct ls_exchange *exchange = ls_calloc(1, sizeof(*exchange));
    int rc;

    copy_config(exchange, config);
    ls_bell_prepare();
    exchange->segment_fd = -1;
    exchange->epoll = epoll_create1(EPOLL_CLOEXEC);
    exchange->failed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    exchange->listener = listen_at(exchange->socket_path, err);
    if (exchange->listener < 0) {
        rc = exchange->listener;
        goto close_exchange;
    }
    if (exchange->epoll < 0 || exchange->failed_fd < 0 ||
        watch(exchange, exchange->listener, TAG_LISTEN) < 0 ||
        watch(exchange, exchange->failed_fd, TAG_FAILED) < 0) {
        rc = ls_error_sys(err, -errno, "exchange: epoll");
        goto close_exchange;
    }
    *ret_exchange = exchange;
    return 0;

close_exchange:
    ls_exchange_close(exchange);
    return rc;
}

int ls_exchange_fd(const struct ls_exchange *exchange)
{
    return exchange->epoll;
}

/* ---- failing --------------------------------------------------------------------- */

static void refuse_member(struct member *member, const char *why)
{
    struct ls_join_packet packet = {.magic = LS_JOIN_MAGIC, .kind = LS_JOIN_REFUSED};

    snprintf(packet.text, sizeof(packet.text), "%s", why);
    if (member->socket >= 0)
        ls_join_send(member->socket, &packet, NULL, 0);
}

/* Tell ranks that wait to join, and those that have joined, each in its way. */
static void fail(struct ls_exchange *exchange, lockstep_status status, uint32_t rank,
                 const char *why)
{
    for (uint32_t i = 0; i < exchange->local_count; i++)
        refuse_member(&exchange->members[i], why);
    if (exchange->segment)
        ls_segment_fail(exchange->segment, status, rank, why);
}

static void fail_and_report(struct ls_exchange *exchange, uint32_t rank, const char *why)
{
    fail(exchange, LOCKSTEP_ERR_FABRIC, rank, why);
    exchange->config.failed(exchange->config.context, rank, why);
}

void ls_exchange_rank_lost(struct ls_exchange *exchange, uint32_t rank, const char *why)
{
    char text[192];

    snprintf(text, sizeof(text), "rank %u is lost: %s", rank, why);
    fail(exchange, LOCKSTEP_ERR_PEER_LOST, rank, text);
}

static void report_thread_failure(struct ls_exchange *exchange)
{
    struct ls_segment *segment = exchange->segment;
    uint64_t count;

    if (read(exchange->failed_fd, &count, sizeof(count)) < 0 || !segment)
        return;
    exchange->config.failed(exchange->config.context, segment->lost_rank, segment->why);
}

/* ---- the lanes -------------------------------------------------------------------- */

static void *lane_address(void *context, uint32_t arena, uint64_t offset, uint64_t size)
{
    struct ls_exchange *exchange = context;
    bool in_segment = arena == exchange->local_count;
    uint64_t limit;

    if (arena > exchange->local_count)
        return NULL;
    limit = in_segment ? exchange->segment->size : exchange->members[arena].arena_size;
    if (offset > limit || size > limit - offset)
        return NULL;
    return (in_segment ? (char *)exchange->segment : (char *)exchange->members[arena].arena) +
           offset;
}

static int open_lane(struct ls_exchange *exchange, uint32_t lane, struct ls_error *err)
{
    struct ls_lane_config config = {
        .node_count = exchange->config.node_count,
        .node_index = exchange->config.node_index,
        .lane = lane,
        .lane_count = exchange->lane_count,
        .ranks_per_node = exchange->ranks_per_node,
        .ring = ls_segment_lane(exchange->segment, lane),
        .arena_address = lane_address,
        .context = exchange,
        .fabric = {.device = exchange->devices[lane], .host = exchange->host},
    };

    return ls_lane_open(&config, &exchange->members[lane].lane, err);
}

static int map_arenas(struct ls_exchange *exchange, struct ls_error *err)
{
    for (uint32_t i = 0; i < exchange->local_count; i++) {
        struct member *member = &exchange->members[i];

        member->arena = ls_arena_map(member->arena_fd, member->arena_size, err);
        if (!member->arena)
            return -EINVAL;
    }
    return 0;
}

/* Gather this node's hellos with those of the other nodes. */
static void send_hellos(struct ls_exchange *exchange)
{
    size_t size = (size_t)exchange->lane_count * LS_LANE_HELLO_MAX;
    uint8_t *hellos = ls_calloc(size, 1);

    for (uint32_t k = 0; k < exchange->lane_count; k++)
        memcpy(hellos + (size_t)k * LS_LANE_HELLO_MAX, exchange->members[k].hello,
               LS_LANE_HELLO_MAX);
    exchange->config.gather(exchange->config.context, HELLO_ROUND, hellos, size);
    ls_free(hellos);
}

static void open_lanes(struct ls_exchange *exchange)
{
    struct ls_error err = {0};
    int rc = map_arenas(exchange, &err);

    for (uint32_t k = 0; k < exchange->lane_count && rc == 0; k++) {
        rc = open_lane(exchange, k, &err);
        if (rc == 0)
            ls_lane_hello(exchange->members[k].lane, exchange->members[k].hello);
    }
    if (rc < 0)
        fail_and_report(exchange, UINT32_MAX, err.text);
    else
        send_hellos(exchange);
}

static int start_lane(struct ls_exchange *exchange, uint32_t lane, const uint8_t *table,
                      struct ls_error *err)
{
    int rc = ls_lane_connect(exchange->members[lane].lane, table, err);

    if (rc < 0)
        return rc;
    rc = ls_lane_host_start(exchange->segment, lane, exchange->members[lane].lane,
                            exchange->members[lane].door_fd, exchange->failed_fd,
                            &exchange->members[lane].host, err);
    if (rc == 0)
        exchange->members[lane].lane = NULL; /* the host's now */
    return rc;
}

/* A rank that drives its lane gets the table as a memfd: it may be larger than a packet. */
static int send_table(struct member *member, const uint8_t *table, size_t size)
{
    struct ls_join_packet packet = {.magic = LS_JOIN_MAGIC, .kind = LS_JOIN_TABLE};
    int fd = memfd_create("lockstep-table", MFD_CLOEXEC);
    int rc = fd < 0 ? -errno : ls_write_all(fd, table, size);

    if (rc == 0)
        rc = ls_join_send(member->socket, &packet, &fd, 1);
    ls_close(fd);
    return rc;
}

/* ---- ranks enter ------------------------------------------------------------------- */

static int make_segment(struct ls_exchange *exchange, struct ls_error *err)
{
    int rc = ls_segment_create(exchange->config.node_count, exchange->config.node_index,
                               exchange->ranks_per_node, exchange->config.rank_hosted,
                               &exchange->segment_fd, &exchange->segment, err);

    for (uint32_t k = 0; k < exchange->lane_count && rc == 0; k++) {
        exchange->members[k].door_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (exchange->members[k].door_fd < 0)
            rc = ls_error_sys(err, -errno, "doorbell of lane %u", k);
    }
    return rc;
}

static int welcome(struct ls_exchange *exchange, uint32_t local)
{
    struct member *member = &exchange->members[local];
    struct ls_join_packet packet = {.magic = LS_JOIN_MAGIC, .kind = LS_JOIN_ARENA};
    int fds[2] = {exchange->segment_fd, member->door_fd};
    int rc = 0;

    for (uint32_t i = 0; i < exchange->local_count && rc == 0; i++) {
        packet.rank = i;
        packet.arena_size = exchange->members[i].arena_size;
        rc = ls_join_send(member->socket, &packet, &exchange->members[i].arena_fd, 1);
    }
    packet.kind = LS_JOIN_WELCOME;
    packet.rank = local;
    if (rc == 0)
        rc = ls_join_send(member->socket, &packet, fds, member->door_fd >= 0 ? 2 : 1);
    return rc;
}

static void welcome_all(struct ls_exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->local_count; i++) {
        if (welcome(exchange, i) < 0)
            fail_and_report(exchange, exchange->first_rank + i, "a rank left while it joined");
    }
}

static void all_entered(struct ls_exchange *exchange)
{
    struct ls_error err = {0};

    if (make_segment(exchange, &err) < 0) {
        fail_and_report(exchange, UINT32_MAX, err.text);
        return;
    }
    if (exchange->config.node_count > 1 && !exchange->config.rank_hosted)
        open_lanes(exchange); /* the welcome follows once the nodes are connected */
    else
        welcome_all(exchange);
}

static const char *check_enter(const struct ls_exchange *exchange,
                               const struct ls_join_packet *packet, int arena_fd)
{
    if (packet->kind != LS_JOIN_ENTER)
        return "expected to enter first";
    if (packet->rank >= exchange->local_count)
        return "no such rank on this node";
    if (exchange->members[packet->rank].entered)
        return "this rank has joined already";
    if (arena_fd < 0)
        return "came without its shared memory";
    return NULL;
}

static void enter(struct ls_exchange *exchange, int socket, const struct ls_join_packet *packet,
                  int arena_fd)
{
    const char *wrong = check_enter(exchange, packet, arena_fd);
    struct member *member;

    if (wrong) {
        struct member refused = {.socket = socket};

        refuse_member(&refused, wrong);
        close(socket);
        ls_close(arena_fd);
        return;
    }
    member = &exchange->members[packet->rank];
    member->socket = socket;
    member->arena_fd = arena_fd;
    member->arena_size = packet->arena_size;
    member->entered = true;
    if (++exchange->entered == exchange->local_count)
        all_entered(exchange);
}

void ls_exchange_gathered(struct ls_exchange *exchange, uint32_t round,
                          const void *const *data, const size_t *sizes)
{
    uint32_t nodes = exchange->config.node_count;
    size_t expected = (size_t)exchange->lane_count * LS_LANE_HELLO_MAX;
    uint8_t *table = ls_calloc(nodes, LS_LANE_HELLO_MAX);
    struct ls_error err = {0};
    int rc = round == HELLO_ROUND ? 0 : ls_error_set(&err, -EPROTO, "round %u", round);

    for (uint32_t n = 0; n < nodes && rc == 0; n++) {
        if (sizes[n] != expected)
            rc = ls_error_set(&err, -EPROTO, "node %u sent %zu bytes of hellos, expected %zu",
                              n, sizes[n], expected);
    }
    for (uint32_t k = 0; k < exchange->lane_count && rc == 0; k++) {
        for (uint32_t n = 0; n < nodes; n++)
            memcpy(table + (size_t)n * LS_LANE_HELLO_MAX,
                   (const uint8_t *)data[n] + (size_t)k * LS_LANE_HELLO_MAX,
                   LS_LANE_HELLO_MAX);
        if (exchange->config.rank_hosted)
            rc = send_table(&exchange->members[k], table, (size_t)nodes * LS_LANE_HELLO_MAX);
        else
            rc = start_lane(exchange, k, table, &err);
    }
    ls_free(table);
    if (rc < 0)
        fail_and_report(exchange, UINT32_MAX, err.text[0] ? err.text : "a rank left");
    else if (!exchange->config.rank_hosted)
        welcome_all(exchange);
}

/* ---- packets ----------------------------------------------------------------------- */

static void accept_stranger(struct ls_exchange *exchange)
{
    struct ucred who;
    socklen_t size = sizeof(who);
    int fd = accept4(exchange->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int room = SEND_ROOM;

    if (fd < 0)
        return;
    /* A rank that does not read must not stop the step: the welcome fits, or fails. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0 ||
        (who.uid != exchange->config.uid && who.uid != 0) ||
        exchange->stranger_count == CONNECTIONS_MAX ||
        watch(exchange, fd, TAG_CONNECTION) < 0) {
        close(fd);
        return;
    }
    exchange->strangers[exchange->stranger_count++] = fd;
}

static struct member *member_of(struct ls_exchange *exchange, int socket)
{
    for (uint32_t i = 0; i < exchange->local_count; i++) {
        if (exchange->members[i].socket == socket)
            return &exchange->members[i];
    }
    return NULL;
}

static void forget_stranger(struct ls_exchange *exchange, int socket)
{
    for (uint32_t i = 0; i < exchange->stranger_count; i++) {
        if (exchange->strangers[i] == socket)
            exchange->strangers[i] = exchange->strangers[--exchange->stranger_count];
    }
}

static void take_hello(struct ls_exchange *exchange, struct member *member,
                       const struct ls_join_packet *packet)
{
    uint32_t count = 0;

    member->has_hello = true;
    memcpy(member->hello, packet->hello, sizeof(member->hello));
    for (uint32_t k = 0; k < exchange->lane_count; k++)
        count += exchange->members[k].has_hello;
    if (count == exchange->lane_count)
        send_hellos(exchange);
}

static void member_gone(struct ls_exchange *exchange, struct member *member)
{
    uint32_t local = (uint32_t)(member - exchange->members);

    close(member->socket);
    member->socket = -1;
    if (!member->left)
        ls_exchange_rank_lost(exchange, exchange->first_rank + local,
                              "it left without lockstep_finalize()");
}

static void receive_from(struct ls_exchange *exchange, int socket)
{
    struct member *member = member_of(exchange, socket);
    struct ls_join_packet packet;
    int fds[LS_JOIN_FDS_MAX] = {-1, -1};
    int rc = ls_join_receive(socket, &packet, fds);

    if (!member)
        forget_stranger(exchange, socket);
    if (rc <= 0 && member)
        member_gone(exchange, member);
    else if (rc <= 0)
        close(socket);
    else if (!member)
        enter(exchange, socket, &packet, fds[0]);
    else if (packet.kind == LS_JOIN_LEAVE)
        member->left = true;
    else if (packet.kind == LS_JOIN_HELLO && exchange->config.rank_hosted &&
             !member->has_hello && member < exchange->members + exchange->lane_count)
        take_hello(exchange, member, &packet);
    if (member)
        ls_close(fds[0]);
    ls_close(fds[1]);
}

void ls_exchange_dispatch(struct ls_exchange *exchange)
{
    struct epoll_event events[64];
    int count = epoll_wait(exchange->epoll, events, 64, 0);

    for (int i = 0; i < count; i++) {
        uint32_t tag = (uint32_t)(events[i].data.u64 >> 32);
        int fd = (int)(uint32_t)events[i].data.u64;

        if (tag == TAG_LISTEN)
            accept_stranger(exchange);
        else if (tag == TAG_FAILED)
            report_thread_failure(exchange);
        else
            receive_from(exchange, fd);
    }
}

bool ls_exchange_progress(const struct ls_exchange *exchange, uint32_t local_rank,
                          struct ls_exchange_progress *ret_progress)
{
    struct ls_member *member;

    if (!exchange->segment || local_rank >= exchange->local_count)
        return false;
    member = &exchange->segment->members[local_rank];
    *ret_progress = (struct ls_exchange_progress){
        .operations = atomic_load_explicit(&member->completed, memory_order_relaxed),
        .started = atomic_load_explicit(&member->started, memory_order_relaxed),
        .bytes = atomic_load_explicit(&member->bytes, memory_order_relaxed),
    };
    return true;
}

static void close_member(struct ls_exchange *exchange, uint32_t i)
{
    struct member *member = &exchange->members[i];

    ls_lane_host_stop(member->host);
    ls_lane_close(member->lane);
    ls_close(member->socket);
    ls_close(member->arena_fd);
    ls_close(member->door_fd);
    ls_free(exchange->devices[i]);
}

void ls_exchange_close(struct ls_exchange *exchange)
{
    if (!exchange)
        return;
    for (uint32_t i = 0; i < exchange->local_count; i++)
        close_member(exchange, i);
    for (uint32_t i = 0; i < exchange->local_count; i++) {
        if (exchange->members[i].arena)
            munmap(exchange->members[i].arena, exchange->members[i].arena_size);
    }
    for (uint32_t i = 0; i < exchange->stranger_count; i++)
        close(exchange->strangers[i]);
    ls_segment_unmap(exchange->segment);
    ls_close(exchange->segment_fd);
    if (exchange->listener >= 0) {
        close(exchange->listener);
        unlink(exchange->socket_path);
    }
    ls_close(exchange->failed_fd);
    ls_close(exchange->epoll);
    ls_free(exchange->members);
    ls_free(exchange->devices);
    ls_free(exchange->ranks_per_node);
    ls_free(exchange->host);
    ls_free(exchange->socket_path);
    ls_free(exchange);
}
