/* Tests of scheduler/cli/settings.c and place.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/place.h"
#include "scheduler/cli/settings.h"

static char directory[64];
static struct ls_error error;

static int setup(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/lockstep-test-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return ls_dir_remove(directory, &error);
}

static void settings_survive_the_file(void **state)
{
    struct ls_settings written = {.nodes = 4,
                                  .topology = (char *)"/a b/\"x\".xml",
                                  .listen = (char *)"[::1]:7000"};
    struct ls_settings read;

    (void)state;
    assert_int_equal(ls_settings_write(directory, &written, &error), 0);
    assert_int_equal(ls_settings_read(directory, &read, &error), 0);
    assert_int_equal(read.nodes, 4);
    assert_string_equal(read.topology, written.topology);
    assert_null(read.fabric);
    assert_string_equal(read.listen, written.listen);
    ls_settings_free(&read);
}

static void a_directory_without_settings_is_told_apart(void **state)
{
    struct ls_settings read;

    (void)state;
    assert_int_equal(ls_settings_read(directory, &read, &error), -ENOENT);
}

static void damaged_settings_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{\"nodes\": 0}",
                                      "{\"nodes\": \"4\"}",
                                      "{\"nodes\": 99999999}",
                                      "{\"nodes\": 1, \"fabric\": 3}"};
    char *path = ls_asprintf("%s/cluster.json", directory);
    struct ls_settings read;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ls_file_write_atomic(path, bad[i], strlen(bad[i]), &error), 0);
        assert_int_equal(ls_settings_read(directory, &read, &error), -EINVAL);
        assert_non_null(strstr(error.text, "cluster.json"));
    }
    ls_free(path);
}

static void only_more_nodes_fit_a_running_cluster(void **state)
{
    struct ls_settings settings = {.nodes = 2, .fabric = ls_strdup("/f.yaml")};
    bool changed;

    (void)state;
    ls_settings_merge(&settings, &(struct ls_settings){0}, &changed);
    assert_false(changed);
    ls_settings_merge(&settings, &(struct ls_settings){.nodes = 3}, &changed);
    assert_false(changed);
    assert_int_equal(settings.nodes, 3);
    ls_settings_merge(&settings, &(struct ls_settings){.fabric = (char *)"/f.yaml"},
                      &changed);
    assert_false(changed);
    ls_settings_merge(&settings, &(struct ls_settings){.nodes = 1}, &changed);
    assert_true(changed);
    ls_settings_merge(&settings, &(struct ls_settings){.topology = (char *)"/t"},
                      &changed);
    assert_true(changed);
    assert_string_equal(settings.topology, "/t");
    ls_settings_free(&settings);
}

static void a_directory_is_found_by_option_then_variable(void **state)
{
    char *found;

    (void)state;
    setenv("LOCKSTEP_DIR", "/from/variable", 1);
    assert_int_equal(ls_place_find("/from/option", &found, &error), 0);
    assert_string_equal(found, "/from/option");
    ls_free(found);
    assert_int_equal(ls_place_find(NULL, &found, &error), 0);
    assert_string_equal(found, "/from/variable");
    ls_free(found);
    unsetenv("LOCKSTEP_DIR");
    setenv("XDG_RUNTIME_DIR", "/from/session", 1);
    assert_int_equal(ls_place_find(NULL, &found, &error), 0);
    assert_string_equal(found, "/from/session/lockstep");
    ls_free(found);
}

static void links_lead_to_one_name(void **state)
{
    char *link = ls_asprintf("%s/link", directory), *found;

    (void)state;
    assert_int_equal(symlink(directory, link), 0);
    assert_int_equal(ls_place_find(link, &found, &error), 0);
    assert_string_equal(found, directory);
    ls_free(found);
    ls_free(link);
}

static void a_name_too_long_for_a_socket_is_refused(void **state)
{
    char path[128], *found;

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[108 - sizeof("/scheduler.sock")] = '\0';
    assert_int_equal(ls_place_find(path, &found, &error), 0);
    ls_free(found);
    path[108 - sizeof("/scheduler.sock")] = 'a';
    path[109 - sizeof("/scheduler.sock")] = '\0';
    assert_int_equal(ls_place_find(path, &found, &error), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_survive_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_without_settings_is_told_apart,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_settings_are_refused, setup, teardown),
        cmocka_unit_test(only_more_nodes_fit_a_running_cluster),
        cmocka_unit_test(a_directory_is_found_by_option_then_variable),
        cmocka_unit_test_setup_teardown(links_lead_to_one_name, setup, teardown),
        cmocka_unit_test(a_name_too_long_for_a_socket_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
