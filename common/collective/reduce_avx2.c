/* common/collective/reduce_avx2.c - the reduction kernels, compiled for avx2. */
#define LS_ISA avx2
#include "common/collective/reduce_kernels.h"
