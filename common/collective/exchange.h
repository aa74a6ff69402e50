/* common/collective/exchange.h - the node's side of the gradient exchange, for the step.
 *
 * Brings the ranks of one node together: they join over a Unix socket, hand in their
 * arenas, and get the control segment and all arenas of the node back; drives the lanes
 * to the other nodes on threads of its own (unless ranks drive them themselves); tells
 * all ranks when one is lost. The step owns it and calls it from its loop only.
 * Costs nothing until the first rank joins. */
#ifndef LS_COMMON_COLLECTIVE_EXCHANGE_H
#define LS_COMMON_COLLECTIVE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/util/error.h"

struct ls_exchange;

struct ls_exchange_config {
    uint64_t job;
    uint32_t attempt;
    uint32_t node_count, node_index;
    const uint32_t *ranks_per_node;   /* node_count entries; copied. Ranks are numbered
                                         node after node. */
    const char *const *devices;       /* NIC of each local rank, or NULL; "" = any; copied */
    const char *host;                 /* local address for the fabric, NULL = any; copied */
    const char *socket_path;          /* to listen on, for LOCKSTEP_STEP_SOCKET */
    uid_t uid;                        /* only processes of this user (or root) may join */
    bool rank_hosted;                 /* ranks drive their lanes themselves */

    /* Send `data` to all steps of the gang; once each node's data for `round` is here,
     * call ls_exchange_gathered(). Not called when node_count is 1. */
    void (*gather)(void *context, uint32_t round, const void *data, size_t size);
    /* The exchange has failed (`rank` = world rank at fault, or UINT32_MAX): for the log
     * and for the other steps. Ranks have been told already. */
    void (*failed)(void *context, uint32_t rank, const char *why);
    void *context;
};

int ls_exchange_open(const struct ls_exchange_config *config,
                     struct ls_exchange **ret_exchange, struct ls_error *err);

/* Poll this descriptor for reading; then call dispatch. */
int ls_exchange_fd(const struct ls_exchange *exchange);
void ls_exchange_dispatch(struct ls_exchange *exchange);

/* All nodes' data of a round, in plan order; borrowed during the call. */
void ls_exchange_gathered(struct ls_exchange *exchange, uint32_t round,
                          const void *const *data, const size_t *sizes);

/* A rank of the job is gone (here or on another node): every local rank's collective
 * under way ends with LOCKSTEP_ERR_PEER_LOST naming it. */
void ls_exchange_rank_lost(struct ls_exchange *exchange, uint32_t rank, const char *why);

/* How far a local rank has got; false before it has joined. */
struct ls_exchange_progress {
    uint64_t operations;     /* collectives completed */
    uint64_t started;        /* collectives started */
    uint64_t bytes;          /* completed, as the caller's buffer counts them */
};
bool ls_exchange_progress(const struct ls_exchange *exchange, uint32_t local_rank,
                          struct ls_exchange_progress *ret_progress);

/* Stop the threads, remove the socket, unmap everything. NULL is fine. */
void ls_exchange_close(struct ls_exchange *exchange);

#endif
