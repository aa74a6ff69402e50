/* agent/proc/identity.h - acting as the user of a job.
 *
 * Only a daemon of root can change over; any other runs jobs of its own user only.
 * Depends on common/util. */
#ifndef LS_AGENT_PROC_IDENTITY_H
#define LS_AGENT_PROC_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/util/error.h"

struct ls_identity {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* owned; NULL while `change` is false */
    size_t group_count;
    bool change; /* this process is another user */
};

/* Find out what it takes to act as `uid` and `gid`. -EPERM when this process is neither
 * that user nor root. Free with ls_identity_free(). */
int ls_identity_find(uid_t uid, gid_t gid, struct ls_identity *ret_identity,
                     struct ls_error *err);

/* Become the user for good. For a child between fork and exec: only system calls.
 * 0 or -errno. */
int ls_identity_become(const struct ls_identity *identity);

/* Until ls_identity_leave(): the calling thread opens and makes files with the user's
 * rights. 0 or -errno (then nothing has changed). */
int ls_identity_enter(const struct ls_identity *identity);
void ls_identity_leave(const struct ls_identity *identity);

void ls_identity_free(struct ls_identity *identity);

#endif
