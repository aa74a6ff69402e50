/* common/wire/connection.c - streams of frames on a libuv loop.
 *
 * A connection is two handles, the socket and one timer, and is freed when libuv has
 * let go of everything (`holds` is 0). Depends on frame, address, libuv. */
#include "common/wire/connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "common/wire/connection_private.h"

enum {
    READ_SIZE = 32 * 1024,
    LINGER_MS = 5000, /* to send what is queued, once closing */
    HALF_FRAME_PERIOD_MS = 5000,
    HALF_FRAME_PERIODS = 3, /* a frame that stands still for so many is given up */
    WHY_MAX = 256,
};

enum connection_state {
    CONNECTION_CONNECTING,
    CONNECTION_OPEN,
    CONNECTION_LINGERING, /* no more input; sends what is queued */
    CONNECTION_SHUT,      /* handles are closing; closed() comes next */
};

struct ls_connection {
    union ls_socket socket;
    uv_timer_t timer; /* hello, then half a frame, then lingering */
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    unsigned holds; /* handles and requests that libuv still has */
    enum connection_state state;
    bool trusted;
    unsigned idle_periods; /* since the last byte of a half frame */
    size_t unsent;
    struct ls_frame_reader reader;
    const struct ls_connection_events *events;
    void (*connected)(struct ls_connection *connection, int status);
    void *data;
    uid_t uid;
    gid_t gid;
    pid_t pid;
    char name[LS_ADDRESS_TEXT_MAX];
    char why[WHY_MAX];
};

struct outgoing {
    uv_write_t request;
    struct ls_connection *connection;
    uint8_t *bytes;
    size_t size;
};

/* ---- sockets --------------------------------------------------------------- */

void ls_socket_init(uv_loop_t *loop, bool is_unix, union ls_socket *socket)
{
    int rc = is_unix ? uv_pipe_init(loop, &socket->pipe, 0)
                     : uv_tcp_init(loop, &socket->tcp);

    ls_assert(rc == 0); /* neither makes a descriptor yet: cannot fail */
}

void ls_socket_name(const uv_tcp_t *tcp, bool peer, char text[LS_ADDRESS_TEXT_MAX])
{
    struct sockaddr_storage storage = {0};
    struct sockaddr *address = (struct sockaddr *)&storage;
    int size = sizeof(storage);
    char host[INET6_ADDRSTRLEN] = "?";
    bool v6;
    unsigned port;

    if (peer)
        uv_tcp_getpeername(tcp, address, &size);
    else
        uv_tcp_getsockname(tcp, address, &size);
    uv_ip_name(address, host, sizeof(host));
    v6 = address->sa_family == AF_INET6;
    port = ntohs(v6 ? ((struct sockaddr_in6 *)address)->sin6_port
                    : ((struct sockaddr_in *)address)->sin_port);
    snprintf(text, LS_ADDRESS_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", host, port);
}

static void name_unix_peer(struct ls_connection *connection)
{
    struct ucred peer = {.uid = (uid_t)-1, .gid = (gid_t)-1};
    socklen_t size = sizeof(peer);
    uv_os_fd_t fd;

    if (uv_fileno(&connection->socket.handle, &fd) == 0)
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    connection->uid = peer.uid;
    connection->gid = peer.gid;
    connection->pid = peer.pid;
    snprintf(connection->name, sizeof(connection->name), "unix pid %d uid %d",
             (int)peer.pid, (int)peer.uid);
}

static void name_peer(struct ls_connection *connection)
{
    if (connection->socket.handle.type == UV_NAMED_PIPE) {
        name_unix_peer(connection);
        return;
    }
    uv_tcp_nodelay(&connection->socket.tcp, 1);
    uv_tcp_keepalive(&connection->socket.tcp, 1, 60);
    ls_socket_name(&connection->socket.tcp, true, connection->name);
}

/* ---- life and end ---------------------------------------------------------- */

static struct ls_connection *connection_new(uv_loop_t *loop, bool is_unix)
{
    struct ls_connection *connection = ls_calloc(1, sizeof(*connection));

    ls_socket_init(loop, is_unix, &connection->socket);
    uv_timer_init(loop, &connection->timer);
    connection->socket.handle.data = connection;
    connection->timer.data = connection;
    connection->holds = 2;
    connection->uid = (uid_t)-1;
    connection->gid = (gid_t)-1;
    connection->reader.frame_max = LS_FRAME_MAX;
    return connection;
}

static void release(struct ls_connection *connection)
{
    if (--connection->holds > 0)
        return;
    if (connection->events)
        connection->events->closed(connection, connection->why);
    ls_frame_reader_free(&connection->reader);
    ls_free(connection);
}

static void handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

/* Close at once; what is unsent is lost. */
static void shut(struct ls_connection *connection, const char *why)
{
    if (connection->state == CONNECTION_SHUT)
        return;
    connection->state = CONNECTION_SHUT;
    if (!connection->why[0])
        snprintf(connection->why, sizeof(connection->why), "%s", why);
    if (connection->holds > 2)
        uv_cancel((uv_req_t *)&connection->resolve);
    uv_close(&connection->socket.handle, handle_closed);
    uv_close((uv_handle_t *)&connection->timer, handle_closed);
}

static void linger_over(uv_timer_t *timer)
{
    shut(timer->data, "closed");
}

void ls_connection_close(struct ls_connection *connection, const char *why)
{
    if (connection->state >= CONNECTION_LINGERING)
        return;
    snprintf(connection->why, sizeof(connection->why), "%s", why);
    if (connection->state == CONNECTION_CONNECTING || connection->unsent == 0) {
        shut(connection, why);
        return;
    }
    connection->state = CONNECTION_LINGERING;
    uv_read_stop(&connection->socket.stream);
    uv_timer_start(&connection->timer, linger_over, LINGER_MS, 0);
}

/* ---- receiving ------------------------------------------------------------- */

static void hello_overdue(uv_timer_t *timer)
{
    shut(timer->data, "silent: no hello in time");
}

/* Counts periods instead of time, so that a pause of this process is no silence. */
static void frame_overdue(uv_timer_t *timer)
{
    struct ls_connection *connection = timer->data;

    if (++connection->idle_periods >= HALF_FRAME_PERIODS)
        shut(connection, "silent in the middle of a frame");
}

static void watch_half_frame(struct ls_connection *connection)
{
    bool half = connection->reader.end > connection->reader.begin;
    bool watching = uv_is_active((uv_handle_t *)&connection->timer);

    connection->idle_periods = 0;
    if (!connection->trusted || connection->state != CONNECTION_OPEN)
        return;
    if (half && !watching)
        uv_timer_start(&connection->timer, frame_overdue, HALF_FRAME_PERIOD_MS,
                       HALF_FRAME_PERIOD_MS);
    else if (!half && watching)
        uv_timer_stop(&connection->timer);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct ls_connection *connection = handle->data;

    (void)suggested;
    buf->base = (char *)ls_frame_reader_room(&connection->reader, READ_SIZE);
    buf->len = READ_SIZE;
}

static void deliver_frames(struct ls_connection *connection)
{
    struct ls_error err = {0};
    Ls__Frame *frame;
    int rc = 0;

    while (connection->state == CONNECTION_OPEN) {
        rc = ls_frame_reader_next(&connection->reader, &frame, &err);
        if (rc <= 0)
            break;
        connection->events->received(connection, frame);
        ls__frame__free_unpacked(frame, NULL);
    }
    if (rc < 0 && connection->state == CONNECTION_OPEN)
        shut(connection, err.text);
}

static void bytes_came(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct ls_connection *connection = stream->data;

    (void)buf;
    if (count < 0) {
        shut(connection,
             count == UV_EOF ? "closed by the other side" : uv_strerror((int)count));
        return;
    }
    ls_frame_reader_filled(&connection->reader, (size_t)count);
    deliver_frames(connection);
    watch_half_frame(connection);
    if (connection->reader.begin == connection->reader.end) {
        size_t frame_max = connection->reader.frame_max;

        ls_frame_reader_free(&connection->reader); /* idle ones cost nothing */
        connection->reader.frame_max = frame_max;
    }
}

static void start_reading(struct ls_connection *connection)
{
    int rc = uv_read_start(&connection->socket.stream, give_room, bytes_came);

    if (rc < 0)
        shut(connection, uv_strerror(rc));
}

/* ---- accepting ------------------------------------------------------------- */

struct ls_connection *ls_connection_accept(uv_stream_t *listening, bool is_unix)
{
    struct ls_connection *connection = connection_new(listening->loop, is_unix);

    connection->state = CONNECTION_OPEN;
    if (uv_accept(listening, &connection->socket.stream) < 0) {
        shut(connection, "gone before it was accepted");
        return NULL;
    }
    name_peer(connection);
    return connection;
}

void ls_connection_adopt(struct ls_connection *connection,
                         const struct ls_connection_events *events, void *data,
                         unsigned hello_ms)
{
    connection->events = events;
    connection->data = data;
    connection->reader.frame_max = LS_FRAME_BEFORE_HELLO_MAX;
    uv_timer_start(&connection->timer, hello_overdue, hello_ms, 0);
    start_reading(connection);
}

void ls_connection_trust(struct ls_connection *connection)
{
    if (connection->trusted || connection->state != CONNECTION_OPEN)
        return;
    connection->trusted = true;
    connection->reader.frame_max = LS_FRAME_MAX;
    uv_timer_stop(&connection->timer);
}

/* ---- connecting ------------------------------------------------------------ */

static void connect_failed(struct ls_connection *connection, int status)
{
    if (connection->state == CONNECTION_SHUT)
        return;
    connection->connected(connection, status);
    shut(connection, uv_strerror(status));
}

static void connect_done(uv_connect_t *request, int status)
{
    struct ls_connection *connection = request->data;

    if (connection->state == CONNECTION_SHUT)
        return;
    if (status < 0) {
        connect_failed(connection, status);
        return;
    }
    connection->state = CONNECTION_OPEN;
    name_peer(connection);
    connection->connected(connection, 0);
    if (connection->state == CONNECTION_OPEN)
        start_reading(connection);
}

static void resolve_done(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct ls_connection *connection = request->data;
    int rc = status;

    if (rc == 0 && connection->state != CONNECTION_SHUT)
        rc = uv_tcp_connect(&connection->connect, &connection->socket.tcp,
                            found->ai_addr, connect_done);
    uv_freeaddrinfo(found);
    if (rc < 0)
        connect_failed(connection, rc);
    release(connection);
}

static int start_connecting(struct ls_connection *connection,
                            const struct ls_address *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int rc;

    connection->connect.data = connection;
    connection->resolve.data = connection;
    if (address->is_unix) {
        uv_pipe_connect(&connection->connect, &connection->socket.pipe, address->path,
                        connect_done);
        return 0;
    }
    rc = uv_getaddrinfo(connection->timer.loop, &connection->resolve, resolve_done,
                        address->host, address->port, &hints);
    if (rc == 0)
        connection->holds++;
    return rc;
}

int ls_connection_open(uv_loop_t *loop, const char *address,
                       const struct ls_connection_events *events, void *data,
                       void (*connected)(struct ls_connection *connection, int status),
                       struct ls_connection **ret_connection, struct ls_error *err)
{
    struct ls_connection *connection;
    struct ls_address parsed;
    int rc = ls_address_parse(address, &parsed, err);

    if (rc < 0)
        return rc;
    connection = connection_new(loop, parsed.is_unix);
    connection->trusted = true;
    connection->connected = connected;
    snprintf(connection->name, sizeof(connection->name), "%s", address);
    rc = start_connecting(connection, &parsed);
    if (rc < 0) {
        shut(connection, "not connected"); /* without events: freed by the loop */
        return ls_error_set(err, rc, "%s: %s", address, uv_strerror(rc));
    }
    connection->events = events;
    connection->data = data;
    *ret_connection = connection;
    return 0;
}

/* ---- sending --------------------------------------------------------------- */

static void write_done(uv_write_t *request, int status)
{
    struct outgoing *outgoing = (struct outgoing *)request;
    struct ls_connection *connection = outgoing->connection;

    connection->unsent -= outgoing->size;
    ls_free(outgoing->bytes);
    ls_free(outgoing);
    if (connection->state == CONNECTION_SHUT)
        return;
    if (status < 0)
        shut(connection, uv_strerror(status));
    else if (connection->unsent > 0)
        return;
    else if (connection->state == CONNECTION_LINGERING)
        shut(connection, "closed");
    else if (connection->events->drained)
        connection->events->drained(connection);
}

static void queue_bytes(struct ls_connection *connection, uint8_t *bytes, size_t size)
{
    struct outgoing *outgoing = ls_calloc(1, sizeof(*outgoing));
    uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)size);
    int rc;

    outgoing->connection = connection;
    outgoing->bytes = bytes;
    outgoing->size = size;
    connection->unsent += size;
    rc = uv_write(&outgoing->request, &connection->socket.stream, &buf, 1, write_done);
    if (rc == 0)
        return;
    connection->unsent -= size;
    ls_free(outgoing);
    ls_free(bytes);
    shut(connection, uv_strerror(rc));
}

void ls_connection_send(struct ls_connection *connection, const Ls__Frame *frame)
{
    struct ls_error err;
    uint8_t *bytes;
    size_t size;

    ls_assert(connection->state != CONNECTION_CONNECTING);
    if (connection->state != CONNECTION_OPEN)
        return;
    if (ls_frame_pack(frame, &bytes, &size, &err) < 0) {
        shut(connection, err.text);
        return;
    }
    if (connection->unsent + size > LS_CONNECTION_QUEUE_MAX) {
        ls_free(bytes);
        shut(connection, "reader too slow: its queue is full");
        return;
    }
    queue_bytes(connection, bytes, size);
}

void ls_connection_refuse(struct ls_connection *connection, uint64_t request, int code,
                          const char *format, ...)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Error error = LS__ERROR__INIT;
    char text[LS_ERROR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    error.code = code;
    error.text = text;
    frame.request = request;
    frame.body_case = LS__FRAME__BODY_ERROR;
    frame.error = &error;
    ls_connection_send(connection, &frame);
}

/* ---- looking --------------------------------------------------------------- */

size_t ls_connection_unsent(const struct ls_connection *connection)
{
    return connection->unsent;
}

void *ls_connection_data(const struct ls_connection *connection)
{
    return connection->data;
}

void ls_connection_set_data(struct ls_connection *connection, void *data)
{
    connection->data = data;
}

void ls_connection_peer(const struct ls_connection *connection, uid_t *ret_uid,
                        gid_t *ret_gid, pid_t *ret_pid)
{
    *ret_uid = connection->uid;
    *ret_gid = connection->gid;
    *ret_pid = connection->pid;
}

const char *ls_connection_name(const struct ls_connection *connection)
{
    return connection->name;
}
