/* agent/proc/pidfd.c - processes by descriptor. Depends on libc. */
#include "agent/proc/pidfd.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

int ls_pidfd_open(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by definition */

    return fd < 0 ? -errno : (int)fd;
}

int ls_pidfd_signal(int pidfd, int signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int ls_pidfd_wait(int pidfd, int timeout_ms)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    int count;

    do
        count = poll(&wait, 1, timeout_ms);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}
