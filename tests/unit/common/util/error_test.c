/* tests/unit/common/util/error_test.c */
#include <errno.h>
#include <string.h>

#include "common/util/error.h"
#include "tests/lib/cmocka.h"

static void an_error_says_what_and_why(void **state)
{
    struct ls_error err = {0};

    (void)state;
    assert_int_equal(ls_error_set(&err, -EINVAL, "line %d: %s", 3, "odd"), -EINVAL);
    assert_string_equal(err.text, "line 3: odd");
    assert_int_equal(ls_error_sys(&err, -ENOENT, "%s", "/x"), -ENOENT);
    assert_string_equal(err.text, "/x: No such file or directory");
    assert_int_equal(ls_error_wrap(&err, "job %d", 7), -ENOENT);
    assert_string_equal(err.text, "job 7: /x: No such file or directory");
}

static void a_long_text_is_cut_not_overrun(void **state)
{
    struct ls_error err = {0};
    char longer[2000];

    (void)state;
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ls_error_sys(&err, -EIO, "%s", longer);
    assert_int_equal(strlen(err.text), LS_ERROR_TEXT_MAX - 1);
    ls_error_wrap(&err, "%s", longer);
    assert_int_equal(strlen(err.text), LS_ERROR_TEXT_MAX - 1);
    assert_int_equal(ls_error_set(NULL, -EIO, "nobody listens"), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_says_what_and_why),
        cmocka_unit_test(a_long_text_is_cut_not_overrun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
