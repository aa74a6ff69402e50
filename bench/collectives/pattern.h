/* bench/collectives/pattern.h - data whose reduction is known to the last bit.
 *
 * Every rank's element i depends on the rank and on i modulo LS_PATTERN_PERIOD (a
 * prime, so that a block that lands in the wrong place shows). Values are integers so
 * small that every partial sum is exact in the type: the result does not depend on the
 * order of the additions, and can be compared bit by bit. */
#ifndef LS_BENCH_COLLECTIVES_PATTERN_H
#define LS_BENCH_COLLECTIVES_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "bench/collectives/collective.h"

enum { LS_PATTERN_PERIOD = 4093 };

/* What rank `rank` contributes at element `i` (of its whole input). */
double ls_pattern_value(const struct ls_case *c, int rank, uint64_t i);

/* Write this rank's input. For a broadcast: the root's data, other data elsewhere. */
void ls_pattern_fill_input(const struct ls_case *c, int rank, void *in);

/* Compare this rank's output after the collective. Returns the number of wrong
 * elements; *ret_first is the index of the first, when there is one. */
uint64_t ls_pattern_check_output(const struct ls_case *c, int rank, const void *out,
                                 uint64_t *ret_first);

#endif
