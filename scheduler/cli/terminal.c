/* scheduler/cli/terminal.c - width and colours of a terminal. */
#include "scheduler/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "scheduler/cli/values.h"

enum { COLUMNS_MIN = 20, COLUMNS_MAX = 10000 };

size_t ls_terminal_width(int fd, size_t otherwise)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    uint64_t number;

    if (!isatty(fd))
        return otherwise;
    if (columns && !ls_read_count(columns, COLUMNS_MIN, COLUMNS_MAX, &number, NULL))
        return (size_t)number;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
        return size.ws_col;
    return 80;
}

bool ls_terminal_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fd) && !(no_colour && *no_colour) && term &&
           strcmp(term, "dumb") != 0;
}
