/* Tests of agent/proc/environment.h. */
#include <stdio.h>

#include "agent/proc/environment.h"
#include "tests/lib/cmocka.h"

static const char *const lines[] = {"A=1", "B=two=2", "=odd", "junk", "A=3", "EMPTY="};

static void lines_are_taken_over_and_the_last_of_a_name_wins(void **state)
{
    struct ls_environment environment = {0};

    (void)state;
    ls_environment_load(&environment, (char *const *)lines,
                        sizeof(lines) / sizeof(lines[0]));
    assert_int_equal(environment.count, 3);
    assert_string_equal(environment.items[0], "A=3");
    assert_string_equal(environment.items[1], "B=two=2");
    assert_string_equal(environment.items[2], "EMPTY=");
    assert_null(environment.items[3]);
    ls_environment_free(&environment);
}

static void setting_replaces_and_defaults_fill_in(void **state)
{
    struct ls_environment environment = {0};

    (void)state;
    ls_environment_load(&environment, (char *const *)lines,
                        sizeof(lines) / sizeof(lines[0]));
    ls_environment_set(&environment, "A", "%d-%s", 7, "x");
    ls_environment_default(&environment, "A", "no");
    ls_environment_default(&environment, "EMPTY", "filled");
    ls_environment_default(&environment, "NEW", "new");
    assert_string_equal(ls_environment_get(&environment, "A"), "7-x");
    assert_string_equal(ls_environment_get(&environment, "EMPTY"), "filled");
    assert_string_equal(ls_environment_get(&environment, "NEW"), "new");
    assert_null(ls_environment_get(&environment, "NE"));
    assert_null(ls_environment_get(&environment, "NEWER"));
    ls_environment_free(&environment);
}

static void unsetting_keeps_the_others_and_the_end(void **state)
{
    struct ls_environment environment = {0};

    (void)state;
    ls_environment_load(&environment, (char *const *)lines,
                        sizeof(lines) / sizeof(lines[0]));
    ls_environment_unset(&environment, "B");
    ls_environment_unset(&environment, "ABSENT");
    assert_int_equal(environment.count, 2);
    assert_null(ls_environment_get(&environment, "B"));
    assert_string_equal(environment.items[1], "EMPTY=");
    assert_null(environment.items[2]);
    ls_environment_free(&environment);
}

static void many_variables_end_with_null(void **state)
{
    struct ls_environment environment = {0};
    char name[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "V%d", i);
        ls_environment_set(&environment, name, "%d", i);
        assert_null(environment.items[i + 1]);
    }
    assert_string_equal(ls_environment_get(&environment, "V999"), "999");
    ls_environment_free(&environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_taken_over_and_the_last_of_a_name_wins),
        cmocka_unit_test(setting_replaces_and_defaults_fill_in),
        cmocka_unit_test(unsetting_keeps_the_others_and_the_end),
        cmocka_unit_test(many_variables_end_with_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
