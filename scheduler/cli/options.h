/* scheduler/cli/options.h - command lines read by tables, which also write the help.
 *
 * An option is a row: its names, what its value is called, a description, and how the
 * value gets into a field of the command's own struct. The same tables read the
 * directives of job scripts. Depends on values, suggest. */
#ifndef LS_SCHEDULER_CLI_OPTIONS_H
#define LS_SCHEDULER_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/util/error.h"
#include "common/util/strbuf.h"

struct ls_option {
    const char *name;  /* long, without the dashes; NULL ends a table */
    char letter;       /* short name, or 0 */
    const char *value; /* what the help calls its value; NULL when it takes none */
    /* Store the value (NULL when it takes none); -EINVAL with what is wrong with it. */
    int (*set)(void *field, const char *value, struct ls_error *err);
    size_t offset; /* of the field in the group's target */
    const char *help;
};

/* A table together with the struct that its rows write to. */
struct ls_option_group {
    const char *title;
    const struct ls_option *options;
    void *target;
};

/* Setters. The field is a bool; a const char * that borrows from the command line; a
 * uint32_t of at least 1, or at least 0; a uint64_t of bytes, or of seconds; a uint32_t
 * of milliseconds; an int. */
int ls_set_flag(void *field, const char *value, struct ls_error *err);
int ls_set_text(void *field, const char *value, struct ls_error *err);
int ls_set_count(void *field, const char *value, struct ls_error *err);
int ls_set_number(void *field, const char *value, struct ls_error *err);
int ls_set_bytes(void *field, const char *value, struct ls_error *err);
int ls_set_time_limit(void *field, const char *value, struct ls_error *err);
int ls_set_span(void *field, const char *value, struct ls_error *err);
int ls_set_signal(void *field, const char *value, struct ls_error *err);

/* Read the option at words[*index] (it starts with '-') and its value; *index goes on
 * to the next word. Returns 0 or -EINVAL with "OPTION: why". */
int ls_option_take(const struct ls_option_group *groups, size_t group_count,
                   char *const *words, int word_count, int *index,
                   struct ls_error *err);

/* What is left of a command line beside its options. */
struct ls_operands {
    char **items; /* borrows from argv */
    int count;
    bool after_dashes; /* "--" stood before them */
};

/* Read a command line (argv[0] is skipped). Options may stand anywhere, up to "--";
 * with `stop_at_operand` they end at the first operand, which may be a command with
 * options of its own, and argv is not changed. Else operands move to argv's front. */
int ls_options_read(const struct ls_option_group *groups, size_t group_count,
                    bool stop_at_operand, int argc, char **argv,
                    struct ls_operands *ret_operands, struct ls_error *err);

/* Add the help text of a group, wrapped to `width` columns. */
void ls_options_describe(const struct ls_option_group *group, size_t width,
                         struct ls_strbuf *text);

#endif
