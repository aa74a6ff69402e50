/* bench/train/order.c - see order.h. */
#include "bench/train/order.h"

#include "bench/train/random.h"
#include "common/util/check.h"
#include "common/util/mem.h"

void ls_order_init(struct ls_order *order, uint32_t count, uint32_t global_batch,
                   uint64_t seed)
{
    ls_assert(global_batch >= 1 && global_batch <= count);
    *order = (struct ls_order){
        .count = count,
        .global_batch = global_batch,
        .seed = seed,
        .epoch = UINT64_MAX,
        .rows = ls_calloc(count, sizeof(uint32_t)),
    };
}

void ls_order_free(struct ls_order *order)
{
    ls_free(order->rows);
    order->rows = NULL;
}

uint32_t ls_order_steps_per_epoch(const struct ls_order *order)
{
    return order->count / order->global_batch;
}

/* Fisher and Yates, from the epoch's own random stream. */
static void shuffle(struct ls_order *order, uint64_t epoch)
{
    uint64_t random = ls_random_seed(order->seed, epoch + 1);

    for (uint32_t i = 0; i < order->count; i++)
        order->rows[i] = i;
    for (uint32_t i = order->count - 1; i > 0; i--) {
        uint32_t j = ls_random_below(&random, i + 1);
        uint32_t row = order->rows[i];

        order->rows[i] = order->rows[j];
        order->rows[j] = row;
    }
    order->epoch = epoch;
}

const uint32_t *ls_order_rows(struct ls_order *order, uint64_t step, uint32_t rank,
                              uint32_t batch)
{
    uint32_t steps = ls_order_steps_per_epoch(order);
    uint64_t epoch = step / steps;

    ls_assert((rank + 1) * batch <= order->global_batch);
    if (order->epoch != epoch)
        shuffle(order, epoch);
    return order->rows + (step % steps) * order->global_batch + (size_t)rank * batch;
}
