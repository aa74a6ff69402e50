/* common/collective/reduce.h - reduction kernels: the arithmetic of all collectives.
 *
 * Pure functions over memory, dispatched at run time to AVX-512, AVX2 or plain C.
 * Depends on lockstep.h (types) only. Thread-safe. */
#ifndef LS_COMMON_COLLECTIVE_REDUCE_H
#define LS_COMMON_COLLECTIVE_REDUCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/client/lockstep.h"

enum { LS_REDUCE_INPUTS_MAX = 256 };

/* out_j[i] = in_0[i] op in_1[i] op … op in_{n-1}[i], in this order, for every j; each
 * input is read once. 16-bit floats accumulate in float32 and are rounded once (to
 * nearest even). With `divisor` > 1 the result is divided by it before rounding
 * (LOCKSTEP_AVG reduces like SUM). An output may be the same memory as an input. */
struct ls_reduce {
    const void *const *in;
    unsigned in_count;    /* 1 … LS_REDUCE_INPUTS_MAX; 1 with divisor 1 is a copy */
    void *const *out;
    unsigned out_count;   /* >= 1 */
    size_t count;         /* elements */
    lockstep_type type;
    lockstep_op op;
    uint32_t divisor;     /* 0 or 1: none */
};
void ls_reduce(const struct ls_reduce *reduce);

/* Bytes of an element (0) and names (NULL) of types and operations; the value in brackets
 * when out of range. */
size_t ls_type_size(lockstep_type type);
const char *ls_type_name(lockstep_type type);
const char *ls_op_name(lockstep_op op);

/* "avx512", "avx2" or "scalar": what ls_reduce() uses on this machine. */
const char *ls_reduce_isa(void);

#endif
