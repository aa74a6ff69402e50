/* tests/sim/check.h - the rules that hold after every event. */
#ifndef LS_TESTS_SIM_CHECK_H
#define LS_TESTS_SIM_CHECK_H

#include "tests/sim/world.h"

void check_rules(struct world *world);

/* Has everything ended that was asked for, and is nothing left anywhere? */
bool check_is_quiet(const struct world *world);

/* At the end of a run: every job has ended, nothing is held, nothing is left on a node.
 */
void check_end(struct world *world);

/* An agent takes a part: nobody else may have these GPUs, or another attempt of the
 * job. */
void check_launch(struct world *world, uint32_t agent, const struct message *message);

/* An agent starts ranks: the whole gang must have been ready. */
void check_start(struct world *world, uint64_t job);

#endif
