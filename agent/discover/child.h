/* agent/discover/child.h - one function, run in a forked child with limits.
 *
 * The child has nothing of ours but its memory: other descriptors are closed, stderr is
 * caught, it dies with us. Depends on util. */
#ifndef LS_AGENT_DISCOVER_CHILD_H
#define LS_AGENT_DISCOVER_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"

enum {
    LS_CHILD_ANSWER_MAX = 4 << 20,
    LS_CHILD_MESSAGE_MAX = 200,
};

struct ls_child_limits {
    const char *what; /* what runs there, for errors: "the hwloc parser" */
    uint32_t time_ms; /* wall clock, and CPU rounded up to seconds */
    uint64_t
        memory_bytes; /* address space on top of what the parent has; 0 = no limit */
};

/* Runs in the child: fill *ret_bytes (ls_free()d by nobody: the child ends) or err. */
typedef int ls_child_function(const void *argument, uint8_t **ret_bytes,
                              size_t *ret_size, struct ls_error *err);

/* Run it and wait. On success 0 and the answer, which the caller frees with ls_free().
 * When the function failed: its error. When the child died: -EFAULT "WHAT crashed
 * (SIGSEGV)", -ETIMEDOUT "WHAT gave no answer within 20 s", -EIO for other ends, each
 * with the first line the child wrote to stderr, if any. System errors of fork and pipe
 * as they are. */
int ls_child_run(ls_child_function *function, const void *argument,
                 const struct ls_child_limits *limits, uint8_t **ret_bytes,
                 size_t *ret_size, struct ls_error *err);

#endif
