/* tests/unit/bench/train/order_test.c */
#include <string.h>

#include "bench/train/order.h"
#include "tests/lib/cmocka.h"

enum { COUNT = 103, GLOBAL = 20, STEPS = 5 };

static void an_epoch_shows_each_image_at_most_once(void **state)
{
    struct ls_order order;
    int seen[COUNT] = {0};

    (void)state;
    ls_order_init(&order, COUNT, GLOBAL, 1);
    assert_int_equal(ls_order_steps_per_epoch(&order), STEPS);
    for (uint64_t step = STEPS; step < 2 * STEPS; step++) {
        const uint32_t *rows = ls_order_rows(&order, step, 0, GLOBAL);

        for (int i = 0; i < GLOBAL; i++) {
            assert_true(rows[i] < COUNT);
            assert_int_equal(seen[rows[i]]++, 0);
        }
    }
    ls_order_free(&order);
}

static void shares_of_the_ranks_are_the_global_batch(void **state)
{
    struct ls_order whole, shared;

    (void)state;
    ls_order_init(&whole, COUNT, GLOBAL, 7);
    ls_order_init(&shared, COUNT, GLOBAL, 7);
    for (uint64_t step = 0; step < 3 * STEPS; step++) {
        const uint32_t *rows = ls_order_rows(&whole, step, 0, GLOBAL);

        for (uint32_t rank = 0; rank < 4; rank++)
            assert_memory_equal(rows + rank * 5, ls_order_rows(&shared, step, rank, 5),
                                5 * sizeof(*rows));
    }
    ls_order_free(&whole);
    ls_order_free(&shared);
}

static void seed_and_epoch_change_the_order(void **state)
{
    uint32_t first[GLOBAL];
    struct ls_order order;

    (void)state;
    ls_order_init(&order, COUNT, GLOBAL, 7);
    memcpy(first, ls_order_rows(&order, 0, 0, GLOBAL), sizeof(first));
    assert_memory_not_equal(first, ls_order_rows(&order, STEPS, 0, GLOBAL),
                            sizeof(first));
    assert_memory_equal(first, ls_order_rows(&order, 0, 0, GLOBAL), sizeof(first));
    ls_order_free(&order);
    ls_order_init(&order, COUNT, GLOBAL, 8);
    assert_memory_not_equal(first, ls_order_rows(&order, 0, 0, GLOBAL), sizeof(first));
    ls_order_free(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_shows_each_image_at_most_once),
        cmocka_unit_test(shares_of_the_ranks_are_the_global_batch),
        cmocka_unit_test(seed_and_epoch_change_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
