/* scheduler/cli/settings.c - reading and writing cluster.json. */
#include "scheduler/cli/settings.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/format.h"

enum { FILE_BYTES_MAX = 64 * 1024 };

static char *settings_path(const char *directory)
{
    return ls_asprintf("%s/cluster.json", directory);
}

static int take_settings(const char *path, const json_t *root,
                         struct ls_settings *ret_settings, struct ls_error *err)
{
    const char *topology = NULL, *fabric = NULL, *listen = NULL;
    json_int_t nodes;
    json_error_t why;

    if (json_unpack_ex((json_t *)root, &why, 0, "{s:I, s?s, s?s, s?s}", "nodes", &nodes,
                       "topology", &topology, "fabric", &fabric, "listen", &listen) < 0)
        return ls_error_set(err, -EINVAL, "%s: %s", path, why.text);
    if (nodes < 1 || nodes > LS_CLUSTER_NODES_MAX)
        return ls_error_set(err, -EINVAL, "%s: nodes: %lld is not in 1 … %d", path,
                            (long long)nodes, LS_CLUSTER_NODES_MAX);
    *ret_settings = (struct ls_settings){
        .nodes = (uint32_t)nodes,
        .topology = ls_strdup(topology),
        .fabric = ls_strdup(fabric),
        .listen = ls_strdup(listen),
    };
    return 0;
}

int ls_settings_read(const char *directory, struct ls_settings *ret_settings,
                     struct ls_error *err)
{
    char *path = settings_path(directory), *bytes;
    json_error_t why;
    json_t *root;
    size_t size;
    int rc = ls_file_read(path, FILE_BYTES_MAX, &bytes, &size, err);

    if (rc < 0)
        goto free_path;
    root = json_loadb(bytes, size, 0, &why);
    if (root)
        rc = take_settings(path, root, ret_settings, err);
    else
        rc = ls_error_set(err, -EINVAL, "%s:%d: %s", path, why.line, why.text);
    json_decref(root);
    ls_free(bytes);
free_path:
    ls_free(path);
    return rc;
}

static void set_text(json_t *root, const char *name, const char *text)
{
    if (text)
        json_object_set_new(root, name, ls_json_text(text));
}

int ls_settings_write(const char *directory, const struct ls_settings *settings,
                      struct ls_error *err)
{
    json_t *root = json_pack("{s:I}", "nodes", (json_int_t)settings->nodes);
    char *path = settings_path(directory), *text;
    int rc;

    set_text(root, "topology", settings->topology);
    set_text(root, "fabric", settings->fabric);
    set_text(root, "listen", settings->listen);
    text = json_dumps(root, JSON_INDENT(2));
    rc = ls_file_write_atomic(path, text, strlen(text), err);
    free(text);
    json_decref(root);
    ls_free(path);
    return rc;
}

static void merge_text(char **text, const char *wanted, bool *changed)
{
    if (!wanted || (*text && !strcmp(*text, wanted)))
        return;
    ls_free(*text);
    *text = ls_strdup(wanted);
    *changed = true;
}

void ls_settings_merge(struct ls_settings *settings, const struct ls_settings *wanted,
                       bool *ret_changed)
{
    bool changed = wanted->nodes && wanted->nodes < settings->nodes;

    if (wanted->nodes)
        settings->nodes = wanted->nodes;
    merge_text(&settings->topology, wanted->topology, &changed);
    merge_text(&settings->fabric, wanted->fabric, &changed);
    merge_text(&settings->listen, wanted->listen, &changed);
    *ret_changed = changed;
}

void ls_settings_free(struct ls_settings *settings)
{
    ls_free(settings->topology);
    ls_free(settings->fabric);
    ls_free(settings->listen);
    *settings = (struct ls_settings){0};
}
