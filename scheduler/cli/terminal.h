/* scheduler/cli/terminal.h - what the other end of a descriptor can show. */
#ifndef LS_SCHEDULER_CLI_TERMINAL_H
#define LS_SCHEDULER_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Columns of the terminal behind `fd` (or $COLUMNS there); `otherwise` when it is
 * none. */
size_t ls_terminal_width(int fd, size_t otherwise);

/* Colours are fine: a terminal, NO_COLOR is not set, and TERM is not "dumb". */
bool ls_terminal_colour(int fd);

#endif
