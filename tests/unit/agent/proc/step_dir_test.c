/* Tests of agent/proc/step_dir.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/step_dir.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static char base[] = "/tmp/step_dir_test-XXXXXX";

static int make_base(void **state)
{
    (void)state;
    return mkdtemp(base) ? 0 : -1;
}

static int remove_base(void **state)
{
    (void)state;
    return ls_dir_remove(base, NULL);
}

static struct ls_step_dir make(const char *node, uint64_t job)
{
    char *node_dir = ls_asprintf("%s/%s", base, node);
    struct ls_step_dir dir;

    assert_int_equal(ls_step_dir_of(node_dir, job, 2, &dir, NULL), 0);
    assert_int_equal(ls_step_dir_make(&dir, NULL), 0);
    ls_free(node_dir);
    return dir;
}

static void names_are_read_and_written_alike(void **state)
{
    struct ls_step_dir dir;

    (void)state;
    assert_int_equal(ls_step_dir_at("/a/n0/steps/17.3", &dir, NULL), 0);
    assert_int_equal(dir.job, 17);
    assert_int_equal(dir.attempt, 3);
    assert_string_equal(dir.node_dir, "/a/n0");
    assert_string_equal(dir.sockets, dir.path);
    ls_step_dir_free(&dir);
    assert_int_equal(ls_step_dir_at("/a/n0/steps/17", &dir, NULL), -EINVAL);
    assert_int_equal(ls_step_dir_at("/a/n0/steps/17.3.tmp", &dir, NULL), -EINVAL);
    assert_int_equal(ls_step_dir_at("/a/n0/steps/x.3", &dir, NULL), -EINVAL);
}

static void the_files_tell_the_fate(void **state)
{
    struct ls_step_dir dir = make("fate", 1);
    Ls__Launch launch = LS__LAUNCH__INIT;
    Ls__Launch *read_launch;
    Ls__StepReport report = LS__STEP_REPORT__INIT;
    Ls__StepReport *read_report;
    char user[] = "somebody", reason[] = "because";

    (void)state;
    assert_int_equal(ls_step_dir_fate(&dir), LS_STEP_UNLAUNCHED);
    launch.job = 1;
    launch.user = user;
    assert_int_equal(ls_step_dir_write_launch(&dir, &launch, NULL), 0);
    assert_int_equal(ls_step_dir_fate(&dir), LS_STEP_LAUNCHABLE);
    assert_int_equal(ls_step_dir_mark_started(&dir, NULL), 0);
    assert_int_equal(ls_step_dir_fate(&dir), LS_STEP_KILLED);
    report.reason = reason;
    assert_int_equal(ls_step_dir_read_result(&dir, &read_report, NULL), -ENOENT);
    assert_int_equal(ls_step_dir_write_result(&dir, &report, NULL), 0);
    assert_int_equal(ls_step_dir_fate(&dir), LS_STEP_FINISHED);
    assert_int_equal(ls_step_dir_read_launch(&dir, &read_launch, NULL), 0);
    assert_string_equal(read_launch->user, "somebody");
    assert_int_equal(ls_step_dir_read_result(&dir, &read_report, NULL), 0);
    assert_string_equal(read_report->reason, "because");
    ls__launch__free_unpacked(read_launch, NULL);
    ls__step_report__free_unpacked(read_report, NULL);
    assert_int_equal(ls_step_dir_remove(&dir, NULL), 0);
    assert_int_equal(access(dir.path, F_OK), -1);
    ls_step_dir_free(&dir);
}

static void the_id_stays_and_differs_between_directories(void **state)
{
    struct ls_step_dir one = make("a", 5), other = make("b", 5);
    char *first, *again, *elsewhere;

    (void)state;
    assert_int_equal(ls_step_dir_id(&one, "n", &first, NULL), 0);
    assert_int_equal(ls_step_dir_id(&one, "n", &again, NULL), 0);
    assert_int_equal(ls_step_dir_id(&other, "n", &elsewhere, NULL), 0);
    assert_string_equal(first, again);
    assert_memory_equal(first, "5.2.n.", 6);
    assert_string_not_equal(first, elsewhere);
    ls_free(first);
    ls_free(again);
    ls_free(elsewhere);
    ls_step_dir_free(&one);
    ls_step_dir_free(&other);
}

static void long_paths_have_their_sockets_elsewhere(void **state)
{
    char name[120];
    struct ls_step_dir dir, same;
    struct stat status;
    char *path;

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    dir = make(name, 3);
    path = ls_step_dir_socket(&dir, "exchange.sock");
    assert_true(strlen(path) < 108);
    assert_int_equal(stat(dir.sockets, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0711);
    assert_int_equal(ls_step_dir_at(dir.path, &same, NULL), 0);
    assert_string_equal(same.sockets, dir.sockets);
    assert_int_equal(ls_step_dir_remove(&dir, NULL), 0);
    assert_int_equal(access(dir.sockets, F_OK), -1);
    ls_free(path);
    ls_step_dir_free(&same);
    ls_step_dir_free(&dir);
}

static void sockets_of_a_stranger_are_refused(void **state)
{
    char name[120];
    struct ls_step_dir dir;
    struct ls_error err = {0};

    (void)state;
    memset(name, 'y', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    dir = make(name, 3);
    assert_int_equal(chmod(dir.sockets, 0777),
                     0); /* anybody may write: not ours alone */
    assert_int_equal(ls_step_dir_make(&dir, &err), -EPERM);
    assert_non_null(strstr(err.text, "is not our directory"));
    ls_step_dir_remove(&dir, NULL);
    ls_step_dir_free(&dir);
}

static void only_attempts_are_listed(void **state)
{
    struct ls_step_dir one = make("list", 1), two = make("list", 20), *found;
    char *other = ls_asprintf("%s/list/steps/other", base);
    char *node_dir = ls_asprintf("%s/list", base);
    size_t count;

    (void)state;
    assert_int_equal(ls_dir_make(other, NULL), 0);
    assert_int_equal(ls_step_dir_list(node_dir, &found, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(found[0].job + found[1].job, 21);
    for (size_t i = 0; i < count; i++)
        ls_step_dir_free(&found[i]);
    ls_free(found);
    assert_int_equal(ls_step_dir_list("/nowhere", &found, &count, NULL), 0);
    assert_int_equal(count, 0);
    ls_free(found);
    ls_free(other);
    ls_free(node_dir);
    ls_step_dir_free(&one);
    ls_step_dir_free(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_and_written_alike),
        cmocka_unit_test(the_files_tell_the_fate),
        cmocka_unit_test(the_id_stays_and_differs_between_directories),
        cmocka_unit_test(long_paths_have_their_sockets_elsewhere),
        cmocka_unit_test(sockets_of_a_stranger_are_refused),
        cmocka_unit_test(only_attempts_are_listed),
    };

    return cmocka_run_group_tests(tests, make_base, remove_base);
}
