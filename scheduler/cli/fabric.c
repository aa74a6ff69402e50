/* scheduler/cli/fabric.c - `lockstep fabric`: racks and arrays, and their nodes'
 * states. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "common/util/hostlist.h"
#include "common/util/mem.h"
#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/format.h"
#include "scheduler/cli/terminal.h"

/* A registered node by its name; borrows from the reply. */
struct known_node {
    const Ls__NodeInfo *info;
    UT_hash_handle hh;
};

static struct known_node *index_nodes(const Ls__NodesReply *reply)
{
    struct known_node *index = NULL;

    for (size_t i = 0; i < reply->n_nodes; i++) {
        struct known_node *node = ls_calloc(1, sizeof(*node));

        node->info = reply->nodes[i];
        HASH_ADD_KEYPTR(hh, index, node->info->name, strlen(node->info->name), node);
    }
    return index;
}

static void free_index(struct known_node *index)
{
    struct known_node *node, *next;

    HASH_ITER(hh, index, node, next)
    {
        HASH_DEL(index, node);
        ls_free(node);
    }
}

/* A node's state; "absent" when the fabric names a node that never registered. */
static const char *state_of(const struct known_node *index, const char *name,
                            enum ls_style *ret_style)
{
    const struct known_node *node;

    HASH_FIND_STR(index, name, node);
    *ret_style = node ? ls_node_state_style(node->info->state) : LS_STYLE_WARN;
    return node ? ls_node_state_name(node->info->state) : "absent";
}

/* ---- JSON -------------------------------------------------------------------- */

static json_t *domain_json(const Ls__FabricReply *fabric, size_t number,
                           const struct known_node *index)
{
    const Ls__FabricDomain *domain = fabric->domains[number];
    json_t *nodes = json_array();
    enum ls_style style;

    for (size_t i = 0; i < domain->n_nodes; i++)
        json_array_append_new(
            nodes, json_pack("{s:o, s:s}", "name", ls_json_text(domain->nodes[i]),
                             "state", state_of(index, domain->nodes[i], &style)));
    return json_pack("{s:o, s:o, s:o, s:o}", "level", ls_json_text(domain->level),
                     "name", ls_json_text(domain->name), "parent",
                     number == 0 ? json_null()
                                 : ls_json_text(fabric->domains[domain->parent]->name),
                     "nodes", nodes);
}

static void print_json(const Ls__FabricReply *fabric, const struct known_node *index)
{
    json_t *domains = json_array();

    for (size_t i = 0; i < fabric->n_domains; i++)
        json_array_append_new(domains, domain_json(fabric, i, index));
    ls_json_print(json_pack("{s:o, s:o, s:o}", "name", ls_json_text(fabric->name),
                            "source", ls_json_text(fabric->source), "domains",
                            domains));
}

/* ---- the tree ---------------------------------------------------------------- */

/* Children of every domain, as lists: first child and next sibling. 0 ends a list: that
 * is the root, which is nobody's child. */
struct tree {
    size_t *child, *sibling;
};

/* Add the nodes of a rack, those of one state together: "idle n[0-2], down n3". */
static void add_nodes(const Ls__FabricDomain *rack, const struct known_node *index,
                      bool colour, struct ls_strbuf *text)
{
    bool *told = ls_calloc(rack->n_nodes, sizeof(*told));
    char **names = ls_calloc(rack->n_nodes, sizeof(*names));

    for (size_t i = 0; i < rack->n_nodes; i++) {
        enum ls_style style, other;
        const char *state = state_of(index, rack->nodes[i], &style);
        size_t count = 0;
        char *list;

        if (told[i])
            continue;
        for (size_t j = i; j < rack->n_nodes; j++) {
            if (!told[j] && !strcmp(state, state_of(index, rack->nodes[j], &other))) {
                told[j] = true;
                names[count++] = rack->nodes[j];
            }
        }
        style = colour ? style : LS_STYLE_PLAIN;
        list = ls_hostlist_compress(names, count);
        ls_strbuf_printf(text, "%s %s%s%s ", i ? "," : ":", ls_style_on(style), state,
                         ls_style_off(style));
        ls_strbuf_add_printable(text, list);
        ls_free(list);
    }
    ls_free(names);
    ls_free(told);
}

static void add_domain(const Ls__FabricDomain *domain, size_t depth,
                       const struct known_node *index, bool colour,
                       struct ls_strbuf *text)
{
    ls_strbuf_fill(text, ' ', depth * 2);
    ls_strbuf_add_printable(text, domain->level);
    ls_strbuf_add(text, " ");
    ls_strbuf_add_printable(text, domain->name);
    add_nodes(domain, index, colour, text);
    ls_strbuf_add(text, "\n");
}

/* Walk the tree: down to the children, else on to the next sibling of the nearest
 * ancestor that has one. Each domain is visited once. */
static void add_tree(const Ls__FabricReply *fabric, const struct tree *tree,
                     const struct known_node *index, bool colour,
                     struct ls_strbuf *text)
{
    size_t at = 0, depth = 0;

    for (;;) {
        add_domain(fabric->domains[at], depth, index, colour, text);
        if (tree->child[at]) {
            at = tree->child[at];
            depth++;
            continue;
        }
        while (at && !tree->sibling[at]) {
            at = fabric->domains[at]->parent;
            depth--;
        }
        if (!at)
            return;
        at = tree->sibling[at];
    }
}

static void print_tree(const Ls__FabricReply *fabric, const struct known_node *index)
{
    size_t count = fabric->n_domains;
    struct tree tree = {ls_calloc(count, sizeof(size_t)),
                        ls_calloc(count, sizeof(size_t))};
    struct ls_strbuf text = {0};

    for (size_t i = count - 1; i > 0; i--) {
        size_t parent = fabric->domains[i]->parent;

        tree.sibling[i] = tree.child[parent];
        tree.child[parent] = i;
    }
    add_tree(fabric, &tree, index, ls_terminal_colour(STDOUT_FILENO), &text);
    ls_strbuf_add(&text, "from ");
    ls_strbuf_add_printable(&text, fabric->source);
    puts(text.text);
    ls_strbuf_free(&text);
    ls_free(tree.child);
    ls_free(tree.sibling);
}

/* One tree: the root is first, and every parent stands before its children. */
static int check_fabric(const Ls__FabricReply *fabric, struct ls_error *err)
{
    if (fabric->n_domains == 0)
        return ls_error_set(err, -EPROTO, "fabric: the scheduler sent an empty one");
    for (size_t i = 0; i < fabric->n_domains; i++) {
        if (i ? fabric->domains[i]->parent >= i : fabric->domains[i]->parent != 0)
            return ls_error_set(err, -EPROTO,
                                "fabric: domain %zu has no parent before it", i);
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_nodes(Ls__FabricReply *fabric)
{
    for (size_t i = 0; i < fabric->n_domains; i++) {
        if (fabric->domains[i]->n_nodes == 0)
            continue; /* there is no array to sort */
        qsort(fabric->domains[i]->nodes, fabric->domains[i]->n_nodes, sizeof(char *),
              compare_names);
    }
}

static int ask_fabric(struct ls_client *client, Ls__Frame **ret_answer,
                      struct ls_error *err)
{
    Ls__FabricRequest fabric = LS__FABRIC_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT;
    int rc;

    request.body_case = LS__FRAME__BODY_FABRIC;
    request.fabric = &fabric;
    rc = ls_client_ask(client, &request, LS__FRAME__BODY_FABRIC_REPLY, ret_answer, err);
    if (rc == 0)
        rc = check_fabric((*ret_answer)->fabric_reply, err);
    if (rc == 0)
        sort_nodes((*ret_answer)->fabric_reply);
    return rc;
}

static void print(const struct ls_command_line *line, const Ls__FabricReply *fabric,
                  const Ls__NodesReply *nodes)
{
    struct known_node *index = index_nodes(nodes);

    if (line->json)
        print_json(fabric, index);
    else
        print_tree(fabric, index);
    free_index(index);
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    Ls__Frame *fabric = NULL, *nodes = NULL;
    int rc = ls_command_begin(command, argc, argv, NULL, &line);

    if (rc >= 0)
        return rc;
    rc = ls_client_open(line.directory, &client, &err);
    if (rc == 0)
        rc = ask_fabric(&client, &fabric, &err);
    if (rc == 0)
        rc = ls_client_nodes(&client, NULL, &nodes, &err);
    if (rc == 0)
        print(&line, fabric->fabric_reply, nodes->nodes_reply);
    if (fabric)
        ls__frame__free_unpacked(fabric, NULL);
    if (nodes)
        ls__frame__free_unpacked(nodes, NULL);
    ls_client_close(&client);
    return rc < 0 ? ls_complain(&err) : LS_EXIT_DONE;
}

const struct ls_command ls_command_fabric = {
    .name = "fabric",
    .group = LS_COMMANDS_NODES,
    .summary = "show racks and arrays, and the state of their nodes",
    .operands = "",
    .text = "JSON is an object: name source domains[level name parent nodes[name\n"
            "state]]; parent is the name of the domain above, null for the whole\n"
            "fabric. A node that the fabric names and that never registered is\n"
            "\"absent\".",
    .examples = "  lockstep fabric\n"
                "  lockstep fabric --json",
    .json = true,
    .run = run,
};
