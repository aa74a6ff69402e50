/* agent/daemon/devices.h - names for the indices of a plan.
 *
 * The scheduler plans with indices of the node's digest; the step needs names.
 * Depends on wire. */
#ifndef LS_AGENT_DAEMON_DEVICES_H
#define LS_AGENT_DAEMON_DEVICES_H

#include "common/wire/lockstep.pb-c.h"

/* Fill in what a Launch lacks for the ranks of this node. `launch` borrows from
 * `digest` from here on: pack it while the digest lives, and undo before it is freed.
 */
void ls_devices_name(Ls__Launch *launch, const Ls__NodeDigest *digest);
void ls_devices_unname(Ls__Launch *launch);

#endif
