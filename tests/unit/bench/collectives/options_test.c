/* tests/unit/bench/collectives/options_test.c */
#include <string.h>

#include "bench/collectives/options.h"
#include "tests/lib/cmocka.h"

enum { WORDS_MAX = 16 };

static enum ls_options_result read_words(const char *const *words,
                                         struct ls_bench_options *options,
                                         struct ls_error *err)
{
    char *argv[WORDS_MAX + 2] = {(char *)"lockstep-bench"};
    int argc = 1;

    while (*words)
        argv[argc++] = (char *)*words++;
    return ls_bench_options_read(argc, argv, options, err);
}

#define READ(options, err, ...)                                                        \
    read_words((const char *const[]){__VA_ARGS__, NULL}, options, err)

static void flags_of_nccl_tests_are_read(void **state)
{
    struct ls_bench_options options;

    (void)state;
    assert_int_equal(READ(&options, NULL, "allreduce", "-b", "8", "-e", "256M", "-f",
                          "4", "-d", "half,int64", "-o", "all", "-n", "20", "-w", "1",
                          "-c0"),
                     LS_OPTIONS_RUN);
    assert_int_equal(options.kind, LS_BENCH_ALLREDUCE);
    assert_int_equal(options.bytes_min, 8);
    assert_int_equal(options.bytes_max, 256 << 20);
    assert_int_equal(options.types, 1U << LOCKSTEP_FLOAT16 | 1U << LOCKSTEP_INT64);
    assert_int_equal(options.ops, (1U << LOCKSTEP_OP_COUNT) - 1);
    assert_int_equal(options.iterations, 20);
    assert_int_equal(options.warmup, 1);
    assert_false(options.check);
}

static void an_unknown_collective_lists_what_exists(void **state)
{
    struct ls_bench_options options;
    struct ls_error err = {0};

    (void)state;
    assert_int_equal(READ(&options, &err, "alltoall"), LS_OPTIONS_BAD);
    for (unsigned kind = 0; kind < LS_BENCH_KIND_COUNT; kind++)
        assert_non_null(
            strstr(err.text, ls_collective_name((enum ls_collective_kind)kind)));
    assert_int_equal(READ(&options, &err, "-b", "8"), LS_OPTIONS_BAD);
    assert_non_null(strstr(err.text, "which collective?"));
}

static void bad_values_are_refused_with_what_was_expected(void **state)
{
    static const char *const bad[][3] = {
        {"-b", "8Q", "-b 8Q"},
        {"-f", "1", "-f 1"},
        {"-d", "quad", "-d quad"},
        {"-d", "float,,int32", "no such name"},
        {"-o", "xor", "-o xor"},
        {"-n", "0", "from 1"},
        {"-a", "4", "from 0 to 3"},
        {"--vs", "nccl", "expected mpi"},
        {"--local", "0", "from 1"},
        {"--memory", "gpu", "lockstep or malloc"},
        {"--time-budget", "x", "from"},
        {"-b", "1G", "no size to measure"},
        {"--jsno", "x", "no such option"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ls_bench_options options;
        struct ls_error err = {0};

        assert_int_equal(READ(&options, &err, "allreduce", bad[i][0], bad[i][1]),
                         LS_OPTIONS_BAD);
        assert_non_null(strstr(err.text, bad[i][2]));
    }
}

static void sizes_grow_by_factor_or_by_step_and_end(void **state)
{
    struct ls_bench_options options = {.bytes_max = 100, .step_factor = 3};

    (void)state;
    assert_int_equal(ls_bench_next_size(&options, 8), 24);
    assert_int_equal(ls_bench_next_size(&options, 72), 0);
    assert_int_equal(ls_bench_next_size(&options, 0), 1);
    options.bytes_max = UINT64_MAX;
    assert_int_equal(ls_bench_next_size(&options, UINT64_MAX / 2), 0);
    options.step_bytes = 7;
    assert_int_equal(ls_bench_next_size(&options, 8), 15);
    assert_int_equal(ls_bench_next_size(&options, UINT64_MAX - 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_nccl_tests_are_read),
        cmocka_unit_test(an_unknown_collective_lists_what_exists),
        cmocka_unit_test(bad_values_are_refused_with_what_was_expected),
        cmocka_unit_test(sizes_grow_by_factor_or_by_step_and_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
