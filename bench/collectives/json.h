/* bench/collectives/json.h - results for programs, and the comparison with earlier
 * ones. */
#ifndef LS_BENCH_COLLECTIVES_JSON_H
#define LS_BENCH_COLLECTIVES_JSON_H

#include "bench/collectives/bench.h"
#include "bench/collectives/row.h"

/* Write the whole run as one JSON object; "-" is standard output. */
int ls_json_write(const char *path, const struct ls_bench *bench,
                  const struct ls_rows *rows, struct ls_error *err);

/* The times of an earlier run's JSON. */
struct ls_baseline;

/* Read a baseline of the same collective on as many ranks and nodes; else -EINVAL. The
 * caller ends it with ls_baseline_free(). */
int ls_baseline_read(const char *path, enum ls_collective_kind kind, int ranks,
                     int nodes, struct ls_baseline **ret_baseline,
                     struct ls_error *err);
void ls_baseline_free(struct ls_baseline *baseline);

/* The time of the same size, type and operation out of place, us; 0 = not in it. */
double ls_baseline_time(const struct ls_baseline *baseline, const struct ls_row *row);

/* Rows that are slower than their baseline by more than `tolerance` (0.2 = 20 %). */
size_t ls_regressions(const struct ls_rows *rows, double tolerance);

#endif
