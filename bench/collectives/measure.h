/* bench/collectives/measure.h - times and checks one case. */
#ifndef LS_BENCH_COLLECTIVES_MEASURE_H
#define LS_BENCH_COLLECTIVES_MEASURE_H

#include "bench/collectives/bench.h"
#include "bench/collectives/row.h"

/* Measure a case out of place and, where there is such a form, in place; check the
 * result before and after the timing; time the peer's batches in turn with ours.
 * Collective; the row is equal on all ranks. */
int ls_measure_case(struct ls_bench *bench, const struct ls_case *c,
                    struct ls_row *ret_row, struct ls_error *err);

/* The value below which a share (0 to 1) of `count` sorted values lies. */
double ls_percentile(const double *sorted, size_t count, double share);

#endif
