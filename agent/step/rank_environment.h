/* agent/step/rank_environment.h - the variables that a rank finds.
 *
 * Depends on wire (Launch), agent/proc. */
#ifndef LS_AGENT_STEP_RANK_ENVIRONMENT_H
#define LS_AGENT_STEP_RANK_ENVIRONMENT_H

#include <stdint.h>

#include "agent/proc/environment.h"
#include "common/wire/lockstep.pb-c.h"

/* Where a rank stands; all borrowed. */
struct ls_rank_place {
    const Ls__Launch *launch;
    const Ls__RankPlan *plan;
    uint32_t world_size, local_size; /* ranks of the job, and of this node */
    const char *step_id;
    const char *step_socket; /* where it joins the exchange */
    const char *master_host; /* node 0: a free port for the job's own rendezvous */
    const char *master_port;
};

/* The environment of the job with the rank's own variables: LOCKSTEP_*, those of
 * PyTorch, of Slurm, and the devices of the plan. Free with ls_environment_free(). */
void ls_rank_environment(const struct ls_rank_place *place,
                         struct ls_environment *ret_environment);

#endif
