/* common/topology/fabric_private.h - how a fabric model is put together. */
#ifndef LS_COMMON_TOPOLOGY_FABRIC_PRIVATE_H
#define LS_COMMON_TOPOLOGY_FABRIC_PRIVATE_H

#include <stdbool.h>

#include <uthash.h>

#include "common/topology/fabric.h"

/* A name and what it stands for; head of a hash table is NULL when empty. */
struct ls_fabric_node {
    char *name;    /* borrowed from what it names */
    int32_t value; /* of a node: its rack; of a rack, array: its index */
    UT_hash_handle hh;
};

const struct ls_fabric_node *ls_fabric_index_find(const struct ls_fabric_node *index,
                                                  const char *name);
void ls_fabric_index_add(struct ls_fabric_node **index, char *name, int32_t value);
void ls_fabric_index_free(struct ls_fabric_node **index);

struct ls_fabric_model *ls_fabric_model_new(const char *name, const char *source);

/* Append an empty rack (in no array) or array; returns its index. */
int32_t ls_fabric_model_add_rack(struct ls_fabric_model *model, const char *name);
int32_t ls_fabric_model_add_array(struct ls_fabric_model *model, const char *name);

/* Put nodes into the last rack. The names become the model's; the array is borrowed.
 * -EINVAL for a bad name, a node that is in a rack already, too many nodes; the names
 * that were not taken are freed. */
int ls_fabric_model_add_nodes(struct ls_fabric_model *model, char **names, size_t count,
                              struct ls_error *err);

bool ls_fabric_name_valid(const char *name);

#endif
