/* Tests of agent/step/output.h: a pipe, a loop, a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/step/output.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static char path[] = "/tmp/output_test-XXXXXX";

struct fixture {
    uv_loop_t loop;
    struct ls_output *output;
};

static void open_output(struct fixture *fixture, const char *file)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(ls_output_open(&fixture->loop, fd, &fixture->output, NULL), 0);
}

static void close_output(struct fixture *fixture)
{
    ls_output_close(fixture->output);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void assert_content(const char *wanted)
{
    size_t size;
    char *bytes;

    assert_int_equal(ls_file_read(path, 4096, &bytes, &size, NULL), 0);
    assert_string_equal(bytes, wanted);
    ls_free(bytes);
}

static void what_is_written_arrives_up_to_the_end(void **state)
{
    struct fixture fixture;
    int writer;

    (void)state;
    open_output(&fixture, path);
    writer = dup(ls_output_pipe(fixture.output));
    ls_output_read(fixture.output);
    assert_int_equal(ls_write_all(writer, "one\n", 4), 0);
    uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_content("one\n");
    assert_int_equal(ls_write_all(writer, "two\n", 4), 0);
    close(writer);
    uv_run(&fixture.loop, UV_RUN_DEFAULT); /* ends by itself at the end of the pipe */
    assert_content("one\ntwo\n");
    close_output(&fixture);
}

static void draining_takes_what_is_there_and_waits_for_nobody(void **state)
{
    struct fixture fixture;
    int writer, code;

    (void)state;
    open_output(&fixture, path);
    writer = dup(ls_output_pipe(fixture.output)); /* a stranger that never closes it */
    ls_output_read(fixture.output);
    assert_int_equal(ls_write_all(writer, "last words\n", 11), 0);
    ls_output_drain(fixture.output);
    ls_output_drain(fixture.output);
    assert_content("last words\n");
    assert_int_equal(ls_output_lost(fixture.output, &code), 0);
    close_output(&fixture);
    close(writer);
}

static void a_full_disk_is_counted_and_blocks_nobody(void **state)
{
    struct fixture fixture;
    int writer, code;

    (void)state;
    open_output(&fixture, "/dev/full");
    writer = dup(ls_output_pipe(fixture.output));
    ls_output_read(fixture.output);
    assert_int_equal(ls_write_all(writer, "12345", 5), 0);
    close(writer);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(ls_output_lost(fixture.output, &code), 5);
    assert_int_equal(code, -ENOSPC);
    close_output(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_arrives_up_to_the_end),
        cmocka_unit_test(draining_takes_what_is_there_and_waits_for_nobody),
        cmocka_unit_test(a_full_disk_is_counted_and_blocks_nobody),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
