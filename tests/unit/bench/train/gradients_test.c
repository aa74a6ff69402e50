/* tests/unit/bench/train/gradients_test.c - the order of parts, on a job of one rank.
 */
#include "bench/train/gradients.h"
#include "tests/lib/cmocka.h"

static void parts_come_back_in_the_order_they_were_started(void **state)
{
    const struct ls_bucket *bucket;
    struct ls_gradients gradients;
    lockstep_comm *comm;

    (void)state;
    assert_int_equal(lockstep_init(&comm), LOCKSTEP_OK);
    assert_int_equal(ls_gradients_init(&gradients, comm, 100), LOCKSTEP_OK);
    for (int i = 0; i < 100; i++)
        gradients.values[i] = (float)i;
    for (int step = 0; step < 3; step++) {
        ls_gradients_ready(&gradients, 60, 40);
        ls_gradients_ready(&gradients, 0, 60);
        assert_true(ls_gradients_next(&gradients, &bucket));
        assert_int_equal(bucket->first, 60);
        assert_int_equal(bucket->count, 40);
        assert_true(ls_gradients_next(&gradients, &bucket));
        assert_int_equal(bucket->first, 0);
        assert_int_equal(bucket->count, 60);
        assert_false(ls_gradients_next(&gradients, &bucket));
        assert_int_equal(gradients.status, LOCKSTEP_OK);
    }
    for (int i = 0; i < 100; i++) /* the mean over one rank */
        assert_float_equal(gradients.values[i], (float)i, 0);
    assert_int_equal(gradients.bytes, 3 * 100 * sizeof(float));
    ls_gradients_free(&gradients);
    assert_int_equal(lockstep_finalize(comm), LOCKSTEP_OK);
}

static void an_error_ends_the_step(void **state)
{
    const struct ls_bucket *bucket;
    struct ls_gradients gradients;
    lockstep_comm *comm;

    (void)state;
    assert_int_equal(lockstep_init(&comm), LOCKSTEP_OK);
    assert_int_equal(ls_gradients_init(&gradients, comm, 100), LOCKSTEP_OK);
    ls_gradients_ready(&gradients, 60, 40);
    gradients.status = LOCKSTEP_ERR_PEER_LOST;
    ls_gradients_ready(&gradients, 0, 60); /* is not started any more */
    assert_int_equal(gradients.started, 1);
    assert_false(ls_gradients_next(&gradients, &bucket));
    assert_int_equal(gradients.status, LOCKSTEP_ERR_PEER_LOST);
    assert_int_equal(lockstep_wait(comm, gradients.buckets[0].request), LOCKSTEP_OK);
    ls_gradients_free(&gradients);
    assert_int_equal(lockstep_finalize(comm), LOCKSTEP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_back_in_the_order_they_were_started),
        cmocka_unit_test(an_error_ends_the_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
