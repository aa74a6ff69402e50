/* Tests of scheduler/cli/table.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/util/check.h"
#include "scheduler/cli/table.h"

static const struct ls_table_column columns[] = {
    {"ID", LS_ALIGN_RIGHT, false},
    {"NAME", LS_ALIGN_LEFT, true},
    {"STATE", LS_ALIGN_LEFT, false},
};

static void add_row(struct ls_table *table, int id, const char *name, const char *state)
{
    ls_table_cell(table, LS_STYLE_PLAIN, "%d", id);
    ls_table_cell(table, LS_STYLE_PLAIN, "%s", name);
    ls_table_cell(table, LS_STYLE_BAD, "%s", state);
}

static void assert_renders(const struct ls_table *table, size_t width, bool colour,
                           const char *expected)
{
    struct ls_strbuf text = {0};

    ls_table_render(table, width, colour, &text);
    assert_string_equal(text.text, expected);
    ls_strbuf_free(&text);
}

static struct ls_table *small_table(void)
{
    struct ls_table *table = ls_table_new(columns, LS_ARRAY_SIZE(columns));

    add_row(table, 7, "a", "failed");
    add_row(table, 12, "a long name", "up");
    return table;
}

static void columns_are_aligned(void **state)
{
    struct ls_table *table = small_table();

    (void)state;
    assert_renders(table, 0, false,
                   "ID  NAME         STATE\n"
                   " 7  a            failed\n"
                   "12  a long name  up\n");
    ls_table_free(table);
}

static void a_narrow_terminal_cuts_what_may_be_cut(void **state)
{
    struct ls_table *table = small_table();

    (void)state;
    assert_renders(table, 18, false,
                   "ID  NAME    STATE\n"
                   " 7  a       failed\n"
                   "12  a lon…  up\n");
    assert_renders(table, 1, false,
                   "ID  NAME  STATE\n"
                   " 7  a     failed\n"
                   "12  a l…  up\n");
    ls_table_free(table);
}

static void colours_do_not_shift_columns(void **state)
{
    struct ls_table *table = ls_table_new(columns, LS_ARRAY_SIZE(columns));

    (void)state;
    add_row(table, 1, "x", "failed");
    assert_renders(table, 0, true,
                   "ID  NAME  STATE\n 1  x     \033[31mfailed\033[0m\n");
    ls_table_free(table);
}

static void text_from_outside_is_inert(void **state)
{
    struct ls_table *table = ls_table_new(columns, LS_ARRAY_SIZE(columns));

    (void)state;
    add_row(table, 1, "\033[2Jx\ny", "ok");
    assert_renders(table, 0, false, "ID  NAME         STATE\n 1  \\x1b[2Jx\\ny  ok\n");
    ls_table_free(table);
}

static void characters_count_and_not_bytes(void **state)
{
    struct ls_table *table = ls_table_new(columns, LS_ARRAY_SIZE(columns));

    (void)state;
    assert_int_equal(ls_text_columns("größe…"), 6);
    add_row(table, 1, "größer", "ok");
    add_row(table, 2, "kleine", "ok");
    assert_renders(table, 0, false,
                   "ID  NAME    STATE\n 1  größer  ok\n 2  kleine  ok\n");
    assert_renders(table, 16, false,
                   "ID  NAME   STATE\n 1  größ…  ok\n 2  klei…  ok\n");
    ls_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(a_narrow_terminal_cuts_what_may_be_cut),
        cmocka_unit_test(colours_do_not_shift_columns),
        cmocka_unit_test(text_from_outside_is_inert),
        cmocka_unit_test(characters_count_and_not_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
