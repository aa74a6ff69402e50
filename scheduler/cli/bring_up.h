/* scheduler/cli/bring_up.h - making a cluster run: the work of `lockstep up`. */
#ifndef LS_SCHEDULER_CLI_BRING_UP_H
#define LS_SCHEDULER_CLI_BRING_UP_H

#include <stddef.h>

#include "common/util/error.h"
#include "scheduler/cli/daemons.h"
#include "scheduler/cli/settings.h"

enum { LS_NODE_NAME_BYTES = 16 };

/* A cluster that runs. */
struct ls_cluster {
    char *directory;
    struct ls_settings settings;
    struct ls_daemons daemons;
    size_t started; /* daemons that had to be started */
};

/* The name of the node with this number: "n7". */
void ls_cluster_node_name(uint32_t number, char name[LS_NODE_NAME_BYTES]);

/* Start what does not run and wait until every node has registered. The caller holds
 * the cluster's lock. On failure what was started here is ended again. `wanted` has
 * only what the user set; the rest is as the directory's cluster.json says. */
int ls_bring_up(const char *directory, const struct ls_settings *wanted,
                struct ls_cluster *ret_cluster, struct ls_error *err);

void ls_cluster_free(struct ls_cluster *cluster);

#endif
