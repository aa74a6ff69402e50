/* scheduler/daemon/commit.c - group commit. Depends on log, policy, effects, libuv. */
#include "scheduler/daemon/commit.h"

#include <errno.h>

#include "common/util/check.h"
#include "common/util/hostlist.h"
#include "common/util/log.h"
#include "common/util/mem.h"
#include "scheduler/daemon/effects.h"

/* An event's asker; batches keep events in an array of their own, as the log wants. */
struct asker {
    struct ls_ticket ticket;
    ls_settled_fn *settled;
};

struct batch {
    struct ls_event *events;
    struct asker *askers;
    size_t count, capacity;
    size_t bytes;
};

struct ls_commit {
    struct ls_server *server;
    struct batch queued, in_flight;
    uv_work_t work;
    bool busy;
    bool failing;            /* the last append failed: said once in the log */
    struct ls_error failure; /* of the append in flight; code 0 = none */
};

void ls_event_release(struct ls_event *event)
{
    ls_free((void *)event->spec);
    ls_free((void *)event->rank_ends);
    ls_hostlist_free((char **)event->request.nodelist, event->request.nodelist_count);
    ls_hostlist_free((char **)event->request.exclude, event->request.exclude_count);
    ls_hostlist_free((char **)event->rack_names, event->rack_count);
    ls_hostlist_free((char **)event->rack_nodes, event->rack_count);
}

struct ls_commit *ls_commit_new(struct ls_server *server)
{
    struct ls_commit *commit = ls_calloc(1, sizeof(*commit));

    commit->server = server;
    commit->work.data = commit;
    return commit;
}

static void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        ls_event_release(&batch->events[i]);
    batch->count = 0;
    batch->bytes = 0;
}

static void batch_free(struct batch *batch)
{
    batch_clear(batch);
    ls_free(batch->events);
    ls_free(batch->askers);
}

void ls_commit_free(struct ls_commit *commit)
{
    if (!commit)
        return;
    ls_assert(!commit->busy);
    batch_free(&commit->queued);
    batch_free(&commit->in_flight);
    ls_free(commit);
}

static void batch_add(struct batch *batch, const struct ls_event *event,
                      struct asker asker)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? 2 * batch->capacity : 16;
        batch->events =
            ls_realloc(batch->events, batch->capacity, sizeof(*batch->events));
        batch->askers =
            ls_realloc(batch->askers, batch->capacity, sizeof(*batch->askers));
    }
    batch->events[batch->count] = *event;
    batch->askers[batch->count] = asker;
    batch->count++;
    batch->bytes += event->spec_size;
}

/* On the worker: nothing else touches the log or the batch meanwhile. */
static void append_batch(uv_work_t *work)
{
    struct ls_commit *commit = work->data;

    commit->failure.code = 0;
    ls_log_store_append(commit->server->log, commit->in_flight.events,
                        commit->in_flight.count, &commit->failure);
}

static void apply(struct ls_server *server, const struct ls_event *event,
                  const struct asker *asker)
{
    struct ls_effects effects = {0};

    ls_policy_step(server->policy, event, &effects);
    ls_effects_note(server, &effects);
    if (asker->settled)
        asker->settled(server, event, asker->ticket, &effects, NULL);
    ls_effects_carry_out(server, &effects);
    ls_effects_free(&effects);
}

static void refuse(struct ls_server *server, const struct batch *batch,
                   const struct ls_error *failure)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct asker *asker = &batch->askers[i];

        if (asker->settled)
            asker->settled(server, &batch->events[i], asker->ticket, NULL, failure);
    }
}

static void note_failure(struct ls_commit *commit)
{
    bool failing = commit->failure.code < 0;

    if (failing && !commit->failing)
        ls_log_error("event log: %s; new work is refused until it can be written again",
                     commit->failure.text);
    if (!failing && commit->failing)
        ls_log_info("event log: can be written again");
    commit->failing = failing;
}

static void start_batch(struct ls_commit *commit);

static void batch_appended(uv_work_t *work, int status)
{
    struct ls_commit *commit = work->data;
    struct ls_server *server = commit->server;

    ls_assert(status == 0); /* work is never cancelled */
    note_failure(commit);
    if (commit->failing) {
        refuse(server, &commit->in_flight, &commit->failure);
    } else {
        for (size_t i = 0; i < commit->in_flight.count; i++)
            apply(server, &commit->in_flight.events[i], &commit->in_flight.askers[i]);
    }
    batch_clear(&commit->in_flight);
    commit->busy = false;
    ls_server_arm_tick(server);
    start_batch(commit);
}

static void start_batch(struct ls_commit *commit)
{
    struct batch empty = commit->in_flight;
    int rc;

    if (commit->busy || commit->queued.count == 0 || commit->server->stopping)
        return;
    commit->in_flight = commit->queued;
    commit->queued = empty;
    commit->busy = true;
    rc = uv_queue_work(commit->server->loop, &commit->work, append_batch,
                       batch_appended);
    ls_assert(rc == 0);
}

int ls_commit_add(struct ls_commit *commit, struct ls_event *event,
                  struct ls_ticket ticket, ls_settled_fn *settled, struct ls_error *err)
{
    struct batch *queued = &commit->queued;

    if (queued->count >= LS_COMMIT_EVENTS_MAX ||
        queued->bytes + event->spec_size > LS_COMMIT_BYTES_MAX) {
        ls_event_release(event);
        return ls_error_set(err, -EBUSY,
                            "the scheduler is busy: %zu requests wait to be written; "
                            "try again",
                            queued->count);
    }
    batch_add(queued, event, (struct asker){ticket, settled});
    start_batch(commit);
    return 0;
}
