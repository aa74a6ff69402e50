/* scheduler/cli/options.c - reading command lines by tables. */
#include "scheduler/cli/options.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "scheduler/cli/suggest.h"
#include "scheduler/cli/values.h"

int ls_set_flag(void *field, const char *value, struct ls_error *err)
{
    (void)value, (void)err;
    *(bool *)field = true;
    return 0;
}

int ls_set_text(void *field, const char *value, struct ls_error *err)
{
    if (!*value)
        return ls_error_set(err, -EINVAL, "is empty");
    *(const char **)field = value;
    return 0;
}

static int set_number_from(void *field, uint64_t min, const char *value,
                           struct ls_error *err)
{
    uint64_t number;
    int rc = ls_read_count(value, min, UINT32_MAX, &number, err);

    if (!rc)
        *(uint32_t *)field = (uint32_t)number;
    return rc;
}

int ls_set_count(void *field, const char *value, struct ls_error *err)
{
    return set_number_from(field, 1, value, err);
}

int ls_set_number(void *field, const char *value, struct ls_error *err)
{
    return set_number_from(field, 0, value, err);
}

int ls_set_bytes(void *field, const char *value, struct ls_error *err)
{
    return ls_read_bytes(value, field, err);
}

int ls_set_time_limit(void *field, const char *value, struct ls_error *err)
{
    return ls_read_time_limit(value, field, err);
}

int ls_set_span(void *field, const char *value, struct ls_error *err)
{
    return ls_read_span(value, field, err);
}

int ls_set_signal(void *field, const char *value, struct ls_error *err)
{
    return ls_read_signal(value, field, err);
}

/* A table row found by one of its names, and its field. */
struct match {
    const struct ls_option *option;
    void *field;
};

static bool find(const struct ls_option_group *groups, size_t group_count,
                 const char *name, size_t name_length, char letter,
                 struct match *ret_match)
{
    for (size_t g = 0; g < group_count; g++) {
        for (const struct ls_option *o = groups[g].options; o->name; o++) {
            bool same = letter ? o->letter == letter
                               : strlen(o->name) == name_length &&
                                     !memcmp(o->name, name, name_length);
            if (!same)
                continue;
            *ret_match = (struct match){o, (char *)groups[g].target + o->offset};
            return true;
        }
    }
    return false;
}

static int unknown_long(const struct ls_option_group *groups, size_t group_count,
                        const char *name, size_t length, struct ls_error *err)
{
    struct ls_suggestion best = {0};
    char typed[LS_SUGGEST_WORD_MAX + 1] = "";

    if (length < sizeof(typed))
        memcpy(typed, name, length);
    for (size_t g = 0; g < group_count; g++) {
        for (const struct ls_option *o = groups[g].options; o->name; o++)
            ls_suggest(&best, typed, o->name);
    }
    if (best.word)
        return ls_error_set(err, -EINVAL, "--%.*s: unknown option; did you mean --%s?",
                            (int)length, name, best.word);
    return ls_error_set(err, -EINVAL, "--%.*s: unknown option", (int)length, name);
}

/* Store a value and say in an error which option it was for. */
static int store(const struct match *match, const char *shown, const char *value,
                 struct ls_error *err)
{
    int rc = match->option->set(match->field, value, err);

    if (rc < 0)
        return ls_error_wrap(err, "%s", shown);
    return 0;
}

static int no_value(const char *shown, const struct ls_option *option,
                    struct ls_error *err)
{
    return ls_error_set(err, -EINVAL, "%s: needs a value (%s)", shown, option->value);
}

static int take_long(const struct ls_option_group *groups, size_t group_count,
                     char *const *words, int word_count, int *index,
                     struct ls_error *err)
{
    const char *name = words[*index] + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] ? name + length + 1 : NULL;
    struct match match;
    char shown[LS_SUGGEST_WORD_MAX + 3];

    if (!find(groups, group_count, name, length, 0, &match))
        return unknown_long(groups, group_count, name, length, err);
    snprintf(shown, sizeof(shown), "--%s", match.option->name);
    (*index)++;
    if (!match.option->value && value)
        return ls_error_set(err, -EINVAL, "%s: takes no value", shown);
    if (match.option->value && !value) {
        if (*index >= word_count)
            return no_value(shown, match.option, err);
        value = words[(*index)++];
    }
    return store(&match, shown, value, err);
}

/* -x, -xVALUE, -x VALUE, and several letters together when they take no value. */
static int take_letters(const struct ls_option_group *groups, size_t group_count,
                        char *const *words, int word_count, int *index,
                        struct ls_error *err)
{
    const char *at = words[(*index)++] + 1;

    for (; *at; at++) {
        char shown[] = {'-', *at, '\0'};
        const char *value;
        struct match match;
        int rc;

        if (!find(groups, group_count, NULL, 0, *at, &match))
            return ls_error_set(err, -EINVAL, "%s: unknown option", shown);
        if (!match.option->value) {
            rc = store(&match, shown, NULL, err);
            if (rc < 0)
                return rc;
            continue;
        }
        if (!at[1] && *index >= word_count)
            return no_value(shown, match.option, err);
        value = at[1] ? at + 1 : words[(*index)++];
        return store(&match, shown, value, err);
    }
    return 0;
}

int ls_option_take(const struct ls_option_group *groups, size_t group_count,
                   char *const *words, int word_count, int *index, struct ls_error *err)
{
    if (words[*index][1] == '-')
        return take_long(groups, group_count, words, word_count, index, err);
    return take_letters(groups, group_count, words, word_count, index, err);
}

int ls_options_read(const struct ls_option_group *groups, size_t group_count,
                    bool stop_at_operand, int argc, char **argv,
                    struct ls_operands *ret_operands, struct ls_error *err)
{
    struct ls_operands operands = {.items = argv + 1};
    int index = 1;

    while (index < argc) {
        const char *word = argv[index];
        int rc;

        if (!strcmp(word, "--")) {
            operands.after_dashes = true;
            index++;
            break;
        }
        if (word[0] == '-' && word[1]) {
            rc = ls_option_take(groups, group_count, argv, argc, &index, err);
            if (rc < 0)
                return rc;
            continue;
        }
        if (stop_at_operand)
            break;
        operands.items[operands.count++] = argv[index++];
    }
    if (operands.count == 0) {
        operands.items = argv + index;
        operands.count = argc - index;
    } else {
        while (index < argc)
            operands.items[operands.count++] = argv[index++];
    }
    *ret_operands = operands;
    return 0;
}
