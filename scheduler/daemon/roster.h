/* scheduler/daemon/roster.h - what the daemon itself knows of each node: its digest,
 * which of its cores are taken, and its agent's connection.
 *
 * Digests are kept in files beside the log, so that plans and listings are the same
 * after a restart, before the agents are back. */
#ifndef LS_SCHEDULER_DAEMON_ROSTER_H
#define LS_SCHEDULER_DAEMON_ROSTER_H

#include "scheduler/daemon/cores.h"
#include <uthash.h>
#include "scheduler/daemon/server.h"

struct ls_peer;

/* The cores of one machine. Nodes that are on one machine share them, as `lockstep up`
 * makes them; a modelled node is a machine of its own. */
struct ls_machine {
    char *key;
    struct ls_cores cores;
    UT_hash_handle hh;
};

struct ls_member {
    char name[LS_NODE_NAME_MAX];
    Ls__NodeDigest *digest;  /* NULL until one was seen */
    struct ls_cores *cores;  /* of its machine; NULL without a digest */
    struct ls_peer *agent;   /* connected, else NULL */
    uint64_t incarnation;    /* of that agent */
    bool registered;         /* its NODE_UP is durable: it takes orders */
    bool down_queued;        /* a NODE_DOWN is on its way into the log */
    unsigned silent_periods; /* heartbeats missed */
    UT_hash_handle hh;
};

struct ls_roster {
    uv_loop_t *loop;
    char *directory;             /* of the digest files */
    struct ls_member *members;   /* uthash by name */
    struct ls_machine *machines; /* uthash by key */
};

/* Read the digests kept in `directory` (made if missing). A file that is no digest is
 * ignored with a warning: its agent brings it again. */
int ls_roster_open(uv_loop_t *loop, const char *directory,
                   struct ls_roster **ret_roster, struct ls_error *err);
void ls_roster_free(struct ls_roster *roster);

/* NULL when no such node was ever seen. */
struct ls_member *ls_roster_find(const struct ls_roster *roster, const char *name);
/* Made if it is not there. */
struct ls_member *ls_roster_member(struct ls_roster *roster, const char *name);

/* Take a copy of the digest that an agent brought, and keep it in its file. */
void ls_roster_set_digest(struct ls_roster *roster, struct ls_member *member,
                          const Ls__NodeDigest *digest);

/* A node name that may be a file's name too: letters, digits, '.', '_', '-', shorter
 * than LS_NODE_NAME_MAX, not starting with '.' or '-'. */
bool ls_node_name_valid(const char *name);

#endif
