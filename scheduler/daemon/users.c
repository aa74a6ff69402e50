/* scheduler/daemon/users.c - names of user ids. Depends on libc's user database. */
#include "scheduler/daemon/users.h"

#include <pwd.h>
#include <stdio.h>

#include "common/util/mem.h"

enum { BUFFER_SIZE = 16 * 1024 };

char *ls_user_name(uid_t uid)
{
    static char last_name[256];
    static uid_t last_uid = (uid_t)-1;
    char buffer[BUFFER_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;

    if (uid == last_uid && last_name[0])
        return ls_strdup(last_name);
    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
        snprintf(last_name, sizeof(last_name), "%s", entry.pw_name);
    else
        snprintf(last_name, sizeof(last_name), "%u", (unsigned)uid);
    last_uid = uid;
    return ls_strdup(last_name);
}
