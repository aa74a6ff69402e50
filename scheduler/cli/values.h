/* scheduler/cli/values.h - values as users write them: counts, times, sizes, signals.
 *
 * Pure. All return 0 and write *ret only on success, or -EINVAL with what is wrong
 * (without the option's name: the caller knows it). */
#ifndef LS_SCHEDULER_CLI_VALUES_H
#define LS_SCHEDULER_CLI_VALUES_H

#include <stdint.h>

#include "common/util/error.h"

/* A whole decimal number from `min` to `max`. */
int ls_read_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
                  struct ls_error *err);

/* Slurm's time limits: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S; "UNLIMITED", "INFINITE" and
 * 0 give 0. Seconds; at most 100 years. */
int ls_read_time_limit(const char *text, uint64_t *ret_s, struct ls_error *err);

/* A span with a unit, seconds when it has none: 5, 2.5s, 500ms, 1m. At most an hour. */
int ls_read_span(const char *text, uint32_t *ret_ms, struct ls_error *err);

/* Memory: a number with K, M, G or T (powers of 1024, "B" or "iB" may follow); MiB when
 * it has no letter, as in Slurm. */
int ls_read_bytes(const char *text, uint64_t *ret, struct ls_error *err);

/* A signal: 9, KILL, SIGKILL, in any case. */
int ls_read_signal(const char *text, int *ret, struct ls_error *err);

#endif
