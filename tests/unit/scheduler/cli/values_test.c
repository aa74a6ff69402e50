/* Tests of scheduler/cli/values.c. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/util/check.h"
#include "scheduler/cli/values.h"

static void counts_are_whole_decimal_numbers_within_bounds(void **state)
{
    struct ls_error err;
    uint64_t number = 7;

    (void)state;
    assert_int_equal(ls_read_count("12", 1, 100, &number, &err), 0);
    assert_int_equal(number, 12);
    assert_int_equal(
        ls_read_count("18446744073709551615", 0, UINT64_MAX, &number, &err), 0);
    assert_true(number == UINT64_MAX);
    number = 7;
    assert_int_equal(ls_read_count("0", 1, 100, &number, &err), -EINVAL);
    assert_string_equal(err.text, "0 is too small, at least 1");
    assert_int_equal(ls_read_count("101", 1, 100, &number, &err), -EINVAL);
    assert_string_equal(err.text, "101 is too large, at most 100");
    assert_int_equal(number, 7); /* outputs only on success */
}

static void what_is_no_count_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1.5", "two", "18446744073709551616", "2-4"};
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(bad); i++)
        assert_int_equal(ls_read_count(bad[i], 0, UINT64_MAX, &number, NULL), -EINVAL);
}

static void time_limits_follow_slurm(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } known[] = {
        {"0", 0},
        {"30", 1800},
        {"1:30", 90},
        {"0:30", 30},
        {"20:00:00", 72000},
        {"1:2:3", 3723},
        {"2-12", 216000},
        {"1-0", 86400},
        {"1-2:03", 93780},
        {"7-00:00:01", 604801},
        {"90:61", 5461},
        {"UNLIMITED", 0},
        {"infinite", 0},
    };
    uint64_t seconds;

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(known); i++) {
        seconds = 1;
        assert_int_equal(ls_read_time_limit(known[i].text, &seconds, NULL), 0);
        assert_int_equal(seconds, known[i].seconds);
    }
}

static void what_is_no_time_limit_is_refused(void **state)
{
    static const char *const bad[] = {
        "",   "-",    ":",           "1:",        ":1",
        "1-", "-1",   "1:2:3:4",     "1-2:3:4:5", "1h",
        "5 ", "1--2", "99999999999", "36501-0",   "18446744073709551615-0"};
    struct ls_error err;
    uint64_t seconds = 1;

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(bad); i++)
        assert_int_equal(ls_read_time_limit(bad[i], &seconds, &err), -EINVAL);
    assert_int_equal(seconds, 1);
}

static void sizes_are_mebibytes_unless_they_say_otherwise(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } known[] = {
        {"0", 0},           {"100", 100 << 20},
        {"4K", 4096},       {"16g", 16ULL << 30},
        {"1T", 1ULL << 40}, {"2GB", 2ULL << 30},
        {"3MiB", 3 << 20},
    };
    static const char *const bad[] = {"",
                                      "G",
                                      "1.5G",
                                      "-1",
                                      "1X",
                                      "1GG",
                                      "1 G",
                                      "99999999999999999999",
                                      "18446744073709551615T"};
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(known); i++) {
        assert_int_equal(ls_read_bytes(known[i].text, &bytes, NULL), 0);
        assert_true(bytes == known[i].bytes);
    }
    for (size_t i = 0; i < LS_ARRAY_SIZE(bad); i++)
        assert_int_equal(ls_read_bytes(bad[i], &bytes, NULL), -EINVAL);
}

static void spans_are_seconds_unless_they_say_otherwise(void **state)
{
    static const struct {
        const char *text;
        uint32_t ms;
    } known[] = {{"5", 5000}, {"2.5s", 2500}, {"500ms", 500}, {"1m", 60000}, {"0", 0}};
    static const char *const bad[] = {"",    "s",   "-1",  "1h",  "nan",
                                      "inf", "1e9", "61m", "0x10"};
    uint32_t ms;

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(known); i++) {
        assert_int_equal(ls_read_span(known[i].text, &ms, NULL), 0);
        assert_int_equal(ms, known[i].ms);
    }
    for (size_t i = 0; i < LS_ARRAY_SIZE(bad); i++)
        assert_int_equal(ls_read_span(bad[i], &ms, NULL), -EINVAL);
}

static void signals_go_by_number_and_by_name(void **state)
{
    int signal = 0;

    (void)state;
    assert_int_equal(ls_read_signal("9", &signal, NULL), 0);
    assert_int_equal(signal, SIGKILL);
    assert_int_equal(ls_read_signal("usr1", &signal, NULL), 0);
    assert_int_equal(signal, SIGUSR1);
    assert_int_equal(ls_read_signal("SIGTERM", &signal, NULL), 0);
    assert_int_equal(signal, SIGTERM);
    assert_int_equal(ls_read_signal("0", &signal, NULL), -EINVAL);
    assert_int_equal(ls_read_signal("65", &signal, NULL), -EINVAL);
    assert_int_equal(ls_read_signal("SIG", &signal, NULL), -EINVAL);
    assert_int_equal(ls_read_signal("NOSUCH", &signal, NULL), -EINVAL);
    assert_int_equal(signal, SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_whole_decimal_numbers_within_bounds),
        cmocka_unit_test(what_is_no_count_is_refused),
        cmocka_unit_test(time_limits_follow_slurm),
        cmocka_unit_test(what_is_no_time_limit_is_refused),
        cmocka_unit_test(sizes_are_mebibytes_unless_they_say_otherwise),
        cmocka_unit_test(spans_are_seconds_unless_they_say_otherwise),
        cmocka_unit_test(signals_go_by_number_and_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
