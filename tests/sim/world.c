/* tests/sim/world.c - virtual time and dice. */
#include "tests/sim/world.h"

#include <stdio.h>

#include "common/util/mem.h"
#include "tests/sim/agent.h"
#include "tests/sim/check.h"
#include "tests/sim/load.h"
#include "tests/sim/server.h"

/* ---- dice: splitmix64 -------------------------------------------------------------
 */

static uint64_t next_random(struct world *world)
{
    uint64_t z = world->dice += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t world_dice(struct world *world, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(next_random(world) % (high - low + 1));
}

bool world_chance(struct world *world, uint32_t percent)
{
    return world_dice(world, 0, 99) < percent;
}

/* ---- what will happen: a heap by time and order -------------------------------------
 */

static bool is_sooner(const struct happening *a, const struct happening *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->order < b->order;
}

static void swap(struct happening *a, struct happening *b)
{
    struct happening kept = *a;

    *a = *b;
    *b = kept;
}

void world_plan(struct world *world, int64_t delay_ms, struct happening happening)
{
    size_t at = world->heap_count;

    happening.time_ms = world->now_ms + delay_ms;
    happening.order = world->planned++;
    LS_GROW(world->heap, world->heap_count, world->heap_capacity);
    world->heap[world->heap_count++] = happening;
    while (at > 0 && is_sooner(&world->heap[at], &world->heap[(at - 1) / 2])) {
        swap(&world->heap[at], &world->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct happening take_next(struct world *world)
{
    struct happening next = world->heap[0];
    size_t at = 0;

    world->heap[0] = world->heap[--world->heap_count];
    for (;;) {
        size_t soonest = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < world->heap_count &&
                is_sooner(&world->heap[child], &world->heap[soonest]))
                soonest = child;
        }
        if (soonest == at)
            return next;
        swap(&world->heap[at], &world->heap[soonest]);
        at = soonest;
    }
}

/* ---- running
 * ------------------------------------------------------------------------- */

bool world_in_chaos(const struct world *world)
{
    return world->now_ms < SIM_CHAOS_MS;
}

void world_fail(struct world *world, const char *format, ...)
{
    va_list args;

    if (world->failed)
        return;
    world->failed = true;
    va_start(args, format);
    (void)vsnprintf(world->failure, sizeof(world->failure), format, args);
    va_end(args);
}

void world_trace(const struct world *world, const char *format, ...)
{
    va_list args;

    if (!world->trace)
        return;
    va_start(args, format);
    (void)printf("%7lld ", (long long)world->now_ms);
    (void)vprintf(format, args);
    (void)putchar('\n');
    va_end(args);
}

static void happen(struct world *world, const struct happening *happening)
{
    struct agent *agent = &world->agents[happening->agent];

    switch (happening->kind) {
    case HAPPEN_TO_SERVER:
        server_receive(world, happening);
        break;
    case HAPPEN_TO_AGENT:
        if (agent->connection == happening->connection)
            agent_receive(world, agent, &happening->message);
        break;
    case HAPPEN_NOTICE_LOSS:
        server_notice_loss(world, happening);
        break;
    case HAPPEN_TICK:
        server_tick(world);
        break;
    case HAPPEN_SERVER_CRASH:
        server_crash(world);
        break;
    case HAPPEN_SERVER_START:
        server_restart(world);
        break;
    case HAPPEN_AGENT_CONNECT:
        agent_connect(world, agent);
        break;
    case HAPPEN_AGENT_RESEND:
        agent_resend(world, agent);
        break;
    case HAPPEN_AGENT_STEP:
        agent_step_due(world, agent, happening);
        break;
    case HAPPEN_AGENT_FAULT:
        agent_fault(world, agent);
        break;
    case HAPPEN_SUBMIT:
        load_submit(world, happening->serial);
        break;
    case HAPPEN_CANCEL:
        load_cancel(world, happening->serial);
        break;
    case HAPPEN_OPERATOR:
        load_operate(world, happening->agent);
        break;
    }
}

bool world_run(struct world *world)
{
    world->dice = world->seed;
    world->now_ms = 1;
    world->node_count = world_dice(world, 1, SIM_NODES_MAX);
    agents_start(world);
    server_start(world);
    load_start(world);
    while (!world->failed && world->heap_count > 0 && world->now_ms < SIM_END_MS) {
        struct happening next = take_next(world);

        world->now_ms = next.time_ms;
        happen(world, &next);
        if (next.kind == HAPPEN_AGENT_RESEND && !world_in_chaos(world) &&
            check_is_quiet(world))
            break;
    }
    if (!world->failed)
        check_end(world);
    if (!world->failed)
        server_check_replay(world);
    world->tally.happenings = world->planned;
    world->tally.events = world->server->record_count;
    load_stop(world);
    server_stop(world);
    agents_stop(world);
    ls_free(world->heap);
    return !world->failed;
}
