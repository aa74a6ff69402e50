/* scheduler/policy/pass.h - start what can start, in strict order. Pure. */
#ifndef LS_SCHEDULER_POLICY_PASS_H
#define LS_SCHEDULER_POLICY_PASS_H

#include "scheduler/policy/state.h"

/* If something changed: start waiting jobs in id order until the first does not fit,
 * and write down what that one waits for. */
void ls_pass(struct ls_policy *policy, struct ls_effects *effects);

#endif
