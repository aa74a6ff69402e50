/* scheduler/daemon/server.h - the scheduler process: what all its files share.
 *
 * One loop, one thread; only the log's append runs on a worker (commit.h). The truth
 * is the log; the policy is the log replayed; all else here can be made again from
 * the two and from what agents report. */
#ifndef LS_SCHEDULER_DAEMON_SERVER_H
#define LS_SCHEDULER_DAEMON_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "common/util/error.h"
#include "common/wire/connection.h"
#include "scheduler/log/log.h"
#include "scheduler/policy/policy.h"

struct ls_book;
struct ls_commit;
struct ls_fabric_view;
struct ls_peers;
struct ls_relays;
struct ls_roster;
struct ls_waits;

enum {
    LS_HEARTBEAT_MS = 2000,
    LS_HEARTBEATS_MISSED_MAX = 3,
    LS_CLUSTER_KEY_SIZE = 32, /* bytes; twice as many hex digits in the file */
    LS_ENDED_JOBS_MAX = 10000,
};

struct ls_server_config {
    const char *dir;    /* state, socket, pid file, key */
    const char *listen; /* HOST:PORT, NULL = Unix socket only */
    const char *fabric; /* YAML file, NULL = one rack */
    int64_t node_timeout_ms;
    int ready_fd; /* told when listening, -1 = nobody */
};

struct ls_server {
    struct ls_server_config config;
    uv_loop_t *loop;
    struct ls_policy *policy;
    struct ls_log_store *log;
    struct ls_commit *commit;
    struct ls_roster *roster;
    struct ls_book *book;
    struct ls_peers *peers;
    struct ls_waits *waits;
    struct ls_relays *relays;
    struct ls_fabric_view *fabric;
    struct ls_listener *unix_listener, *tcp_listener;
    uv_timer_t tick, heartbeat;
    uv_signal_t sigterm, sigint;
    uid_t uid; /* ours; with root the operators */
    uint8_t key[LS_CLUSTER_KEY_SIZE];
    int64_t last_event_ms; /* event times never go back */
    bool tick_queued;
    bool stopping;
};

/* Run until SIGTERM or SIGINT. Returns 0 after an orderly end, or -errno with the
 * reason when it could not start. */
int ls_server_run(const struct ls_server_config *config, struct ls_error *err);

/* An event of now; the caller fills in the rest. */
struct ls_event ls_server_event(struct ls_server *server, enum ls_event_kind kind);

/* After the policy has moved: set the timer for its next tick. */
void ls_server_arm_tick(struct ls_server *server);

#endif
