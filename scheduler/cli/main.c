/* scheduler/cli/main.c - `lockstep`: finds the sub-command and runs it. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/check.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/suggest.h"

static const struct ls_command *const commands[] = {
    &ls_command_up,    &ls_command_down,  &ls_command_submit, &ls_command_run,
    &ls_command_jobs,  &ls_command_logs,  &ls_command_wait,   &ls_command_cancel,
    &ls_command_nodes, &ls_command_drain, &ls_command_resume, &ls_command_fabric,
};

static void print_group(enum ls_command_group group, const char *title)
{
    printf("\n%s:\n", title);
    for (size_t i = 0; i < LS_ARRAY_SIZE(commands); i++) {
        if (commands[i]->group == group)
            printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
}

static int print_help(void)
{
    puts(
        "lockstep: gang-scheduled training jobs, with the gradient exchange they need\n"
        "\nUsage: lockstep COMMAND [options]");
    print_group(LS_COMMANDS_CLUSTER, "A cluster on this machine");
    print_group(LS_COMMANDS_JOBS, "Jobs");
    print_group(LS_COMMANDS_NODES, "Nodes");
    puts("\n`lockstep COMMAND --help` shows options and examples of a command.\n"
         "\nA first tour:\n"
         "  lockstep up --nodes 4\n"
         "  lockstep run -N 2 -n 4 -l -- hostname\n"
         "  lockstep jobs --all\n"
         "  lockstep down");
    return LS_EXIT_DONE;
}

static const struct ls_command *find(const char *name)
{
    for (size_t i = 0; i < LS_ARRAY_SIZE(commands); i++) {
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    }
    return NULL;
}

static int unknown(const char *name)
{
    bool option = name[0] == '-';
    struct ls_suggestion best = {0};
    struct ls_error err;

    for (size_t i = 0; i < LS_ARRAY_SIZE(commands) && !option; i++)
        ls_suggest(&best, name, commands[i]->name);
    ls_error_set(&err, -EINVAL, "%s: unknown %s%s%s%s", name,
                 option ? "option" : "command",
                 best.word ? "; did you mean `lockstep " : "",
                 best.word ? best.word : "", best.word ? "`?" : "");
    ls_complain(&err);
    fputs("Try `lockstep --help`.\n", stderr);
    return LS_EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
    const struct ls_command *command;
    const char *name = argc > 1 ? argv[1] : NULL;

    if (!name) {
        fputs("lockstep: no command: try `lockstep --help`\n", stderr);
        return LS_EXIT_USAGE;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
        (!strcmp(name, "help") && argc == 2))
        return print_help();
    if (!strcmp(name, "--version")) {
        puts("lockstep " LS_VERSION);
        return LS_EXIT_DONE;
    }
    if (!strcmp(name, "help")) {
        static char help[] = "--help";

        command = find(argv[2]);
        return command ? command->run(command, 2, (char *[]){argv[2], help, NULL})
                       : unknown(argv[2]);
    }
    command = find(name);
    return command ? command->run(command, argc - 1, argv + 1) : unknown(name);
}

/* Output that could not be written (a full disk) is a failure, a closed pipe is not. */
static int flush_output(int exit_code)
{
    struct ls_error err;

    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
        return exit_code;
    ls_error_sys(&err, -errno, "cannot write the output");
    return ls_complain(&err);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    return flush_output(dispatch(argc, argv));
}
