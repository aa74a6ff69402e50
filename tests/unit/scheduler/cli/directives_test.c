/* Tests of scheduler/cli/directives.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheduler/cli/directives.h"

static struct ls_job_options options;
static struct ls_directives directives;
static struct ls_error error;

static int setup(void **state)
{
    (void)state;
    options = (struct ls_job_options){0};
    directives = (struct ls_directives){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ls_directives_free(&directives);
    return 0;
}

static int read_script(const char *script)
{
    return ls_directives_read("job.sh", script, &options, &directives, &error);
}

static void both_markers_are_read(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n#LOCKSTEP --nodes 2\n#SBATCH -n 16\n"), 0);
    assert_int_equal(options.nodes, 2);
    assert_int_equal(options.ntasks, 16);
}

static void a_line_may_have_several_options_and_a_comment(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n"
                                 "#SBATCH --exclusive --mem=0 -N3   # whole nodes\n"),
                     0);
    assert_true(options.exclusive);
    assert_int_equal(options.nodes, 3);
}

static void blank_lines_and_comments_may_stand_between(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n\n# a comment\n   \t\r\n"
                                 "#LOCKSTEP -N 2\r\n  # indented\n#LOCKSTEP -J last"),
                     0);
    assert_int_equal(options.nodes, 2);
    assert_string_equal(options.name, "last");
}

static void directives_end_at_the_first_command(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\necho hi\n#LOCKSTEP --nodes 2\n"), 0);
    assert_int_equal(options.nodes, 0);
}

static void two_hashes_switch_a_directive_off(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n##SBATCH --nodes 2\n#SBATCHx --nodes 3\n"
                                 " #SBATCH --nodes 4\n"),
                     0);
    assert_int_equal(options.nodes, 0);
}

static void quotes_group_words(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n"
                                 "#LOCKSTEP --comment \"two words # no comment\"\n"
                                 "#LOCKSTEP -J 'it'\\''s' --nodelist=\"n[0-1]\"\n"),
                     0);
    assert_string_equal(options.comment, "two words # no comment");
    assert_string_equal(options.name, "it's");
    assert_string_equal(options.nodelist, "n[0-1]");
}

static void errors_name_line_and_directive(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n#LOCKSTEP -N 2\n#SBATCH --ndoes=4\n"),
                     -EINVAL);
    assert_string_equal(error.text, "job.sh:3: #SBATCH --ndoes=4: --ndoes: unknown "
                                    "option; did you mean --nodes?");
}

static void what_is_no_option_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n#SBATCH nodes=4\n"), -EINVAL);
    assert_string_equal(error.text,
                        "job.sh:2: #SBATCH nodes=4: \"nodes=4\" is no option");
    assert_int_equal(read_script("#!/bin/sh\n#SBATCH -- -N 4\n"), -EINVAL);
    assert_int_equal(read_script("#!/bin/sh\n#SBATCH -\n"), -EINVAL);
}

static void an_open_quote_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n#LOCKSTEP -J \"open\n"), -EINVAL);
    assert_string_equal(error.text,
                        "job.sh:2: #LOCKSTEP -J \"open: a quote \" is not closed");
}

static void options_of_the_site_are_not_ignored(void **state)
{
    (void)state;
    assert_int_equal(read_script("#!/bin/sh\n#SBATCH --container-image=x\n"), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_markers_are_read),
        TEST(a_line_may_have_several_options_and_a_comment),
        TEST(blank_lines_and_comments_may_stand_between),
        TEST(directives_end_at_the_first_command),
        TEST(two_hashes_switch_a_directive_off),
        TEST(quotes_group_words),
        TEST(errors_name_line_and_directive),
        TEST(what_is_no_option_is_refused),
        TEST(an_open_quote_is_refused),
        TEST(options_of_the_site_are_not_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
