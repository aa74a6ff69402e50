/* Tests of scheduler/cli/export.c and spec.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/util/mem.h"
#include "scheduler/cli/spec.h"

static char *const environment[] = {
    (char *)"HOME=/home/ada",
    (char *)"PATH=/opt/bin",
    (char *)"A=1",
    (char *)"AB=2",
    (char *)"LOCKSTEP_STEP_ID=9.1.n0.abc",
    NULL,
};

static char **env;
static size_t count;
static struct ls_error error;

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < count; i++)
        ls_free(env[i]);
    ls_free(env);
    env = NULL;
    count = 0;
    return 0;
}

static const char *value(const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!strncmp(env[i], name, strlen(name)) && env[i][strlen(name)] == '=')
            return env[i] + strlen(name) + 1;
    }
    return NULL;
}

static int build(const char *list)
{
    return ls_export_build(list, environment, &env, &count, &error);
}

static void all_is_the_default_but_for_the_mark_of_a_step(void **state)
{
    (void)state;
    assert_int_equal(build(NULL), 0);
    assert_int_equal(count, 4);
    assert_string_equal(value("PATH"), "/opt/bin");
    assert_null(value("LOCKSTEP_STEP_ID"));
}

static void all_with_more_adds_and_replaces(void **state)
{
    (void)state;
    assert_int_equal(build("ALL,A=x,NEW=y"), 0);
    assert_int_equal(count, 5);
    assert_string_equal(value("A"), "x");
    assert_string_equal(value("AB"), "2");
    assert_string_equal(value("NEW"), "y");
}

static void none_leaves_what_a_login_has(void **state)
{
    (void)state;
    assert_int_equal(build("NONE"), 0);
    assert_string_equal(value("HOME"), "/home/ada");
    assert_string_equal(value("PATH"), "/usr/local/bin:/usr/bin:/bin");
    assert_null(value("A"));
}

static void a_list_takes_names_and_values(void **state)
{
    (void)state;
    assert_int_equal(build("AB,NOT_SET,PATH,C="), 0);
    assert_string_equal(value("AB"), "2");
    assert_string_equal(value("PATH"), "/opt/bin");
    assert_string_equal(value("C"), "");
    assert_null(value("A"));
    assert_null(value("NOT_SET"));
}

static void a_variable_needs_a_name(void **state)
{
    (void)state;
    assert_int_equal(build("A,=x"), -EINVAL);
    assert_int_equal(build("A,,B"), -EINVAL);
    assert_int_equal(build(""), -EINVAL);
}

static void a_spec_has_name_directory_and_a_key_of_its_own(void **state)
{
    char *argv[] = {(char *)"/opt/train", (char *)"-x"};
    const struct ls_job_command command = {argv, 2, NULL, 0};
    const struct ls_job_options options = {.nodes = 2, .cwd = "/"};
    Ls__JobSpec *one, *two;

    (void)state;
    assert_int_equal(ls_spec_build(&options, &command, &one, &error), 0);
    assert_int_equal(ls_spec_build(&options, &command, &two, &error), 0);
    assert_string_equal(one->name, "train");
    assert_string_equal(one->cwd, "/");
    assert_int_equal(one->n_argv, 2);
    assert_int_equal(one->nodes, 2);
    assert_int_equal(one->script.len, 0);
    assert_int_equal(strlen(one->submit_key), 32);
    assert_string_not_equal(one->submit_key, two->submit_key);
    ls__job_spec__free_unpacked(one, NULL);
    ls__job_spec__free_unpacked(two, NULL);
}

static void a_directory_that_is_not_there_is_named(void **state)
{
    char *argv[] = {(char *)"true"};
    const struct ls_job_command command = {argv, 1, NULL, 0};
    const struct ls_job_options options = {.cwd = "/no/such/directory"};
    Ls__JobSpec *spec;

    (void)state;
    assert_int_equal(ls_spec_build(&options, &command, &spec, &error), -ENOENT);
    assert_non_null(strstr(error.text, "/no/such/directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_is_the_default_but_for_the_mark_of_a_step,
                                  teardown),
        cmocka_unit_test_teardown(all_with_more_adds_and_replaces, teardown),
        cmocka_unit_test_teardown(none_leaves_what_a_login_has, teardown),
        cmocka_unit_test_teardown(a_list_takes_names_and_values, teardown),
        cmocka_unit_test_teardown(a_variable_needs_a_name, teardown),
        cmocka_unit_test(a_spec_has_name_directory_and_a_key_of_its_own),
        cmocka_unit_test(a_directory_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
