/* agent/daemon/log_file.c - opening a rank's output for reading.
 *
 * Depends on agent/proc. */
#include "agent/daemon/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/identity.h"

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

static int open_as(const char *target, const struct ls_identity *identity)
{
    int rc = ls_identity_enter(identity);
    int fd;

    if (rc < 0)
        return rc;
    fd = open(target, OPEN_FLAGS);
    rc = fd < 0 ? -errno : fd;
    ls_identity_leave(identity);
    return rc;
}

static int open_target(const char *link, const struct stat *status)
{
    char target[PATH_MAX];
    ssize_t size = readlink(link, target, sizeof(target) - 1);
    struct ls_identity identity;
    int rc;

    if (size < 0)
        return -errno;
    target[size] = '\0';
    rc = ls_identity_find(status->st_uid, status->st_gid, &identity, NULL);
    if (rc < 0)
        return rc;
    rc = open_as(target, &identity);
    ls_identity_free(&identity);
    return rc;
}

int ls_log_file_open(const char *path)
{
    struct stat status;
    int fd;

    if (lstat(path, &status) < 0)
        return -errno;
    if (S_ISLNK(status.st_mode))
        return open_target(path, &status);
    fd = open(path, OPEN_FLAGS | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}
