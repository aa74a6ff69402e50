/* agent/proc/lock.h - lock files: who holds one is alive.
 *
 * The lock (flock) belongs to the open descriptor: it passes to a child that inherits
 * the descriptor, and goes when the last copy is closed, whatever ends the holder.
 * Depends on common/util. */
#ifndef LS_AGENT_PROC_LOCK_H
#define LS_AGENT_PROC_LOCK_H

#include <sys/types.h>

#include "common/util/error.h"

/* Take the lock of a file, which is made when missing. Returns a close-on-exec
 * descriptor that holds it (the caller closes it), or -EWOULDBLOCK when another holds
 * it: then *ret_holder (may be NULL) is the pid written there, 0 unknown; or -errno. */
int ls_lock_take(const char *path, pid_t *ret_holder, struct ls_error *err);

/* Write a pid into the held file, for who finds it taken. */
int ls_lock_name_holder(int lock, pid_t pid, struct ls_error *err);

#endif
