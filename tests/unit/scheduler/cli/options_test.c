/* Tests of scheduler/cli/options.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/util/check.h"
#include "scheduler/cli/job_options.h"
#include "scheduler/cli/options.h"

struct target {
    bool follow, label;
    uint32_t nodes;
    const char *name;
};

static const struct ls_option table[] = {
    {"follow", 'f', NULL, ls_set_flag, offsetof(struct target, follow), "go on"},
    {"label", 'l', NULL, ls_set_flag, offsetof(struct target, label), "label lines"},
    {"nodes", 'N', "COUNT", ls_set_count, offsetof(struct target, nodes), "how many"},
    {"name", 0, "TEXT", ls_set_text, offsetof(struct target, name),
     "what it is called"},
    {0},
};

static struct target target;
static struct ls_operands operands;
static struct ls_error error;

enum { WORDS_MAX = 8 };
static char *words[WORDS_MAX];

/* Read words (after the command's name); NULL ends them. */
static int read_words(bool stop_at_operand, const char *const *given)
{
    const struct ls_option_group group = {"Options", table, &target};
    int count = 1;

    target = (struct target){0};
    error = (struct ls_error){0};
    words[0] = (char *)"command";
    for (; given[count - 1]; count++)
        words[count] = (char *)given[count - 1];
    return ls_options_read(&group, 1, stop_at_operand, count, words, &operands, &error);
}

#define READ(...)    read_words(false, (const char *const[]){__VA_ARGS__, NULL})
#define READ_TO(...) read_words(true, (const char *const[]){__VA_ARGS__, NULL})

static void every_spelling_of_an_option_is_understood(void **state)
{
    (void)state;
    assert_int_equal(READ("--nodes", "3"), 0);
    assert_int_equal(target.nodes, 3);
    assert_int_equal(READ("--nodes=4"), 0);
    assert_int_equal(target.nodes, 4);
    assert_int_equal(READ("-N", "5"), 0);
    assert_int_equal(target.nodes, 5);
    assert_int_equal(READ("-N6"), 0);
    assert_int_equal(target.nodes, 6);
    assert_int_equal(READ("-flN7"), 0);
    assert_true(target.follow && target.label);
    assert_int_equal(target.nodes, 7);
    assert_int_equal(READ("-N1", "-N2"), 0); /* the last one counts */
    assert_int_equal(target.nodes, 2);
    assert_int_equal(READ("--name=a=b"), 0);
    assert_string_equal(target.name, "a=b");
}

static void options_may_stand_after_operands(void **state)
{
    (void)state;
    assert_int_equal(READ("12", "-f", "13", "--", "-l"), 0);
    assert_true(target.follow);
    assert_false(target.label);
    assert_int_equal(operands.count, 3);
    assert_string_equal(operands.items[0], "12");
    assert_string_equal(operands.items[1], "13");
    assert_string_equal(operands.items[2], "-l");
}

static void a_command_keeps_its_own_options(void **state)
{
    (void)state;
    assert_int_equal(READ_TO("-f", "train", "-l", "--nodes=2"), 0);
    assert_false(target.label);
    assert_int_equal(target.nodes, 0);
    assert_false(operands.after_dashes);
    assert_int_equal(operands.count, 3);
    assert_string_equal(operands.items[1], "-l");

    assert_int_equal(READ_TO("-f", "--", "train", "-l"), 0);
    assert_true(operands.after_dashes);
    assert_int_equal(operands.count, 2);
    assert_string_equal(operands.items[0], "train");
}

static void a_lone_dash_is_an_operand(void **state)
{
    (void)state;
    assert_int_equal(READ("-"), 0);
    assert_int_equal(operands.count, 1);
}

static void errors_name_the_option_and_the_reason(void **state)
{
    (void)state;
    assert_int_equal(READ("--ndoes", "3"), -EINVAL);
    assert_string_equal(error.text, "--ndoes: unknown option; did you mean --nodes?");
    assert_int_equal(READ("--zzzzzz=1"), -EINVAL);
    assert_string_equal(error.text, "--zzzzzz: unknown option");
    assert_int_equal(READ("-fx"), -EINVAL);
    assert_string_equal(error.text, "-x: unknown option");
    assert_int_equal(READ("--nodes"), -EINVAL);
    assert_string_equal(error.text, "--nodes: needs a value (COUNT)");
    assert_int_equal(READ("-N"), -EINVAL);
    assert_string_equal(error.text, "-N: needs a value (COUNT)");
    assert_int_equal(READ("--follow=yes"), -EINVAL);
    assert_string_equal(error.text, "--follow: takes no value");
    assert_int_equal(READ("--nodes=0"), -EINVAL);
    assert_string_equal(error.text, "--nodes: 0 is too small, at least 1");
    assert_int_equal(READ("--nodes=4294967296"), -EINVAL);
    assert_int_equal(READ("--name="), -EINVAL);
    assert_string_equal(error.text, "--name: is empty");
}

static void a_prefix_of_a_name_is_another_name(void **state)
{
    (void)state;
    assert_int_equal(READ("--node", "3"), -EINVAL);
    assert_string_equal(error.text, "--node: unknown option; did you mean --nodes?");
    assert_int_equal(READ("--nodesnodesnodesnodesnodesnodesnodesnodes", "3"), -EINVAL);
}

static void help_wraps_descriptions_and_lists_every_option(void **state)
{
    const struct ls_option_group group = {"Job options", ls_job_option_table, NULL};
    struct ls_strbuf text = {0};

    (void)state;
    ls_options_describe(&group, 72, &text);
    for (const struct ls_option *option = ls_job_option_table; option->name; option++)
        assert_non_null(strstr(text.text, option->name));
    for (char *line = strtok(text.text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 74); /* an ellipsis has three bytes */
    ls_strbuf_free(&text);
}

static void no_two_job_options_share_a_name(void **state)
{
    (void)state;
    for (const struct ls_option *a = ls_job_option_table; a->name; a++) {
        for (const struct ls_option *b = a + 1; b->name; b++) {
            assert_string_not_equal(a->name, b->name);
            assert_false(a->letter && a->letter == b->letter);
        }
    }
}

static void job_options_reach_their_fields(void **state)
{
    struct ls_job_options job = {0};
    const struct ls_option_group group = {"", ls_job_option_table, &job};
    const char *given[] = {
        "command",  "-N2",        "-n",    "16", "--gpus-per-task=1",
        "-c",       "4",          "--mem", "2G", "-t",
        "1:00",     "--exchange", "rank",  "-O", "--kill-grace=250ms",
        "-wn[0-1]", "--within",   "rack",  "-Jx"};

    (void)state;
    assert_int_equal(ls_options_read(&group, 1, true, (int)LS_ARRAY_SIZE(given),
                                     (char **)given, &operands, &error),
                     0);
    assert_int_equal(job.nodes, 2);
    assert_int_equal(job.ntasks, 16);
    assert_int_equal(job.gpus_per_task, 1);
    assert_int_equal(job.cpus_per_task, 4);
    assert_true(job.memory_bytes == 2ULL << 30);
    assert_int_equal(job.time_limit_s, 60);
    assert_int_equal(job.exchange, LS__EXCHANGE_HOST__EXCHANGE_RANK);
    assert_true(job.overcommit);
    assert_int_equal(job.kill_grace_ms, 250);
    assert_string_equal(job.nodelist, "n[0-1]");
    assert_string_equal(job.within, "rack");
    assert_string_equal(job.name, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_option_is_understood),
        cmocka_unit_test(options_may_stand_after_operands),
        cmocka_unit_test(a_command_keeps_its_own_options),
        cmocka_unit_test(a_lone_dash_is_an_operand),
        cmocka_unit_test(errors_name_the_option_and_the_reason),
        cmocka_unit_test(a_prefix_of_a_name_is_another_name),
        cmocka_unit_test(help_wraps_descriptions_and_lists_every_option),
        cmocka_unit_test(no_two_job_options_share_a_name),
        cmocka_unit_test(job_options_reach_their_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
