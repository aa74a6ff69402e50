/* scheduler/daemon/main.c - lockstep-scheduler: options and start. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/log.h"
#include "scheduler/daemon/server.h"

enum {
    EXIT_USAGE = 2,
    NODE_TIMEOUT_S = 60,
    NODE_TIMEOUT_S_MAX = 7 * 24 * 3600,
};

static const char help[] =
    "usage: lockstep-scheduler [options]\n"
    "\n"
    "The central daemon of a lockstep cluster: takes jobs, places them on nodes, and\n"
    "tells the nodes' agents. Its state is an event log; it can be ended and started\n"
    "again at any time, running jobs go on.\n"
    "\n"
    "  --dir DIR             state, socket, pid file and key (default: LOCKSTEP_DIR)\n"
    "  --listen HOST:PORT    listen on TCP too; loopback addresses only; who connects\n"
    "                        gives the text of DIR/cluster.key\n"
    "  --fabric FILE.yaml    racks and arrays of the nodes (default: one rack)\n"
    "  --node-timeout SECONDS\n"
    "                        jobs on a node without agent end after so long (default "
    "60)\n"
    "  --log-level LEVEL     error, warn, info (default) or debug\n"
    "  --log-json            one JSON object a line\n"
    "  --ready-fd N          write the addresses to this descriptor when listening\n"
    "  --help, --version\n";

struct options {
    struct ls_server_config server;
    int log_level;
    bool log_json;
};

static int usage_error(const char *what, const char *why)
{
    fprintf(stderr, "lockstep-scheduler: %s: %s; try --help\n", what, why);
    return EXIT_USAGE;
}

/* A whole number of 0 … max; -1 for anything else. */
static long read_number(const char *text, long max)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end || number < 0 || number > max)
        return -1;
    return number;
}

static const struct option long_options[] = {
    {"dir", required_argument, NULL, 'd'},
    {"listen", required_argument, NULL, 'l'},
    {"fabric", required_argument, NULL, 'f'},
    {"node-timeout", required_argument, NULL, 't'},
    {"log-level", required_argument, NULL, 'L'},
    {"log-json", no_argument, NULL, 'j'},
    {"ready-fd", required_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

/* Take one option. 0, or the exit code of a wrong one. */
static int take_option(int option, struct options *options)
{
    long number;

    switch (option) {
    case 'd':
        options->server.dir = optarg;
        return 0;
    case 'l':
        options->server.listen = optarg;
        return 0;
    case 'f':
        options->server.fabric = optarg;
        return 0;
    case 'j':
        options->log_json = true;
        return 0;
    case 't':
        number = read_number(optarg, NODE_TIMEOUT_S_MAX);
        options->server.node_timeout_ms = number * 1000;
        return number >= 1 ? 0
                           : usage_error("--node-timeout", "expected seconds, 1 or "
                                                           "more");
    case 'r':
        options->server.ready_fd = (int)read_number(optarg, 65535);
        return options->server.ready_fd >= 0
                   ? 0
                   : usage_error("--ready-fd", "expected a descriptor's number");
    case 'L':
        options->log_level = ls_log_level_parse(optarg);
        return options->log_level >= 0
                   ? 0
                   : usage_error("--log-level", "expected error, warn, info or debug");
    default: /* getopt has said what is wrong */
        return usage_error("usage", "unknown or incomplete option");
    }
}

/* -1 to go on, else the exit code. */
static int read_options(int argc, char **argv, struct options *options)
{
    int option;
    int rc;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_SUCCESS;
        }
        if (option == 'v') {
            printf("lockstep-scheduler %s\n", LS_VERSION);
            return EXIT_SUCCESS;
        }
        rc = take_option(option, options);
        if (rc != 0)
            return rc;
    }
    if (optind < argc)
        return usage_error(argv[optind], "unexpected argument");
    if (!options->server.dir || !options->server.dir[0])
        return usage_error("--dir", "give a directory, or set LOCKSTEP_DIR");
    return -1;
}

int main(int argc, char **argv)
{
    struct options options = {
        .server = {.dir = getenv("LOCKSTEP_DIR"),
                   .node_timeout_ms = NODE_TIMEOUT_S * 1000,
                   .ready_fd = -1},
        .log_level = LS_LOG_INFO,
    };
    struct ls_error err = {0};
    int rc = read_options(argc, argv, &options);

    if (rc >= 0)
        return rc;
    ls_log_open("scheduler", options.log_level, options.log_json);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    if (ls_server_run(&options.server, &err) < 0) {
        fprintf(stderr, "lockstep-scheduler: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
