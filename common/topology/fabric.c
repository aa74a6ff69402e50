/* common/topology/fabric.c - the fabric model: building it, asking it. */
#include "common/topology/fabric.h"

#include <errno.h>
#include <string.h>

#include "common/topology/fabric_private.h"
#include "common/util/check.h"
#include "common/util/mem.h"

/* ---- names ---------------------------------------------------------------------- */

const struct ls_fabric_node *ls_fabric_index_find(const struct ls_fabric_node *index,
                                                  const char *name)
{
    struct ls_fabric_node *found;

    HASH_FIND_STR(index, name, found);
    return found;
}

void ls_fabric_index_add(struct ls_fabric_node **index, char *name, int32_t value)
{
    struct ls_fabric_node *entry = ls_calloc(1, sizeof(*entry));

    entry->name = name;
    entry->value = value;
    HASH_ADD_KEYPTR(hh, *index, entry->name, strlen(entry->name), entry);
}

void ls_fabric_index_free(struct ls_fabric_node **index)
{
    struct ls_fabric_node *entry, *next;

    HASH_ITER(hh, *index, entry, next)
    {
        HASH_DEL(*index, entry);
        ls_free(entry);
    }
}

bool ls_fabric_name_valid(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789._-");

    return length > 0 && length <= LS_FABRIC_NAME_MAX && name[length] == '\0';
}

/* ---- building ------------------------------------------------------------------- */

struct ls_fabric_model *ls_fabric_model_new(const char *name, const char *source)
{
    struct ls_fabric_model *model = ls_calloc(1, sizeof(*model));

    model->name = ls_strdup(name);
    model->source = ls_strdup(source);
    return model;
}

int32_t ls_fabric_model_add_rack(struct ls_fabric_model *model, const char *name)
{
    struct ls_fabric_rack rack = {.name = ls_strdup(name), .array = LS_FABRIC_NONE};

    LS_GROW(model->racks, model->rack_count, model->rack_capacity);
    model->racks[model->rack_count] = rack;
    return (int32_t)model->rack_count++;
}

int32_t ls_fabric_model_add_array(struct ls_fabric_model *model, const char *name)
{
    struct ls_fabric_array array = {.name = ls_strdup(name)};

    LS_GROW(model->arrays, model->array_count, model->array_capacity);
    model->arrays[model->array_count] = array;
    return (int32_t)model->array_count++;
}

static int check_node(const struct ls_fabric_model *model, const char *name,
                      struct ls_error *err)
{
    const struct ls_fabric_node *known = ls_fabric_index_find(model->index, name);

    if (!ls_fabric_name_valid(name))
        return ls_error_set(err, -EINVAL,
                            "node name '%.80s': expected 1 to %d letters, digits, "
                            "'.', '_', '-'",
                            name, LS_FABRIC_NAME_MAX);
    if (known)
        return ls_error_set(err, -EINVAL,
                            "node %s is in rack %s already; expected each node once",
                            name, model->racks[known->value].name);
    if (model->node_count >= LS_FABRIC_NODES_MAX)
        return ls_error_set(err, -EINVAL, "too many nodes; expected at most %d",
                            LS_FABRIC_NODES_MAX);
    return 0;
}

int ls_fabric_model_add_nodes(struct ls_fabric_model *model, char **names, size_t count,
                              struct ls_error *err)
{
    struct ls_fabric_rack *rack = &model->racks[model->rack_count - 1];
    int rc = 0;

    ls_assert(model->rack_count > 0);
    rack->nodes =
        ls_realloc(rack->nodes, rack->node_count + count, sizeof(*rack->nodes));
    for (size_t i = 0; i < count; i++) {
        if (rc == 0)
            rc = check_node(model, names[i], err);
        if (rc < 0) {
            ls_free(names[i]);
            continue;
        }
        rack->nodes[rack->node_count++] = names[i];
        ls_fabric_index_add(&model->index, names[i], (int32_t)model->rack_count - 1);
        model->node_count++;
    }
    return rc;
}

struct ls_fabric_model *ls_fabric_model_one_rack(void)
{
    struct ls_fabric_model *model =
        ls_fabric_model_new("one-rack", "one rack (no fabric file)");

    model->open = true;
    ls_fabric_model_add_rack(model, "rack0");
    return model;
}

void ls_fabric_model_free(struct ls_fabric_model *model)
{
    if (!model)
        return;
    ls_fabric_index_free(&model->index);
    for (size_t i = 0; i < model->rack_count; i++) {
        for (size_t j = 0; j < model->racks[i].node_count; j++)
            ls_free(model->racks[i].nodes[j]);
        ls_free(model->racks[i].nodes);
        ls_free(model->racks[i].name);
    }
    for (size_t i = 0; i < model->array_count; i++)
        ls_free(model->arrays[i].name);
    ls_free(model->racks);
    ls_free(model->arrays);
    ls_free(model->name);
    ls_free(model->source);
    ls_free(model);
}

/* ---- asking --------------------------------------------------------------------- */

int32_t ls_fabric_model_rack_of(const struct ls_fabric_model *model, const char *node)
{
    const struct ls_fabric_node *found;

    if (model->open)
        return 0;
    found = ls_fabric_index_find(model->index, node);
    return found ? found->value : LS_FABRIC_NONE;
}
