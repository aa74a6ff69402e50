/* scheduler/daemon/peer.c - greeting and end of connections. Depends on wire. */
#include "scheduler/daemon/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/util/log.h"
#include "common/util/mem.h"
#include "common/wire/hello.h"
#include "scheduler/daemon/agent_link.h"
#include "scheduler/daemon/client_api.h"
#include "scheduler/daemon/key.h"
#include "scheduler/daemon/roster.h"

/* ---- greeting -------------------------------------------------------------------- */

static int check_identity(const struct ls_peer *peer, const Ls__Hello *hello,
                          struct ls_error *err)
{
    if (peer->over_tcp && !ls_key_equal(peer->server->key, hello->key))
        return ls_error_set(err, -EACCES,
                            "hello: wrong cluster key; over TCP give the text of the "
                            "scheduler's cluster.key");
    if (hello->role != LS__ROLE__ROLE_CLIENT && hello->role != LS__ROLE__ROLE_AGENT)
        return ls_error_set(err, -EPROTO, "hello: role %d, expected client or agent",
                            (int)hello->role);
    if (hello->role == LS__ROLE__ROLE_CLIENT)
        return 0;
    if (!peer->is_operator)
        return ls_error_set(err, -EPERM,
                            "hello: uid %u may not be an agent; agents run as root or "
                            "as the scheduler's user (uid %u)",
                            (unsigned)peer->uid, (unsigned)peer->server->uid);
    if (!ls_node_name_valid(hello->name))
        return ls_error_set(err, -EINVAL,
                            "hello: node name: expected 1 to %d letters, digits, '.', "
                            "'_' or '-'",
                            LS_NODE_NAME_MAX - 1);
    return 0;
}

static void welcome(struct ls_peer *peer, const Ls__Frame *frame)
{
    Ls__Frame answer = LS__FRAME__INIT;
    Ls__Welcome body = ls_welcome();

    peer->role = frame->hello->role;
    snprintf(peer->name, sizeof(peer->name), "%s", frame->hello->name);
    ls_connection_trust(peer->connection);
    answer.request = frame->request;
    answer.body_case = LS__FRAME__BODY_WELCOME;
    answer.welcome = &body;
    ls_connection_send(peer->connection, &answer);
    ls_log_debug("%s: %s %s, version %s", ls_connection_name(peer->connection),
                 peer->role == LS__ROLE__ROLE_AGENT ? "agent of" : "client", peer->name,
                 frame->hello->version);
}

static void greet(struct ls_peer *peer, const Ls__Frame *frame)
{
    struct ls_error err = {0};

    if (ls_hello_check(frame, &err) == 0 &&
        check_identity(peer, frame->hello, &err) == 0) {
        welcome(peer, frame);
        return;
    }
    ls_connection_refuse(peer->connection, frame->request, -err.code, "%s", err.text);
    ls_peer_expel(peer, err.text);
}

/* ---- life of a peer ----------------------------------------------------------------
 */

static void received(struct ls_connection *connection, const Ls__Frame *frame)
{
    struct ls_peer *peer = ls_connection_data(connection);

    if (peer->role == LS__ROLE__ROLE_NONE)
        greet(peer, frame);
    else if (peer->role == LS__ROLE__ROLE_CLIENT)
        ls_client_received(peer, frame);
    else
        ls_agent_received(peer, frame);
}

static void closed(struct ls_connection *connection, const char *why)
{
    struct ls_peer *peer = ls_connection_data(connection);
    struct ls_server *server = peer->server;
    bool ordinary = peer->role == LS__ROLE__ROLE_CLIENT &&
                    strcmp(why, "closed by the other side") == 0;

    ls_log(ordinary ? LS_LOG_DEBUG : LS_LOG_INFO, "%s%s%s: connection closed: %s",
           ls_connection_name(connection),
           peer->role == LS__ROLE__ROLE_AGENT ? " agent of " : "",
           peer->role == LS__ROLE__ROLE_AGENT ? peer->name : "", why);
    HASH_DEL(server->peers->by_id, peer);
    if (peer->role == LS__ROLE__ROLE_AGENT)
        ls_agent_gone(peer, why);
    else
        ls_client_gone(peer);
    ls_free(peer);
}

static const struct ls_connection_events peer_events = {
    .received = received,
    .closed = closed,
};

static void identify(struct ls_peer *peer)
{
    pid_t pid;

    ls_connection_peer(peer->connection, &peer->uid, &peer->gid, &pid);
    peer->over_tcp = peer->uid == (uid_t)-1;
    if (peer->over_tcp) {
        /* Its hello must bring the key, which only the scheduler's user can read. */
        peer->uid = peer->server->uid;
        peer->gid = getgid();
    }
    peer->is_operator = peer->uid == 0 || peer->uid == peer->server->uid;
}

void ls_peer_accepted(struct ls_listener *listener, struct ls_connection *connection)
{
    struct ls_server *server = ls_listener_data(listener);
    struct ls_peer *peer = ls_calloc(1, sizeof(*peer));

    peer->server = server;
    peer->connection = connection;
    peer->id = ++server->peers->last_id;
    identify(peer);
    HASH_ADD(hh, server->peers->by_id, id, sizeof(peer->id), peer);
    ls_connection_adopt(connection, &peer_events, peer, LS_HELLO_MS);
    if (HASH_COUNT(server->peers->by_id) > LS_PEERS_MAX) {
        ls_connection_refuse(connection, 0, EBUSY,
                             "the scheduler has %d connections, "
                             "its limit",
                             LS_PEERS_MAX);
        ls_connection_close(connection, "too many connections");
    }
}

struct ls_peer *ls_peer_find(const struct ls_server *server, uint64_t id)
{
    struct ls_peer *peer;

    HASH_FIND(hh, server->peers->by_id, &id, sizeof(id), peer);
    return peer;
}

void ls_peer_expel(struct ls_peer *peer, const char *why)
{
    ls_connection_close(peer->connection, why);
}

void ls_peers_close(struct ls_server *server)
{
    struct ls_peer *peer, *next;

    HASH_ITER(hh, server->peers->by_id, peer, next)
    {
        ls_connection_close(peer->connection, "the scheduler ends");
    }
}

/* ---- requests ---------------------------------------------------------------------
 */

bool ls_peer_open_request(struct ls_peer *peer, uint64_t request,
                          struct ls_ticket *ret_ticket)
{
    if (peer->open_requests >= LS_PEER_REQUESTS_MAX) {
        ls_connection_refuse(peer->connection, request, EBUSY,
                             "%d requests of this connection are open, its limit",
                             LS_PEER_REQUESTS_MAX);
        return false;
    }
    peer->open_requests++;
    *ret_ticket = (struct ls_ticket){.peer = peer->id, .request = request};
    return true;
}

void ls_ticket_answer(struct ls_server *server, struct ls_ticket ticket,
                      Ls__Frame *frame)
{
    struct ls_peer *peer = ls_peer_find(server, ticket.peer);

    if (!peer)
        return;
    peer->open_requests--;
    frame->request = ticket.request;
    ls_connection_send(peer->connection, frame);
}

void ls_ticket_ok(struct ls_server *server, struct ls_ticket ticket)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Ok ok = LS__OK__INIT;

    frame.body_case = LS__FRAME__BODY_OK;
    frame.ok = &ok;
    ls_ticket_answer(server, ticket, &frame);
}

void ls_ticket_refuse(struct ls_server *server, struct ls_ticket ticket, int code,
                      const char *text)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Error error = LS__ERROR__INIT;

    error.code = code;
    error.text = (char *)text;
    frame.body_case = LS__FRAME__BODY_ERROR;
    frame.error = &error;
    ls_ticket_answer(server, ticket, &frame);
}
