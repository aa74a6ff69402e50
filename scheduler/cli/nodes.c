/* scheduler/cli/nodes.c - `lockstep nodes`: the list of nodes, or one with its
 * devices. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/topology/digest.h"
#include "common/topology/render.h"
#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/format.h"

/* ---- JSON -------------------------------------------------------------------- */

static json_t *digest_json(const Ls__NodeDigest *digest)
{
    if (digest)
        return ls_digest_to_json(digest);
    return json_pack("{s:[], s:[], s:i, s:i}", "gpus", "nics", "cores", 0,
                     "memory_bytes", 0);
}

static json_t *node_json(const Ls__NodeInfo *node)
{
    json_t *digest = digest_json(node->digest), *jobs = json_array(), *value;

    for (size_t i = 0; i < node->n_jobs; i++)
        json_array_append_new(jobs, json_integer((json_int_t)node->jobs[i]));
    value = json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:I, s:I}", "name", ls_json_text(node->name),
        "state", ls_node_state_name(node->state), "reason", ls_json_text(node->reason),
        "rack", ls_json_text(node->rack), "jobs", jobs, "gpus_used",
        (json_int_t)node->gpus_used, "cores_used", (json_int_t)node->cores_used);
    json_object_update_missing(value, digest);
    json_decref(digest);
    return value;
}

static void print_json(const Ls__NodesReply *reply)
{
    json_t *list = json_array();

    for (size_t i = 0; i < reply->n_nodes; i++)
        json_array_append_new(list, node_json(reply->nodes[i]));
    ls_json_print(list);
}

/* ---- the table --------------------------------------------------------------- */

static char *jobs_text(const Ls__NodeInfo *node)
{
    struct ls_strbuf text = {0};

    for (size_t i = 0; i < node->n_jobs; i++)
        ls_strbuf_printf(&text, "%s%" PRIu64, i ? "," : "", node->jobs[i]);
    if (node->n_jobs == 0)
        ls_strbuf_add(&text, "-");
    return ls_strbuf_take(&text);
}

static void add_row(struct ls_table *table, const Ls__NodeInfo *node)
{
    const Ls__NodeDigest *digest = node->digest;
    size_t gpus = digest ? digest->n_gpus : 0;
    char *jobs = jobs_text(node);
    char memory[32];

    ls_format_bytes(digest ? digest->memory_bytes : 0, memory);
    ls_table_cell(table, LS_STYLE_PLAIN, "%s", node->name);
    ls_table_cell(table, ls_node_state_style(node->state), "%s",
                  ls_node_state_name(node->state));
    ls_table_cell(table, LS_STYLE_PLAIN, "%s", node->rack);
    ls_table_cell(table, LS_STYLE_PLAIN, "%" PRIu32 "/%zu", node->gpus_used, gpus);
    ls_table_cell(table, LS_STYLE_PLAIN, "%s", gpus ? digest->gpus[0]->model : "-");
    ls_table_cell(table, LS_STYLE_PLAIN, "%" PRIu32 "/%" PRIu32, node->cores_used,
                  digest ? digest->cores : 0);
    ls_table_cell(table, LS_STYLE_PLAIN, "%s", memory);
    ls_table_cell(table, LS_STYLE_PLAIN, "%s", jobs);
    ls_table_cell(table, LS_STYLE_PLAIN, "%s", node->reason);
    ls_free(jobs);
}

static void print_table(const Ls__NodesReply *reply)
{
    static const struct ls_table_column columns[] = {
        {"NODE", LS_ALIGN_LEFT, true},     {"STATE", LS_ALIGN_LEFT, false},
        {"RACK", LS_ALIGN_LEFT, true},     {"GPUS", LS_ALIGN_RIGHT, false},
        {"MODEL", LS_ALIGN_LEFT, true},    {"CORES", LS_ALIGN_RIGHT, false},
        {"MEMORY", LS_ALIGN_RIGHT, false}, {"JOBS", LS_ALIGN_LEFT, true},
        {"REASON", LS_ALIGN_LEFT, true},
    };
    struct ls_table *table = ls_table_new(columns, LS_ARRAY_SIZE(columns));

    for (size_t i = 0; i < reply->n_nodes; i++)
        add_row(table, reply->nodes[i]);
    ls_table_print(table);
    ls_table_free(table);
}

static void print_node(const Ls__NodesReply *reply)
{
    const Ls__NodeDigest *digest = reply->nodes[0]->digest;
    struct ls_strbuf text = {0};

    print_table(reply);
    if (!digest) {
        puts("\nits agent has not registered since the scheduler started: devices "
             "unknown");
        return;
    }
    ls_strbuf_add(&text, "\n");
    ls_digest_render_tree(digest, &text);
    ls_strbuf_add(&text, "\n");
    ls_digest_render_matrix(digest, &text);
    fputs(text.text, stdout);
    ls_strbuf_free(&text);
}

/* What shows digests relies on them being well-formed. */
static int check_digests(const Ls__NodesReply *reply, struct ls_error *err)
{
    for (size_t i = 0; i < reply->n_nodes; i++) {
        const Ls__NodeInfo *node = reply->nodes[i];

        if (node->digest && ls_digest_validate(node->digest, err) < 0)
            return ls_error_wrap(err, "node %s", node->name);
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const Ls__NodeInfo *const *one = a, *const *other = b;

    return strverscmp((*one)->name, (*other)->name); /* n2 before n10 */
}

static void print(const struct ls_command_line *line, Ls__NodesReply *reply)
{
    if (reply->n_nodes)
        qsort(reply->nodes, reply->n_nodes, sizeof(void *), compare_names);
    if (line->json)
        print_json(reply);
    else if (line->operands.count)
        print_node(reply);
    else
        print_table(reply);
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    Ls__Frame *answer = NULL;
    const char *name;
    int rc = ls_command_begin(command, argc, argv, NULL, &line);

    if (rc >= 0)
        return rc;
    name = line.operands.count ? line.operands.items[0] : NULL;
    rc = ls_client_open(line.directory, &client, &err);
    if (rc == 0)
        rc = ls_client_nodes(&client, name, &answer, &err);
    ls_client_close(&client);
    if (rc == 0)
        rc = check_digests(answer->nodes_reply, &err);
    if (rc == 0)
        print(&line, answer->nodes_reply);
    if (answer)
        ls__frame__free_unpacked(answer, NULL);
    return rc < 0 ? ls_complain(&err) : LS_EXIT_DONE;
}

const struct ls_command ls_command_nodes = {
    .name = "nodes",
    .group = LS_COMMANDS_NODES,
    .summary = "list nodes, or show one with its devices",
    .operands = "[NAME]",
    .text = "With NAME: its packages, cores, GPUs and NICs as a tree, and how they\n"
            "reach one another as a matrix, as `nvidia-smi topo -m` does.\n\n"
            "JSON is an array of objects: name state reason rack jobs gpus_used\n"
            "cores_used gpus[index model bus_id numa nic …] nics[name kind numa …]\n"
            "cores memory_bytes and more. States: idle mixed allocated draining\n"
            "drained down.",
    .examples = "  lockstep nodes                   all nodes\n"
                "  lockstep nodes n0                one, with its topology\n"
                "  lockstep nodes --json | jq '.[] | select(.state == \"down\").name'",
    .operands_max = 1,
    .json = true,
    .run = run,
};
