/* agent/proc/launch.h - is a Launch whole? Depends on wire (the message). */
#ifndef LS_AGENT_PROC_LAUNCH_H
#define LS_AGENT_PROC_LAUNCH_H

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

/* Everything that agent and step rely on: a program or script, indices in range, ranks
 * in order. 0, or -EPROTO with what is wrong. */
int ls_launch_check(const Ls__Launch *launch, struct ls_error *err);

#endif
