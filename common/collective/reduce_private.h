/* common/collective/reduce_private.h - between reduce.c and the kernels of each ISA. */
#ifndef LS_COMMON_COLLECTIVE_REDUCE_PRIVATE_H
#define LS_COMMON_COLLECTIVE_REDUCE_PRIVATE_H

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "common/collective/reduce.h"

/* Slices from this size on leave the caches anyway: non-temporal stores pay. */
enum { LS_REDUCE_STREAM_BYTES = 4 * 1024 * 1024 };

void ls_reduce_scalar(const struct ls_reduce *reduce);
void ls_reduce_avx2(const struct ls_reduce *reduce);
void ls_reduce_avx512(const struct ls_reduce *reduce);

/* IEEE 754 binary16 <-> binary32, to nearest even. */
float ls_f16_to_f32(uint16_t half);
uint16_t ls_f32_to_f16(float value);

#endif
