/* scheduler/policy/effects.h - how the core writes down what the caller has to do.
 * Pure. */
#ifndef LS_SCHEDULER_POLICY_EFFECTS_H
#define LS_SCHEDULER_POLICY_EFFECTS_H

#include "scheduler/policy/policy.h"

/* The errno values of refusals: the core knows no errno.h, the numbers are Linux's. */
enum {
    LS_POLICY_EPERM = 1,
    LS_POLICY_ENOENT = 2,
    LS_POLICY_ESRCH = 3,
    LS_POLICY_EAGAIN = 11,
    LS_POLICY_EINVAL = 22,
    LS_POLICY_EALREADY = 114,
};

/* Something to tell a node about an attempt: LAUNCH, START, KILL, FORGET. `text` may be
 * NULL. */
void ls_effects_add_node(struct ls_effects *effects, enum ls_effect_kind kind,
                         uint32_t node, uint64_t job, uint32_t attempt,
                         const char *text);

/* Something about a job: JOB_CHANGED, ACCEPTED. */
void ls_effects_add_job(struct ls_effects *effects, enum ls_effect_kind kind,
                        uint64_t job);

void ls_effects_refuse(struct ls_effects *effects, uint64_t job, int code,
                       const char *text);

#endif
