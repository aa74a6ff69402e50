/* Tests of agent/step/script.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/step/script.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static char dir[] = "/tmp/script_test-XXXXXX";
static const struct ls_identity self = {0};

static int make_dir(void **state)
{
    *state = mkdtemp(dir) ? ls_asprintf("%s/script", dir) : NULL;
    return *state ? 0 : -1;
}

static int remove_dir(void **state)
{
    ls_free(*state);
    return ls_dir_remove(dir, NULL);
}

static void assert_first_line(const char *path, const char *text,
                              const char *interpreter, const char *argument)
{
    struct ls_script script;
    struct stat status;
    size_t size;
    char *bytes;

    assert_int_equal(ls_script_write(path, text, strlen(text), &self, &script, NULL),
                     0);
    assert_string_equal(script.interpreter, interpreter);
    if (argument)
        assert_string_equal(script.argument, argument);
    else
        assert_null(script.argument);
    assert_int_equal(ls_file_read(script.path, 4096, &bytes, &size, NULL), 0);
    assert_string_equal(bytes, text);
    assert_int_equal(stat(script.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    ls_free(bytes);
    ls_script_free(&script);
}

static void the_first_line_names_the_interpreter(void **state)
{
    (void)state;
    assert_first_line(*state, "#!/bin/sh\necho\n", "/bin/sh", NULL);
    assert_first_line(*state, "#! /bin/bash -l\n", "/bin/bash", "-l");
    assert_first_line(*state, "#!/usr/bin/env  python3 -u \r\n", "/usr/bin/env",
                      "python3 -u");
    assert_first_line(*state, "#!/bin/sh", "/bin/sh", NULL);
}

static void a_script_without_interpreter_is_refused(void **state)
{
    const char *const bad[] = {"", "echo\n", "#!\n", "#! \t\n", "# !/bin/sh\n", "#"};
    struct ls_script script;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(
            ls_script_write(*state, bad[i], strlen(bad[i]), &self, &script, NULL),
            -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_names_the_interpreter),
        cmocka_unit_test(a_script_without_interpreter_is_refused),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
