/* scheduler/policy/text.h - sentences for users, without stdio.
 *
 * Appends to a fixed buffer, always NUL-terminated; what does not fit is cut off. Pure.
 */
#ifndef LS_SCHEDULER_POLICY_TEXT_H
#define LS_SCHEDULER_POLICY_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct ls_text {
    char *out;
    size_t size; /* of out, with the NUL */
    size_t length;
};

/* Begin an empty text in `out`, which must have room for the NUL at least. */
struct ls_text ls_text_begin(char *out, size_t size);

void ls_text_add(struct ls_text *text, const char *more);
void ls_text_add_number(struct ls_text *text, int64_t number);

/* "1 node", "2 nodes". */
void ls_text_add_count(struct ls_text *text, uint64_t count, const char *noun);

/* A size of memory as --mem takes it: "512G", "1536M", rounded down. */
void ls_text_add_memory(struct ls_text *text, uint64_t bytes);

/* A duration: "90 s", "250 ms". */
void ls_text_add_duration(struct ls_text *text, uint64_t milliseconds);

/* Copy a text, cut off to fit. */
void ls_text_copy(char *out, size_t size, const char *source);

#endif
