/* agent/step/gang.h - the link between the steps of one gang.
 *
 * A star through node 0: all-gather rounds for the exchange, and the news that a rank
 * or a node is lost, which reaches all in two hops. Steps know one another by the key
 * of the attempt. Depends on wire, common/util, libuv. */
#ifndef LS_AGENT_STEP_GANG_H
#define LS_AGENT_STEP_GANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

#define LS_GANG_NO_RANK UINT32_MAX

struct ls_gang;

struct ls_gang_events {
    /* All nodes' data of a round, in plan order; borrowed. */
    void (*gathered)(void *context, uint32_t round, const void *const *data,
                     const size_t *sizes);
    /* The gang cannot go on: `rank` (or LS_GANG_NO_RANK) is at fault. Called once. */
    void (*aborted)(void *context, uint32_t rank, const char *why);
    /* Some node has ended its part in order: see ls_gang_all_left(). */
    void (*left)(void *context);
};

/* Prepare this node's side; on node 0 of several it listens on `host`. `launch` and
 * `events` are borrowed for its life. */
int ls_gang_open(uv_loop_t *loop, const Ls__Launch *launch, const char *host,
                 const struct ls_gang_events *events, void *context,
                 struct ls_gang **ret_gang, struct ls_error *err);

/* Where the others find this node: "HOST:PORT:MASTER_PORT"; borrowed. The master port
 * is free for the job's own rendezvous, and kept free until ls_gang_release_port(). */
const char *ls_gang_address(const struct ls_gang *gang);
void ls_gang_release_port(struct ls_gang *gang);

/* All are ready: join node 0 (on node 0: expect the others). */
int ls_gang_start(struct ls_gang *gang, const char *node0_address,
                  struct ls_error *err);

/* This node's data of round `number`. */
void ls_gang_gather(struct ls_gang *gang, uint32_t number, const void *data,
                    size_t size);

/* Tell all others that this gang is over. aborted() is not called for it. */
void ls_gang_abort(struct ls_gang *gang, uint32_t rank, const char *why);

/* This node's part has ended in order. */
void ls_gang_leave(struct ls_gang *gang);

/* Node 0: have all others left? Another node: has node 0? (One node: true.) */
bool ls_gang_all_left(const struct ls_gang *gang);

/* Close what is open once it is sent, and free it when the loop lets go. NULL is fine.
 */
void ls_gang_close(struct ls_gang *gang);

#endif
