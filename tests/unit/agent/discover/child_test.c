/* child_test.c - a function in a limited child: answers, errors, and every bad end. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/discover/child.h"
#include "common/util/mem.h"

static const struct ls_child_limits limits = {
    .what = "the child", .time_ms = 20000, .memory_bytes = 64 << 20};

static int answer_text(const void *argument, uint8_t **ret_bytes, size_t *ret_size,
                       struct ls_error *err)
{
    (void)err;
    *ret_size = strlen(argument);
    *ret_bytes = ls_memdup(argument, *ret_size);
    return 0;
}

static int answer_error(const void *argument, uint8_t **ret_bytes, size_t *ret_size,
                        struct ls_error *err)
{
    (void)ret_bytes;
    (void)ret_size;
    return ls_error_set(err, -ENODEV, "%s", (const char *)argument);
}

static int crash(const void *argument, uint8_t **ret_bytes, size_t *ret_size,
                 struct ls_error *err)
{
    (void)ret_bytes;
    (void)ret_size;
    (void)err;
    (void)fputs(argument, stderr);
    raise(SIGSEGV);
    return 0;
}

static int hang(const void *argument, uint8_t **ret_bytes, size_t *ret_size,
                struct ls_error *err)
{
    (void)argument;
    (void)ret_bytes;
    (void)ret_size;
    (void)err;
    while (pause() < 0)
        ;
    return 0;
}

static int leave(const void *argument, uint8_t **ret_bytes, size_t *ret_size,
                 struct ls_error *err)
{
    (void)argument;
    (void)ret_bytes;
    (void)ret_size;
    (void)err;
    _exit(3);
}

static int answer_too_much(const void *argument, uint8_t **ret_bytes, size_t *ret_size,
                           struct ls_error *err)
{
    (void)argument;
    (void)err;
    *ret_size = LS_CHILD_ANSWER_MAX + 1;
    *ret_bytes = ls_calloc(*ret_size, 1);
    return 0;
}

/* Map as many bytes as the argument says; -ENOMEM when that is refused. */
static int map_memory(const void *argument, uint8_t **ret_bytes, size_t *ret_size,
                      struct ls_error *err)
{
    size_t size = *(const size_t *)argument;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return ls_error_set(err, -errno, "no memory");
    return answer_text("mapped", ret_bytes, ret_size, err);
}

/* Are the descriptor of the argument and those after 3 closed? */
static int look_for_descriptor(const void *argument, uint8_t **ret_bytes,
                               size_t *ret_size, struct ls_error *err)
{
    int fd = *(const int *)argument;

    if (fcntl(fd, F_GETFD) >= 0)
        return ls_error_set(err, -EEXIST, "descriptor %d is open", fd);
    return answer_text("closed", ret_bytes, ret_size, err);
}

static void assert_answer(ls_child_function *function, const void *argument,
                          const char *expected)
{
    struct ls_error err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;

    ls_child_run(function, argument, &limits, &bytes, &size, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
    ls_free(bytes);
}

static void assert_fails(ls_child_function *function, const void *argument,
                         const struct ls_child_limits *with, int code, const char *text)
{
    struct ls_error err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;

    assert_int_equal(ls_child_run(function, argument, with, &bytes, &size, &err), code);
    assert_string_equal(err.text, text);
    assert_null(bytes);
    /* Nothing is left to wait for. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void an_answer_comes_back_byte_for_byte(void **state)
{
    (void)state;
    assert_answer(answer_text, "a digest", "a digest");
}

static void an_error_of_the_function_comes_back_as_it_is(void **state)
{
    (void)state;
    assert_fails(answer_error, "no such device", &limits, -ENODEV, "no such device");
}

static void control_characters_in_an_error_are_made_inert(void **state)
{
    (void)state;
    assert_fails(answer_error, "a\033[31m\nb", &limits, -ENODEV, "a\\x1b[31m\\nb");
}

static void a_crash_names_the_signal(void **state)
{
    (void)state;
    assert_fails(crash, "", &limits, -EFAULT, "the child crashed (SIGSEGV)");
}

static void what_a_child_wrote_to_stderr_is_part_of_the_reason(void **state)
{
    (void)state;
    assert_fails(crash, "assertion failed: x\nmore\n", &limits, -EFAULT,
                 "the child crashed (SIGSEGV): assertion failed: x");
}

static void a_child_that_hangs_is_killed_when_its_time_is_over(void **state)
{
    struct ls_child_limits soon = limits;

    (void)state;
    soon.time_ms = 100;
    assert_fails(hang, NULL, &soon, -ETIMEDOUT,
                 "the child gave no answer within 0.1 s");
}

static void a_child_that_leaves_is_told_by_its_exit_code(void **state)
{
    (void)state;
    assert_fails(leave, NULL, &limits, -EIO,
                 "the child ended without an answer (exit code 3)");
}

static void an_answer_over_the_bound_is_not_taken(void **state)
{
    struct ls_error err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;

    (void)state;
    assert_true(ls_child_run(answer_too_much, NULL, &limits, &bytes, &size, &err) < 0);
    assert_null(bytes);
}

static void memory_beyond_the_limit_is_refused(void **state)
{
    size_t small = 1 << 20, large = 256 << 20;

    (void)state;
    assert_answer(map_memory, &small, "mapped");
    assert_fails(map_memory, &large, &limits, -ENOMEM, "no memory");
}

static void descriptors_of_the_parent_are_closed_in_the_child(void **state)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD, 50);

    (void)state;
    if (fd < 0)
        fd = open("/dev/null", O_RDONLY);
    assert_answer(look_for_descriptor, &fd, "closed");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back_byte_for_byte),
        cmocka_unit_test(an_error_of_the_function_comes_back_as_it_is),
        cmocka_unit_test(control_characters_in_an_error_are_made_inert),
        cmocka_unit_test(a_crash_names_the_signal),
        cmocka_unit_test(what_a_child_wrote_to_stderr_is_part_of_the_reason),
        cmocka_unit_test(a_child_that_hangs_is_killed_when_its_time_is_over),
        cmocka_unit_test(a_child_that_leaves_is_told_by_its_exit_code),
        cmocka_unit_test(an_answer_over_the_bound_is_not_taken),
        cmocka_unit_test(memory_beyond_the_limit_is_refused),
        cmocka_unit_test(descriptors_of_the_parent_are_closed_in_the_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
