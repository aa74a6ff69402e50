/* tests/unit/bench/collectives/pattern_test.c - the data is exact, and the check sees
 * every wrong element. */
#include <math.h>
#include <string.h>

#include "bench/collectives/pattern.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

enum { COUNT = 2 * LS_PATTERN_PERIOD + 77 };

static const int RANKS[] = {1, 2, 3, 7, 8, 64, 65, 300};

/* Integers up to this are exact in the type. */
static double exact_max(lockstep_type type)
{
    return type == LOCKSTEP_BFLOAT16 ? 256 : type == LOCKSTEP_FLOAT16 ? 2048 : 16777216;
}

static void partial_sums_are_exact_in_every_type_and_any_order(void **state)
{
    (void)state;
    for (int type = 0; type < LOCKSTEP_TYPE_COUNT; type++) {
        for (size_t n = 0; n < sizeof(RANKS) / sizeof(RANKS[0]); n++) {
            struct ls_case c = {.kind = LS_BENCH_ALLREDUCE,
                                .type = (lockstep_type)type,
                                .op = LOCKSTEP_SUM,
                                .ranks = RANKS[n]};

            for (uint64_t i = 0; i < 500; i++) {
                double magnitude = 0; /* no partial sum is larger */

                for (int rank = 0; rank < c.ranks; rank++)
                    magnitude += fabs(ls_pattern_value(&c, rank, i));
                assert_true(magnitude <= exact_max(c.type));
            }
        }
    }
}

static void averages_are_whole_numbers(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(RANKS) / sizeof(RANKS[0]); n++) {
        struct ls_case c = {.kind = LS_BENCH_ALLREDUCE,
                            .type = LOCKSTEP_BFLOAT16,
                            .op = LOCKSTEP_AVG,
                            .ranks = RANKS[n]};

        for (uint64_t i = 0; i < 500; i++) {
            double sum = 0, mean;

            for (int rank = 0; rank < c.ranks; rank++) {
                sum += ls_pattern_value(&c, rank, i);
                assert_true(fabs(sum) <= exact_max(c.type));
            }
            mean = sum / c.ranks;
            assert_true(mean == floor(mean));
        }
    }
}

static void ranks_and_places_differ(void **state)
{
    struct ls_case c = {
        .kind = LS_BENCH_ALLREDUCE, .type = LOCKSTEP_FLOAT32, .ranks = 4};
    int equal_ranks = 0, equal_places = 0;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        equal_ranks += ls_pattern_value(&c, 0, i) == ls_pattern_value(&c, 1, i);
        equal_places += ls_pattern_value(&c, 0, i) == ls_pattern_value(&c, 0, i + 64);
    }
    assert_true(equal_ranks < 10);
    assert_true(equal_places < 10);
}

/* A rank's output of a reduction in double precision, converted by the compiler. */
static void reduce_floats(const struct ls_case *c, float *out)
{
    float *in = ls_calloc(COUNT, sizeof(float));

    memset(out, 0, COUNT * sizeof(float));
    for (int rank = 0; rank < c->ranks; rank++) {
        ls_pattern_fill_input(c, rank, in);
        for (int i = 0; i < COUNT; i++)
            out[i] += in[i];
    }
    ls_free(in);
}

static void a_right_sum_passes_and_every_wrong_element_is_found(void **state)
{
    struct ls_case c = {.kind = LS_BENCH_ALLREDUCE,
                        .type = LOCKSTEP_FLOAT32,
                        .op = LOCKSTEP_SUM,
                        .ranks = 3,
                        .count = COUNT};
    float *out = ls_calloc(COUNT, sizeof(float));
    uint64_t first = 0;

    (void)state;
    reduce_floats(&c, out);
    assert_int_equal(ls_pattern_check_output(&c, 0, out, &first), 0);
    out[COUNT - 1] = nextafterf(out[COUNT - 1], INFINITY); /* one bit */
    out[5000] += 1;
    assert_int_equal(ls_pattern_check_output(&c, 0, out, &first), 2);
    assert_int_equal(first, 5000);
    ls_free(out);
}

static void a_shifted_block_is_found(void **state)
{
    struct ls_case c = {.kind = LS_BENCH_REDUCE_SCATTER,
                        .type = LOCKSTEP_FLOAT32,
                        .op = LOCKSTEP_SUM,
                        .ranks = 3,
                        .count = COUNT / 3};
    float *out = ls_calloc(COUNT, sizeof(float));
    uint64_t first;

    (void)state;
    c.kind = LS_BENCH_ALLREDUCE;
    c.count = COUNT;
    reduce_floats(&c, out);
    c.kind = LS_BENCH_REDUCE_SCATTER;
    c.count = COUNT / 3;
    assert_int_equal(ls_pattern_check_output(&c, 1, out + COUNT / 3, &first), 0);
    assert_true(ls_pattern_check_output(&c, 1, out, &first) > COUNT / 4);
    ls_free(out);
}

static void a_gathered_block_of_another_rank_is_found(void **state)
{
    struct ls_case c = {
        .kind = LS_BENCH_ALLGATHER, .type = LOCKSTEP_INT64, .ranks = 3, .count = 100};
    int64_t out[300];
    uint64_t first;

    (void)state;
    for (int rank = 0; rank < 3; rank++)
        ls_pattern_fill_input(&c, rank, out + rank * 100);
    assert_int_equal(ls_pattern_check_output(&c, 0, out, &first), 0);
    ls_pattern_fill_input(&c, 2, out + 100);
    assert_true(ls_pattern_check_output(&c, 0, out, &first) > 90);
    assert_in_range(first, 100, 110);
}

static void half_precision_is_encoded_as_the_standard_says(void **state)
{
    struct ls_case c = {.kind = LS_BENCH_BROADCAST, .ranks = 2, .count = 1000};
    uint16_t half[1000], brain[1000];

    (void)state;
    c.type = LOCKSTEP_FLOAT16;
    ls_pattern_fill_input(&c, 0, half);
    c.type = LOCKSTEP_BFLOAT16;
    ls_pattern_fill_input(&c, 0, brain);
    for (uint64_t i = 0; i < 1000; i++) {
        double value = ls_pattern_value(&c, 0, i);
        int exponent = (half[i] >> 10 & 31) - 15;
        double magnitude =
            half[i] & 0x7fff ? ldexp(1 + (half[i] & 1023) / 1024.0, exponent) : 0;
        uint32_t bits = (uint32_t)brain[i] << 16;
        float single;

        memcpy(&single, &bits, 4);
        assert_true(value == (half[i] & 0x8000 ? -magnitude : magnitude));
        assert_true(value == (double)single);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_sums_are_exact_in_every_type_and_any_order),
        cmocka_unit_test(averages_are_whole_numbers),
        cmocka_unit_test(ranks_and_places_differ),
        cmocka_unit_test(a_right_sum_passes_and_every_wrong_element_is_found),
        cmocka_unit_test(a_shifted_block_is_found),
        cmocka_unit_test(a_gathered_block_of_another_rank_is_found),
        cmocka_unit_test(half_precision_is_encoded_as_the_standard_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
