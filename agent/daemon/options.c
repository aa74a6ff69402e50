/* agent/daemon/options.c - the command line of lockstep-agent.
 *
 * Depends on common/util. */
#include "agent/daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"

enum { KEY_BYTES_MAX = 1024, NODE_NAME_MAX = 63, USAGE_EXIT = 2 };

static const char usage[] =
    "usage: lockstep-agent --node NAME [options]\n"
    "\n"
    "The daemon of one node: tells the scheduler what the node is made of, starts the\n"
    "jobs' steps and reports how they end. Steps go on when it is restarted.\n"
    "\n"
    "  --node NAME          this node's name in the cluster (required)\n"
    "  --dir DIR            the cluster's directory (LOCKSTEP_DIR, else\n"
    "                       $XDG_RUNTIME_DIR/lockstep or /run/lockstep)\n"
    "  --scheduler ADDRESS  unix:PATH or HOST:PORT (unix:DIR/scheduler.sock)\n"
    "  --key-file FILE      the cluster's key, for a scheduler over TCP\n"
    "  --topology FILE.xml  model this node by an hwloc XML instead of this machine\n"
    "  --host ADDRESS       this node's address for the other nodes (127.0.0.1)\n"
    "  --log-level LEVEL    error, warn, info or debug (info)\n"
    "  --log-json           log lines as JSON\n"
    "  --ready-fd N         write a line to this descriptor once registered\n"
    "  --help, --version\n";

static _Noreturn void refuse_usage(const char *what)
{
    fprintf(stderr, "lockstep-agent: %s (see lockstep-agent --help)\n", what);
    exit(USAGE_EXIT);
}

/* The values as given; NULL = not given. */
struct given {
    const char *dir, *scheduler, *key_file, *log_level, *ready_fd;
};

static void take_option(int letter, struct ls_agent_options *options,
                        struct given *given)
{
    switch (letter) {
    case 'n':
        options->node = optarg;
        break;
    case 'd':
        given->dir = optarg;
        break;
    case 's':
        given->scheduler = optarg;
        break;
    case 'k':
        given->key_file = optarg;
        break;
    case 't':
        options->topology = optarg;
        break;
    case 'o':
        options->host = optarg;
        break;
    case 'l':
        given->log_level = optarg;
        break;
    case 'j':
        options->log_json = true;
        break;
    case 'r':
        given->ready_fd = optarg;
        break;
    case 'h':
        fputs(usage, stdout);
        exit(0);
    case 'v':
        puts("lockstep-agent " LS_VERSION);
        exit(0);
    default:
        exit(USAGE_EXIT); /* getopt has said why */
    }
}

static void parse(int argc, char **argv, struct ls_agent_options *options,
                  struct given *given)
{
    static const struct option known[] = {
        {"node", required_argument, NULL, 'n'},
        {"dir", required_argument, NULL, 'd'},
        {"scheduler", required_argument, NULL, 's'},
        {"key-file", required_argument, NULL, 'k'},
        {"topology", required_argument, NULL, 't'},
        {"host", required_argument, NULL, 'o'},
        {"log-level", required_argument, NULL, 'l'},
        {"log-json", no_argument, NULL, 'j'},
        {"ready-fd", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1)
        take_option(letter, options, given);
    if (optind < argc)
        refuse_usage("takes options only");
}

/* A name goes into paths and messages: letters, digits, '-', '_' and '.'. */
static void check_node(const char *node)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";

    if (!node)
        refuse_usage("--node is missing");
    if (!node[0] || node[0] == '.' || strlen(node) > NODE_NAME_MAX ||
        strspn(node, allowed) != strlen(node))
        refuse_usage("--node: expected at most 63 letters, digits, '-', '_' and '.'");
}

static void read_numbers(const struct given *given, struct ls_agent_options *options)
{
    int level = ls_log_level_parse(given->log_level);
    char *end;
    long fd;

    if (level < 0)
        refuse_usage("--log-level: expected error, warn, info or debug");
    options->log_level = (enum ls_log_level)level;
    if (!given->ready_fd)
        return;
    fd = strtol(given->ready_fd, &end, 10);
    if (*end || fd < 0 || fd > INT_MAX)
        refuse_usage("--ready-fd: expected a descriptor's number");
    options->ready_fd = (int)fd;
}

static const char *default_dir(char *text, size_t size)
{
    const char *dir = getenv("LOCKSTEP_DIR");
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (dir && dir[0])
        return dir;
    if (!runtime || !runtime[0])
        return "/run/lockstep";
    snprintf(text, size, "%s/lockstep", runtime);
    return text;
}

/* Steps outlive this process and its working directory: paths must be absolute. */
static int find_dir(const char *given, char **ret_dir, struct ls_error *err)
{
    char text[PATH_MAX];
    const char *dir = given ? given : default_dir(text, sizeof(text));
    int rc = ls_dir_make(dir, err);
    char *full;

    if (rc < 0)
        return rc;
    full = realpath(dir, NULL);
    if (!full)
        return ls_error_sys(err, -errno, "%s", dir);
    *ret_dir = ls_strdup(full);
    free(full); /* of libc, not ours */
    return 0;
}

static int read_key(const char *path, char **ret_key, struct ls_error *err)
{
    struct stat status;
    size_t size;
    int rc;

    if (stat(path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)))
        return ls_error_set(err, -EPERM, "%s: others may read the key; chmod 600 it",
                            path);
    rc = ls_file_read(path, KEY_BYTES_MAX, ret_key, &size, err);
    if (rc == 0)
        (*ret_key)[strcspn(*ret_key, "\r\n")] = '\0';
    return rc;
}

int ls_agent_options_read(int argc, char **argv, struct ls_agent_options *ret_options,
                          struct ls_error *err)
{
    struct ls_agent_options options = {.host = "127.0.0.1", .ready_fd = -1};
    struct given given = {.log_level = "info"};
    int rc;

    parse(argc, argv, &options, &given);
    check_node(options.node);
    read_numbers(&given, &options);
    rc = find_dir(given.dir, &options.dir, err);
    if (rc == 0 && given.key_file)
        rc = read_key(given.key_file, &options.key, err);
    if (rc < 0) {
        ls_agent_options_free(&options);
        return rc;
    }
    options.scheduler = given.scheduler
                            ? ls_strdup(given.scheduler)
                            : ls_asprintf("unix:%s/scheduler.sock", options.dir);
    *ret_options = options;
    return 0;
}

void ls_agent_options_free(struct ls_agent_options *options)
{
    ls_free(options->dir);
    ls_free(options->scheduler);
    ls_free(options->key);
    *options = (struct ls_agent_options){0};
}
