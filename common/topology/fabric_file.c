/* common/topology/fabric_file.c - fabric files: YAML -> model, and what is wrong in
 * them. */
#include <cyaml/cyaml.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/topology/fabric.h"
#include "common/topology/fabric_private.h"
#include "common/topology/yaml_error.h"
#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/hostlist.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

/* ---- the file as it is written ------------------------------------------------- */

struct level_entry {
    char *level;
    uint32_t *links;
    double *gbit_per_s, *oversubscription;
};

struct rack_entry {
    char *name, *nodes;
};

struct array_entry {
    char *name, *racks;
};

struct generate_entry {
    char *nodes;
    uint32_t nodes_per_rack;
    uint32_t *racks_per_array;
};

struct fabric_file {
    char *name;
    struct level_entry *levels;
    uint32_t levels_count;
    struct rack_entry *racks;
    uint32_t racks_count;
    struct array_entry *arrays;
    uint32_t arrays_count;
    struct generate_entry *generate;
};

#define TEXT(key, type, member)                                                        \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)
#define LIST(key, member, entry, count_min)                                            \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                \
                         struct fabric_file, member, entry, count_min,                 \
                         LS_FABRIC_NODES_MAX)

static const cyaml_schema_field_t level_fields[] = {
    TEXT("level", struct level_entry, level),
    CYAML_FIELD_UINT_PTR("links", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct level_entry, links),
    CYAML_FIELD_FLOAT_PTR("gbit_per_s", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                          struct level_entry, gbit_per_s),
    CYAML_FIELD_FLOAT_PTR("oversubscription", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                          struct level_entry, oversubscription),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t level_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct level_entry, level_fields),
};

static const cyaml_schema_field_t rack_fields[] = {
    TEXT("name", struct rack_entry, name),
    TEXT("nodes", struct rack_entry, nodes),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t rack_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct rack_entry, rack_fields),
};

static const cyaml_schema_field_t array_fields[] = {
    TEXT("name", struct array_entry, name),
    TEXT("racks", struct array_entry, racks),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t array_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct array_entry, array_fields),
};

static const cyaml_schema_field_t generate_fields[] = {
    TEXT("nodes", struct generate_entry, nodes),
    CYAML_FIELD_UINT("nodes_per_rack", CYAML_FLAG_DEFAULT, struct generate_entry,
                     nodes_per_rack),
    CYAML_FIELD_UINT_PTR("racks_per_array", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct generate_entry, racks_per_array),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t file_fields[] = {
    TEXT("name", struct fabric_file, name),
    LIST("levels", levels, &level_value, 0),
    LIST("racks", racks, &rack_value, 1),
    LIST("arrays", arrays, &array_value, 0),
    CYAML_FIELD_MAPPING_PTR("generate", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                            struct fabric_file, generate, generate_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct fabric_file, file_fields),
};

static const struct ls_yaml_expectation expectations[] = {
    {"", "a mapping with the keys name, levels, racks, arrays, generate"},
    {"name", "a name of letters, digits, '.', '_', '-'"},
    {"levels", "a list of entries with the keys level, links, gbit_per_s, "
               "oversubscription"},
    {"level", "node, rack or array"},
    {"links", "a count of 1 or more"},
    {"gbit_per_s", "a number above 0"},
    {"oversubscription", "a number above 0"},
    {"racks",
     "a list of entries with the keys name, nodes (of an array: a list of rack "
     "names like \"r[0-7]\")"},
    {"nodes", "a list of node names like \"n[0-3]\""},
    {"arrays", "a list of entries with the keys name, racks"},
    {"generate", "a mapping with the keys nodes, nodes_per_rack, racks_per_array"},
    {"nodes_per_rack", "a count of 1 or more"},
    {"racks_per_array", "a count of 1 or more"},
    {NULL, NULL},
};

/* ---- from the file to the model -------------------------------------------------- */

struct loader {
    const char *text;
    struct fabric_file *file;
    struct ls_fabric_model *model;
    struct ls_fabric_node *racks, *arrays; /* by name */
    struct ls_error *err;
};

/* Put "line 7: racks[2].nodes: " before a reason. The n-th entry of a list has the n-th
 * such key with that value that stands in the text. */
static int at_entry(const struct loader *loader, const char *list, size_t index,
                    const char *key, const char *value, size_t same_before)
{
    unsigned line = ls_yaml_line_of(loader->text, key, value, same_before);

    ls_error_wrap(loader->err, "%s[%zu].%s", list, index, key);
    if (line > 0)
        ls_error_wrap(loader->err, "line %u", line);
    return -EINVAL;
}

static int check_number(const struct loader *loader, size_t index, const char *key,
                        double value, double value_max)
{
    char text[32];

    if (isfinite(value) && value > 0 && value <= value_max)
        return 0;
    ls_error_set(loader->err, -EINVAL, "%g, expected a number above 0 and up to %g",
                 value, value_max);
    (void)snprintf(text, sizeof(text), "%g", value);
    return at_entry(loader, "levels", index, key, text, 0);
}

static int level_of(const char *name)
{
    static const char *const names[LS_FABRIC_LEVELS] = {"node", "rack", "array"};

    for (int i = 0; i < LS_FABRIC_LEVELS; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

static int add_level(const struct loader *loader, size_t index)
{
    const struct level_entry *entry = &loader->file->levels[index];
    int level = level_of(entry->level);
    struct ls_fabric_links links = {
        .links = entry->links ? *entry->links : 1,
        .gbit_per_s = entry->gbit_per_s ? *entry->gbit_per_s : 0,
        .oversubscription = entry->oversubscription ? *entry->oversubscription : 1,
    };
    int rc = 0;

    if (level < 0 || loader->model->levels[level].links > 0) {
        ls_error_set(loader->err, -EINVAL,
                     "'%.40s', expected node, rack or array, each once", entry->level);
        return at_entry(loader, "levels", index, "level", entry->level, level >= 0);
    }
    if (entry->links)
        rc = check_number(loader, index, "links", links.links, 1e6);
    if (rc == 0 && entry->gbit_per_s)
        rc = check_number(loader, index, "gbit_per_s", links.gbit_per_s, 1e9);
    if (rc == 0)
        rc = check_number(loader, index, "oversubscription", links.oversubscription,
                          1e6);
    if (rc == 0)
        loader->model->levels[level] = links;
    return rc;
}

/* Names of racks and arrays are words, and each stands once. */
static int check_name(const struct loader *loader, const struct ls_fabric_node *taken,
                      const char *name)
{
    if (!ls_fabric_name_valid(name))
        return ls_error_set(loader->err, -EINVAL,
                            "'%.80s', expected 1 to %d letters, digits, '.', '_', '-'",
                            name, LS_FABRIC_NAME_MAX);
    if (ls_fabric_index_find(taken, name))
        return ls_error_set(loader->err, -EINVAL,
                            "%s stands there already; expected each name once", name);
    return 0;
}

static int add_nodes(const struct loader *loader, const char *hostlist)
{
    char **names = NULL;
    size_t count = 0;
    int rc = ls_hostlist_expand(hostlist, &names, &count, loader->err);

    if (rc < 0)
        return rc;
    rc = ls_fabric_model_add_nodes(loader->model, names, count, loader->err);
    ls_free(names);
    return rc;
}

static size_t same_nodes_before(const struct fabric_file *file, size_t index)
{
    size_t count = 0;

    for (size_t i = 0; i < index; i++)
        count += strcmp(file->racks[i].nodes, file->racks[index].nodes) == 0;
    return count;
}

static int add_rack(struct loader *loader, size_t index)
{
    const struct rack_entry *entry = &loader->file->racks[index];
    int32_t rack;

    if (check_name(loader, loader->racks, entry->name) < 0)
        return at_entry(loader, "racks", index, "name", entry->name,
                        ls_fabric_index_find(loader->racks, entry->name) != NULL);
    rack = ls_fabric_model_add_rack(loader->model, entry->name);
    ls_fabric_index_add(&loader->racks, entry->name, rack);
    if (add_nodes(loader, entry->nodes) < 0)
        return at_entry(loader, "racks", index, "nodes", entry->nodes,
                        same_nodes_before(loader->file, index));
    return 0;
}

/* Put one rack into an array. */
static int join_rack(const struct loader *loader, const char *name, int32_t array)
{
    const struct ls_fabric_node *found = ls_fabric_index_find(loader->racks, name);
    struct ls_fabric_rack *rack;

    if (!found)
        return ls_error_set(loader->err, -EINVAL,
                            "there is no rack '%.80s'; expected names from racks",
                            name);
    rack = &loader->model->racks[found->value];
    if (rack->array != LS_FABRIC_NONE)
        return ls_error_set(loader->err, -EINVAL,
                            "rack %s is in array %s already; expected each rack once",
                            name, loader->model->arrays[rack->array].name);
    rack->array = array;
    loader->model->arrays[array].rack_count++;
    return 0;
}

static int add_array(struct loader *loader, size_t index)
{
    const struct array_entry *entry = &loader->file->arrays[index];
    char **names = NULL;
    size_t count = 0;
    int32_t array;
    int rc;

    if (check_name(loader, loader->arrays, entry->name) < 0)
        return at_entry(loader, "arrays", index, "name", entry->name,
                        ls_fabric_index_find(loader->arrays, entry->name) != NULL);
    array = ls_fabric_model_add_array(loader->model, entry->name);
    ls_fabric_index_add(&loader->arrays, entry->name, array);
    rc = ls_hostlist_expand(entry->racks, &names, &count, loader->err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = join_rack(loader, names[i], array);
    ls_hostlist_free(names, count);
    return rc < 0 ? at_entry(loader, "arrays", index, "racks", entry->racks, 0) : 0;
}

static int check_all_in_arrays(const struct loader *loader)
{
    const struct ls_fabric_model *model = loader->model;

    for (size_t i = 0; model->array_count > 0 && i < model->rack_count; i++) {
        if (model->racks[i].array == LS_FABRIC_NONE)
            return ls_error_set(loader->err, -EINVAL,
                                "arrays: rack %s is in none; expected each rack in one",
                                model->racks[i].name);
    }
    return 0;
}

/* ---- the short form ----------------------------------------------------------------
 */

/* Append rack number `rack`, and its array when it is the first in one. */
static void add_numbered_rack(const struct loader *loader, size_t rack)
{
    const uint32_t *per_array = loader->file->generate->racks_per_array;
    struct ls_fabric_model *model = loader->model;
    char name[32];

    (void)snprintf(name, sizeof(name), "r%zu", rack);
    ls_fabric_model_add_rack(model, name);
    if (!per_array)
        return;
    if (rack % *per_array == 0) {
        (void)snprintf(name, sizeof(name), "a%zu", rack / *per_array);
        ls_fabric_model_add_array(model, name);
    }
    model->racks[rack].array = (int32_t)model->array_count - 1;
    model->arrays[model->array_count - 1].rack_count++;
}

/* Cut a list of nodes into racks r0, r1 … and those into arrays a0, a1 … . Takes the
 * names, not their array. */
static int cut(const struct loader *loader, char **names, size_t count)
{
    size_t per_rack = loader->file->generate->nodes_per_rack;
    size_t first = 0;
    int rc = 0;

    while (rc == 0 && first < count) {
        size_t in_rack = count - first < per_rack ? count - first : per_rack;

        add_numbered_rack(loader, loader->model->rack_count);
        rc = ls_fabric_model_add_nodes(loader->model, names + first, in_rack,
                                       loader->err);
        first += in_rack;
    }
    while (first < count)
        ls_free(names[first++]);
    return rc;
}

static int at_generate(const struct loader *loader, const char *key, const char *value)
{
    unsigned line = ls_yaml_line_of(loader->text, key, value, 0);

    ls_error_wrap(loader->err, "generate.%s", key);
    if (line > 0)
        ls_error_wrap(loader->err, "line %u", line);
    return -EINVAL;
}

static int generate(const struct loader *loader)
{
    const struct generate_entry *entry = loader->file->generate;
    const char *zero = NULL;
    char **names = NULL;
    size_t count = 0;
    int rc;

    if (entry->nodes_per_rack == 0)
        zero = "nodes_per_rack";
    else if (entry->racks_per_array && *entry->racks_per_array == 0)
        zero = "racks_per_array";
    if (zero) {
        ls_error_set(loader->err, -EINVAL, "0, expected a count of 1 or more");
        return at_generate(loader, zero, "0");
    }
    rc = ls_hostlist_expand(entry->nodes, &names, &count, loader->err);
    if (rc == 0)
        rc = cut(loader, names, count);
    ls_free(names);
    return rc < 0 ? at_generate(loader, "nodes", entry->nodes) : 0;
}

/* ---- all of it ----------------------------------------------------------------------
 */

static int build(struct loader *loader)
{
    const struct fabric_file *file = loader->file;
    int rc = 0;

    if (check_name(loader, NULL, file->name) < 0)
        return ls_error_wrap(loader->err, "name");
    if ((file->racks_count > 0) == (file->generate != NULL))
        return ls_error_set(
            loader->err, -EINVAL, "%s; expected either racks or generate",
            file->generate ? "both racks and generate" : "neither racks nor generate");
    if (file->generate && file->arrays_count > 0)
        return ls_error_set(loader->err, -EINVAL,
                            "arrays beside generate; expected racks_per_array there");
    for (size_t i = 0; rc == 0 && i < file->levels_count; i++)
        rc = add_level(loader, i);
    if (rc == 0 && file->generate)
        return generate(loader);
    for (size_t i = 0; rc == 0 && i < file->racks_count; i++)
        rc = add_rack(loader, i);
    for (size_t i = 0; rc == 0 && i < file->arrays_count; i++)
        rc = add_array(loader, i);
    return rc < 0 ? rc : check_all_in_arrays(loader);
}

/* One line, whatever names the file has in it. */
static int report(const char *source, const struct ls_error *why, struct ls_error *err)
{
    struct ls_strbuf text = {0};

    ls_strbuf_add_printable(&text, why->text);
    ls_error_set(err, -EINVAL, "fabric %s: %s", source, text.text);
    ls_strbuf_free(&text);
    return -EINVAL;
}

int ls_fabric_model_parse(const char *text, size_t size, const char *source,
                          struct ls_fabric_model **ret_model, struct ls_error *err)
{
    struct ls_error why = {0};
    struct loader loader = {.text = text, .err = &why};
    void *data = NULL;
    int rc = ls_yaml_load(text, size, &file_value, expectations, &data, &why);

    if (rc == 0) {
        loader.file = data;
        loader.model = ls_fabric_model_new(loader.file->name, source);
        rc = build(&loader);
    }
    ls_fabric_index_free(&loader.racks);
    ls_fabric_index_free(&loader.arrays);
    ls_yaml_free(&file_value, data);
    if (rc < 0) {
        ls_fabric_model_free(loader.model);
        return report(source, &why, err);
    }
    *ret_model = loader.model;
    return 0;
}

int ls_fabric_model_load(const char *path, struct ls_fabric_model **ret_model,
                         struct ls_error *err)
{
    char *text = NULL;
    size_t size = 0;
    int rc = ls_file_read(path, LS_FABRIC_FILE_MAX, &text, &size, err);

    if (rc < 0) {
        ls_error_wrap(err, "fabric");
        return rc;
    }
    rc = ls_fabric_model_parse(text, size, path, ret_model, err);
    ls_free(text);
    return rc;
}
