/* common/util/mem.h - allocation that cannot fail: out of memory ends the program.
 *
 * For the control plane, where sizes from outside are bounded before they get
 * here (wire limits, file limits). User data on the gradient path never comes
 * from here. Declares only; the pure policy core may use it. */
#ifndef LS_COMMON_UTIL_MEM_H
#define LS_COMMON_UTIL_MEM_H

#include <stddef.h>

/* `count` zeroed elements of `size` bytes; the caller frees with ls_free().
 * Never NULL, also for a count of 0. */
void *ls_calloc(size_t count, size_t size) __attribute__((malloc));

/* Grow or shrink `memory` to `count` elements of `size` bytes; the old pointer is
 * gone. New bytes are not initialised. Never NULL. */
void *ls_realloc(void *memory, size_t count, size_t size);

/* A copy of `size` bytes, or of a string. `ls_strdup(NULL)` is NULL. */
void *ls_memdup(const void *bytes, size_t size);
char *ls_strdup(const char *text);

/* printf into fresh memory. */
char *ls_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* free(); NULL is fine. */
void ls_free(void *memory);

/* Make room for one more element in a dynamic array:
 *   LS_GROW(list->items, list->count, list->capacity); list->items[list->count++] = x; */
#define LS_GROW(items, count, capacity)                                                \
    do {                                                                               \
        if ((count) == (capacity)) {                                                   \
            (capacity) = (capacity) ? (capacity) * 2 : 8;                              \
            (items) = ls_realloc((items), (capacity), sizeof(*(items)));               \
        }                                                                              \
    } while (0)

#endif
