/* scheduler/daemon/fabric_view.c - the configured fabric. Depends on topology, commit.
 */
#include "scheduler/daemon/fabric_view.h"

#include <string.h>

#include "common/topology/fabric.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

struct ls_fabric_view {
    struct ls_fabric_model *model;
    bool from_file;
    char *logged; /* the fabric of the log, as text; "" = none */
};

int ls_fabric_view_open(const char *path, struct ls_fabric_view **ret_view,
                        struct ls_error *err)
{
    struct ls_fabric_model *model;
    struct ls_fabric_view *view;
    int rc = 0;

    if (path)
        rc = ls_fabric_model_load(path, &model, err);
    else
        model = ls_fabric_model_one_rack();
    if (rc < 0)
        return rc;
    view = ls_calloc(1, sizeof(*view));
    view->model = model;
    view->from_file = path != NULL;
    view->logged = ls_strdup("");
    *ret_view = view;
    return 0;
}

void ls_fabric_view_free(struct ls_fabric_view *view)
{
    if (!view)
        return;
    ls_fabric_model_free(view->model);
    ls_free(view->logged);
    ls_free(view);
}

/* ---- into the log
 * ------------------------------------------------------------------------ */

static char *join(char *const *names, size_t count)
{
    struct ls_strbuf text = {0};

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            ls_strbuf_add(&text, ",");
        ls_strbuf_add(&text, names[i]);
    }
    return ls_strbuf_take(&text);
}

/* A fabric event as text, to compare two. */
static char *event_text(const struct ls_event *event)
{
    struct ls_strbuf text = {0};

    for (size_t i = 0; i < event->rack_count; i++)
        ls_strbuf_printf(&text, "%s=%s\n", event->rack_names[i], event->rack_nodes[i]);
    return ls_strbuf_take(&text);
}

void ls_fabric_view_replayed(struct ls_fabric_view *view, const struct ls_event *event)
{
    if (event->kind != LS_EVENT_FABRIC)
        return;
    ls_free(view->logged);
    view->logged = event_text(event);
}

static struct ls_event fabric_event(struct ls_server *server)
{
    const struct ls_fabric_model *model = server->fabric->model;
    struct ls_event event = ls_server_event(server, LS_EVENT_FABRIC);
    size_t count = server->fabric->from_file ? model->rack_count : 0;
    char **names = ls_calloc(count, sizeof(char *));
    char **nodes = ls_calloc(count, sizeof(char *));

    for (size_t i = 0; i < count; i++) {
        names[i] = ls_strdup(model->racks[i].name);
        nodes[i] = join(model->racks[i].nodes, model->racks[i].node_count);
    }
    event.rack_names = (const char *const *)names;
    event.rack_nodes = (const char *const *)nodes;
    event.rack_count = count;
    return event;
}

int ls_fabric_view_commit(struct ls_server *server, struct ls_error *err)
{
    struct ls_event event = fabric_event(server);
    char *text = event_text(&event);
    bool same = strcmp(text, server->fabric->logged) == 0;

    ls_free(text);
    if (same) {
        ls_event_release(&event);
        return 0;
    }
    return ls_commit_add(server->commit, &event, (struct ls_ticket){0}, NULL, err);
}

/* ---- to clients
 * ---------------------------------------------------------------------------- */

/* The domains of an answer; names are borrowed. */
struct domains {
    Ls__FabricDomain *items;
    Ls__FabricDomain **list;
    size_t count;
};

static Ls__FabricDomain *add_domain(struct domains *domains, const char *level,
                                    const char *name, size_t parent)
{
    Ls__FabricDomain *domain = &domains->items[domains->count];

    ls__fabric_domain__init(domain);
    domain->level = (char *)level;
    domain->name = (char *)name;
    domain->parent = (uint32_t)parent;
    domains->list[domains->count++] = domain;
    return domain;
}

/* Nodes that have registered and that no rack of the file names. */
static void add_other_nodes(const struct ls_server *server, struct domains *domains,
                            char **room)
{
    const struct ls_fabric_model *model = server->fabric->model;
    Ls__FabricDomain *rack = NULL;

    for (size_t i = 0; i < ls_policy_node_count(server->policy); i++) {
        const struct ls_node *node = ls_policy_node_at(server->policy, i);

        if (server->fabric->from_file &&
            ls_fabric_model_rack_of(model, node->name) >= 0)
            continue;
        if (!rack) {
            rack = add_domain(
                domains, "rack",
                server->fabric->from_file ? "other" : model->racks[0].name, 0);
            rack->nodes = room;
        }
        room[rack->n_nodes++] = (char *)node->name;
    }
}

static void add_model(const struct ls_fabric_view *view, struct domains *domains)
{
    const struct ls_fabric_model *model = view->model;

    add_domain(domains, "fabric", model->name, 0);
    if (!view->from_file)
        return;
    for (size_t i = 0; i < model->array_count; i++)
        add_domain(domains, "array", model->arrays[i].name, 0);
    for (size_t i = 0; i < model->rack_count; i++) {
        const struct ls_fabric_rack *rack = &model->racks[i];
        size_t parent = rack->array >= 0 ? 1 + (size_t)rack->array : 0;
        Ls__FabricDomain *domain = add_domain(domains, "rack", rack->name, parent);

        domain->nodes = rack->nodes;
        domain->n_nodes = rack->node_count;
    }
}

void ls_client_fabric(struct ls_peer *peer, const Ls__Frame *frame)
{
    struct ls_server *server = peer->server;
    const struct ls_fabric_model *model = server->fabric->model;
    size_t most = 2 + model->array_count + model->rack_count;
    char **room = ls_calloc(ls_policy_node_count(server->policy), sizeof(char *));
    struct domains domains = {
        .items = ls_calloc(most, sizeof(Ls__FabricDomain)),
        .list = ls_calloc(most, sizeof(Ls__FabricDomain *)),
    };
    Ls__Frame answer = LS__FRAME__INIT;
    Ls__FabricReply reply = LS__FABRIC_REPLY__INIT;
    struct ls_ticket ticket;

    add_model(server->fabric, &domains);
    add_other_nodes(server, &domains, room);
    reply.name = model->name;
    reply.source = model->source;
    reply.domains = domains.list;
    reply.n_domains = domains.count;
    answer.body_case = LS__FRAME__BODY_FABRIC_REPLY;
    answer.fabric_reply = &reply;
    if (ls_peer_open_request(peer, frame->request, &ticket))
        ls_ticket_answer(server, ticket, &answer);
    ls_free(domains.items);
    ls_free(domains.list);
    ls_free(room);
}
