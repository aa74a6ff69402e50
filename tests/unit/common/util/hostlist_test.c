/* tests/unit/common/util/hostlist_test.c */
#include <errno.h>
#include <string.h>

#include "common/util/hostlist.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"
#include "tests/lib/cmocka.h"

static void assert_expands(const char *text, const char *expected)
{
    struct ls_strbuf joined = {0};
    struct ls_error err = {0};
    char **names;
    size_t count;

    assert_int_equal(ls_hostlist_expand(text, &names, &count, &err), 0);
    ls_strbuf_add(&joined, "");
    for (size_t i = 0; i < count; i++)
        ls_strbuf_printf(&joined, i ? " %s" : "%s", names[i]);
    assert_string_equal(joined.text, expected);
    ls_strbuf_free(&joined);
    ls_hostlist_free(names, count);
}

static void brackets_expand_to_names(void **state)
{
    (void)state;
    assert_expands("n0", "n0");
    assert_expands("n[0-3]", "n0 n1 n2 n3");
    assert_expands("n[1,3-4],gpu7", "n1 n3 n4 gpu7");
    assert_expands("n[08-11]", "n08 n09 n10 n11");
    assert_expands("r[0-1]n[0-1]", "r0n0 r0n1 r1n0 r1n1");
    assert_expands("a[1-2]b", "a1b a2b");
    assert_expands("", "");
}

static void garbage_is_refused_with_its_column(void **state)
{
    static const char *const garbage[] = {"n[0-3",  "n[3-1]", "n]",     "n[]",  "n[a]",
                                          "n[0-,2]", ",n1",    "n1,",    "n1,,n2", "n[0-99999999]",
                                          "n[0-999999999999999999]", "[[1]]"};

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct ls_error err = {0};
        char **names;
        size_t count;

        assert_int_equal(ls_hostlist_expand(garbage[i], &names, &count, &err), -EINVAL);
        assert_non_null(strstr(err.text, "column"));
    }
}

static void assert_compresses(const char *text, const char *expected)
{
    char **names, *compressed;
    size_t count;

    assert_int_equal(ls_hostlist_expand(text, &names, &count, NULL), 0);
    compressed = ls_hostlist_compress(names, count);
    assert_string_equal(compressed, expected);
    ls_free(compressed);
    ls_hostlist_free(names, count);
}

static void neighbours_join_into_ranges(void **state)
{
    (void)state;
    assert_compresses("n0", "n0");
    assert_compresses("n0,n1,n2", "n[0-2]");
    assert_compresses("n0,n2,n3,n9", "n[0,2-3,9]");
    assert_compresses("n08,n09,n10", "n[08-10]");
    assert_compresses("n9,n10", "n[9-10]");
    assert_compresses("a1,b2", "a1,b2");
    assert_compresses("login,n1", "login,n1");
}

static void what_is_compressed_expands_to_the_same(void **state)
{
    (void)state;
    assert_compresses("n[0-12499]", "n[0-12499]");
    assert_compresses("n[001-100],m[1-3]", "n[001-100],m[1-3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brackets_expand_to_names),
        cmocka_unit_test(garbage_is_refused_with_its_column),
        cmocka_unit_test(neighbours_join_into_ranges),
        cmocka_unit_test(what_is_compressed_expands_to_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
