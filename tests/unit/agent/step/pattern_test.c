/* Tests of agent/step/pattern.h. */
#include <errno.h>
#include <string.h>

#include "agent/step/pattern.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static const struct ls_pattern_values values = {
    .job = 42,
    .rank = 7,
    .node = 1,
    .job_name = "big/model",
    .node_name = "n1",
    .user = "ada",
};

static void assert_name(const char *pattern, const char *wanted)
{
    char *name;

    assert_int_equal(ls_pattern_expand(pattern, &values, &name, NULL), 0);
    assert_string_equal(name, wanted);
    ls_free(name);
}

static void letters_become_values(void **state)
{
    (void)state;
    assert_name("logs/%x-%j.%t", "logs/big_model-42.7");
    assert_name("%N.%n.%u.%s.%J.%A", "n1.1.ada.0.42.0.42");
    assert_name("plain", "plain");
    assert_name("100%%", "100%");
    assert_name("", "");
}

static void widths_pad_numbers_with_zeros(void **state)
{
    (void)state;
    assert_name("%4t-%1j-%06n", "0007-42-000001");
    assert_name("%99t", "0000000007");
}

static void unknown_letters_are_refused(void **state)
{
    struct ls_error err = {0};
    char *name;

    (void)state;
    assert_int_equal(ls_pattern_expand("a%q", &values, &name, &err), -EINVAL);
    assert_non_null(strstr(err.text, "'%q'"));
    assert_int_equal(ls_pattern_expand("a%", &values, &name, NULL), -EINVAL);
    assert_int_equal(ls_pattern_expand("a%3", &values, &name, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_become_values),
        cmocka_unit_test(widths_pad_numbers_with_zeros),
        cmocka_unit_test(unknown_letters_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
