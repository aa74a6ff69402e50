/* common/wire/listener.c - the listening side of connection.h.
 *
 * Depends on address, connection_private, libuv. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "common/wire/connection_private.h"

enum { BACKLOG = 1024 };

struct ls_listener {
    union ls_socket socket;
    bool is_unix;
    void (*accepted)(struct ls_listener *listener, struct ls_connection *connection);
    void *data;
    char address[LS_ADDRESS_TEXT_MAX];
};

/* Does somebody answer at the socket? 0 or -errno of the connect. */
static int probe(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc;

    if (fd < 0)
        return -errno;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    rc = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    close(fd);
    return rc == -EAGAIN ? 0 : rc; /* a full backlog is somebody too */
}

static int remove_stale(const char *path, struct ls_error *err)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return ls_error_set(err, -ENOTSOCK, "%s: is there and is no socket", path);
    if (probe(path) != -ECONNREFUSED)
        return ls_error_set(err, -EADDRINUSE, "%s: another process listens here", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return ls_error_sys(err, -errno, "%s: stale socket cannot be removed", path);
    return 0;
}

static int bind_unix(struct ls_listener *listener, const char *path, bool any_user,
                     struct ls_error *err)
{
    int rc = remove_stale(path, err);

    if (rc < 0)
        return rc;
    rc = uv_pipe_bind(&listener->socket.pipe, path);
    if (rc < 0)
        return ls_error_set(err, rc, "%s: cannot listen: %s", path, uv_strerror(rc));
    /* Nobody can connect before listen(), so this is in time. */
    if (chmod(path, any_user ? 0666 : 0600) < 0)
        return ls_error_sys(err, -errno, "%s: mode cannot be set", path);
    snprintf(listener->address, sizeof(listener->address), "unix:%s", path);
    return 0;
}

static int bind_tcp(struct ls_listener *listener, const struct ls_address *address,
                    struct ls_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    int rc = getaddrinfo(address->host, address->port, &hints, &found);

    if (rc != 0)
        return ls_error_set(err, -EADDRNOTAVAIL, "%s:%s: %s", address->host,
                            address->port, gai_strerror(rc));
    rc = uv_tcp_bind(&listener->socket.tcp, found->ai_addr, 0);
    freeaddrinfo(found);
    if (rc < 0)
        return ls_error_set(err, rc, "%s:%s: cannot listen: %s", address->host,
                            address->port, uv_strerror(rc));
    return 0;
}

static void connection_came(uv_stream_t *stream, int status)
{
    struct ls_listener *listener = stream->data;
    struct ls_connection *connection;

    if (status < 0)
        return; /* gone again, or no descriptor left: libuv keeps listening */
    connection = ls_connection_accept(stream, listener->is_unix);
    if (connection)
        listener->accepted(listener, connection);
}

static void listener_closed(uv_handle_t *handle)
{
    ls_free(handle->data);
}

int ls_listener_open(uv_loop_t *loop, const char *address, bool any_user,
                     void (*accepted)(struct ls_listener *listener,
                                      struct ls_connection *connection),
                     void *data, struct ls_listener **ret_listener,
                     struct ls_error *err)
{
    struct ls_listener *listener;
    struct ls_address parsed;
    int rc = ls_address_parse(address, &parsed, err);

    if (rc < 0)
        return rc;
    listener = ls_calloc(1, sizeof(*listener));
    listener->is_unix = parsed.is_unix;
    listener->accepted = accepted;
    listener->data = data;
    ls_socket_init(loop, parsed.is_unix, &listener->socket);
    listener->socket.handle.data = listener;
    rc = parsed.is_unix ? bind_unix(listener, parsed.path, any_user, err)
                        : bind_tcp(listener, &parsed, err);
    if (rc < 0)
        goto close_listener;
    rc = uv_listen(&listener->socket.stream, BACKLOG, connection_came);
    if (rc < 0) {
        ls_error_set(err, rc, "%s: cannot listen: %s", address, uv_strerror(rc));
        goto close_listener;
    }
    if (!parsed.is_unix)
        ls_socket_name(&listener->socket.tcp, false, listener->address);
    *ret_listener = listener;
    return 0;

close_listener:
    ls_listener_close(listener);
    return rc;
}

void *ls_listener_data(const struct ls_listener *listener)
{
    return listener->data;
}

const char *ls_listener_address(const struct ls_listener *listener)
{
    return listener->address;
}

void ls_listener_close(struct ls_listener *listener)
{
    if (listener)
        uv_close(&listener->socket.handle, listener_closed);
}
