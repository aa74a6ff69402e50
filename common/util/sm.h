/* common/util/sm.h - small state machines whose moves are checked against a table.
 *
 * A machine is an enum value plus a table that lists, for each state, the states
 * it may go to. An illegal move is a bug and aborts. Pure; the policy core may use it. */
#ifndef LS_COMMON_UTIL_SM_H
#define LS_COMMON_UTIL_SM_H

#include <stdint.h>

#include "common/util/check.h"

/* next[s] has bit t set when the move s -> t is legal; at most 32 states. */
struct ls_sm_table {
    const uint32_t *next;
    int state_count;
};

#define LS_SM_BIT(state) (UINT32_C(1) << (state))

/* Move *state to `to`, which must be a legal move of the table. */
static inline void ls_sm_move(const struct ls_sm_table *table, int *state, int to)
{
    ls_assert(*state >= 0 && *state < table->state_count);
    ls_assert(to >= 0 && to < table->state_count);
    ls_assert(table->next[*state] & LS_SM_BIT(to));
    *state = to;
}

#endif
