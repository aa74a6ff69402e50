/* scheduler/daemon/server.c - start, timers and end of the scheduler.
 *
 * Start: lock the log, replay it, mark all nodes down, listen. Depends on all files of
 * this folder but main. */
#include "scheduler/daemon/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util/check.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/log.h"
#include "common/util/mem.h"
#include "scheduler/daemon/agent_link.h"
#include "scheduler/daemon/book.h"
#include "scheduler/daemon/client_logs.h"
#include "scheduler/daemon/commit.h"
#include "scheduler/daemon/effects.h"
#include "scheduler/daemon/fabric_view.h"
#include "scheduler/daemon/key.h"
#include "scheduler/daemon/listen.h"
#include "scheduler/daemon/silent.h"
#include "scheduler/daemon/waits.h"

enum { TICK_MS_MAX = 60 * 1000, TICK_RETRY_MS = 1000 };

struct ls_event ls_server_event(struct ls_server *server, enum ls_event_kind kind)
{
    struct ls_event event = {.kind = kind, .time_ms = ls_clock_wall_ms()};

    if (event.time_ms < server->last_event_ms)
        event.time_ms = server->last_event_ms; /* the wall clock was set back */
    server->last_event_ms = event.time_ms;
    return event;
}

/* ---- ticks
 * ---------------------------------------------------------------------------- */

static void tick_settled(struct ls_server *server, const struct ls_event *event,
                         struct ls_ticket ticket, const struct ls_effects *effects,
                         const struct ls_error *failure)
{
    (void)event;
    (void)ticket;
    (void)effects;
    (void)failure; /* the timer comes again */
    server->tick_queued = false;
}

static void tick_due(uv_timer_t *timer)
{
    struct ls_server *server = timer->data;
    struct ls_event event;

    if (ls_clock_wall_ms() >= ls_policy_next_tick_ms(server->policy) &&
        !server->tick_queued) {
        event = ls_server_event(server, LS_EVENT_TICK);
        server->tick_queued =
            ls_commit_add(server->commit, &event, (struct ls_ticket){0}, tick_settled,
                          NULL) == 0;
    }
    ls_server_arm_tick(server);
}

void ls_server_arm_tick(struct ls_server *server)
{
    int64_t due_ms = ls_policy_next_tick_ms(server->policy);
    int64_t wait_ms;

    if (server->stopping)
        return;
    if (due_ms == INT64_MAX) {
        uv_timer_stop(&server->tick);
        return;
    }
    wait_ms = due_ms - ls_clock_wall_ms();
    if (server->tick_queued || wait_ms < 1)
        wait_ms = server->tick_queued ? TICK_RETRY_MS : 1;
    if (wait_ms > TICK_MS_MAX) /* the wall clock may be set meanwhile */
        wait_ms = TICK_MS_MAX;
    uv_timer_start(&server->tick, tick_due, (uint64_t)wait_ms, 0);
}

static void heartbeat_due(uv_timer_t *timer)
{
    struct ls_server *server = timer->data;

    ls_agents_heartbeat(server);
    ls_silent_settle_all(server);
}

/* ---- state: log, policy, and what is made from them
 * -------------------------------------- */

static void replay_event(const struct ls_event *event, void *data)
{
    struct ls_server *server = data;
    struct ls_effects effects = {0};

    ls_fabric_view_replayed(server->fabric, event);
    ls_policy_step(server->policy, event, &effects);
    ls_effects_note(server, &effects);
    ls_effects_free(&effects);
    if (event->time_ms > server->last_event_ms)
        server->last_event_ms = event->time_ms;
}

static int replay(struct ls_server *server, struct ls_error *err)
{
    uint64_t start_ms = ls_clock_ms();
    uint64_t count = 0;
    int rc = ls_log_store_replay(server->log, replay_event, server, &count, err);

    if (rc == 0)
        ls_log_info(
            "event log: %llu events replayed in %llu ms: %zu nodes, %zu jobs",
            (unsigned long long)count, (unsigned long long)(ls_clock_ms() - start_ms),
            ls_policy_node_count(server->policy), ls_policy_job_count(server->policy));
    return rc;
}

static int open_log(struct ls_server *server, struct ls_error *err)
{
    char *path = ls_asprintf("%s/state", server->config.dir);
    int rc = ls_log_store_open(path, &server->log, err);

    ls_free(path);
    return rc;
}

static int open_roster(struct ls_server *server, struct ls_error *err)
{
    char *path = ls_asprintf("%s/state/digests", server->config.dir);
    int rc = ls_roster_open(server->loop, path, &server->roster, err);

    ls_free(path);
    return rc;
}

static int open_key(struct ls_server *server, struct ls_error *err)
{
    char *path = ls_asprintf("%s/cluster.key", server->config.dir);
    int rc = ls_key_open(path, server->key, err);

    ls_free(path);
    return rc;
}

static void close_state(struct ls_server *server)
{
    ls_relays_free(server->relays);
    ls_waits_free(server->waits);
    ls_free(server->peers);
    ls_commit_free(server->commit);
    ls_book_free(server->book);
    ls_roster_free(server->roster);
    ls_policy_free(server->policy);
    ls_fabric_view_free(server->fabric);
    ls_log_store_close(server->log);
}

static int open_state(struct ls_server *server, struct ls_error *err)
{
    const struct ls_policy_config config = {
        .node_timeout_ms = server->config.node_timeout_ms,
        .ended_jobs_max = LS_ENDED_JOBS_MAX,
    };
    int rc = open_log(server, err);

    if (rc == 0)
        rc = open_key(server, err);
    if (rc == 0)
        rc = ls_fabric_view_open(server->config.fabric, &server->fabric, err);
    if (rc == 0)
        rc = open_roster(server, err);
    if (rc < 0)
        return rc;
    server->policy = ls_policy_new(&config);
    server->book = ls_book_new(server->policy, server->roster);
    server->commit = ls_commit_new(server);
    server->peers = ls_calloc(1, sizeof(*server->peers));
    server->waits = ls_waits_new();
    server->relays = ls_relays_new(server);
    return replay(server, err);
}

/* ---- end
 * ------------------------------------------------------------------------------------
 */

static void stop(uv_signal_t *handle, int signal)
{
    struct ls_server *server = handle->data;

    if (server->stopping)
        return;
    ls_log_info("ends: signal %d; running jobs go on", signal);
    server->stopping = true;
    ls_listeners_close(server);
    ls_peers_close(server);
    uv_close((uv_handle_t *)&server->tick, NULL);
    uv_close((uv_handle_t *)&server->heartbeat, NULL);
    uv_close((uv_handle_t *)&server->sigterm, NULL);
    uv_close((uv_handle_t *)&server->sigint, NULL);
}

/* ---- run
 * -------------------------------------------------------------------------------------
 */

static void start_handles(struct ls_server *server)
{
    uv_timer_init(server->loop, &server->tick);
    uv_timer_init(server->loop, &server->heartbeat);
    uv_signal_init(server->loop, &server->sigterm);
    uv_signal_init(server->loop, &server->sigint);
    server->tick.data = server;
    server->heartbeat.data = server;
    server->sigterm.data = server;
    server->sigint.data = server;
    uv_signal_start(&server->sigterm, stop, SIGTERM);
    uv_signal_start(&server->sigint, stop, SIGINT);
    uv_timer_start(&server->heartbeat, heartbeat_due, LS_HEARTBEAT_MS, LS_HEARTBEAT_MS);
    ls_server_arm_tick(server);
}

static int serve(struct ls_server *server, struct ls_error *err)
{
    int rc = ls_listeners_open(server, err);

    if (rc < 0)
        return rc;
    rc = ls_fabric_view_commit(server, err);
    if (rc < 0)
        goto close_listeners;
    ls_agents_all_down(server, "the scheduler was restarted");
    start_handles(server);
    ls_listeners_announce(server);
    uv_run(server->loop, UV_RUN_DEFAULT);
    ls_log_info("ended");
    return 0;

close_listeners:
    ls_listeners_close(server);
    uv_run(server->loop, UV_RUN_DEFAULT);
    return rc;
}

int ls_server_run(const struct ls_server_config *config, struct ls_error *err)
{
    struct ls_server server = {.config = *config, .uid = getuid()};
    uv_loop_t loop;
    int rc = ls_dir_make(config->dir, err);

    if (rc < 0)
        return rc;
    rc = uv_loop_init(&loop);
    if (rc < 0)
        return ls_error_set(err, rc, "event loop: %s", uv_strerror(rc));
    server.loop = &loop;
    rc = open_state(&server, err);
    if (rc == 0)
        rc = serve(&server, err);
    uv_run(&loop, UV_RUN_DEFAULT); /* what still closes */
    close_state(&server);
    ls_assert(uv_loop_close(&loop) == 0);
    return rc;
}
