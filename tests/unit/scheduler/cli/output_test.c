/* Tests of scheduler/cli/output.c: what is printed, once, whole lines when labelled. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scheduler/cli/output.h"

/* stdout and stderr of the test are put aside while something is captured. */
struct capture {
    int saved[2], pipes[2][2];
};

static void capture_start(struct capture *capture)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe2(capture->pipes[i], O_CLOEXEC), 0);
        capture->saved[i] = dup(i + 1);
        dup2(capture->pipes[i][1], i + 1);
        close(capture->pipes[i][1]);
    }
}

static void capture_end(struct capture *capture, char text[2][256])
{
    for (int i = 0; i < 2; i++) {
        ssize_t size;

        dup2(capture->saved[i], i + 1);
        close(capture->saved[i]);
        size = read(capture->pipes[i][0], text[i], 255);
        text[i][size > 0 ? size : 0] = '\0';
        close(capture->pipes[i][0]);
    }
}

static int add(struct ls_output *output, uint32_t rank, uint32_t stream,
               uint64_t offset, const char *text)
{
    Ls__LogChunk chunk = LS__LOG_CHUNK__INIT;
    struct ls_error err;

    chunk.rank = rank;
    chunk.stream = stream;
    chunk.offset = offset;
    chunk.data.data = (uint8_t *)text;
    chunk.data.len = strlen(text);
    return ls_output_add(output, &chunk, &err);
}

static void streams_go_where_they_belong(void **state)
{
    struct ls_output *output = ls_output_new(false);
    struct capture capture;
    char text[2][256];

    (void)state;
    capture_start(&capture);
    add(output, 0, 1, 0, "out");
    add(output, 1, 2, 0, "err\n");
    capture_end(&capture, text);
    assert_string_equal(text[0], "out");
    assert_string_equal(text[1], "err\n");
    ls_output_free(output);
}

static void what_comes_twice_is_printed_once(void **state)
{
    struct ls_output *output = ls_output_new(false);
    struct capture capture;
    char text[2][256];

    (void)state;
    capture_start(&capture);
    add(output, 0, 1, 0, "abcd");
    add(output, 0, 1, 0, "abcd"); /* all of it known */
    add(output, 0, 1, 2, "cdef"); /* half of it */
    add(output, 1, 1, 0, "X");    /* another rank has offsets of its own */
    add(output, 0, 1, 6, "gh");
    capture_end(&capture, text);
    assert_string_equal(text[0], "abcdefXgh");
    ls_output_free(output);
}

static void labels_stand_before_whole_lines(void **state)
{
    struct ls_output *output = ls_output_new(true);
    struct ls_error err;
    struct capture capture;
    char text[2][256];

    (void)state;
    capture_start(&capture);
    add(output, 3, 1, 0, "one\ntw");
    add(output, 12, 1, 0, "other\n");
    add(output, 3, 1, 6, "o\n\nend");
    ls_output_finish(output, &err);
    capture_end(&capture, text);
    assert_string_equal(text[0], "3: one\n12: other\n3: two\n3: \n3: end\n");
    ls_output_free(output);
}

static void a_closed_pipe_is_noticed(void **state)
{
    struct ls_output *output = ls_output_new(false);
    int pipes[2], saved = dup(STDOUT_FILENO), rc;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(pipes), 0);
    close(pipes[0]);
    dup2(pipes[1], STDOUT_FILENO);
    close(pipes[1]);
    rc = add(output, 0, 1, 0, "x");
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_int_equal(rc, -EPIPE);
    assert_int_equal(ls_output_failed(output), -EPIPE);
    ls_output_free(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_go_where_they_belong),
        cmocka_unit_test(what_comes_twice_is_printed_once),
        cmocka_unit_test(labels_stand_before_whole_lines),
        cmocka_unit_test(a_closed_pipe_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
