/* scheduler/cli/place.h - the directory of a cluster and the files in it. */
#ifndef LS_SCHEDULER_CLI_PLACE_H
#define LS_SCHEDULER_CLI_PLACE_H

#include "common/util/error.h"

/* The absolute path of the cluster's directory, which need not exist: `wanted` if not
 * NULL, else $LOCKSTEP_DIR, $XDG_RUNTIME_DIR/lockstep, /run/lockstep for root,
 * /tmp/lockstep-UID. -ENAMETOOLONG when no Unix socket could be bound in it. The
 * caller frees *ret_directory with ls_free(). */
int ls_place_find(const char *wanted, char **ret_directory, struct ls_error *err);

/* "unix:DIRECTORY/scheduler.sock"; free with ls_free(). */
char *ls_place_address(const char *directory);

#endif
