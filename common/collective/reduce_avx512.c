/* common/collective/reduce_avx512.c - the reduction kernels, compiled for avx512. */
#define LS_ISA avx512
#include "common/collective/reduce_kernels.h"
