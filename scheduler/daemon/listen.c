/* scheduler/daemon/listen.c - listeners and their announcement. Depends on wire, peer.
 */
#include "scheduler/daemon/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/log.h"
#include "common/util/mem.h"
#include "common/wire/address.h"
#include "scheduler/daemon/peer.h"

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return false;
}

static int check_loopback(const char *text, struct ls_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    struct ls_address address;
    bool loopback = true;
    int rc = ls_address_parse(text, &address, err);

    if (rc < 0)
        return rc;
    if (address.is_unix)
        return ls_error_set(err, -EINVAL, "--listen %s: expected HOST:PORT", text);
    rc = getaddrinfo(address.host, address.port, &hints, &found);
    if (rc != 0)
        return ls_error_set(err, -EADDRNOTAVAIL, "--listen %s: %s", text,
                            gai_strerror(rc));
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        loopback = loopback && is_loopback(at->ai_addr);
    freeaddrinfo(found);
    if (!loopback)
        return ls_error_set(err, -EPERM,
                            "--listen %s: only loopback addresses are allowed, because "
                            "connections are not encrypted",
                            text);
    return 0;
}

static int listen_unix(struct ls_server *server, struct ls_error *err)
{
    char *address = ls_asprintf("unix:%s/scheduler.sock", server->config.dir);
    int rc = ls_listener_open(server->loop, address, true, ls_peer_accepted, server,
                              &server->unix_listener, err);

    ls_free(address);
    return rc;
}

int ls_listeners_open(struct ls_server *server, struct ls_error *err)
{
    int rc = server->config.listen ? check_loopback(server->config.listen, err) : 0;

    if (rc < 0)
        return rc;
    rc = listen_unix(server, err);
    if (rc < 0 || !server->config.listen)
        return rc;
    rc = ls_listener_open(server->loop, server->config.listen, false, ls_peer_accepted,
                          server, &server->tcp_listener, err);
    if (rc < 0)
        ls_listeners_close(server);
    return rc;
}

static char *pid_path(const struct ls_server *server)
{
    return ls_asprintf("%s/scheduler.pid", server->config.dir);
}

void ls_listeners_close(struct ls_server *server)
{
    char *path = pid_path(server);

    ls_listener_close(server->unix_listener);
    ls_listener_close(server->tcp_listener);
    server->unix_listener = NULL;
    server->tcp_listener = NULL;
    unlink(path);
    ls_free(path);
}

static void write_pid(const struct ls_server *server)
{
    char *path = pid_path(server);
    char *text = ls_asprintf("%d\n", (int)getpid());
    struct ls_error err;

    if (ls_file_write_atomic(path, text, strlen(text), &err) < 0)
        ls_log_warn("pid file: %s", err.text);
    ls_free(text);
    ls_free(path);
}

void ls_listeners_announce(struct ls_server *server)
{
    const char *tcp =
        server->tcp_listener ? ls_listener_address(server->tcp_listener) : "";
    char *line = ls_asprintf("%s%s%s\n", ls_listener_address(server->unix_listener),
                             *tcp ? " " : "", tcp);

    write_pid(server);
    ls_log_info("ready: pid %d, %s %s", (int)getpid(),
                ls_listener_address(server->unix_listener), tcp);
    if (server->config.ready_fd >= 0) {
        if (ls_write_all(server->config.ready_fd, line, strlen(line)) < 0)
            ls_log_warn("nobody reads the ready descriptor");
        ls_close(server->config.ready_fd);
    }
    ls_free(line);
}
