/* tests/unit/bench/train/options_test.c */
#include <stdlib.h>
#include <string.h>

#include "bench/train/options.h"
#include "tests/lib/cmocka.h"

enum { WORDS_MAX = 8 };

/* Read a command line of words; NULL ends it. */
static enum ls_options_result read_words(const char *const *words,
                                         struct ls_train_options *options,
                                         struct ls_error *err)
{
    char *argv[WORDS_MAX + 2] = {(char *)"lockstep-train"};
    int argc = 1;

    while (*words)
        argv[argc++] = (char *)*words++;
    return ls_train_options_read(argc, argv, options, err);
}

#define READ(options, err, ...)                                                        \
    read_words((const char *const[]){__VA_ARGS__, NULL}, options, err)

static void values_are_read(void **state)
{
    struct ls_train_options options;

    (void)state;
    assert_int_equal(READ(&options, NULL, "--epochs", "3", "--lr", "0.5", "--seed=9"),
                     LS_OPTIONS_RUN);
    assert_int_equal(options.epochs, 3);
    assert_float_equal(options.rate, 0.5F, 0);
    assert_int_equal(options.seed, 9);
    assert_int_equal(READ(&options, NULL, "--help"), LS_OPTIONS_HELP);
}

static void bad_values_are_refused_with_what_was_expected(void **state)
{
    static const char *const bad[][3] = {
        {"--epochs", "0", "from 1 to"},
        {"--epochs", "3x", "--epochs 3x"},
        {"--batch", "-1", "from 1 to"},
        {"--lr", "fast", "from 0 to 100"},
        {"--lr", "nan", "--lr nan"},
        {"--momentum", "1.5", "from 0 to 1"},
        {"--progress", "spin", "bar or plain"},
        {"--nosuch", "1", "no such option"},
        {"--seed", "", "--seed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ls_train_options options;
        struct ls_error err = {0};

        assert_int_equal(READ(&options, &err, bad[i][0], bad[i][1]), LS_OPTIONS_BAD);
        assert_non_null(strstr(err.text, bad[i][2]));
    }
}

static void batches_are_settled_from_either_side(void **state)
{
    struct ls_train_options options = {.batch = 32};

    (void)state;
    assert_int_equal(ls_train_options_batch(&options, 8, 60000, NULL), 0);
    assert_int_equal(options.global_batch, 256);
    options = (struct ls_train_options){.global_batch = 240};
    assert_int_equal(ls_train_options_batch(&options, 8, 60000, NULL), 0);
    assert_int_equal(options.batch, 30);
    options = (struct ls_train_options){.batch = 0};
    assert_int_equal(ls_train_options_batch(&options, 3, 60000, NULL), 0);
    assert_int_equal(options.batch, 85);
    assert_int_equal(options.global_batch, 255);
}

static void batches_that_do_not_fit_are_refused(void **state)
{
    struct ls_train_options uneven = {.global_batch = 100};
    struct ls_train_options two = {.batch = 10, .global_batch = 100};
    struct ls_train_options many = {.batch = 20};
    struct ls_error err = {0};

    (void)state;
    assert_true(ls_train_options_batch(&uneven, 3, 60000, &err) < 0);
    assert_non_null(strstr(err.text, "shared equally by 3 ranks"));
    assert_true(ls_train_options_batch(&two, 3, 60000, &err) < 0);
    assert_true(ls_train_options_batch(&many, 3, 50, &err) < 0);
    assert_non_null(strstr(err.text, "60 is more than the 50"));
}

static void progress_follows_the_environment_unless_told(void **state)
{
    enum ls_progress_mode mode;

    (void)state;
    setenv("LOCKSTEP_PROGRESS", "bar", 1);
    assert_int_equal(ls_progress_mode_settle(LS_PROGRESS_AUTO, stdout),
                     LS_PROGRESS_BAR);
    assert_int_equal(ls_progress_mode_settle(LS_PROGRESS_PLAIN, stdout),
                     LS_PROGRESS_PLAIN);
    unsetenv("LOCKSTEP_PROGRESS");
    assert_false(ls_progress_mode_read("spin", &mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(bad_values_are_refused_with_what_was_expected),
        cmocka_unit_test(batches_are_settled_from_either_side),
        cmocka_unit_test(batches_that_do_not_fit_are_refused),
        cmocka_unit_test(progress_follows_the_environment_unless_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
