/* scheduler/cli/settings.h - what `up` started a cluster with: DIR/cluster.json. */
#ifndef LS_SCHEDULER_CLI_SETTINGS_H
#define LS_SCHEDULER_CLI_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/util/error.h"

enum { LS_CLUSTER_NODES_MAX = 1024 }; /* on one machine */

/* Texts are owned, NULL when not set; paths are absolute. Start from {0}. */
struct ls_settings {
    uint32_t nodes;
    char *topology; /* hwloc XML that every node shows; NULL: this machine */
    char *fabric;   /* YAML; NULL: one rack */
    char *listen;   /* HOST:PORT beside the Unix socket */
};

/* Read the settings of a directory. -ENOENT when it has none, -EINVAL when the file is
 * damaged. */
int ls_settings_read(const char *directory, struct ls_settings *ret_settings,
                     struct ls_error *err);
int ls_settings_write(const char *directory, const struct ls_settings *settings,
                      struct ls_error *err);

/* Put what `wanted` sets into `settings`; *ret_changed when something became different
 * that a running cluster cannot take over: all but more nodes. */
void ls_settings_merge(struct ls_settings *settings, const struct ls_settings *wanted,
                       bool *ret_changed);

void ls_settings_free(struct ls_settings *settings);

#endif
