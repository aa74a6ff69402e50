/* common/util/error.h - one error: a negative errno code and a sentence for the user.
 *
 * The convention of all code that touches the system: return 0 (or a count) or
 * -errno, and fill the caller's struct ls_error. Who detects, describes; callers
 * pass it on; nobody logs and returns. Depends on nothing. */
#ifndef LS_COMMON_UTIL_ERROR_H
#define LS_COMMON_UTIL_ERROR_H

enum { LS_ERROR_TEXT_MAX = 512 };

struct ls_error {
    int code;                     /* negative errno; 0 while no error was set */
    char text[LS_ERROR_TEXT_MAX]; /* "what: why", no newline, NUL-terminated */
};

/* Describe an error and return its code, so that `return ls_error_set(...)` works.
 * `err` may be NULL (the text is dropped). `code` is a negative errno. */
int ls_error_set(struct ls_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As ls_error_set(), and adds ": " and strerror(-code). */
int ls_error_sys(struct ls_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " before the text that is already there; returns err->code. */
int ls_error_wrap(struct ls_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
