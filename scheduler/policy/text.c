/* scheduler/policy/text.c - sentences for users, without stdio. Pure. */
#include "scheduler/policy/text.h"

#include <stdbool.h>
#include <string.h>

#include "common/util/check.h"

static const uint64_t KIB = 1024;
static const uint64_t MIB = 1024 * KIB;
static const uint64_t GIB = 1024 * MIB;

struct ls_text ls_text_begin(char *out, size_t size)
{
    ls_assert(size > 0);
    out[0] = '\0';
    return (struct ls_text){.out = out, .size = size};
}

void ls_text_add(struct ls_text *text, const char *more)
{
    size_t room = text->size - text->length - 1;
    size_t length = strlen(more);

    if (length > room)
        length = room;
    memcpy(text->out + text->length, more, length);
    text->length += length;
    ls_assert(text->length < text->size);
    text->out[text->length] = '\0';
}

static void add_unsigned(struct ls_text *text, uint64_t number)
{
    char digits[21];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    ls_text_add(text, digits + at);
}

void ls_text_add_number(struct ls_text *text, int64_t number)
{
    if (number < 0)
        ls_text_add(text, "-");
    add_unsigned(text, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void ls_text_add_count(struct ls_text *text, uint64_t count, const char *noun)
{
    add_unsigned(text, count);
    ls_text_add(text, " ");
    ls_text_add(text, noun);
    if (count != 1)
        ls_text_add(text, "s");
}

void ls_text_add_memory(struct ls_text *text, uint64_t bytes)
{
    if (bytes >= GIB && bytes % GIB == 0) {
        add_unsigned(text, bytes / GIB);
        ls_text_add(text, "G");
    } else if (bytes >= MIB) {
        add_unsigned(text, bytes / MIB);
        ls_text_add(text, "M");
    } else {
        add_unsigned(text, bytes / KIB);
        ls_text_add(text, "K");
    }
}

void ls_text_add_duration(struct ls_text *text, uint64_t milliseconds)
{
    bool whole = milliseconds % 1000 == 0;

    add_unsigned(text, whole ? milliseconds / 1000 : milliseconds);
    ls_text_add(text, whole ? " s" : " ms");
}

void ls_text_copy(char *out, size_t size, const char *source)
{
    struct ls_text text = ls_text_begin(out, size);

    ls_text_add(&text, source);
}
