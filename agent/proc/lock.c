/* agent/proc/lock.c - lock files. Depends on common/util. */
#include "agent/proc/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/util/file.h"

enum { PID_TEXT_MAX = 32 };

static pid_t read_holder(int fd)
{
    char text[PID_TEXT_MAX] = {0};
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

    return size > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

int ls_lock_take(const char *path, pid_t *ret_holder, struct ls_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc;

    if (fd < 0)
        return ls_error_sys(err, -errno, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    rc = ls_error_sys(err, -errno, "%s: cannot lock", path);
    if (rc == -EWOULDBLOCK && ret_holder)
        *ret_holder = read_holder(fd);
    close(fd);
    return rc;
}

int ls_lock_name_holder(int lock, pid_t pid, struct ls_error *err)
{
    char text[PID_TEXT_MAX];
    int size = snprintf(text, sizeof(text), "%d\n", (int)pid);

    if (ftruncate(lock, 0) < 0 || pwrite(lock, text, (size_t)size, 0) != size)
        return ls_error_sys(err, errno ? -errno : -EIO, "lock file: cannot write");
    return 0;
}
