/* agent/step/gang.c - the link between the steps of one gang.
 *
 * Node 0 has one peer per other node; every other node has one peer, node 0.
 * Depends on wire, gang_rounds, gang_address, master_port, libuv. */
#include "agent/step/gang.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/step/gang_address.h"
#include "agent/step/gang_rounds.h"
#include "agent/step/master_port.h"
#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/log.h"
#include "common/util/mem.h"
#include "common/wire/connection.h"

enum {
    HELLO_MS = 10000,
    JOIN_MS = 30000,
    STRANGERS_MAX = 16, /* connections of node 0 that have not shown the key */
    NODE_UNKNOWN = -1,
};

struct peer {
    struct peer *next;
    struct ls_gang *gang;
    struct ls_connection *connection;
    int64_t node; /* NODE_UNKNOWN before its hello */
    bool open;    /* frames may be sent */
};

struct ls_gang {
    uv_loop_t *loop;
    const Ls__Launch *launch;
    const struct ls_gang_events *events;
    void *context;
    struct ls_listener *listener;
    struct peer *peers;
    uint32_t peer_count;
    struct ls_rounds rounds;
    uv_timer_t join;
    int master_fd;
    char *address;
    bool *left_nodes; /* by node: its part has ended in order */
    bool aborted, left, closing;
    bool timer_closed;
    uint32_t abort_rank;
    char *abort_why;
};

static bool is_hub(const struct ls_gang *gang)
{
    return gang->launch->node_index == 0;
}

static uint32_t node_count(const struct ls_gang *gang)
{
    return (uint32_t)gang->launch->n_nodes;
}

static uint32_t first_rank(const struct ls_gang *gang, uint32_t node)
{
    for (size_t i = 0; i < gang->launch->n_ranks; i++) {
        if (gang->launch->ranks[i]->node == node)
            return gang->launch->ranks[i]->rank;
    }
    return LS_GANG_NO_RANK;
}

static struct peer *find_peer(const struct ls_gang *gang, int64_t node)
{
    struct peer *peer = gang->peers;

    while (peer && peer->node != node)
        peer = peer->next;
    return peer;
}

/* ---- sending --------------------------------------------------------------- */

static void send_frame(struct peer *peer, Ls__Frame__BodyCase kind, void *message)
{
    Ls__Frame frame = LS__FRAME__INIT;

    frame.body_case = kind;
    frame.gang_hello = message; /* a union: all members are pointers */
    if (peer->open)
        ls_connection_send(peer->connection, &frame);
}

/* To every peer that has shown its key, but one (NULL = all). */
static void send_all(struct ls_gang *gang, const struct peer *but,
                     Ls__Frame__BodyCase kind, void *message)
{
    for (struct peer *peer = gang->peers; peer; peer = peer->next) {
        if (peer != but && peer->node != NODE_UNKNOWN)
            send_frame(peer, kind, message);
    }
}

static Ls__GangAbort abort_message(const struct ls_gang *gang)
{
    Ls__GangAbort message = LS__GANG_ABORT__INIT;

    message.rank = gang->abort_rank;
    message.reason = gang->abort_why;
    return message;
}

static void send_abort(struct ls_gang *gang, const struct peer *but)
{
    Ls__GangAbort message = abort_message(gang);

    send_all(gang, but, LS__FRAME__BODY_GANG_ABORT, &message);
}

static void send_leave(struct ls_gang *gang)
{
    Ls__GangLeave message = LS__GANG_LEAVE__INIT;

    send_all(gang, NULL, LS__FRAME__BODY_GANG_LEAVE, &message);
}

static void send_blob(struct ls_gang *gang, const struct ls_round *round)
{
    Ls__GangBlob message = LS__GANG_BLOB__INIT;
    uint32_t node = gang->launch->node_index;

    message.round = round->number;
    message.node = node;
    message.data.data = round->data[node];
    message.data.len = round->sizes[node];
    send_all(gang, NULL, LS__FRAME__BODY_GANG_BLOB, &message);
}

/* ---- the end of the gang --------------------------------------------------- */

static bool set_aborted(struct ls_gang *gang, uint32_t rank, const char *why)
{
    if (gang->aborted)
        return false;
    gang->aborted = true;
    gang->abort_rank = rank;
    gang->abort_why = ls_strdup(why);
    return true;
}

void ls_gang_abort(struct ls_gang *gang, uint32_t rank, const char *why)
{
    if (set_aborted(gang, rank, why))
        send_abort(gang, NULL);
}

/* A peer said so, or is gone: pass it on and tell our owner. */
static void abort_from(struct ls_gang *gang, const struct peer *source, uint32_t rank,
                       const char *why)
{
    if (gang->closing || !set_aborted(gang, rank, why))
        return;
    send_abort(gang, source);
    gang->events->aborted(gang->context, rank, gang->abort_why);
}

static void abort_for_node(struct ls_gang *gang, uint32_t node, const char *why)
{
    char *text;

    if (gang->closing)
        return;
    text = ls_asprintf("node %s lost: %s", gang->launch->nodes[node], why);
    abort_from(gang, NULL, first_rank(gang, node), text);
    ls_free(text);
}

/* ---- rounds ---------------------------------------------------------------- */

/* Node 0 has the data of all nodes: hand the table out. */
static void complete_round(struct ls_gang *gang, struct ls_round *round)
{
    Ls__GangTable message = LS__GANG_TABLE__INIT;
    ProtobufCBinaryData *table = ls_calloc(node_count(gang), sizeof(*table));

    for (uint32_t i = 0; i < node_count(gang); i++) {
        table[i].data = round->data[i];
        table[i].len = round->sizes[i];
    }
    message.round = round->number;
    message.data = table;
    message.n_data = node_count(gang);
    send_all(gang, NULL, LS__FRAME__BODY_GANG_TABLE, &message);
    gang->events->gathered(gang->context, round->number,
                           (const void *const *)round->data, round->sizes);
    ls_free(table);
    ls_rounds_remove(&gang->rounds, round);
}

/* On other nodes than 0 only our own data is kept, until it is sent. */
static void add_blob(struct ls_gang *gang, uint32_t node, uint32_t number,
                     const void *data, size_t size)
{
    struct ls_round *round = ls_rounds_put(&gang->rounds, number, node, data, size);

    if (!round)
        abort_for_node(gang, node, "its exchange data is out of bounds or doubled");
    else if (is_hub(gang) && round->count == node_count(gang))
        complete_round(gang, round);
}

static void send_rounds(struct ls_gang *gang)
{
    while (gang->rounds.first) {
        send_blob(gang, gang->rounds.first);
        ls_rounds_remove(&gang->rounds, gang->rounds.first);
    }
}

void ls_gang_gather(struct ls_gang *gang, uint32_t number, const void *data,
                    size_t size)
{
    const struct peer *hub;

    if (gang->aborted)
        return;
    add_blob(gang, gang->launch->node_index, number, data, size);
    hub = is_hub(gang) ? NULL : find_peer(gang, 0);
    if (hub && hub->open)
        send_rounds(gang);
}

static void take_table(struct ls_gang *gang, const Ls__GangTable *table)
{
    const void **data = ls_calloc(table->n_data, sizeof(*data));
    size_t *sizes = ls_calloc(table->n_data, sizeof(*sizes));

    for (size_t i = 0; i < table->n_data; i++) {
        data[i] = table->data[i].data;
        sizes[i] = table->data[i].len;
    }
    if (table->n_data == node_count(gang))
        gang->events->gathered(gang->context, table->round, data, sizes);
    else
        abort_for_node(gang, 0, "its table is not of this gang");
    ls_free(data);
    ls_free(sizes);
}

/* ---- peers ----------------------------------------------------------------- */

static struct peer *add_peer(struct ls_gang *gang, int64_t node)
{
    struct peer *peer = ls_calloc(1, sizeof(*peer));

    peer->gang = gang;
    peer->node = node;
    peer->next = gang->peers;
    gang->peers = peer;
    gang->peer_count++;
    return peer;
}

static void free_when_idle(struct ls_gang *gang)
{
    if (!gang->closing || gang->peers || !gang->timer_closed)
        return;
    ls_rounds_free(&gang->rounds);
    ls_free(gang->left_nodes);
    ls_free(gang->abort_why);
    ls_free(gang->address);
    ls_free(gang);
}

static void remove_peer(struct peer *peer)
{
    struct peer **link = &peer->gang->peers;

    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    peer->gang->peer_count--;
    ls_free(peer);
}

static void peer_closed(struct ls_connection *connection, const char *why)
{
    struct peer *peer = ls_connection_data(connection);
    struct ls_gang *gang = peer->gang;
    int64_t node = peer->node;

    remove_peer(peer);
    if (node == NODE_UNKNOWN)
        ls_log_warn("gang: connection without the key: %s", why);
    else if (!gang->left_nodes[node])
        abort_for_node(gang, (uint32_t)node, why);
    free_when_idle(gang);
}

static bool same_bytes(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    unsigned difference = 0;

    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++) /* time does not depend on the bytes */
        difference |= a->data[i] ^ b->data[i];
    return difference == 0;
}

static void greet(struct peer *peer, const Ls__Frame *frame)
{
    struct ls_gang *gang = peer->gang;
    const Ls__GangHello *hello = frame->gang_hello;

    if (frame->body_case != LS__FRAME__BODY_GANG_HELLO ||
        hello->job != gang->launch->job || hello->attempt != gang->launch->attempt ||
        hello->node == 0 || hello->node >= node_count(gang) ||
        !same_bytes(&hello->key, &gang->launch->key) || find_peer(gang, hello->node)) {
        ls_connection_close(peer->connection, "not of this gang");
        return;
    }
    ls_connection_trust(peer->connection);
    peer->node = hello->node;
    peer->open = true;
    if (gang->aborted) {
        Ls__GangAbort message = abort_message(gang);

        send_frame(peer, LS__FRAME__BODY_GANG_ABORT, &message);
    }
    if (gang->left) {
        Ls__GangLeave message = LS__GANG_LEAVE__INIT;

        send_frame(peer, LS__FRAME__BODY_GANG_LEAVE, &message);
    }
}

static void peer_received(struct ls_connection *connection, const Ls__Frame *frame)
{
    struct peer *peer = ls_connection_data(connection);
    struct ls_gang *gang = peer->gang;

    if (gang->closing)
        return;
    if (peer->node == NODE_UNKNOWN) {
        greet(peer, frame);
        return;
    }
    switch (frame->body_case) {
    case LS__FRAME__BODY_GANG_BLOB:
        if (is_hub(gang) && !gang->aborted)
            add_blob(gang, (uint32_t)peer->node, frame->gang_blob->round,
                     frame->gang_blob->data.data, frame->gang_blob->data.len);
        break;
    case LS__FRAME__BODY_GANG_TABLE:
        if (!is_hub(gang))
            take_table(gang, frame->gang_table);
        break;
    case LS__FRAME__BODY_GANG_ABORT:
        abort_from(gang, peer, frame->gang_abort->rank, frame->gang_abort->reason);
        break;
    case LS__FRAME__BODY_GANG_LEAVE:
        gang->left_nodes[peer->node] = true;
        gang->events->left(gang->context);
        break;
    default:
        ls_connection_close(connection, "a message that no step sends");
    }
}

static const struct ls_connection_events peer_events = {
    .received = peer_received,
    .closed = peer_closed,
};

static void accepted(struct ls_listener *listener, struct ls_connection *connection)
{
    struct ls_gang *gang = ls_listener_data(listener);
    struct peer *peer = add_peer(gang, NODE_UNKNOWN);

    peer->connection = connection;
    ls_connection_adopt(connection, &peer_events, peer, HELLO_MS);
    if (gang->peer_count > node_count(gang) + STRANGERS_MAX)
        ls_connection_close(connection, "too many connections");
}

/* ---- joining --------------------------------------------------------------- */

static void connected(struct ls_connection *connection, int status)
{
    struct peer *hub = ls_connection_data(connection);
    struct ls_gang *gang = hub->gang;
    Ls__GangHello hello = LS__GANG_HELLO__INIT;

    if (status < 0)
        return; /* closed() follows */
    hub->open = true;
    hello.job = gang->launch->job;
    hello.attempt = gang->launch->attempt;
    hello.node = gang->launch->node_index;
    hello.key = gang->launch->key;
    send_frame(hub, LS__FRAME__BODY_GANG_HELLO, &hello);
    send_rounds(gang);
    if (gang->aborted)
        send_abort(gang, NULL);
    if (gang->left)
        send_leave(gang);
    if (gang->closing)
        ls_connection_close(connection, "done");
}

static void join_overdue(uv_timer_t *timer)
{
    struct ls_gang *gang = timer->data;

    for (uint32_t node = 1; node < node_count(gang); node++) {
        if (!find_peer(gang, node) && !gang->left_nodes[node]) {
            abort_for_node(gang, node, "its step did not join the gang in 30 s");
            return;
        }
    }
}

int ls_gang_start(struct ls_gang *gang, const char *node0_address, struct ls_error *err)
{
    struct ls_gang_address address;
    struct peer *hub;
    char *text;
    int rc;

    if (node_count(gang) == 1)
        return 0;
    if (is_hub(gang)) {
        uv_timer_start(&gang->join, join_overdue, JOIN_MS, 0);
        return 0;
    }
    rc = ls_gang_address_parse(node0_address, &address, err);
    if (rc < 0)
        return rc;
    text = ls_asprintf("%s:%s", address.host, address.port);
    hub = add_peer(gang, 0);
    rc = ls_connection_open(gang->loop, text, &peer_events, hub, connected,
                            &hub->connection, err);
    if (rc < 0)
        remove_peer(hub);
    ls_free(text);
    return rc;
}

void ls_gang_leave(struct ls_gang *gang)
{
    if (gang->left)
        return;
    gang->left = true;
    send_leave(gang);
}

bool ls_gang_all_left(const struct ls_gang *gang)
{
    if (!is_hub(gang))
        return gang->left_nodes[0];
    if (gang->launch->spec->script.len > 0)
        return true; /* nothing runs on the others */
    for (uint32_t node = 1; node < node_count(gang); node++) {
        if (!gang->left_nodes[node])
            return false;
    }
    return true;
}

/* ---- opening and closing --------------------------------------------------- */

static int listen_for_gang(struct ls_gang *gang, const char *host, struct ls_error *err)
{
    char *text = ls_asprintf("%s:0", host);
    int rc =
        ls_listener_open(gang->loop, text, false, accepted, gang, &gang->listener, err);

    ls_free(text);
    return rc;
}

/* Node 0 answers with real ports; for the others the host alone means something. */
static void set_address(struct ls_gang *gang, const char *host, unsigned master_port)
{
    const char *port = "0";

    if (gang->listener)
        port = strrchr(ls_listener_address(gang->listener), ':') + 1;
    gang->address = ls_asprintf("%s:%s:%u", host, port, master_port);
}

int ls_gang_open(uv_loop_t *loop, const Ls__Launch *launch, const char *host,
                 const struct ls_gang_events *events, void *context,
                 struct ls_gang **ret_gang, struct ls_error *err)
{
    struct ls_gang *gang = ls_calloc(1, sizeof(*gang));
    unsigned master_port = 0;
    int rc = 0;

    gang->loop = loop;
    gang->launch = launch;
    gang->events = events;
    gang->context = context;
    gang->left_nodes = ls_calloc(launch->n_nodes, sizeof(*gang->left_nodes));
    gang->rounds.node_count = (uint32_t)launch->n_nodes;
    gang->master_fd = -1;
    uv_timer_init(loop, &gang->join);
    gang->join.data = gang;
    if (is_hub(gang))
        rc = gang->master_fd = ls_master_port_hold(&master_port, err);
    if (rc >= 0 && is_hub(gang) && node_count(gang) > 1)
        rc = listen_for_gang(gang, host, err);
    if (rc < 0) {
        ls_gang_close(gang);
        return rc;
    }
    set_address(gang, host, master_port);
    *ret_gang = gang;
    return 0;
}

const char *ls_gang_address(const struct ls_gang *gang)
{
    return gang->address;
}

void ls_gang_release_port(struct ls_gang *gang)
{
    ls_close(gang->master_fd);
    gang->master_fd = -1;
}

static void timer_closed(uv_handle_t *handle)
{
    struct ls_gang *gang = handle->data;

    gang->timer_closed = true;
    free_when_idle(gang);
}

void ls_gang_close(struct ls_gang *gang)
{
    if (!gang)
        return;
    gang->closing = true;
    ls_gang_release_port(gang);
    ls_listener_close(gang->listener);
    for (struct peer *peer = gang->peers; peer; peer = peer->next) {
        if (peer->open || is_hub(gang))
            ls_connection_close(peer->connection, "done");
    }
    uv_close((uv_handle_t *)&gang->join, timer_closed);
}
