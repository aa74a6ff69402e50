/* Tests of scheduler/cli/suggest.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/util/check.h"
#include "scheduler/cli/suggest.h"

static void distance_counts_single_typing_errors(void **state)
{
    (void)state;
    assert_int_equal(ls_edit_distance("", ""), 0);
    assert_int_equal(ls_edit_distance("submit", "submit"), 0);
    assert_int_equal(ls_edit_distance("sumbit", "submit"), 1); /* neighbours swapped */
    assert_int_equal(ls_edit_distance("submt", "submit"), 1);
    assert_int_equal(ls_edit_distance("submiit", "submit"), 1);
    assert_int_equal(ls_edit_distance("submyt", "submit"), 1);
    assert_int_equal(ls_edit_distance("", "abc"), 3);
    assert_int_equal(ls_edit_distance("kitten", "sitting"), 3);
}

static void overlong_words_have_no_distance(void **state)
{
    char word[LS_SUGGEST_WORD_MAX + 2];

    (void)state;
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_int_equal(ls_edit_distance(word, "a"), LS_SUGGEST_WORD_MAX);
}

static const char *best_of(const char *typed)
{
    static const char *const words[] = {"up", "down", "submit", "run", "jobs", "nodes"};
    struct ls_suggestion best = {0};

    for (size_t i = 0; i < LS_ARRAY_SIZE(words); i++)
        ls_suggest(&best, typed, words[i]);
    return best.word;
}

static void nearest_word_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(best_of("sbumit"), "submit");
    assert_string_equal(best_of("job"), "jobs");
    assert_string_equal(best_of("node"), "nodes");
    assert_string_equal(best_of("rnu"), "run");
}

static void far_words_are_not_suggested(void **state)
{
    (void)state;
    assert_null(best_of("simulate"));
    assert_null(best_of("x"));
    assert_null(best_of(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_single_typing_errors),
        cmocka_unit_test(overlong_words_have_no_distance),
        cmocka_unit_test(nearest_word_is_suggested),
        cmocka_unit_test(far_words_are_not_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
