/* scheduler/daemon/submit.h - from what a user asked for to a full request.
 *
 * Options combine as under Slurm; what contradicts itself is refused with a sentence.
 * Depends on the messages and the policy's types only. */
#ifndef LS_SCHEDULER_DAEMON_SUBMIT_H
#define LS_SCHEDULER_DAEMON_SUBMIT_H

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"
#include "scheduler/policy/policy.h"

/* What counts of a node that the job may use. */
struct ls_node_size {
    uint32_t cores, gpus;
    uint64_t memory_bytes;
};

/* Bounds of each field and of all together, names printable, a command given, values
 * known. 0 or -EINVAL/-E2BIG with what is wrong. */
int ls_spec_check(const Ls__JobSpec *spec, struct ls_error *err);

/* Fill in what was not given: nodes (the fewest that hold the ranks), ntasks, cores and
 * GPUs of each; also in `spec`, so that the job sees real numbers. The node lists of
 * *ret_request stay unset. -EINVAL with the contradiction. */
int ls_submit_resolve(const struct ls_node_size *sizes, size_t size_count,
                      Ls__JobSpec *spec, struct ls_request *ret_request,
                      struct ls_error *err);

#endif
