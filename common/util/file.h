/* common/util/file.h - whole files and directories. Depends on error, mem. */
#ifndef LS_COMMON_UTIL_FILE_H
#define LS_COMMON_UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/util/error.h"

/* Read a whole file of at most `bytes_max` bytes. On success returns 0; *ret_bytes
 * (caller frees with ls_free(), one NUL added after the end) and *ret_size are set.
 * Errors: -EFBIG over the limit, else the system's. */
int ls_file_read(const char *path, size_t bytes_max, char **ret_bytes, size_t *ret_size,
                 struct ls_error *err);

/* Replace a file's content so that after a crash it is the old or the new one:
 * temporary name, fsync, rename, fsync of the directory. Mode 0600. */
int ls_file_write_atomic(const char *path, const void *bytes, size_t size,
                         struct ls_error *err);

/* mkdir -p with mode 0700 for what is made. */
int ls_dir_make(const char *path, struct ls_error *err);

/* rm -r: a directory and all in it, no links followed; fine if it is not there. */
int ls_dir_remove(const char *path, struct ls_error *err);

/* Write all bytes to a descriptor, over short writes and EINTR. */
int ls_write_all(int fd, const void *bytes, size_t size);

/* Close a descriptor if it is >= 0. */
void ls_close(int fd);

#endif
