/* agent/step/master_port.c - a free TCP port. Depends on common/util. */
#include "agent/step/master_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/file.h"

enum {
    LOWEST_PORT = 10000,
    HIGHEST_PORT = 65535,
    TRIES_MAX = 512,
};

/* The kernel's own range; its default when that cannot be read. */
static void read_kernel_range(unsigned *ret_low, unsigned *ret_high)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

    *ret_low = 32768;
    *ret_high = 60999;
    if (!file)
        return;
    if (fscanf(file, "%u %u", ret_low, ret_high) != 2) {
        *ret_low = 32768;
        *ret_high = 60999;
    }
    fclose(file);
}

/* Bound on all addresses and not listening: others cannot bind it. */
static int bind_port(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    rc = -errno;
    close(fd);
    return rc;
}

int ls_master_port_hold(unsigned *ret_port, struct ls_error *err)
{
    unsigned low, high;

    read_kernel_range(&low, &high);
    for (int i = 0; i < TRIES_MAX; i++) {
        uint32_t chance;
        unsigned port;
        int fd;

        if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
            return ls_error_sys(err, -errno, "no random numbers");
        port = LOWEST_PORT + chance % (HIGHEST_PORT - LOWEST_PORT + 1);
        if (port >= low && port <= high && i < TRIES_MAX / 2)
            continue;
        fd = bind_port(port);
        if (fd >= 0) {
            *ret_port = port;
            return fd;
        }
    }
    return ls_error_set(err, -EADDRINUSE, "no free port for the job's rendezvous");
}
