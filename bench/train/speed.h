/* bench/train/speed.h - how good the exchange was: the same all-reduces alone, and the
 * machine's limit for them. Run after the training, by all ranks. */
#ifndef LS_BENCH_TRAIN_SPEED_H
#define LS_BENCH_TRAIN_SPEED_H

#include "bench/machine/placement.h"
#include "bench/train/gradients.h"
#include "common/util/error.h"

struct ls_exchange_speed {
    double alone_bus_bytes_per_s;
    double limit_bus_bytes_per_s; /* 0 = not known: nodes on different machines */
    const char *limit_name;
};

/* Bytes over the bus by the convention of nccl-tests: 2 (n - 1) / n of the buffer. */
double ls_bus_bytes(const lockstep_comm *comm, double bytes);

/* All-reduce a gradient of `parameter_count` floats with nothing else to do, and
 * measure what memory (and, with several nodes on this machine, TCP) would allow.
 * Spoils the gradient's values. Collective; equal results on all ranks. */
int ls_exchange_speed(struct ls_gradients *gradients, size_t parameter_count,
                      const struct ls_placement *placement,
                      struct ls_exchange_speed *ret_speed, struct ls_error *err);

#endif
