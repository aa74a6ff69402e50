/* bench/collectives/peer_server.c - a rank of mpirun that times MPI on demand. Between
 * two requests it sleeps in recv(), so that it costs the one it is compared with
 * nothing. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/collectives/mpi.h"
#include "bench/collectives/peer.h"
#include "bench/collectives/peer_protocol.h"
#include "common/util/file.h"

struct server {
    int fd;
    char *first, *second; /* page-aligned, `bytes` each */
    size_t bytes;
};

static int grow_buffers(struct server *server, size_t bytes, struct ls_error *err)
{
    void *first = NULL, *second = NULL;

    if (bytes <= server->bytes)
        return 0;
    free(server->first);
    free(server->second);
    server->first = server->second = NULL;
    server->bytes = 0;
    if (posix_memalign(&first, 4096, bytes) != 0 ||
        posix_memalign(&second, 4096, bytes) != 0) {
        free(first);
        return ls_error_set(err, -ENOMEM, "no memory for buffers of %zu bytes", bytes);
    }
    server->first = memset(first, 0, bytes);
    server->second = memset(second, 0, bytes);
    server->bytes = bytes;
    return 0;
}

/* Answer requests; 0 when told to leave or when the client is gone. */
static int serve(struct server *server, struct ls_error *err)
{
    struct ls_peer_request request;

    while (recv(server->fd, &request, sizeof(request), 0) == sizeof(request) &&
           request.iterations > 0) {
        struct ls_peer_reply reply = {.seconds = -1};
        int rc = grow_buffers(server, ls_case_bytes(&request.c) + 64, err);

        if (rc == 0)
            rc = ls_mpi_time(&request.c, server->first, server->second,
                             request.iterations, &reply.seconds, err);
        if (send(server->fd, &reply, sizeof(reply), MSG_NOSIGNAL) < 0 || rc < 0)
            return rc;
    }
    return 0;
}

static int connect_to(const char *name, struct ls_error *err)
{
    struct sockaddr_un address;
    socklen_t length = ls_peer_address(name, &address);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ls_error_sys(err, -errno, "cannot make a socket");
    if (connect(fd, (struct sockaddr *)&address, length) < 0) {
        int rc = ls_error_sys(err, -errno, "cannot reach the benchmark");

        close(fd);
        return rc;
    }
    return fd;
}

int ls_peer_server_run(const char *socket_name, struct ls_error *err)
{
    struct server server = {.fd = -1};
    struct ls_peer_hello hello = {0};
    int rc = ls_mpi_init(&hello.rank, &hello.size, err);

    if (rc < 0)
        return rc;
    rc = server.fd = connect_to(socket_name, err);
    if (rc >= 0) {
        ls_mpi_version(hello.version, sizeof(hello.version));
        if (send(server.fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0)
            rc = ls_error_sys(err, -errno, "cannot greet the benchmark");
    }
    if (rc >= 0)
        rc = serve(&server, err);
    ls_close(server.fd);
    free(server.first);
    free(server.second);
    if (rc >= 0)
        ls_mpi_finalize();
    return rc < 0 ? rc : 0;
}
