/* bench/machine/copy.h - how fast this machine's memory lets all ranks copy at once:
 * the limit of every collective on one node. Depends on lockstep.h and util. */
#ifndef LS_BENCH_MACHINE_COPY_H
#define LS_BENCH_MACHINE_COPY_H

#include <stddef.h>

#include "common/client/lockstep.h"
#include "common/util/error.h"

/* Every rank copies its `bytes` from `from` to `to` at the same time (collective; the
 * same `bytes` on all). *ret_seconds is the best round's time of its slowest rank, with
 * the better of ordinary and non-temporal stores; equal on all ranks. */
int ls_copy_limit(lockstep_comm *comm, void *to, const void *from, size_t bytes,
                  double *ret_seconds, struct ls_error *err);

#endif
