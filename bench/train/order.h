/* bench/train/order.h - which images make up which step of the training.
 *
 * The order depends on the seed and the step alone, not on the number of ranks: rank r
 * of n takes rows [r * B, (r + 1) * B) of the step's global batch of n * B. So n ranks
 * with batch B compute what one rank computes with batch n * B. */
#ifndef LS_BENCH_TRAIN_ORDER_H
#define LS_BENCH_TRAIN_ORDER_H

#include <stdint.h>

struct ls_order {
    uint32_t count; /* images */
    uint32_t
        global_batch; /* images of a step; those of an epoch that are left over rest */
    uint64_t seed;
    uint64_t epoch; /* that `rows` holds; UINT64_MAX = none yet */
    uint32_t *rows; /* a permutation of the images */
};

/* `global_batch` must be between 1 and `count`. */
void ls_order_init(struct ls_order *order, uint32_t count, uint32_t global_batch,
                   uint64_t seed);
void ls_order_free(struct ls_order *order);

uint32_t ls_order_steps_per_epoch(const struct ls_order *order);

/* The rows of step `step` (counted over all epochs) for one rank; borrowed until the
 * next call. `batch` * number of ranks == global_batch. */
const uint32_t *ls_order_rows(struct ls_order *order, uint64_t step, uint32_t rank,
                              uint32_t batch);

#endif
