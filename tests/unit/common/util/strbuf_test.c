/* tests/unit/common/util/strbuf_test.c */
#include "common/util/strbuf.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static void assert_printable(const char *text, const char *expected)
{
    struct ls_strbuf out = {0};

    ls_strbuf_add_printable(&out, text);
    assert_string_equal(out.text, expected);
    ls_strbuf_free(&out);
}

static void text_from_outside_is_inert(void **state)
{
    (void)state;
    assert_printable("plain", "plain");
    assert_printable("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
    assert_printable("a\nb\tc", "a\\nb\\tc");
    assert_printable("\x1b[31mred", "\\x1b[31mred");
    assert_printable("bad \xff utf8", "bad \\xff utf8");
    assert_printable("\xe2\x80\xaeoverride", "\\xe2\\x80\\xaeoverride");
    assert_printable("\xc2\x9b" "c1", "\\xc2\\x9b" "c1");
    assert_printable("cut \xe2\x82", "cut \\xe2\\x82");
    assert_printable("overlong \xc0\xaf", "overlong \\xc0\\xaf");
}

static void assert_json(const char *text, const char *expected)
{
    struct ls_strbuf out = {0};

    ls_strbuf_add_json(&out, text);
    assert_string_equal(out.text, expected);
    ls_strbuf_free(&out);
}

static void json_strings_are_valid(void **state)
{
    (void)state;
    assert_json("", "\"\"");
    assert_json("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_json("line\n\x01", "\"line\\u000a\\u0001\"");
    assert_json("\xff", "\"\\ufffd\"");
}

static void a_taken_text_leaves_an_empty_buffer(void **state)
{
    struct ls_strbuf out = {0};
    char *text;

    (void)state;
    for (int i = 0; i < 1000; i++)
        ls_strbuf_printf(&out, "%d,", i);
    assert_int_equal(out.length, 10 * 2 + 90 * 3 + 900 * 4);
    text = ls_strbuf_take(&out);
    assert_null(out.text);
    ls_free(text);
    text = ls_strbuf_take(&out);
    assert_string_equal(text, "");
    ls_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_from_outside_is_inert),
        cmocka_unit_test(json_strings_are_valid),
        cmocka_unit_test(a_taken_text_leaves_an_empty_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
