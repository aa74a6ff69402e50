/* common/util/check.h - assertions for bugs in our own code, kept in release builds.
 *
 * Asserts are for bugs, error codes are for the world: never assert on input
 * from a user, a peer, a file or the system. Depends on nothing, so that the pure
 * policy core may use it. */
#ifndef LS_COMMON_UTIL_CHECK_H
#define LS_COMMON_UTIL_CHECK_H

/* Print the failed condition to stderr and abort(). */
_Noreturn void ls_check_failed(const char *condition, const char *file, int line);

#define ls_assert(condition)                                                           \
    ((condition) ? (void)0 : ls_check_failed(#condition, __FILE__, __LINE__))

#define LS_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
