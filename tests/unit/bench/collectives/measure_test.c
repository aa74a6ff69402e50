/* tests/unit/bench/collectives/measure_test.c - one rank, all cases; what is computed
 * from times, not the times. */
#include "bench/collectives/bench.h"
#include "bench/collectives/measure.h"
#include "bench/collectives/table.h"
#include "tests/lib/cmocka.h"

static void percentiles_are_values_of_the_list(void **state)
{
    const double sorted[] = {1, 2, 3, 4};

    (void)state;
    assert_float_equal(ls_percentile(sorted, 4, 0), 1, 0);
    assert_float_equal(ls_percentile(sorted, 4, 0.5), 3, 0);
    assert_float_equal(ls_percentile(sorted, 4, 0.99), 4, 0);
    assert_float_equal(ls_percentile(sorted, 4, 1), 4, 0);
}

static void assert_measured(struct ls_bench *bench, enum ls_collective_kind kind,
                            int type)
{
    struct ls_case c = {.kind = kind, .type = (lockstep_type)type, .ranks = 1};
    struct ls_error err = {0};
    struct ls_row row;

    c.count = ls_case_count_for(&c, kind == LS_BENCH_BARRIER ? 0 : 4096);
    assert_int_equal(ls_measure_case(bench, &c, &row, &err), 0);
    assert_true(row.out_of_place.time_us > 0);
    assert_true(row.p50_us > 0 && row.p99_us >= row.p50_us);
    assert_int_equal(row.out_of_place.wrong, kind == LS_BENCH_BARRIER ? -1 : 0);
    assert_int_equal(row.bytes, kind == LS_BENCH_BARRIER ? 0 : 4096);
    if (ls_collective_has_two_places(kind)) {
        assert_true(row.in_place.time_us > 0);
        assert_int_equal(row.in_place.wrong, 0);
    }
}

static void one_rank_measures_every_collective_and_type(void **state)
{
    const struct ls_bench_options options = {.bytes_max = 4096,
                                             .check = true,
                                             .average = LS_AVERAGE_MAX,
                                             .budget_s = 1e-4,
                                             .shared_memory = true};
    struct ls_error err = {0};
    struct ls_bench bench;
    lockstep_comm *comm;

    (void)state;
    assert_int_equal(lockstep_init(&comm), LOCKSTEP_OK);
    assert_int_equal(ls_bench_open(&bench, &options, comm, "here", &err), 0);
    assert_string_equal(bench.placement[0].node, "here");
    for (int kind = 0; kind < LS_BENCH_KIND_COUNT; kind++)
        for (int type = 0; type < LOCKSTEP_TYPE_COUNT; type++)
            assert_measured(&bench, (enum ls_collective_kind)kind, type);
    ls_bench_close(&bench);
    assert_int_equal(lockstep_finalize(comm), LOCKSTEP_OK);
}

static void mean_bandwidth_counts_what_was_measured(void **state)
{
    struct ls_row rows[] = {
        {.out_of_place = {.time_us = 1, .busbw = 4},
         .in_place = {.time_us = 1, .busbw = 6}},
        {.out_of_place = {.time_us = 1, .busbw = 2, .wrong = 3},
         .in_place = {.wrong = -1}},
    };
    struct ls_rows all = {.rows = rows, .count = 2};

    (void)state;
    assert_float_equal(ls_rows_mean_busbw(&all), 4, 1e-12);
    assert_int_equal(ls_rows_wrong(&all), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_values_of_the_list),
        cmocka_unit_test(one_rank_measures_every_collective_and_type),
        cmocka_unit_test(mean_bandwidth_counts_what_was_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
