/* common/util/error.c - formatting of struct ls_error. Depends on libc only. */
#include "common/util/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ls_error_set(struct ls_error *err, int code, const char *format, ...)
{
    va_list args;

    if (!err)
        return code;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return code;
}

int ls_error_sys(struct ls_error *err, int code, const char *format, ...)
{
    char reason[128];
    va_list args;
    size_t used;

    if (!err)
        return code;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s",
             strerror_r(-code, reason, sizeof(reason)));
    return code;
}

int ls_error_wrap(struct ls_error *err, const char *format, ...)
{
    char inner[LS_ERROR_TEXT_MAX];
    va_list args;
    size_t used;

    if (!err)
        return -1;
    memcpy(inner, err->text, sizeof(inner));
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
    return err->code;
}
