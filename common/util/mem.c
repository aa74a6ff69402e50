/* common/util/mem.c - allocation that cannot fail. Depends on libc only. */
#include "common/util/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *memory)
{
    if (memory)
        return memory;
    fputs("lockstep: out of memory\n", stderr);
    abort();
}

void *ls_calloc(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1));
}

void *ls_realloc(void *memory, size_t count, size_t size)
{
    return check(reallocarray(memory, count ? count : 1, size ? size : 1));
}

void *ls_memdup(const void *bytes, size_t size)
{
    void *copy = check(malloc(size ? size : 1));

    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

char *ls_strdup(const char *text)
{
    return text ? ls_memdup(text, strlen(text) + 1) : NULL;
}

char *ls_asprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return check(text);
}

void ls_free(void *memory)
{
    free(memory);
}
