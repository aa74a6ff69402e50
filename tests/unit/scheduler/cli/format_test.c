/* Tests of scheduler/cli/format.c and outcome.c. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/cli/format.h"
#include "scheduler/cli/outcome.h"

static void spans_are_short(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } known[] = {
        {-1, "-"},         {0, "0:00"},          {7999, "0:07"},
        {754000, "12:34"}, {3723000, "1:02:03"}, {183845000, "2-03:04:05"},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(known); i++) {
        ls_format_span(known[i].ms, text);
        assert_string_equal(text, known[i].text);
    }
}

static void sizes_have_binary_units(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } known[] = {
        {0, "-"},
        {512, "512 B"},
        {1536, "1.5 KiB"},
        {UINT64_C(2) << 40, "2 TiB"},
        {UINT64_C(123) << 30, "123 GiB"},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(known); i++) {
        ls_format_bytes(known[i].bytes, text);
        assert_string_equal(text, known[i].text);
    }
}

static void assert_numbers(const uint32_t *numbers, size_t count, const char *expected)
{
    char *text = ls_format_numbers(numbers, count);

    assert_string_equal(text, expected);
    ls_free(text);
}

static void neighbouring_numbers_join(void **state)
{
    (void)state;
    assert_numbers(NULL, 0, "-");
    assert_numbers((uint32_t[]){3}, 1, "3");
    assert_numbers((uint32_t[]){0, 1, 2, 3, 7}, 5, "0-3,7");
    assert_numbers((uint32_t[]){7, 3, 4}, 3, "7,3-4");
}

static void states_have_their_documented_names(void **state)
{
    (void)state;
    assert_string_equal(ls_job_state_name(LS__JOB_STATE__JOB_PENDING), "pending");
    assert_string_equal(ls_job_state_name(LS__JOB_STATE__JOB_NODE_FAIL), "node_fail");
    assert_string_equal(ls_job_state_name((Ls__JobState)99), "unknown");
    assert_string_equal(ls_node_state_name(LS__NODE_STATE__NODE_DRAINED), "drained");
    assert_false(ls_job_state_ended(LS__JOB_STATE__JOB_COMPLETING));
    assert_true(ls_job_state_ended(LS__JOB_STATE__JOB_COMPLETED));
}

static void ranks_end_in_words(void **state)
{
    Ls__RankInfo rank = LS__RANK_INFO__INIT;
    char text[64];

    (void)state;
    ls_format_rank_end(&rank, text);
    assert_string_equal(text, "-");
    rank.pid = 12;
    ls_format_rank_end(&rank, text);
    assert_string_equal(text, "running");
    rank.ended = true;
    rank.exit_code = 7;
    ls_format_rank_end(&rank, text);
    assert_string_equal(text, "exit 7");
    rank.signal = SIGKILL;
    ls_format_rank_end(&rank, text);
    assert_string_equal(text, "signal 9 (KILL)");
}

static void json_takes_any_bytes(void **state)
{
    json_t *value = ls_json_text("a\xff\n\"b");

    (void)state;
    assert_string_equal(json_string_value(value), "a\xef\xbf\xbd\n\"b");
    json_decref(value);
}

static void unknown_times_are_null(void **state)
{
    json_t *unknown = ls_json_time(0), *known = ls_json_time(1732312312123);

    (void)state;
    assert_true(json_is_null(unknown));
    assert_true(json_real_value(known) > 1732312312.122);
    assert_true(json_real_value(known) < 1732312312.124);
    json_decref(unknown);
    json_decref(known);
}

static void only_a_completed_job_exits_with_zero(void **state)
{
    Ls__JobInfo job = LS__JOB_INFO__INIT;

    (void)state;
    job.state = LS__JOB_STATE__JOB_COMPLETED;
    assert_int_equal(ls_outcome_code(&job), 0);
    job.state = LS__JOB_STATE__JOB_CANCELLED;
    assert_int_equal(ls_outcome_code(&job), 1);
    job.exit_code = 143;
    assert_int_equal(ls_outcome_code(&job), 143);
    job.exit_code = 256;
    assert_int_equal(ls_outcome_code(&job), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_short),
        cmocka_unit_test(sizes_have_binary_units),
        cmocka_unit_test(neighbouring_numbers_join),
        cmocka_unit_test(states_have_their_documented_names),
        cmocka_unit_test(ranks_end_in_words),
        cmocka_unit_test(json_takes_any_bytes),
        cmocka_unit_test(unknown_times_are_null),
        cmocka_unit_test(only_a_completed_job_exits_with_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
