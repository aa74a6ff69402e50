/* scheduler/cli/table.c - laying out columns. */
#include "scheduler/cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/cli/terminal.h"

enum { GAP = 2, SHRUNK_MIN = 4 };

struct cell {
    char *text;
    enum ls_style style;
};

struct ls_table {
    const struct ls_table_column *columns;
    size_t column_count;
    struct cell *cells;
    size_t count, capacity;
};

struct ls_table *ls_table_new(const struct ls_table_column *columns, size_t count)
{
    struct ls_table *table = ls_calloc(1, sizeof(*table));

    ls_assert(count > 0 && count <= LS_TABLE_COLUMNS_MAX);
    table->columns = columns;
    table->column_count = count;
    return table;
}

void ls_table_free(struct ls_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        ls_free(table->cells[i].text);
    ls_free(table->cells);
    ls_free(table);
}

void ls_table_cell(struct ls_table *table, enum ls_style style, const char *format, ...)
{
    struct ls_strbuf inert = {0};
    char *text = NULL;
    va_list args;

    va_start(args, format);
    ls_assert(vasprintf(&text, format, args) >= 0);
    va_end(args);
    ls_strbuf_add_printable(&inert, text);
    ls_free(text);
    LS_GROW(table->cells, table->count, table->capacity);
    table->cells[table->count++] = (struct cell){ls_strbuf_take(&inert), style};
}

/* Bytes that continue a character are 10xxxxxx. */
static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

size_t ls_text_columns(const char *text)
{
    size_t columns = 0;

    for (; *text; text++)
        columns += starts_character(*text);
    return columns;
}

/* Bytes of the first `columns` characters. */
static size_t bytes_of(const char *text, size_t columns)
{
    size_t bytes = 0;

    for (; text[bytes]; bytes++) {
        if (starts_character(text[bytes]) && columns-- == 0)
            break;
    }
    return bytes;
}

static void measure(const struct ls_table *table, size_t *widths)
{
    for (size_t c = 0; c < table->column_count; c++)
        widths[c] = ls_text_columns(table->columns[c].title);
    for (size_t i = 0; i < table->count; i++) {
        size_t *width = &widths[i % table->column_count];
        size_t needed = ls_text_columns(table->cells[i].text);

        if (needed > *width)
            *width = needed;
    }
}

/* Take columns away from the widest shrinking column, one after the other. */
static void shrink(const struct ls_table *table, size_t *widths, size_t limit)
{
    size_t total = GAP * (table->column_count - 1);

    for (size_t c = 0; c < table->column_count; c++)
        total += widths[c];
    while (total > limit) {
        size_t *widest = NULL;

        for (size_t c = 0; c < table->column_count; c++) {
            if (table->columns[c].shrinks && widths[c] > SHRUNK_MIN &&
                (!widest || widths[c] > *widest))
                widest = &widths[c];
        }
        if (!widest)
            return;
        (*widest)--;
        total--;
    }
}

const char *ls_style_on(enum ls_style style)
{
    static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[31m"};

    return codes[style];
}

const char *ls_style_off(enum ls_style style)
{
    return style == LS_STYLE_PLAIN ? "" : "\033[0m";
}

static void add_cell(const struct ls_table *table, size_t column, const char *cell,
                     enum ls_style style, size_t width, struct ls_strbuf *text)
{
    size_t needed = ls_text_columns(cell);
    bool last = column + 1 == table->column_count;
    size_t padding = needed < width ? width - needed : 0;

    if (table->columns[column].align == LS_ALIGN_RIGHT)
        ls_strbuf_fill(text, ' ', padding);
    ls_strbuf_add(text, ls_style_on(style));
    if (needed > width) {
        ls_strbuf_add_bytes(text, cell, bytes_of(cell, width - 1));
        ls_strbuf_add(text, "…");
    } else {
        ls_strbuf_add(text, cell);
    }
    ls_strbuf_add(text, ls_style_off(style));
    if (table->columns[column].align == LS_ALIGN_LEFT && !last)
        ls_strbuf_fill(text, ' ', padding);
    if (last)
        ls_strbuf_add(text, "\n");
    else
        ls_strbuf_fill(text, ' ', GAP);
}

void ls_table_render(const struct ls_table *table, size_t width, bool colour,
                     struct ls_strbuf *text)
{
    size_t widths[LS_TABLE_COLUMNS_MAX];

    ls_assert(table->count % table->column_count == 0);
    measure(table, widths);
    if (width)
        shrink(table, widths, width);
    for (size_t c = 0; c < table->column_count; c++)
        add_cell(table, c, table->columns[c].title, LS_STYLE_PLAIN, widths[c], text);
    for (size_t i = 0; i < table->count; i++) {
        size_t c = i % table->column_count;
        const struct cell *cell = &table->cells[i];

        add_cell(table, c, cell->text, colour ? cell->style : LS_STYLE_PLAIN, widths[c],
                 text);
    }
}

void ls_table_print(const struct ls_table *table)
{
    struct ls_strbuf text = {0};

    ls_table_render(table, ls_terminal_width(STDOUT_FILENO, 0),
                    ls_terminal_colour(STDOUT_FILENO), &text);
    fputs(text.text, stdout);
    ls_strbuf_free(&text);
}
