/* bench/collectives/limit.h - the least time that this machine allows for a case. */
#ifndef LS_BENCH_COLLECTIVES_LIMIT_H
#define LS_BENCH_COLLECTIVES_LIMIT_H

#include "bench/collectives/bench.h"

/* The largest of: copying as many bytes as the case must read and write (each input and
 * output once), by all ranks at once in the bench's own buffers; moving what must cross
 * between nodes through plain TCP sockets; one hop or one network latency, and with
 * more ranks than cores the switches between them. 0 = not known (ranks on several
 * machines). Collective, equal on all ranks; spoils the buffers. */
int ls_limit_of_case(struct ls_bench *bench, const struct ls_case *c,
                     double *ret_seconds, struct ls_error *err);

#endif
