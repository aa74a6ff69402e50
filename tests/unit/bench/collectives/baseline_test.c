/* tests/unit/bench/collectives/baseline_test.c - what --json wrote, --baseline reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/collectives/json.h"
#include "common/util/file.h"
#include "tests/lib/cmocka.h"

static struct ls_row rows_written[] = {
    {.c =
         {.kind = LS_BENCH_ALLREDUCE, .type = LOCKSTEP_FLOAT32, .ranks = 2, .count = 2},
     .bytes = 8,
     .out_of_place = {.time_us = 10},
     .in_place = {.wrong = -1}},
    {.c = {.kind = LS_BENCH_ALLREDUCE,
           .type = LOCKSTEP_FLOAT32,
           .op = LOCKSTEP_MAX,
           .ranks = 2,
           .count = 2},
     .bytes = 8,
     .out_of_place = {.time_us = 20},
     .in_place = {.wrong = -1}},
    {.c = {.kind = LS_BENCH_ALLREDUCE, .type = LOCKSTEP_INT32, .ranks = 2, .count = 4},
     .bytes = 16,
     .out_of_place = {.time_us = 30},
     .in_place = {.wrong = -1}},
};

static char path[64];

static int write_file(void **state)
{
    const struct ls_bench_options options = {.kind = LS_BENCH_ALLREDUCE};
    struct ls_placement placement[2] = {{.pid = 1}, {.pid = 2}};
    const struct ls_bench bench = {
        .options = &options, .ranks = 2, .nodes = 1, .placement = placement};
    const struct ls_rows rows = {.rows = rows_written, .count = 3};
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/baseline_test-XXXXXX");
    fd = mkstemp(path);
    ls_close(fd);
    return fd < 0 ? -1 : ls_json_write(path, &bench, &rows, NULL);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void times_are_found_by_size_type_and_operation(void **state)
{
    struct ls_row other = rows_written[0];
    struct ls_baseline *baseline;

    (void)state;
    assert_int_equal(ls_baseline_read(path, LS_BENCH_ALLREDUCE, 2, 1, &baseline, NULL),
                     0);
    for (int i = 0; i < 3; i++)
        assert_float_equal(ls_baseline_time(baseline, &rows_written[i]),
                           rows_written[i].out_of_place.time_us, 1e-6);
    other.bytes = 64;
    assert_float_equal(ls_baseline_time(baseline, &other), 0, 0);
    ls_baseline_free(baseline);
}

static void another_run_is_refused(void **state)
{
    struct ls_baseline *baseline;
    struct ls_error err = {0};

    (void)state;
    assert_true(ls_baseline_read(path, LS_BENCH_ALLGATHER, 2, 1, &baseline, &err) < 0);
    assert_non_null(strstr(err.text, "is of allreduce, 2 ranks"));
    assert_true(ls_baseline_read(path, LS_BENCH_ALLREDUCE, 4, 1, &baseline, &err) < 0);
    assert_true(ls_baseline_read(path, LS_BENCH_ALLREDUCE, 2, 2, &baseline, &err) < 0);
}

static void garbage_is_refused(void **state)
{
    struct ls_baseline *baseline;
    struct ls_error err = {0};

    (void)state;
    assert_int_equal(ls_file_write_atomic(path, "{\"rows\": [", 10, NULL), 0);
    assert_true(ls_baseline_read(path, LS_BENCH_ALLREDUCE, 2, 1, &baseline, &err) < 0);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(ls_file_write_atomic(path, "[1, 2]", 6, NULL), 0);
    assert_true(ls_baseline_read(path, LS_BENCH_ALLREDUCE, 2, 1, &baseline, &err) < 0);
    assert_non_null(strstr(err.text, "not written by lockstep-bench"));
}

static void only_rows_beyond_the_tolerance_are_regressions(void **state)
{
    struct ls_row rows[] = {
        {.out_of_place.time_us = 10, .baseline_us = 0},  /* new */
        {.out_of_place.time_us = 10, .baseline_us = 20}, /* faster */
        {.out_of_place.time_us = 11, .baseline_us = 10}, /* 10 % slower */
        {.out_of_place.time_us = 13, .baseline_us = 10}, /* 30 % slower */
    };
    struct ls_rows all = {.rows = rows, .count = 4};

    (void)state;
    assert_int_equal(ls_regressions(&all, 0.2), 1);
    assert_int_equal(ls_regressions(&all, 0.05), 2);
    assert_int_equal(ls_regressions(&all, 0.5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, write_file, remove_file)
        TEST(times_are_found_by_size_type_and_operation),
        TEST(another_run_is_refused),
        TEST(garbage_is_refused),
        cmocka_unit_test(only_rows_beyond_the_tolerance_are_regressions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
