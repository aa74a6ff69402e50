/* scheduler/log/lock.h - one process at a time: an flock on a file with the holder's
 * pid.
 *
 * The kernel gives the lock back when the holder dies, however it does. Depends on
 * util. */
#ifndef LS_SCHEDULER_LOG_LOCK_H
#define LS_SCHEDULER_LOG_LOCK_H

#include "common/util/error.h"

/* Take the lock of a directory (its file `lock`). On success *ret_fd holds it until it
 * is closed. -EWOULDBLOCK with the holder's pid when another process has it. */
int ls_lock_take(const char *directory, int *ret_fd, struct ls_error *err);

#endif
