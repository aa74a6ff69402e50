/* scheduler/cli/bring_up.c - starting what a cluster lacks, and waiting for it. */
#include "scheduler/cli/bring_up.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/mem.h"
#include "scheduler/cli/client.h"
#include "scheduler/cli/place.h"
#include "scheduler/cli/starter.h"

enum { READY_MS = 60000, LOOK_MS = 50 };

void ls_cluster_node_name(uint32_t number, char name[LS_NODE_NAME_BYTES])
{
    snprintf(name, LS_NODE_NAME_BYTES, "n%u", number);
}

void ls_cluster_free(struct ls_cluster *cluster)
{
    ls_free(cluster->directory);
    ls_settings_free(&cluster->settings);
    ls_daemons_free(&cluster->daemons);
}

/* ---- settings ------------------------------------------------------------------ */

static int choose_settings(struct ls_cluster *cluster, const struct ls_settings *wanted,
                           struct ls_error *err)
{
    bool changed;
    int rc = ls_settings_read(cluster->directory, &cluster->settings, err);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    ls_settings_merge(&cluster->settings, wanted, &changed);
    if (cluster->settings.nodes == 0)
        cluster->settings.nodes = 1;
    if (rc == 0 && changed && cluster->daemons.count)
        return ls_error_set(
            err, -EBUSY,
            "the cluster in %s runs with other settings; `lockstep down` "
            "first to change them",
            cluster->directory);
    return 0;
}

/* ---- starting ------------------------------------------------------------------ */

/* Adds "option value" to a NULL-terminated list when there is a value. */
static void add_option(const char **arguments, const char *option, const char *value)
{
    size_t count = 0;

    while (arguments[count])
        count++;
    if (value) {
        arguments[count] = option;
        arguments[count + 1] = value;
    }
}

static int start_scheduler(const struct ls_cluster *cluster, struct ls_starter *starter,
                           struct ls_error *err)
{
    const char *arguments[8] = {0};

    if (ls_daemons_get(&cluster->daemons, LS_DAEMON_SCHEDULER, NULL))
        return 0;
    add_option(arguments, "--dir", cluster->directory);
    add_option(arguments, "--fabric", cluster->settings.fabric);
    add_option(arguments, "--listen", cluster->settings.listen);
    return ls_starter_add(starter, LS_DAEMON_SCHEDULER, "scheduler",
                          "lockstep-scheduler", arguments, err);
}

static int start_agent(const struct ls_cluster *cluster, const char *name,
                       const char *address, struct ls_starter *starter,
                       struct ls_error *err)
{
    const char *arguments[10] = {0};

    if (ls_daemons_get(&cluster->daemons, LS_DAEMON_AGENT, name))
        return 0;
    add_option(arguments, "--dir", cluster->directory);
    add_option(arguments, "--node", name);
    add_option(arguments, "--scheduler", address);
    add_option(arguments, "--topology", cluster->settings.topology);
    return ls_starter_add(starter, LS_DAEMON_AGENT, name, "lockstep-agent", arguments,
                          err);
}

static int start_agents(const struct ls_cluster *cluster, struct ls_starter *starter,
                        struct ls_error *err)
{
    char *address = ls_place_address(cluster->directory);
    int rc = 0;

    for (uint32_t i = 0; i < cluster->settings.nodes && rc == 0; i++) {
        char name[LS_NODE_NAME_BYTES];

        ls_cluster_node_name(i, name);
        rc = start_agent(cluster, name, address, starter, err);
    }
    ls_free(address);
    return rc;
}

/* ---- registered ---------------------------------------------------------------- */

static bool is_up(const Ls__NodesReply *reply, const char *name)
{
    for (size_t i = 0; i < reply->n_nodes; i++) {
        if (!strcmp(reply->nodes[i]->name, name))
            return reply->nodes[i]->state != LS__NODE_STATE__NODE_DOWN;
    }
    return false;
}

/* The first node that is not up: its number, or the count of all when none is
 * missing. */
static int first_missing(struct ls_client *client, uint32_t count, uint32_t *ret_number,
                         struct ls_error *err)
{
    Ls__Frame *answer;
    uint32_t number = 0;
    int rc = ls_client_nodes(client, NULL, &answer, err);

    if (rc < 0)
        return rc;
    for (; number < count; number++) {
        char name[LS_NODE_NAME_BYTES];

        ls_cluster_node_name(number, name);
        if (!is_up(answer->nodes_reply, name))
            break;
    }
    ls__frame__free_unpacked(answer, NULL);
    *ret_number = number;
    return 0;
}

/* Agents that ran before, and now come back to a new scheduler, have no ready pipe. */
static int wait_registered(const struct ls_cluster *cluster, struct ls_error *err)
{
    uint64_t deadline_ms = ls_clock_ms() + READY_MS;
    struct ls_client client;
    int rc = ls_client_open(cluster->directory, &client, err);

    while (rc == 0) {
        uint32_t missing;

        rc = first_missing(&client, cluster->settings.nodes, &missing, err);
        if (rc < 0 || missing == cluster->settings.nodes)
            break;
        if (ls_clock_ms() >= deadline_ms)
            rc = ls_error_set(err, -ETIMEDOUT,
                              "n%u has not registered after %d s; see "
                              "%s/log/n%u.log",
                              missing, READY_MS / 1000, cluster->directory, missing);
        else
            usleep(LOOK_MS * 1000);
    }
    ls_client_close(&client);
    return rc;
}

/* ---- all of it ----------------------------------------------------------------- */

static int start_all(struct ls_cluster *cluster, struct ls_starter *starter,
                     struct ls_error *err)
{
    int rc = start_scheduler(cluster, starter, err);

    if (rc == 0)
        rc = ls_starter_wait(starter, READY_MS, err);
    if (rc == 0)
        rc = start_agents(cluster, starter, err);
    if (rc == 0)
        rc = ls_starter_wait(starter, READY_MS, err);
    if (rc == 0)
        rc = wait_registered(cluster, err);
    if (rc == 0)
        rc = ls_settings_write(cluster->directory, &cluster->settings, err);
    if (rc < 0)
        ls_starter_stop(starter);
    return rc;
}

int ls_bring_up(const char *directory, const struct ls_settings *wanted,
                struct ls_cluster *ret_cluster, struct ls_error *err)
{
    struct ls_cluster cluster = {.directory = ls_strdup(directory)};
    struct ls_starter starter = {.directory = directory};
    int rc = ls_daemons_find(directory, &cluster.daemons, err);

    if (rc == 0)
        rc = choose_settings(&cluster, wanted, err);
    if (rc == 0)
        rc = start_all(&cluster, &starter, err);
    cluster.started = starter.count;
    ls_starter_free(&starter);
    if (rc == 0 && cluster.started) {
        ls_daemons_free(&cluster.daemons);
        rc = ls_daemons_find(directory, &cluster.daemons, err);
    }
    if (rc < 0)
        ls_cluster_free(&cluster);
    else
        *ret_cluster = cluster;
    return rc;
}
