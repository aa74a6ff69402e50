/* common/collective/reduce_scalar.c - the reduction kernels, compiled for scalar. */
#define LS_ISA scalar
#include "common/collective/reduce_kernels.h"
