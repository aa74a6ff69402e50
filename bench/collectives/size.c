/* bench/collectives/size.c - see size.h. */
#include "bench/collectives/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static bool read_unit(const char *text, unsigned *ret_shift)
{
    static const char units[] = "kmg";

    *ret_shift = 0;
    for (unsigned i = 0; units[i]; i++) {
        if (tolower((unsigned char)text[0]) == units[i]) {
            *ret_shift = 10 * (i + 1);
            text++;
            break;
        }
    }
    return strcasecmp(text, "") == 0 || strcasecmp(text, "b") == 0 ||
           (*ret_shift > 0 && strcasecmp(text, "ib") == 0);
}

bool ls_size_parse(const char *text, uint64_t *ret_bytes)
{
    unsigned long long number;
    unsigned shift;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno || !read_unit(end, &shift) || number > UINT64_MAX >> shift)
        return false;
    *ret_bytes = (uint64_t)number << shift;
    return true;
}
