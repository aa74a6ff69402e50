/* Tests of agent/proc/lock.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/proc/lock.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static char dir[] = "/tmp/lock_test-XXXXXX";

static int make_dir(void **state)
{
    *state = mkdtemp(dir) ? ls_asprintf("%s/lock", dir) : NULL;
    return *state ? 0 : -1;
}

static int remove_dir(void **state)
{
    ls_free(*state);
    return ls_dir_remove(dir, NULL);
}

static void a_held_lock_names_its_holder_until_it_is_closed(void **state)
{
    int lock = ls_lock_take(*state, NULL, NULL);
    struct ls_error err = {0};
    pid_t holder = 0;

    assert_true(lock >= 0);
    assert_int_equal(ls_lock_name_holder(lock, getpid(), NULL), 0);
    assert_int_equal(ls_lock_take(*state, &holder, &err), -EWOULDBLOCK);
    assert_int_equal(holder, getpid());
    close(lock);
    lock = ls_lock_take(*state, NULL, NULL);
    assert_true(lock >= 0);
    close(lock);
}

static void a_child_keeps_the_lock_of_its_parent(void **state)
{
    int lock = ls_lock_take(*state, NULL, NULL);
    int wait_for[2];
    char byte;
    pid_t child;

    assert_true(lock >= 0);
    assert_int_equal(pipe(wait_for), 0);
    child = fork();
    if (child == 0) {
        close(wait_for[1]);
        _exit(read(wait_for[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(lock);
    close(wait_for[0]);
    assert_int_equal(ls_lock_take(*state, NULL, NULL), -EWOULDBLOCK);
    close(wait_for[1]); /* the child ends */
    assert_int_equal(waitpid(child, NULL, 0), child);
    lock = ls_lock_take(*state, NULL, NULL);
    assert_true(lock >= 0);
    close(lock);
}

static void a_lock_that_cannot_be_made_is_an_error_with_its_path(void **state)
{
    struct ls_error err = {0};

    (void)state;
    assert_int_equal(ls_lock_take("/nowhere/lock", NULL, &err), -ENOENT);
    assert_string_equal(err.text, "/nowhere/lock: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_lock_names_its_holder_until_it_is_closed),
        cmocka_unit_test(a_child_keeps_the_lock_of_its_parent),
        cmocka_unit_test(a_lock_that_cannot_be_made_is_an_error_with_its_path),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
