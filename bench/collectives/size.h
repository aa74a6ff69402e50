/* bench/collectives/size.h - byte sizes as people write them: 8, 4K, 256M, 1G. */
#ifndef LS_BENCH_COLLECTIVES_SIZE_H
#define LS_BENCH_COLLECTIVES_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number with an optional K, M, G (powers of 1024, either case, an optional B
 * or iB behind); false when it is none or does not fit 64 bits. */
bool ls_size_parse(const char *text, uint64_t *ret_bytes);

#endif
