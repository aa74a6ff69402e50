/* scheduler/daemon/peer.h - who is connected: greeting, identity, bounds.
 *
 * Others name a peer by its id, which is never used again: an answer to one that has
 * gone meanwhile is dropped. */
#ifndef LS_SCHEDULER_DAEMON_PEER_H
#define LS_SCHEDULER_DAEMON_PEER_H

#include "scheduler/daemon/commit.h"
#include <uthash.h>

enum {
    LS_PEERS_MAX = 20000,
    LS_PEER_REQUESTS_MAX = 256, /* unanswered, of one peer */
    LS_HELLO_MS = 10000,
};

struct ls_member;

struct ls_peer {
    uint64_t id; /* from 1 */
    struct ls_server *server;
    struct ls_connection *connection;
    Ls__Role role; /* ROLE_NONE until its hello was accepted */
    uid_t uid;
    gid_t gid;
    bool is_operator; /* root, the scheduler's user, or has the key */
    bool over_tcp;
    char name[LS_NODE_NAME_MAX]; /* of an agent: its node */
    struct ls_member *member;    /* of an agent once it registered */
    unsigned open_requests;
    UT_hash_handle hh;
};

struct ls_peers {
    uint64_t last_id;
    struct ls_peer *by_id; /* uthash */
};

/* For ls_listener_open(); the listener's data is the server. */
void ls_peer_accepted(struct ls_listener *listener, struct ls_connection *connection);

/* NULL when it has gone. */
struct ls_peer *ls_peer_find(const struct ls_server *server, uint64_t id);

/* A request that will be answered later: counts it. False, and it is refused, when the
 * peer has too many open. */
bool ls_peer_open_request(struct ls_peer *peer, uint64_t request,
                          struct ls_ticket *ret_ticket);

/* The answer to such a request; `body_case` and the body of `frame` are set. */
void ls_ticket_answer(struct ls_server *server, struct ls_ticket ticket,
                      Ls__Frame *frame);
void ls_ticket_ok(struct ls_server *server, struct ls_ticket ticket);
void ls_ticket_refuse(struct ls_server *server, struct ls_ticket ticket, int code,
                      const char *text);

/* Close a peer that does not keep to the protocol, with a line in the log. */
void ls_peer_expel(struct ls_peer *peer, const char *why);

/* Close all; their ends are heard from the loop. */
void ls_peers_close(struct ls_server *server);

#endif
