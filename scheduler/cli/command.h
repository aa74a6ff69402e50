/* scheduler/cli/command.h - what a sub-command is: a row of text, options and a
 * function.
 *
 * One file per sub-command defines one struct ls_command; main.c lists them. */
#ifndef LS_SCHEDULER_CLI_COMMAND_H
#define LS_SCHEDULER_CLI_COMMAND_H

#include <stdbool.h>

#include "common/util/error.h"
#include "scheduler/cli/options.h"

/* Exit codes of every command. */
enum { LS_EXIT_DONE = 0, LS_EXIT_FAILED = 1, LS_EXIT_USAGE = 2 };

enum ls_command_group { LS_COMMANDS_CLUSTER, LS_COMMANDS_JOBS, LS_COMMANDS_NODES };

enum { LS_OPERANDS_ANY = -1, LS_COMMAND_TABLES_MAX = 2 };

struct ls_command {
    const char *name;
    enum ls_command_group group;
    const char *summary;            /* one line of `lockstep --help` */
    const char *operands;           /* of the usage line: "[ID…]" */
    const char *text;               /* what to know, wrapped by hand; may be NULL */
    const char *examples;           /* lines of "  command    # what for" */
    int operands_min, operands_max; /* or LS_OPERANDS_ANY */
    bool stop_at_operand;           /* what follows is somebody else's command line */
    bool json;                      /* takes --json */
    /* Options of its own, beside --dir, --json and --help. */
    struct {
        const char *title;
        const struct ls_option *options;
    } tables[LS_COMMAND_TABLES_MAX];
    int (*run)(const struct ls_command *command, int argc, char **argv);
};

/* A command line that was read. */
struct ls_command_line {
    const char *directory; /* --dir, or NULL */
    bool json;
    bool help;
    struct ls_operands operands;
};

/* Read the command line into `line` and into one target per table. Returns -1 when the
 * command may go on, else the exit code: help was printed, or a usage error. */
int ls_command_begin(const struct ls_command *command, int argc, char **argv,
                     void *const targets[], struct ls_command_line *line);

/* Print "lockstep: TEXT" to stderr, inert on a terminal; returns LS_EXIT_FAILED. */
int ls_complain(const struct ls_error *err);

/* The same for a wrong command line, with a hint where to look; LS_EXIT_USAGE. */
int ls_complain_usage(const struct ls_command *command, const struct ls_error *err);

extern const struct ls_command ls_command_up, ls_command_down, ls_command_submit,
    ls_command_run, ls_command_jobs, ls_command_logs, ls_command_wait,
    ls_command_cancel, ls_command_nodes, ls_command_drain, ls_command_resume,
    ls_command_fabric;

#endif
