/* agent/proc/pidfd.h - processes by descriptor, so that a reused pid is never hit.
 *
 * Depends on libc. */
#ifndef LS_AGENT_PROC_PIDFD_H
#define LS_AGENT_PROC_PIDFD_H

#include <sys/types.h>

/* A close-on-exec descriptor of a process (not a thread), readable once the process has
 * ended; the caller closes it. -ESRCH when there is none. */
int ls_pidfd_open(pid_t pid);

/* 0 or -errno; -ESRCH when the process has ended. */
int ls_pidfd_signal(int pidfd, int signal);

/* Wait until the process has ended, at most timeout_ms (-1 = for ever). 1 when it has,
 * 0 at the timeout, -errno. Does not reap. */
int ls_pidfd_wait(int pidfd, int timeout_ms);

#endif
