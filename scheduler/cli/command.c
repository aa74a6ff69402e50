/* scheduler/cli/command.c - what all sub-commands share: command line, help, errors. */
#include "scheduler/cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "scheduler/cli/terminal.h"

#define LINE_FIELD(field) offsetof(struct ls_command_line, field)

static const struct ls_option common_options[] = {
    {"dir", 0, "DIR", ls_set_text, LINE_FIELD(directory),
     "directory of the cluster (default: $LOCKSTEP_DIR, else "
     "$XDG_RUNTIME_DIR/lockstep, else /run/lockstep for root)"},
    {"help", 'h', NULL, ls_set_flag, LINE_FIELD(help), "show this text and exit"},
    {0},
};

static const struct ls_option json_options[] = {
    {"json", 0, NULL, ls_set_flag, LINE_FIELD(json), "print JSON, for programs"},
    {0},
};

int ls_complain(const struct ls_error *err)
{
    struct ls_strbuf text = {0};

    ls_strbuf_add(&text, "lockstep: ");
    ls_strbuf_add_printable(&text, err->text);
    fprintf(stderr, "%s\n", text.text);
    ls_strbuf_free(&text);
    return LS_EXIT_FAILED;
}

int ls_complain_usage(const struct ls_command *command, const struct ls_error *err)
{
    ls_complain(err);
    fprintf(stderr, "Try `lockstep %s --help`.\n", command->name);
    return LS_EXIT_USAGE;
}

static void print_help(const struct ls_command *command,
                       const struct ls_option_group *groups, size_t group_count)
{
    struct ls_strbuf text = {0};
    size_t width = ls_terminal_width(STDOUT_FILENO, 80);

    ls_strbuf_printf(&text, "lockstep %s: %s\n\nUsage: lockstep %s [options]%s%s\n",
                     command->name, command->summary, command->name,
                     *command->operands ? " " : "", command->operands);
    if (command->text)
        ls_strbuf_printf(&text, "\n%s\n", command->text);
    for (size_t i = 0; i < group_count; i++) {
        ls_strbuf_add(&text, "\n");
        ls_options_describe(&groups[i], width, &text);
    }
    ls_strbuf_printf(&text, "\nExamples:\n%s\n", command->examples);
    fputs(text.text, stdout);
    ls_strbuf_free(&text);
}

static int check_operands(const struct ls_command *command,
                          const struct ls_operands *operands, struct ls_error *err)
{
    if (operands->count < command->operands_min)
        return ls_error_set(err, -EINVAL, "%s: needs %s", command->name,
                            command->operands);
    if (command->operands_max != LS_OPERANDS_ANY &&
        operands->count > command->operands_max)
        return ls_error_set(err, -EINVAL, "%s: unexpected argument \"%s\"",
                            command->name, operands->items[command->operands_max]);
    return 0;
}

int ls_command_begin(const struct ls_command *command, int argc, char **argv,
                     void *const targets[], struct ls_command_line *line)
{
    struct ls_option_group groups[LS_COMMAND_TABLES_MAX + 2];
    size_t count = 0;
    struct ls_error err;
    int rc;

    *line = (struct ls_command_line){0};
    for (size_t i = 0; i < LS_COMMAND_TABLES_MAX && command->tables[i].options; i++)
        groups[count++] = (struct ls_option_group){
            command->tables[i].title, command->tables[i].options, targets[i]};
    if (command->json)
        groups[count++] = (struct ls_option_group){"Output", json_options, line};
    groups[count++] = (struct ls_option_group){"Common options", common_options, line};

    rc = ls_options_read(groups, count, command->stop_at_operand, argc, argv,
                         &line->operands, &err);
    if (line->help) { /* also beside an error: who asks for help gets it */
        print_help(command, groups, count);
        return LS_EXIT_DONE;
    }
    if (rc == 0)
        rc = check_operands(command, &line->operands, &err);
    return rc < 0 ? ls_complain_usage(command, &err) : -1;
}
