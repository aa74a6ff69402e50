/* tests/unit/scheduler/policy/text_test.c */
#include "tests/unit/scheduler/policy/cluster.h"

#include "scheduler/policy/text.h"

static void numbers_are_written_whole(void **state)
{
    char out[128];
    struct ls_text text = ls_text_begin(out, sizeof(out));

    (void)state;
    ls_text_add_number(&text, 0);
    ls_text_add(&text, " ");
    ls_text_add_number(&text, -7);
    ls_text_add(&text, " ");
    ls_text_add_number(&text, INT64_MIN);
    ls_text_add(&text, " ");
    ls_text_add_number(&text, INT64_MAX);
    assert_string_equal(out, "0 -7 -9223372036854775808 9223372036854775807");
}

static void one_is_singular(void **state)
{
    char out[64];
    struct ls_text text = ls_text_begin(out, sizeof(out));

    (void)state;
    ls_text_add_count(&text, 1, "node");
    ls_text_add(&text, ", ");
    ls_text_add_count(&text, 0, "GPU");
    ls_text_add(&text, ", ");
    ls_text_add_count(&text, UINT64_MAX, "core");
    assert_string_equal(out, "1 node, 0 GPUs, 18446744073709551615 cores");
}

static void memory_and_time_have_the_unit_that_fits(void **state)
{
    char out[64];
    struct ls_text text = ls_text_begin(out, sizeof(out));

    (void)state;
    ls_text_add_memory(&text, UINT64_C(512) << 30);
    ls_text_add(&text, " ");
    ls_text_add_memory(&text, UINT64_C(1536) << 20);
    ls_text_add(&text, " ");
    ls_text_add_memory(&text, 2048);
    ls_text_add(&text, " ");
    ls_text_add_duration(&text, 90000);
    ls_text_add(&text, " ");
    ls_text_add_duration(&text, 250);
    assert_string_equal(out, "512G 1536M 2K 90 s 250 ms");
}

static void what_does_not_fit_is_cut_off_with_its_end(void **state)
{
    char out[9];
    struct ls_text text;

    (void)state;
    memset(out, '#', sizeof(out));
    text = ls_text_begin(out, 8);
    ls_text_add(&text, "waiting");
    ls_text_add(&text, " for more");
    ls_text_add_number(&text, 12);
    assert_string_equal(out, "waiting");
    assert_int_equal(out[8], '#');
    ls_text_copy(out, 5, "a long name");
    assert_string_equal(out, "a lo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_whole),
        cmocka_unit_test(one_is_singular),
        cmocka_unit_test(memory_and_time_have_the_unit_that_fits),
        cmocka_unit_test(what_does_not_fit_is_cut_off_with_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
