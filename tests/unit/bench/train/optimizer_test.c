/* tests/unit/bench/train/optimizer_test.c */
#include "bench/train/optimizer.h"
#include "tests/lib/cmocka.h"

static void momentum_carries_the_last_gradient_on(void **state)
{
    float parameters[2] = {1, 1}, gradient[2] = {2, 100};
    struct ls_sgd sgd;

    (void)state;
    ls_sgd_init(&sgd, 2, 0.1F, 0.5F, 10);
    ls_sgd_apply(&sgd, parameters, gradient, 0, 1, 0.1F);
    assert_float_equal(parameters[0], 0.8F, 1e-6); /* velocity 2 */
    gradient[0] = 1;
    ls_sgd_apply(&sgd, parameters, gradient, 0, 1, 0.1F);
    assert_float_equal(parameters[0], 0.6F, 1e-6); /* velocity 0.5 * 2 + 1 */
    assert_float_equal(parameters[1], 1, 0);       /* outside the range */
    ls_sgd_free(&sgd);
}

static void learning_rate_falls_in_a_line(void **state)
{
    struct ls_sgd sgd;

    (void)state;
    ls_sgd_init(&sgd, 1, 0.2F, 0, 10);
    assert_float_equal(ls_sgd_rate(&sgd, 0), 0.2F, 1e-7);
    assert_float_equal(ls_sgd_rate(&sgd, 5), 0.1F, 1e-7);
    assert_float_equal(ls_sgd_rate(&sgd, 10), 0, 1e-7);
    ls_sgd_free(&sgd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(momentum_carries_the_last_gradient_on),
        cmocka_unit_test(learning_rate_falls_in_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
