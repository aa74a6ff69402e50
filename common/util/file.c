/* common/util/file.c - whole files and directories. Depends on error, mem. */
#include "common/util/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/mem.h"

void ls_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

int ls_write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t done = write(fd, at, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

static int read_up_to(int fd, char *bytes, size_t size, size_t *ret_done)
{
    size_t done = 0;

    while (done < size) {
        ssize_t part = read(fd, bytes + done, size - done);

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -errno;
        if (part == 0)
            break;
        done += (size_t)part;
    }
    *ret_done = done;
    return 0;
}

int ls_file_read(const char *path, size_t bytes_max, char **ret_bytes, size_t *ret_size,
                 struct ls_error *err)
{
    struct stat status;
    char *bytes = NULL;
    size_t capacity, size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return ls_error_sys(err, -errno, "%s", path);
    if (fstat(fd, &status) < 0) {
        rc = ls_error_sys(err, -errno, "%s", path);
        goto close_file;
    }
    if (S_ISDIR(status.st_mode)) {
        rc = ls_error_sys(err, -EISDIR, "%s", path);
        goto close_file;
    }
    /* Files in /proc say 0: then read up to the limit. */
    capacity = status.st_size > 0 ? (size_t)status.st_size : bytes_max;
    if (capacity > bytes_max) {
        rc = ls_error_set(err, -EFBIG, "%s: %zu bytes, expected at most %zu", path, capacity,
                          bytes_max);
        goto close_file;
    }
    bytes = ls_calloc(capacity + 1, 1);
    rc = read_up_to(fd, bytes, capacity, &size);
    if (rc < 0) {
        ls_free(bytes);
        ls_error_sys(err, rc, "%s", path);
        goto close_file;
    }
    *ret_bytes = bytes;
    *ret_size = size;
close_file:
    close(fd);
    return rc;
}

static int sync_parent(const char *path)
{
    char *copy = ls_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    ls_close(fd);
    ls_free(copy);
    return rc;
}

int ls_file_write_atomic(const char *path, const void *bytes, size_t size,
                         struct ls_error *err)
{
    char *temporary = ls_asprintf("%s.%d.tmp", path, (int)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -errno : ls_write_all(fd, bytes, size);

    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    ls_close(fd);
    if (rc == 0 && rename(temporary, path) < 0)
        rc = -errno;
    if (rc < 0)
        unlink(temporary);
    else
        rc = sync_parent(path);
    ls_free(temporary);
    return rc < 0 ? ls_error_sys(err, rc, "%s", path) : 0;
}

int ls_dir_make(const char *path, struct ls_error *err)
{
    char *copy = ls_strdup(path);
    struct stat status;
    int rc = 0;

    for (char *at = copy + 1; rc == 0; at++) {
        char kept = *at;

        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            rc = ls_error_sys(err, -errno, "%s", copy);
        *at = kept;
        if (kept == '\0')
            break;
    }
    ls_free(copy);
    if (rc == 0 && (stat(path, &status) < 0 || !S_ISDIR(status.st_mode)))
        return ls_error_sys(err, -ENOTDIR, "%s", path);
    return rc;
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int ls_dir_remove(const char *path, struct ls_error *err)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        return ls_error_sys(err, -errno, "%s", path);
    return 0;
}
