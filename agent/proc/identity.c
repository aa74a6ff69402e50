/* agent/proc/identity.c - acting as the user of a job. Depends on common/util.
 *
 * ls_identity_enter() uses raw system calls: they change the calling thread alone,
 * while glibc's functions change all threads of the process. */
#include "agent/proc/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/util/check.h"
#include "common/util/mem.h"

enum { GROUPS_MAX = 65536 };

/* The user's groups; a uid without an account has its gid alone. */
static void find_groups(struct ls_identity *identity)
{
    const struct passwd *account = getpwuid(identity->uid);
    int count = 64;

    if (!account) {
        identity->groups = ls_memdup(&identity->gid, sizeof(identity->gid));
        identity->group_count = 1;
        return;
    }
    do {
        identity->groups =
            ls_realloc(identity->groups, (size_t)count, sizeof(*identity->groups));
        identity->group_count = (size_t)count;
    } while (getgrouplist(account->pw_name, identity->gid, identity->groups, &count) <
                 0 &&
             count <= GROUPS_MAX && (size_t)count > identity->group_count);
    if ((size_t)count < identity->group_count)
        identity->group_count = (size_t)count;
}

int ls_identity_find(uid_t uid, gid_t gid, struct ls_identity *ret_identity,
                     struct ls_error *err)
{
    struct ls_identity identity = {.uid = uid, .gid = gid};

    identity.change = uid != geteuid();
    if (identity.change && geteuid() != 0)
        return ls_error_set(
            err, -EPERM, "user %u: this node's agent runs as user %u and is not root",
            (unsigned)uid, (unsigned)geteuid());
    if (identity.change)
        find_groups(&identity);
    *ret_identity = identity;
    return 0;
}

int ls_identity_become(const struct ls_identity *identity)
{
    if (!identity->change)
        return 0;
    if (setgroups(identity->group_count, identity->groups) < 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return -errno;
    return 0;
}

int ls_identity_enter(const struct ls_identity *identity)
{
    if (!identity->change)
        return 0;
    if (syscall(SYS_setgroups, identity->group_count, identity->groups) < 0)
        return -errno;
    setfsgid(identity->gid);
    setfsuid(identity->uid);
    if ((uid_t)setfsuid(identity->uid) == identity->uid)
        return 0;
    ls_identity_leave(identity);
    return -EPERM;
}

void ls_identity_leave(const struct ls_identity *identity)
{
    if (!identity->change)
        return;
    setfsuid(geteuid());
    setfsgid(getegid());
    ls_assert(syscall(SYS_setgroups, 0, NULL) == 0); /* root gives groups up freely */
}

void ls_identity_free(struct ls_identity *identity)
{
    ls_free(identity->groups);
    *identity = (struct ls_identity){0};
}
