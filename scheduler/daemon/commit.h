/* scheduler/daemon/commit.h - group commit: durable first, then applied.
 *
 * Events queue; a worker appends all that queue as one batch to the log; when that is
 * durable each event goes through the policy, its asker hears, its effects are carried
 * out. One batch is in flight at a time. */
#ifndef LS_SCHEDULER_DAEMON_COMMIT_H
#define LS_SCHEDULER_DAEMON_COMMIT_H

#include "scheduler/daemon/server.h"

enum {
    LS_COMMIT_EVENTS_MAX = 65536,            /* queued; more are refused */
    LS_COMMIT_BYTES_MAX = 256 * 1024 * 1024, /* of queued job specs */
};

/* Who waits for the outcome of an event: a peer's request; peer 0 is nobody. */
struct ls_ticket {
    uint64_t peer;
    uint64_t request;
};

/* Hears the outcome: `failure` is NULL after the event was applied, then `effects` are
 * its effects; else the event is not in the log and `effects` is NULL. */
typedef void ls_settled_fn(struct ls_server *server, const struct ls_event *event,
                           struct ls_ticket ticket, const struct ls_effects *effects,
                           const struct ls_error *failure);

struct ls_commit *ls_commit_new(struct ls_server *server);
/* Not while a batch is in flight: run the loop to its end before. */
void ls_commit_free(struct ls_commit *commit);

/* Queue an event. Takes over what it points to (see ls_event_release()), also on
 * failure. `settled` may be NULL. -EBUSY with the reason when the queue is full. */
int ls_commit_add(struct ls_commit *commit, struct ls_event *event,
                  struct ls_ticket ticket, ls_settled_fn *settled,
                  struct ls_error *err);

/* Free what an event of this daemon owns: spec, node lists, rank ends. */
void ls_event_release(struct ls_event *event);

#endif
