/* scheduler/daemon/users.h - names of user ids. Depends on libc's user database. */
#ifndef LS_SCHEDULER_DAEMON_USERS_H
#define LS_SCHEDULER_DAEMON_USERS_H

#include <sys/types.h>

/* The name of a user id, or its number as text; the caller frees with ls_free(). The
 * last answer is remembered: the database may be slow. Only from the loop's thread. */
char *ls_user_name(uid_t uid);

#endif
