/* scheduler/daemon/hash.h - uthash as it is used here.
 *
 * Its own default hash falls through switch cases, which we have the compiler refuse.
 */
#ifndef LS_SCHEDULER_DAEMON_HASH_H
#define LS_SCHEDULER_DAEMON_HASH_H

#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#endif
