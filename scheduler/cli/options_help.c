/* scheduler/cli/options_help.c - the help text of an option table. */
#include <string.h>

#include "scheduler/cli/options.h"

enum { HELP_COLUMN = 30, HELP_WIDTH_MIN = 30 };

/* Add words from column HELP_COLUMN on, broken before `width`. */
static void add_wrapped(struct ls_strbuf *text, const char *words, size_t width)
{
    size_t column = HELP_COLUMN;

    while (*words) {
        size_t length = strcspn(words, " ");

        if (column > HELP_COLUMN && column + 1 + length > width) {
            ls_strbuf_add(text, "\n");
            ls_strbuf_fill(text, ' ', HELP_COLUMN);
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            ls_strbuf_add(text, " ");
            column++;
        }
        ls_strbuf_add_bytes(text, words, length);
        column += length;
        words += length + strspn(words + length, " ");
    }
    ls_strbuf_add(text, "\n");
}

static void describe(const struct ls_option *option, size_t width,
                     struct ls_strbuf *text)
{
    size_t start = text->length, used;

    if (option->letter)
        ls_strbuf_printf(text, "  -%c, --%s", option->letter, option->name);
    else
        ls_strbuf_printf(text, "      --%s", option->name);
    if (option->value)
        ls_strbuf_printf(text, " %s", option->value);
    used = text->length - start;
    if (used + 2 > HELP_COLUMN) {
        ls_strbuf_add(text, "\n");
        used = 0;
    }
    ls_strbuf_fill(text, ' ', HELP_COLUMN - used);
    add_wrapped(text, option->help, width);
}

void ls_options_describe(const struct ls_option_group *group, size_t width,
                         struct ls_strbuf *text)
{
    if (width < HELP_COLUMN + HELP_WIDTH_MIN)
        width = HELP_COLUMN + HELP_WIDTH_MIN;
    ls_strbuf_printf(text, "%s:\n", group->title);
    for (const struct ls_option *option = group->options; option->name; option++)
        describe(option, width, text);
}
