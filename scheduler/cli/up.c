/* scheduler/cli/up.c - `lockstep up`: a whole cluster on this machine. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/step_dir.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/bring_up.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/format.h"
#include "scheduler/cli/foreground.h"
#include "scheduler/cli/place.h"
#include "scheduler/cli/shutdown.h"

struct up_options {
    struct ls_settings wanted; /* texts borrow from the command line */
    bool foreground;
};

/* ---- what is told when it runs --------------------------------------------------- */

static json_t *daemon_json(const struct ls_cluster *cluster, enum ls_daemon_kind kind,
                           const char *name)
{
    const struct ls_daemon *daemon = ls_daemons_get(&cluster->daemons, kind, name);
    char *log = ls_asprintf("%s/log/%s.log", cluster->directory, name);
    json_t *value = json_pack("{s:s, s:o, s:o}", "name", name, "pid",
                              daemon ? json_integer(daemon->pid) : json_null(), "log",
                              ls_json_text(log));

    ls_free(log);
    return value;
}

static void print_json(const struct ls_cluster *cluster)
{
    char *address = ls_place_address(cluster->directory);
    json_t *nodes = json_array();

    for (uint32_t i = 0; i < cluster->settings.nodes; i++) {
        char name[LS_NODE_NAME_BYTES];

        ls_cluster_node_name(i, name);
        json_array_append_new(nodes, daemon_json(cluster, LS_DAEMON_AGENT, name));
    }
    ls_json_print(json_pack(
        "{s:o, s:o, s:I, s:o, s:o}", "directory", ls_json_text(cluster->directory),
        "address", ls_json_text(address), "started", (json_int_t)cluster->started,
        "scheduler", daemon_json(cluster, LS_DAEMON_SCHEDULER, "scheduler"), "nodes",
        nodes));
    ls_free(address);
}

/* The option that later commands need to find the cluster: "" when they do anyway. */
static char *dir_hint(const struct ls_command_line *line, const char *directory)
{
    char *usual = NULL;
    bool same;

    if (!line->directory || ls_place_find(NULL, &usual, NULL) < 0)
        return ls_strdup("");
    same = !strcmp(usual, directory);
    ls_free(usual);
    return same ? ls_strdup("") : ls_asprintf("  export LOCKSTEP_DIR=%s\n", directory);
}

static void print_text(const struct ls_command_line *line,
                       const struct ls_cluster *cluster)
{
    const struct ls_settings *settings = &cluster->settings;
    char *hint;

    if (cluster->started == 0) {
        printf("cluster in %s runs already: %u node%s\n", cluster->directory,
               settings->nodes, settings->nodes == 1 ? "" : "s");
        return;
    }
    hint = dir_hint(line, cluster->directory);
    printf("cluster in %s is ready\n", cluster->directory);
    if (settings->nodes == 1)
        printf("  1 scheduler, 1 node: n0\n");
    else
        printf("  1 scheduler, %u nodes: n[0-%u]\n", settings->nodes,
               settings->nodes - 1);
    printf("  hardware:  %s\n",
           settings->topology ? settings->topology : "this machine's");
    printf("  logs:      %s/log/\n\nnext:\n%s", cluster->directory, hint);
    printf("  lockstep nodes\n"
           "  lockstep run -N %u -l -- hostname\n"
           "  lockstep down\n",
           settings->nodes);
    ls_free(hint);
}

/* ---- the command ----------------------------------------------------------------- */

/* Files of the settings are used by daemons with another working directory. */
static int make_absolute(char **path, const char *option, struct ls_error *err)
{
    char *absolute;

    if (!*path)
        return 0;
    absolute = realpath(*path, NULL);
    if (!absolute)
        return ls_error_sys(err, -errno, "%s: cannot use %s", option, *path);
    *path = absolute;
    return 0;
}

/* Own copies of what the command line borrows, with absolute paths. */
static int own_settings(struct ls_settings *wanted, struct ls_error *err)
{
    int rc = make_absolute(&wanted->topology, "--topology", err);

    if (rc < 0) {
        wanted->topology = wanted->fabric = wanted->listen = NULL;
        return rc;
    }
    rc = make_absolute(&wanted->fabric, "--fabric", err);
    if (rc < 0)
        wanted->fabric = NULL;
    wanted->listen = ls_strdup(wanted->listen);
    return rc;
}

/* A new directory lets others pass to the scheduler's socket. One that is there must be
 * ours: whoever owns it owns what the daemons do. */
static int make_own(const char *path, struct ls_error *err)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return errno == ENOENT ? ls_passage_make(path, err)
                               : ls_error_sys(err, -errno, "cannot use %s", path);
    if (!S_ISDIR(status.st_mode))
        return ls_error_set(err, -ENOTDIR, "%s: is no directory", path);
    if (status.st_uid != geteuid())
        return ls_error_set(err, -EPERM, "%s: belongs to another user", path);
    return 0;
}

static int make_directory(const char *wanted, char **ret_directory,
                          struct ls_error *err)
{
    char *log, *made;
    int rc = ls_place_find(wanted, &made, err);

    if (rc < 0)
        return rc;
    log = ls_asprintf("%s/log", made);
    rc = make_own(made, err);
    if (rc == 0)
        rc = ls_dir_make(log, err);
    ls_free(log);
    /* Once more: now that it is there, links in its name can be followed. */
    if (rc == 0)
        rc = ls_place_find(made, ret_directory, err);
    ls_free(made);
    return rc;
}

static int bring_up(const struct up_options *options, const char *directory,
                    struct ls_cluster *ret_cluster, struct ls_error *err)
{
    int lock = ls_cluster_lock(directory, err);
    int rc;

    if (lock < 0)
        return lock;
    rc = ls_bring_up(directory, &options->wanted, ret_cluster, err);
    ls_close(lock);
    return rc;
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct up_options options = {0};
    struct ls_command_line line;
    struct ls_cluster cluster;
    struct ls_error err;
    char *directory = NULL;
    int rc = ls_command_begin(command, argc, argv, (void *[]){&options}, &line);

    if (rc >= 0)
        return rc;
    if (options.wanted.nodes > LS_CLUSTER_NODES_MAX) {
        ls_error_set(&err, -EINVAL, "--nodes: at most %d on one machine",
                     LS_CLUSTER_NODES_MAX);
        return ls_complain_usage(command, &err);
    }
    rc = own_settings(&options.wanted, &err);
    if (rc == 0)
        rc = make_directory(line.directory, &directory, &err);
    if (rc == 0)
        rc = bring_up(&options, directory, &cluster, &err);
    ls_settings_free(&options.wanted);
    ls_free(directory);
    if (rc != 0)
        return ls_complain(&err);
    if (line.json)
        print_json(&cluster);
    else
        print_text(&line, &cluster);
    rc = options.foreground ? ls_foreground(&cluster) : LS_EXIT_DONE;
    ls_cluster_free(&cluster);
    return rc;
}

#define FIELD(field) offsetof(struct up_options, field)

static const struct ls_option option_table[] = {
    {"nodes", 'N', "COUNT", ls_set_count, FIELD(wanted.nodes),
     "agents to start, named n0, n1, … (default 1)"},
    {"topology", 0, "FILE.xml", ls_set_text, FIELD(wanted.topology),
     "hwloc XML that every node shows as its hardware (default: this machine's own)"},
    {"fabric", 0, "FILE.yaml", ls_set_text, FIELD(wanted.fabric),
     "racks and arrays of the nodes (default: one rack)"},
    {"listen", 0, "HOST:PORT", ls_set_text, FIELD(wanted.listen),
     "also take agents over TCP"},
    {"foreground", 0, NULL, ls_set_flag, FIELD(foreground),
     "stay until Ctrl-C, then end all"},
    {0},
};

const struct ls_command ls_command_up = {
    .name = "up",
    .group = LS_COMMANDS_CLUSTER,
    .summary = "start a whole cluster on this machine",
    .operands = "",
    .text = "Starts a scheduler and agents in the background and returns when all\n"
            "are ready. On a directory that has a cluster already it brings back\n"
            "what is not running, with the settings it was started with; --nodes\n"
            "may add nodes to a running one.\n\n"
            "JSON: directory, address, started (how many daemons this command\n"
            "started), scheduler and nodes[] with name, pid and log.",
    .examples = "  lockstep up                          one node: this machine\n"
                "  lockstep up --nodes 4 --topology hgx-h100.xml\n"
                "  LOCKSTEP_DIR=/tmp/second lockstep up beside another one",
    .json = true,
    .tables = {{"Options", option_table}},
    .run = run,
};
