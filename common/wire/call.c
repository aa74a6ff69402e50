/* common/wire/call.c - a blocking connection for commands. Depends on frame, hello. */
#include "common/wire/call.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "common/wire/address.h"
#include "common/wire/hello.h"

enum { OPEN_TIMEOUT_MS = 10000, READ_SIZE = 64 * 1024 };

struct ls_call {
    int fd;
    uint64_t last_request;
    struct ls_frame_reader reader;
    char address[LS_ADDRESS_TEXT_MAX];
};

/* Milliseconds until a deadline of ls_clock_ms(), for poll(); UINT64_MAX is none. */
static int remaining_ms(uint64_t deadline_ms)
{
    uint64_t now = ls_clock_ms();

    if (deadline_ms == UINT64_MAX)
        return -1;
    if (now >= deadline_ms)
        return 0;
    return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

/* ---- connecting ------------------------------------------------------------ */

static int wait_connected(int fd, uint64_t deadline_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof(error);
    int rc;

    do
        rc = poll(&poll_fd, 1, remaining_ms(deadline_ms));
    while (rc < 0 && errno == EINTR);
    if (rc <= 0)
        return rc < 0 ? -errno : -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

static int connect_socket(int family, const struct sockaddr *address, socklen_t size,
                          uint64_t deadline_ms)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc;

    if (fd < 0)
        return -errno;
    rc = connect(fd, address, size) < 0 ? -errno : 0;
    if (rc == -EINPROGRESS)
        rc = wait_connected(fd, deadline_ms);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

static int connect_unix(const char *path, uint64_t deadline_ms, struct ls_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    fd = connect_socket(AF_UNIX, (struct sockaddr *)&address, sizeof(address),
                        deadline_ms);
    if (fd < 0)
        return ls_error_sys(err, fd, "%s: cannot connect", path);
    return fd;
}

static int connect_tcp(const struct ls_address *address, uint64_t deadline_ms,
                       struct ls_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int one = 1;
    int rc = getaddrinfo(address->host, address->port, &hints, &found);
    int fd = -EHOSTUNREACH;

    if (rc != 0)
        return ls_error_set(err, -EHOSTUNREACH, "%s: %s", address->host,
                            gai_strerror(rc));
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = connect_socket(at->ai_family, at->ai_addr, at->ai_addrlen, deadline_ms);
    freeaddrinfo(found);
    if (fd < 0)
        return ls_error_sys(err, fd, "%s:%s: cannot connect", address->host,
                            address->port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static int connect_address(const char *text, uint64_t deadline_ms, struct ls_error *err)
{
    struct ls_address address;
    int rc = ls_address_parse(text, &address, err);

    if (rc < 0)
        return rc;
    return address.is_unix ? connect_unix(address.path, deadline_ms, err)
                           : connect_tcp(&address, deadline_ms, err);
}

static int greet(struct ls_call *call, Ls__Role role, const char *name, const char *key,
                 uint64_t deadline_ms, struct ls_error *err)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Hello hello = ls_hello(role, name, key);
    Ls__Frame *answer;
    int rc;

    frame.request = ++call->last_request;
    frame.body_case = LS__FRAME__BODY_HELLO;
    frame.hello = &hello;
    rc = ls_call_send(call, &frame, err);
    if (rc < 0)
        return rc;
    rc = ls_call_receive(call, remaining_ms(deadline_ms), &answer, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return ls_error_set(err, -ETIMEDOUT, "%s: no answer to hello", call->address);
    rc = 0;
    if (answer->body_case == LS__FRAME__BODY_ERROR)
        rc = ls_error_set(err, answer->error->code > 0 ? -answer->error->code : -EPROTO,
                          "%s", answer->error->text);
    else if (answer->body_case != LS__FRAME__BODY_WELCOME)
        rc = ls_error_set(err, -EPROTO, "%s: answered hello with another message (%d)",
                          call->address, (int)answer->body_case);
    ls__frame__free_unpacked(answer, NULL);
    return rc;
}

int ls_call_open(const char *address, Ls__Role role, const char *name, const char *key,
                 int timeout_ms, struct ls_call **ret_call, struct ls_error *err)
{
    uint64_t deadline_ms =
        ls_clock_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : OPEN_TIMEOUT_MS);
    struct ls_call *call;
    int fd = connect_address(address, deadline_ms, err);
    int rc;

    if (fd < 0)
        return fd;
    call = ls_calloc(1, sizeof(*call));
    call->fd = fd;
    call->reader.frame_max = LS_FRAME_MAX;
    snprintf(call->address, sizeof(call->address), "%s", address);
    rc = greet(call, role, name, key, deadline_ms, err);
    if (rc < 0) {
        ls_call_close(call);
        return rc;
    }
    *ret_call = call;
    return 0;
}

/* ---- sending --------------------------------------------------------------- */

static int send_some(int fd, const uint8_t *bytes, size_t size)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);

    if (count >= 0)
        return (int)count;
    if (errno != EAGAIN && errno != EINTR)
        return -errno;
    if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

int ls_call_send(struct ls_call *call, const Ls__Frame *frame, struct ls_error *err)
{
    uint8_t *bytes;
    size_t size;
    size_t sent = 0;
    int rc = ls_frame_pack(frame, &bytes, &size, err);

    if (rc < 0)
        return rc;
    while (rc >= 0 && sent < size) {
        rc = send_some(call->fd, bytes + sent, size - sent);
        if (rc > 0)
            sent += (size_t)rc;
    }
    ls_free(bytes);
    if (rc < 0)
        return ls_error_sys(err, rc, "%s: cannot send", call->address);
    return 0;
}

/* ---- receiving ------------------------------------------------------------- */

/* Read what is there. 1 when something came, 0 when nothing is there now. */
static int read_some(struct ls_call *call, struct ls_error *err)
{
    uint8_t *room = ls_frame_reader_room(&call->reader, READ_SIZE);
    ssize_t count = recv(call->fd, room, READ_SIZE, 0);

    if (count > 0) {
        ls_frame_reader_filled(&call->reader, (size_t)count);
        return 1;
    }
    if (count == 0)
        return ls_error_set(err, -ECONNRESET,
                            "%s: the other side closed the connection", call->address);
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    return ls_error_sys(err, -errno, "%s: cannot receive", call->address);
}

static int wait_readable(struct ls_call *call, uint64_t deadline_ms,
                         struct ls_error *err)
{
    struct pollfd poll_fd = {.fd = call->fd, .events = POLLIN};
    int rc = poll(&poll_fd, 1, remaining_ms(deadline_ms));

    if (rc < 0)
        return ls_error_sys(err, -errno, "%s: cannot wait", call->address);
    return rc;
}

int ls_call_receive(struct ls_call *call, int timeout_ms, Ls__Frame **ret_frame,
                    struct ls_error *err)
{
    uint64_t deadline_ms =
        timeout_ms < 0 ? UINT64_MAX : ls_clock_ms() + (uint64_t)timeout_ms;

    for (;;) {
        int rc = ls_frame_reader_next(&call->reader, ret_frame, err);

        if (rc != 0)
            return rc < 0 ? ls_error_wrap(err, "%s", call->address) : rc;
        rc = read_some(call, err);
        if (rc == 0) {
            rc = wait_readable(call, deadline_ms, err);
            if (rc == 0)
                return 0;
        }
        if (rc < 0)
            return rc;
    }
}

int ls_call_ask(struct ls_call *call, Ls__Frame *request, Ls__Frame **ret_answer,
                struct ls_error *err)
{
    Ls__Frame *answer;
    int rc;

    request->request = ++call->last_request;
    rc = ls_call_send(call, request, err);
    if (rc < 0)
        return rc;
    for (;;) {
        rc = ls_call_receive(call, -1, &answer, err);
        if (rc < 0)
            return rc;
        if (answer->request == request->request)
            break;
        ls__frame__free_unpacked(answer, NULL); /* of an older request */
    }
    if (answer->body_case == LS__FRAME__BODY_ERROR) {
        rc = ls_error_set(err, answer->error->code > 0 ? -answer->error->code : -EPROTO,
                          "%s", answer->error->text);
        ls__frame__free_unpacked(answer, NULL);
        return rc;
    }
    *ret_answer = answer;
    return 0;
}

int ls_call_fd(const struct ls_call *call)
{
    return call->fd;
}

void ls_call_close(struct ls_call *call)
{
    if (!call)
        return;
    ls_close(call->fd);
    ls_frame_reader_free(&call->reader);
    ls_free(call);
}
