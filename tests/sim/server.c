/* tests/sim/server.c - the scheduler around the core. */
#include "tests/sim/server.h"

#include <stdio.h>
#include <string.h>

#include "common/util/mem.h"
#include "scheduler/log/event_codec.h"
#include "scheduler/policy/index.h"
#include "tests/sim/agent.h"
#include "tests/sim/check.h"

static const struct ls_policy_config CONFIG = {.node_timeout_ms = SIM_NODE_TIMEOUT_MS,
                                               .ended_jobs_max = 1000};

/* ---- record and replay -------------------------------------------------------------
 */

static void record(struct world *world, const struct ls_event *event)
{
    struct server *server = world->server;
    struct record entry = {0};
    struct ls_error err;

    if (world->sabotage == SABOTAGE_LOSE_EVENT && world_chance(world, 5))
        return;
    if (ls_event_encode(event, &entry.bytes, &entry.size, &err) < 0) {
        world_fail(world, "an event cannot be kept: %s", err.text);
        return;
    }
    LS_GROW(server->records, server->record_count, server->record_capacity);
    server->records[server->record_count++] = entry;
}

static uint64_t hash_effects(uint64_t hash, const struct ls_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        const struct ls_effect *effect = &effects->items[i];
        uint64_t fields[] = {effect->kind, effect->job, effect->attempt, effect->node,
                             (uint64_t)effect->code};

        hash = ls_fnv(hash, fields, sizeof(fields));
        hash = ls_fnv(hash, effect->text, strlen(effect->text));
    }
    return hash;
}

/* A core that has lived through the record. */
static struct ls_policy *replay(struct world *world, uint64_t *ret_effects_hash)
{
    const struct server *server = world->server;
    struct ls_policy *policy = ls_policy_new(&CONFIG);
    struct ls_effects effects = {0};
    uint64_t hash = LS_FNV_START;

    for (size_t i = 0; i < server->record_count; i++) {
        struct ls_event_memory *memory = NULL;
        struct ls_event event;
        struct ls_error err;

        if (ls_event_decode(server->records[i].bytes, server->records[i].size, &event,
                            &memory, &err) < 0) {
            world_fail(world, "event %zu of the record is unreadable: %s", i, err.text);
            break;
        }
        ls_effects_clear(&effects);
        ls_policy_step(policy, &event, &effects);
        hash = hash_effects(hash, &effects);
        ls_event_memory_free(memory);
    }
    ls_effects_free(&effects);
    *ret_effects_hash = hash;
    return policy;
}

void server_check_replay(struct world *world)
{
    struct server *server = world->server;
    uint64_t effects_hash;
    struct ls_policy *again = replay(world, &effects_hash);

    if (ls_policy_hash(again) != ls_policy_hash(server->policy))
        world_fail(world, "a replay of %zu events gives another state",
                   server->record_count);
    if (effects_hash != server->effects_hash)
        world_fail(world, "a replay of %zu events gives other effects",
                   server->record_count);
    ls_policy_free(server->policy);
    server->policy = again;
}

/* ---- effects
 * -------------------------------------------------------------------------- */

static void send(struct world *world, uint32_t node, struct message message)
{
    struct agent *agent = &world->agents[node];
    int64_t at_ms = world->now_ms + world_dice(world, 0, 60);

    if (agent->last_delivery_ms > at_ms)
        at_ms = agent->last_delivery_ms;
    agent->last_delivery_ms = at_ms;
    world_plan(world, at_ms - world->now_ms,
               (struct happening){.kind = HAPPEN_TO_AGENT,
                                  .agent = node,
                                  .connection = world->server->connections[node],
                                  .message = message});
}

/* The number of the agent, which is not the core's number of the node. */
static uint32_t agent_of(const struct world *world, uint32_t node)
{
    const char *name = ls_policy_node_at(world->server->policy, node)->name;

    for (uint32_t i = 0; i < world->node_count; i++) {
        if (!strcmp(world->agents[i].name, name))
            return i;
    }
    return 0;
}

static void send_launch(struct world *world, const struct ls_effect *effect)
{
    const struct ls_job *job = ls_policy_job(world->server->policy, effect->job);

    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct ls_part *part = &job->parts[i];

        if (part->node != effect->node)
            continue;
        send(world, agent_of(world, part->node),
             (struct message){.kind = MESSAGE_LAUNCH,
                              .job = job->id,
                              .attempt = job->attempt,
                              .first_rank = part->first_rank,
                              .rank_count = part->rank_count,
                              .gpus = part->gpus,
                              .cores = part->cores});
    }
}

static void carry_out(struct world *world, const struct ls_effect *effect)
{
    static const enum message_kind kinds[] = {
        [LS_EFFECT_START] = MESSAGE_START,
        [LS_EFFECT_KILL] = MESSAGE_KILL,
        [LS_EFFECT_FORGET] = MESSAGE_FORGET,
    };

    if (effect->kind > LS_EFFECT_FORGET ||
        world->server->connections[agent_of(world, effect->node)] == 0)
        return;
    if (effect->kind == LS_EFFECT_LAUNCH)
        send_launch(world, effect);
    else
        send(world, agent_of(world, effect->node),
             (struct message){.kind = kinds[effect->kind],
                              .job = effect->job,
                              .attempt = effect->attempt});
}

static void plan_tick(struct world *world)
{
    struct server *server = world->server;
    int64_t due_ms = ls_policy_next_tick_ms(server->policy);

    if (due_ms >= server->tick_ms)
        return;
    server->tick_ms = due_ms;
    world_plan(world, due_ms > world->now_ms ? due_ms - world->now_ms : 0,
               (struct happening){.kind = HAPPEN_TICK});
}

void server_apply(struct world *world, struct ls_event *event)
{
    struct server *server = world->server;

    event->time_ms = world->now_ms;
    world_trace(world, "event %d: job %llu %s %s", (int)event->kind,
                (unsigned long long)event->job, event->node, event->text);
    record(world, event);
    ls_effects_clear(&server->effects);
    ls_policy_step(server->policy, event, &server->effects);
    server->effects_hash = hash_effects(server->effects_hash, &server->effects);
    for (size_t i = 0; i < server->effects.count; i++)
        carry_out(world, &server->effects.items[i]);
    check_rules(world);
    plan_tick(world);
}

/* ---- events
 * ------------------------------------------------------------------------------- */

static struct ls_event node_event(const struct world *world, uint32_t agent,
                                  enum ls_event_kind kind, const char *text)
{
    struct ls_event event = {.kind = kind};

    (void)snprintf(event.node, sizeof(event.node), "%s", world->agents[agent].name);
    (void)snprintf(event.text, sizeof(event.text), "%s", text);
    return event;
}

/* Parts that the core counts on and the agent does not have any more. */
static void end_missing(struct world *world, uint32_t agent)
{
    struct ls_policy *policy = world->server->policy;
    size_t count = ls_policy_job_count(policy);

    for (size_t i = 0; i < count; i++) {
        const struct ls_job *job = ls_policy_job_at(policy, i);
        struct ls_event event;

        for (uint32_t k = 0; k < job->part_count; k++) {
            const struct ls_part *part = &job->parts[k];

            if (agent_of(world, part->node) != agent ||
                part->state == LS_PART_LAUNCHED || part->state == LS_PART_ENDED ||
                agent_find_step(&world->agents[agent], job->id, job->attempt))
                continue;
            event =
                node_event(world, agent, LS_EVENT_PART_ENDED, "came back without it");
            event.job = job->id;
            event.attempt = job->attempt;
            server_apply(world, &event);
            break;
        }
    }
}

/* Sabotage: nobody asks the node whether its parts have ended. */
static void make_up_ends(struct world *world, uint32_t agent)
{
    for (size_t i = 0; i < world->agents[agent].step_count; i++) {
        const struct step *step = &world->agents[agent].steps[i];
        struct ls_event event =
            node_event(world, agent, LS_EVENT_PART_ENDED, "made up");

        event.job = step->job;
        event.attempt = step->attempt;
        server_apply(world, &event);
    }
}

static void receive_register(struct world *world, const struct happening *happening)
{
    struct ls_event event = node_event(world, happening->agent, LS_EVENT_NODE_UP, "");

    event.cores = SIM_CORES;
    event.gpu_count = SIM_GPUS;
    event.memory_bytes = 64;
    world->server->connections[happening->agent] = happening->connection;
    server_apply(world, &event);
    end_missing(world, happening->agent);
}

static void receive_report(struct world *world, const struct happening *happening)
{
    static const enum ls_event_kind kinds[] = {
        [MESSAGE_READY] = LS_EVENT_PART_READY,
        [MESSAGE_RANK_FAILED] = LS_EVENT_RANK_FAILED,
        [MESSAGE_ENDED] = LS_EVENT_PART_ENDED,
    };
    const struct message *message = &happening->message;
    struct ls_rank_end ends[SIM_RANKS_PER_NODE_MAX] = {0};
    struct ls_event event =
        node_event(world, happening->agent, kinds[message->kind], message->reason);

    event.job = message->job;
    event.attempt = message->attempt;
    event.rank_ends = ends;
    event.first_rank = message->first_rank;
    event.rank_count = message->kind == MESSAGE_READY ? 0 : message->rank_count;
    for (uint32_t i = 0; i < event.rank_count; i++) {
        int16_t end = message->ends[i];

        ends[i].known =
            end != RANK_UNKNOWN && (message->kind == MESSAGE_ENDED || end != 0);
        ends[i].exit_code = end > 128 ? -1 : end;
        ends[i].signal = end > 128 ? end - 128 : 0;
    }
    (void)snprintf(event.address, sizeof(event.address), "step%u", message->serial);
    if (world->sabotage == SABOTAGE_START_EARLY && event.kind == LS_EVENT_PART_READY)
        send(world, happening->agent,
             (struct message){.kind = MESSAGE_START,
                              .job = message->job,
                              .attempt = message->attempt});
    if (world->sabotage == SABOTAGE_MAKE_UP_END && event.kind == LS_EVENT_PART_READY)
        event.kind = LS_EVENT_PART_ENDED;
    server_apply(world, &event);
}

void server_receive(struct world *world, const struct happening *happening)
{
    struct server *server = world->server;

    if (!server->up)
        return;
    if (happening->message.kind == MESSAGE_REGISTER) {
        if (world->agents[happening->agent].connection == happening->connection)
            receive_register(world, happening);
    } else if (server->connections[happening->agent] == happening->connection)
        receive_report(world, happening);
}

void server_notice_loss(struct world *world, const struct happening *happening)
{
    struct ls_event event =
        node_event(world, happening->agent, LS_EVENT_NODE_DOWN, "connection lost");

    if (!world->server->up ||
        world->server->connections[happening->agent] != happening->connection)
        return;
    world->server->connections[happening->agent] = 0;
    server_apply(world, &event);
    if (world->sabotage == SABOTAGE_FREE_EARLY)
        make_up_ends(world, happening->agent);
}

void server_tick(struct world *world)
{
    struct ls_event event = {.kind = LS_EVENT_TICK};

    world->server->tick_ms = INT64_MAX;
    if (world->server->up &&
        ls_policy_next_tick_ms(world->server->policy) <= world->now_ms)
        server_apply(world, &event);
    else if (world->server->up)
        plan_tick(world);
}

/* ---- life
 * -------------------------------------------------------------------------------------
 */

static void plan_crash(struct world *world)
{
    if (world_chance(world, 70))
        world_plan(world, world_dice(world, 1000, 40000),
                   (struct happening){.kind = HAPPEN_SERVER_CRASH});
}

void server_start(struct world *world)
{
    struct server *server = ls_calloc(1, sizeof(*server));
    const char *names[] = {"r0", "r1"}, *nodes[] = {"n0,n1,n2,n3", "n5,n4,n6,n7"};
    struct ls_event event = {.kind = LS_EVENT_FABRIC,
                             .rack_names = names,
                             .rack_nodes = nodes,
                             .rack_count = 2};

    world->server = server;
    server->up = true;
    server->policy = ls_policy_new(&CONFIG);
    server->effects_hash = LS_FNV_START;
    server->tick_ms = INT64_MAX;
    server_apply(world, &event);
    plan_crash(world);
}

void server_stop(struct world *world)
{
    struct server *server = world->server;

    for (size_t i = 0; i < server->record_count; i++)
        ls_free(server->records[i].bytes);
    ls_free(server->records);
    ls_effects_free(&server->effects);
    ls_policy_free(server->policy);
    ls_free(server);
}

void server_crash(struct world *world)
{
    world_trace(world, "the server crashes");
    world->server->up = false;
    world->tally.server_crashes++;
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct agent *agent = &world->agents[i];

        world->server->connections[i] = 0;
        if (agent->connection == 0)
            continue;
        agent->connection = 0;
        world_plan(world, world_dice(world, 100, 2000),
                   (struct happening){.kind = HAPPEN_AGENT_CONNECT, .agent = i});
    }
    world_plan(world, world_dice(world, 100, 8000),
               (struct happening){.kind = HAPPEN_SERVER_START});
}

void server_restart(struct world *world)
{
    struct server *server = world->server;

    server_check_replay(world);
    world_trace(world, "the server is back from %zu events", server->record_count);
    server->up = true;
    server->tick_ms = INT64_MAX;
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct ls_node *node =
            ls_policy_node(server->policy, world->agents[i].name);
        struct ls_event event =
            node_event(world, i, LS_EVENT_NODE_DOWN, "the scheduler was restarted");

        if (node && node->up)
            server_apply(world, &event);
    }
    plan_tick(world);
    if (world_in_chaos(world))
        plan_crash(world);
}
