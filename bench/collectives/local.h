/* bench/collectives/local.h - ranks without a launcher: forks of this process that meet in
 * a shared page. */
#ifndef LS_BENCH_COLLECTIVES_LOCAL_H
#define LS_BENCH_COLLECTIVES_LOCAL_H

#include "common/client/lockstep.h"
#include "common/util/error.h"

struct ls_local;

/* Fork `count` ranks. Returns the rank (0 and up) in each of them; there *ret_local serves
 * ls_local_allgather() until exit. In the parent returns -1 once all have ended, with
 * *ret_exit_code = 0 or that of the first that failed; the others are killed then. With no
 * more ranks than cores, each is bound to one. -errno below -1 on failure. */
int ls_local_start(int count, struct ls_local **ret_local, int *ret_exit_code,
                   struct ls_error *err);

/* A lockstep_bootstrap.allgather; `context` is the struct ls_local. */
int ls_local_allgather(void *context, const void *in, size_t size, void *out);

#endif
