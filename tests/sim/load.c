/* tests/sim/load.c - users and operators. */
#include "tests/sim/load.h"

#include <stdio.h>

#include "common/util/mem.h"
#include "tests/sim/agent.h"
#include "tests/sim/server.h"

enum { USERS = 3, FIRST_UID = 1000 };

static struct ls_request draw_request(struct world *world)
{
    struct ls_request request = {
        .nodes = world_dice(world, 1, world->node_count + 1), /* sometimes too many */
        .cpus_per_rank = world_dice(world, 1, 4),
        .memory_bytes = world_dice(world, 0, 40),
        .exclusive = world_chance(world, 10),
        .overcommit = world_chance(world, 10),
        .within_rack = world_chance(world, 15),
        .time_limit_ms = world_chance(world, 30) ? world_dice(world, 100, 5000) : 0,
    };
    uint32_t per_node = world_dice(world, 1, SIM_RANKS_PER_NODE_MAX);

    if (world_chance(world, 60)) /* most jobs are small */
        request.nodes = world_dice(world, 1, 1 + world->node_count / 3);
    request.ranks = request.nodes * per_node;
    if (per_node > 1 && request.nodes > 1)
        request.ranks -= world_dice(world, 0, request.nodes - 1);
    request.gpus_per_rank = world_dice(world, 0, SIM_GPUS / per_node);
    request.gpus_per_node = request.gpus_per_rank * per_node;
    return request;
}

void load_start(struct world *world)
{
    struct load *load = ls_calloc(1, sizeof(*load));

    world->load = load;
    load->job_count = world_dice(world, 1, LOAD_JOBS_MAX);
    for (uint32_t i = 0; i < load->job_count; i++) {
        uint32_t at_ms = world_dice(world, 600, SIM_CHAOS_MS);

        load->jobs[i].request = draw_request(world);
        world_plan(world, at_ms,
                   (struct happening){.kind = HAPPEN_SUBMIT, .serial = i});
        if (world_chance(world, 20))
            world_plan(world, at_ms + world_dice(world, 0, 5000),
                       (struct happening){.kind = HAPPEN_CANCEL, .serial = i});
    }
    for (uint32_t i = 0; i < world->node_count; i++)
        world_plan(world, world_dice(world, 5000, SIM_CHAOS_MS),
                   (struct happening){.kind = HAPPEN_OPERATOR, .agent = i});
}

void load_stop(struct world *world)
{
    ls_free(world->load);
}

/* What the server said to the last submission. */
static void hear_answer(struct world *world, uint32_t number)
{
    const struct ls_effects *effects = &world->server->effects;
    struct load *load = world->load;

    for (size_t i = 0; i < effects->count; i++) {
        const struct ls_effect *effect = &effects->items[i];

        if (effect->kind == LS_EFFECT_ACCEPTED) {
            if (load->jobs[number].id && load->jobs[number].id != effect->job)
                world_fail(world, "one submission became jobs %llu and %llu",
                           (unsigned long long)load->jobs[number].id,
                           (unsigned long long)effect->job);
            load->jobs[number].id = effect->job;
            load->jobs[number].answered = true;
            return;
        }
        if (effect->kind == LS_EFFECT_REFUSED) {
            if (load->jobs[number].id)
                world_fail(world, "job %llu was accepted, and then refused",
                           (unsigned long long)load->jobs[number].id);
            load->jobs[number].answered = load->jobs[number].refused = true;
            return;
        }
    }
    world_fail(world, "a submission got no answer");
}

/* A user whose answer is lost asks again, with the same key. */
void load_submit(struct world *world, uint32_t number)
{
    struct ls_event event = {.kind = LS_EVENT_JOB_SUBMIT,
                             .uid = FIRST_UID + number % USERS,
                             .request = world->load->jobs[number].request};

    if (!world->server->up || ls_policy_node_count(world->server->policy) == 0) {
        world_plan(world, world_dice(world, 100, 2000),
                   (struct happening){.kind = HAPPEN_SUBMIT, .serial = number});
        return;
    }
    (void)snprintf(event.submit_key, sizeof(event.submit_key), "key%u", number);
    event.spec = event.submit_key;
    event.spec_size = 4;
    server_apply(world, &event);
    hear_answer(world, number);
    if (!world->load->jobs[number].refused && world_chance(world, 15))
        world_plan(world, world_dice(world, 1, 5000),
                   (struct happening){.kind = HAPPEN_SUBMIT, .serial = number});
}

void load_cancel(struct world *world, uint32_t number)
{
    struct ls_event event = {.kind = LS_EVENT_JOB_CANCEL,
                             .uid = FIRST_UID + number % USERS,
                             .job = world->load->jobs[number].id};

    if (world->server->up)
        server_apply(world, &event);
}

void load_operate(struct world *world, uint32_t node)
{
    bool drain = world_in_chaos(world) && world_chance(world, 30);
    struct ls_event event = {.kind =
                                 drain ? LS_EVENT_NODE_DRAIN : LS_EVENT_NODE_RESUME};

    (void)snprintf(event.node, sizeof(event.node), "%s", world->agents[node].name);
    if (world->server->up)
        server_apply(world, &event);
    /* Goes on until it has resumed the node after the chaos. */
    if (!world->server->up || world_in_chaos(world))
        world_plan(world, world_dice(world, 1000, 20000),
                   (struct happening){.kind = HAPPEN_OPERATOR, .agent = node});
}
