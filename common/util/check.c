/* common/util/check.c - the end of a failed assertion. Depends on libc only. */
#include "common/util/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void ls_check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "lockstep: bug: %s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
