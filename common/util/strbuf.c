/* common/util/strbuf.c - a growing text. Depends on mem. */
#include "common/util/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"

static void reserve(struct ls_strbuf *buffer, size_t more)
{
    size_t needed = buffer->length + more + 1;

    if (needed <= buffer->capacity)
        return;
    buffer->capacity = needed < 2 * buffer->capacity ? 2 * buffer->capacity : needed;
    buffer->text = ls_realloc(buffer->text, buffer->capacity, 1);
}

void ls_strbuf_add_bytes(struct ls_strbuf *buffer, const void *bytes, size_t size)
{
    reserve(buffer, size);
    if (size)
        memcpy(buffer->text + buffer->length, bytes, size);
    buffer->length += size;
    buffer->text[buffer->length] = '\0';
}

void ls_strbuf_add(struct ls_strbuf *buffer, const char *text)
{
    ls_strbuf_add_bytes(buffer, text, strlen(text));
}

void ls_strbuf_printf(struct ls_strbuf *buffer, const char *format, ...)
{
    va_list args, again;
    int size;

    va_start(args, format);
    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ls_assert(size >= 0);
    reserve(buffer, (size_t)size);
    vsnprintf(buffer->text + buffer->length, (size_t)size + 1, format, again);
    va_end(again);
    buffer->length += (size_t)size;
}

void ls_strbuf_fill(struct ls_strbuf *buffer, char c, size_t count)
{
    reserve(buffer, count);
    memset(buffer->text + buffer->length, c, count);
    buffer->length += count;
    buffer->text[buffer->length] = '\0';
}

/* Bytes of the well-formed UTF-8 sequence at `s` (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *s)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2
                    : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;

    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xE0 && length == 3 && s[1] < 0xA0) ||
        (s[0] == 0xED && length == 3 && s[1] > 0x9F) ||
        (s[0] == 0xF0 && length == 4 && s[1] < 0x90) ||
        (s[0] == 0xF4 && length == 4 && s[1] > 0x8F))
        return 0;
    return length;
}

/* C1 controls and the bidirectional overrides change what a terminal shows. */
static int is_deceptive(const unsigned char *s, size_t length)
{
    if (length == 2 && s[0] == 0xC2 && s[1] < 0xA0)
        return 1;
    if (length != 3 || s[0] != 0xE2)
        return 0;
    return (s[1] == 0x80 && (s[2] == 0x8E || s[2] == 0x8F || (s[2] >= 0xA8 && s[2] <= 0xAE))) ||
           (s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9);
}

void ls_strbuf_add_printable(struct ls_strbuf *buffer, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    reserve(buffer, 0);
    while (*s) {
        size_t length = utf8_length(s);

        if (*s == '\n') {
            ls_strbuf_add(buffer, "\\n");
            s++;
        } else if (*s == '\t') {
            ls_strbuf_add(buffer, "\\t");
            s++;
        } else if (length == 0 || *s < 0x20 || *s == 0x7F || is_deceptive(s, length)) {
            ls_strbuf_printf(buffer, "\\x%02x", *s);
            s++;
        } else {
            ls_strbuf_add_bytes(buffer, s, length);
            s += length;
        }
    }
    buffer->text[buffer->length] = '\0';
}

void ls_strbuf_add_json(struct ls_strbuf *buffer, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    ls_strbuf_add(buffer, "\"");
    while (*s) {
        size_t length = utf8_length(s);

        if (*s == '"' || *s == '\\') {
            ls_strbuf_printf(buffer, "\\%c", *s++);
        } else if (*s < 0x20 || *s == 0x7F) {
            ls_strbuf_printf(buffer, "\\u%04x", *s++);
        } else if (length == 0) {
            ls_strbuf_add(buffer, "\\ufffd");
            s++;
        } else {
            ls_strbuf_add_bytes(buffer, s, length);
            s += length;
        }
    }
    ls_strbuf_add(buffer, "\"");
}

char *ls_strbuf_take(struct ls_strbuf *buffer)
{
    char *text;

    reserve(buffer, 0);
    text = buffer->text;
    text[buffer->length] = '\0';
    *buffer = (struct ls_strbuf){0};
    return text;
}

void ls_strbuf_free(struct ls_strbuf *buffer)
{
    ls_free(buffer->text);
    *buffer = (struct ls_strbuf){0};
}
