/* bench/collectives/local.h - ranks without a launcher: forks of this process that meet
 * in a shared page. */
#ifndef LS_BENCH_COLLECTIVES_LOCAL_H
#define LS_BENCH_COLLECTIVES_LOCAL_H

#include "common/client/lockstep.h"
#include "common/util/error.h"

struct ls_local;

enum { LS_LOCAL_PARENT = -1 }; /* *ret_rank in the parent */

/* Fork `count` ranks. Returns in each of them with *ret_rank = 0 and up; *ret_local
 * then serves ls_local_allgather() until ls_local_end(). Returns in the parent, with
 * LS_LOCAL_PARENT, once all have ended: *ret_exit_code is 0 or that of the first that
 * failed, on which the others are killed. With no more ranks than cores, each is bound
 * to one. */
int ls_local_start(int count, struct ls_local **ret_local, int *ret_rank,
                   int *ret_exit_code, struct ls_error *err);

/* In a rank, once it has left the communicator. NULL is fine. */
void ls_local_end(struct ls_local *local);

/* A lockstep_bootstrap.allgather; `context` is the struct ls_local. */
int ls_local_allgather(void *context, const void *in, size_t size, void *out);

#endif
