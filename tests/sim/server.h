/* tests/sim/server.h - the scheduler around the core: records events, carries out
 * effects, crashes and comes back from its record. */
#ifndef LS_TESTS_SIM_SERVER_H
#define LS_TESTS_SIM_SERVER_H

#include "tests/sim/world.h"

struct record {
    void *bytes; /* the event as the log keeps it */
    size_t size;
};

struct server {
    bool up;
    struct ls_policy *policy;
    struct ls_effects effects; /* of the last event */
    uint64_t effects_hash;     /* of all effects ever */
    struct record *records;
    size_t record_count, record_capacity;
    uint32_t connections[SIM_NODES_MAX]; /* the newest of each node; 0 = none */
    uint32_t last_connection;
    int64_t tick_ms; /* planned already */
};

void server_start(struct world *world);
void server_stop(struct world *world);

/* Record an event, apply it, carry out its effects, check the rules. */
void server_apply(struct world *world, struct ls_event *event);

void server_receive(struct world *world, const struct happening *happening);
void server_notice_loss(struct world *world, const struct happening *happening);
void server_tick(struct world *world);
void server_crash(struct world *world);
void server_restart(struct world *world);

/* Does a replay of the record give the same state and the same effects? */
void server_check_replay(struct world *world);

#endif
