/* tests/unit/common/util/file_test.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static int make_directory(void **state)
{
    *state = ls_strdup("/tmp/lockstep-file-test-XXXXXX");
    return mkdtemp(*state) ? 0 : -1;
}

static int remove_directory(void **state)
{
    int rc = ls_dir_remove(*state, NULL);

    ls_free(*state);
    return rc;
}

static void a_file_is_replaced_whole(void **state)
{
    char *path = ls_asprintf("%s/f", (char *)*state), *bytes;
    struct stat status;
    size_t size;

    assert_int_equal(ls_file_write_atomic(path, "old", 3, NULL), 0);
    assert_int_equal(ls_file_write_atomic(path, "newer", 5, NULL), 0);
    assert_int_equal(ls_file_read(path, 100, &bytes, &size, NULL), 0);
    assert_int_equal(size, 5);
    assert_string_equal(bytes, "newer");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    ls_free(bytes);
    ls_free(path);
}

static void reading_is_bounded_and_names_the_file(void **state)
{
    char *path = ls_asprintf("%s/f", (char *)*state), *bytes;
    struct ls_error err = {0};
    size_t size;

    assert_int_equal(ls_file_write_atomic(path, "12345", 5, NULL), 0);
    assert_int_equal(ls_file_read(path, 4, &bytes, &size, &err), -EFBIG);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(ls_file_read(*state, 100, &bytes, &size, &err), -EISDIR);
    unlink(path);
    assert_int_equal(ls_file_read(path, 100, &bytes, &size, &err), -ENOENT);
    assert_int_equal(ls_file_read("/proc/self/stat", 4096, &bytes, &size, &err), 0);
    assert_true(size > 10);
    ls_free(bytes);
    ls_free(path);
}

static void directories_come_and_go_as_a_whole(void **state)
{
    char *deep = ls_asprintf("%s/a/b/c", (char *)*state);
    char *top = ls_asprintf("%s/a", (char *)*state);
    char *file = ls_asprintf("%s/a/b/f", (char *)*state);
    struct ls_error err = {0};

    assert_int_equal(ls_dir_make(deep, NULL), 0);
    assert_int_equal(ls_dir_make(deep, NULL), 0);
    assert_int_equal(ls_file_write_atomic(file, "x", 1, NULL), 0);
    assert_int_equal(ls_dir_make(file, &err), -ENOTDIR);
    assert_int_equal(ls_dir_remove(top, NULL), 0);
    assert_int_equal(access(top, F_OK), -1);
    assert_int_equal(ls_dir_remove(top, NULL), 0);
    ls_free(deep);
    ls_free(top);
    ls_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_replaced_whole, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(reading_is_bounded_and_names_the_file, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(directories_come_and_go_as_a_whole, make_directory,
                                        remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
