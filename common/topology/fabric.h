/* common/topology/fabric.h - which rack and array each node is in, and the links above
 * it.
 *
 * Node -> rack -> array -> fabric. Read once from a YAML file, then constant: safe to
 * share between threads. (The transport between nodes is common/fabric.)
 * Depends on util, libcyaml.
 *
 *   name: colossus
 *   levels:                          # optional: the links up from each level
 *     - level: node                  # node, rack or array
 *       links: 8                     # default 1
 *       gbit_per_s: 400              # of one link
 *       oversubscription: 1          # default 1 = non-blocking
 *   racks:                           # either all racks …
 *     - name: r0
 *       nodes: "n[0-3]"
 *   arrays:                          # … with their arrays, if there are any,
 *     - name: a0
 *       racks: "r[0-7]"
 *   generate:                        # or a regular fabric in three numbers
 *     nodes: "n[0-12499]"
 *     nodes_per_rack: 8
 *     racks_per_array: 8             # default: no arrays
 */
#ifndef LS_COMMON_TOPOLOGY_FABRIC_H
#define LS_COMMON_TOPOLOGY_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"

enum {
    LS_FABRIC_NODES_MAX = 1 << 17,
    LS_FABRIC_NAME_MAX = 63, /* bytes of a node's, rack's or array's name */
    LS_FABRIC_FILE_MAX = 16 << 20,
    LS_FABRIC_NONE = -1,
};

/* The links that lead up from something of that level. */
enum ls_fabric_level {
    LS_FABRIC_NODE,  /* from a node into its rack */
    LS_FABRIC_RACK,  /* from a rack into its array */
    LS_FABRIC_ARRAY, /* from an array into the spine */
    LS_FABRIC_LEVELS,
};

struct ls_fabric_links {
    uint32_t links;          /* from each node, rack, array; 0 = unknown */
    double gbit_per_s;       /* of one link, each way; 0 = unknown */
    double oversubscription; /* bandwidth in from below / out above; 0 = unknown */
};

struct ls_fabric_rack {
    char *name;
    int32_t array; /* LS_FABRIC_NONE: directly under the spine */
    char **nodes;
    size_t node_count;
};

struct ls_fabric_array {
    char *name;
    size_t rack_count;
};

struct ls_fabric_node; /* index of nodes by name */

struct ls_fabric_model {
    char *name;
    char *source; /* the file, or "one rack (no fabric file)" */
    struct ls_fabric_links levels[LS_FABRIC_LEVELS];
    struct ls_fabric_rack *racks;
    size_t rack_count, rack_capacity;
    struct ls_fabric_array *arrays; /* none, or every rack is in one */
    size_t array_count, array_capacity;
    size_t node_count;
    bool open; /* one rack for whatever node comes */
    struct ls_fabric_node *index;
};

/* Read and check a fabric file. On success the caller owns *ret_model. Errors: the
 * system's, -EFBIG, or -EINVAL with file, line, field and what was expected. */
int ls_fabric_model_load(const char *path, struct ls_fabric_model **ret_model,
                         struct ls_error *err);

/* The same from text in memory; `source` names it in errors. */
int ls_fabric_model_parse(const char *text, size_t size, const char *source,
                          struct ls_fabric_model **ret_model, struct ls_error *err);

/* Without a file: one rack "rack0" that every node is in. */
struct ls_fabric_model *ls_fabric_model_one_rack(void);

void ls_fabric_model_free(struct ls_fabric_model *model);

/* The index of the node's rack in model->racks, LS_FABRIC_NONE if the file does not
 * name the node. In the one-rack model every node is in rack 0. */
int32_t ls_fabric_model_rack_of(const struct ls_fabric_model *model, const char *node);

#endif
