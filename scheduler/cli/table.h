/* scheduler/cli/table.h - text in columns, fitted to a width. Pure, but for
 * printing. */
#ifndef LS_SCHEDULER_CLI_TABLE_H
#define LS_SCHEDULER_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/util/strbuf.h"

enum { LS_TABLE_COLUMNS_MAX = 16 };

enum ls_table_align { LS_ALIGN_LEFT, LS_ALIGN_RIGHT };
enum ls_style { LS_STYLE_PLAIN, LS_STYLE_GOOD, LS_STYLE_WARN, LS_STYLE_BAD };

struct ls_table_column {
    const char *title;
    enum ls_table_align align;
    bool shrinks; /* may be cut with … when the table is too wide */
};

struct ls_table;

/* `columns` is borrowed. */
struct ls_table *ls_table_new(const struct ls_table_column *columns, size_t count);
void ls_table_free(struct ls_table *table);

/* Add the next cell, left to right, row after row. Text is made inert. */
void ls_table_cell(struct ls_table *table, enum ls_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Add the table with its titles to `text`, at most `width` columns wide as far as the
 * shrinking columns allow; 0 is unlimited. */
void ls_table_render(const struct ls_table *table, size_t width, bool colour,
                     struct ls_strbuf *text);

/* Render to stdout, as wide and coloured as it can show. */
void ls_table_print(const struct ls_table *table);

/* What switches a style on, and off again for any: escape sequences. */
const char *ls_style_on(enum ls_style style);
const char *ls_style_off(enum ls_style style);

/* Columns that valid UTF-8 text takes, one for each character. */
size_t ls_text_columns(const char *text);

#endif
