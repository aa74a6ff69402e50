/* common/util/strbuf.h - a growing text. Depends on mem. Not thread-safe. */
#ifndef LS_COMMON_UTIL_STRBUF_H
#define LS_COMMON_UTIL_STRBUF_H

#include <stddef.h>

/* Start from {0}. `text` is NUL-terminated once something was added, else NULL. */
struct ls_strbuf {
    char *text;
    size_t length;
    size_t capacity;
};

void ls_strbuf_add(struct ls_strbuf *buffer, const char *text);
void ls_strbuf_add_bytes(struct ls_strbuf *buffer, const void *bytes, size_t size);
void ls_strbuf_printf(struct ls_strbuf *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Add `count` times the character `c`. */
void ls_strbuf_fill(struct ls_strbuf *buffer, char c, size_t count);

/* Add text from outside so that it is inert on a terminal and in a log: control
 * characters and invalid UTF-8 become \xNN; newline and tab become \n and \t. */
void ls_strbuf_add_printable(struct ls_strbuf *buffer, const char *text);

/* Add text as a JSON string with its quotes (RFC 8259); invalid UTF-8 becomes U+FFFD. */
void ls_strbuf_add_json(struct ls_strbuf *buffer, const char *text);

/* Hand the text to the caller, who frees it with ls_free(); never NULL. */
char *ls_strbuf_take(struct ls_strbuf *buffer);

void ls_strbuf_free(struct ls_strbuf *buffer);

#endif
