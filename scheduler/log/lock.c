/* scheduler/log/lock.c - one process at a time. Depends on util. */
#include "scheduler/log/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/util/file.h"

/* The pid that the holder wrote; 0 when it has not come to that yet. */
static long read_holder(int fd)
{
    char text[24] = "";
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

    return size > 0 ? strtol(text, NULL, 10) : 0;
}

static int write_holder(int fd)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) < 0)
        return -errno;
    return ls_write_all(fd, text, (size_t)length);
}

int ls_lock_take(const char *directory, int *ret_fd, struct ls_error *err)
{
    char path[PATH_MAX];
    int fd, rc;

    if (snprintf(path, sizeof(path), "%s/lock", directory) >= (int)sizeof(path))
        return ls_error_set(err, -ENAMETOOLONG, "%s: path is too long", directory);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ls_error_sys(err, -errno, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        rc = -errno;
        if (rc == -EWOULDBLOCK)
            ls_error_set(err, rc, "%s: in use by process %ld", directory,
                         read_holder(fd));
        else
            ls_error_sys(err, rc, "%s", path);
        goto close_file;
    }
    rc = write_holder(fd); /* on a full disk the lock holds all the same */
    if (rc < 0 && rc != -ENOSPC && rc != -EDQUOT && rc != -EFBIG) {
        ls_error_sys(err, rc, "%s", path);
        goto close_file;
    }
    *ret_fd = fd;
    return 0;

close_file:
    ls_close(fd);
    return rc;
}
