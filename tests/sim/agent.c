/* tests/sim/agent.c - fake agents. */
#include "tests/sim/agent.h"

#include <stdio.h>
#include <string.h>

#include "common/util/mem.h"
#include "tests/sim/check.h"
#include "tests/sim/server.h"

/* What can be due in a step (happening.what). */
enum { DUE_PREPARED, DUE_RANK_FAILS, DUE_RANKS_END, DUE_KILLED };

enum { RESEND_MS = 2000 };

static void plan_for_agent(struct world *world, const struct agent *agent,
                           enum happening_kind kind, int64_t delay_ms)
{
    world_plan(world, delay_ms,
               (struct happening){.kind = kind, .agent = agent->index});
}

void agents_start(struct world *world)
{
    world->agents = ls_calloc(world->node_count, sizeof(*world->agents));
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct agent *agent = &world->agents[i];

        agent->index = i;
        agent->running = true;
        (void)snprintf(agent->name, sizeof(agent->name), "n%u", i);
        plan_for_agent(world, agent, HAPPEN_AGENT_CONNECT, world_dice(world, 0, 500));
        plan_for_agent(world, agent, HAPPEN_AGENT_RESEND,
                       world_dice(world, 0, RESEND_MS));
        plan_for_agent(world, agent, HAPPEN_AGENT_FAULT,
                       world_dice(world, 1000, 60000));
    }
}

void agents_stop(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++)
        ls_free(world->agents[i].steps);
    ls_free(world->agents);
}

/* ---- steps
 * ---------------------------------------------------------------------------- */

struct step *agent_find_step(const struct agent *agent, uint64_t job, uint32_t attempt)
{
    for (size_t i = 0; i < agent->step_count; i++) {
        if (agent->steps[i].job == job && agent->steps[i].attempt == attempt)
            return &agent->steps[i];
    }
    return NULL;
}

static void remove_step(struct agent *agent, struct step *step)
{
    size_t at = (size_t)(step - agent->steps);

    agent->step_count--;
    memmove(step, step + 1, (agent->step_count - at) * sizeof(*step));
}

static void plan_in_step(struct world *world, const struct agent *agent,
                         const struct step *step, int what, uint32_t delay_ms)
{
    world_plan(world, delay_ms,
               (struct happening){.kind = HAPPEN_AGENT_STEP,
                                  .agent = agent->index,
                                  .serial = step->serial,
                                  .what = what});
}

/* Tell the server about a step; now and then twice, and not always in order. */
static void report(struct world *world, const struct agent *agent,
                   const struct step *step, enum message_kind kind)
{
    struct happening happening = {
        .kind = HAPPEN_TO_SERVER,
        .agent = agent->index,
        .connection = agent->connection,
        .message = {.kind = kind,
                    .job = step->job,
                    .attempt = step->attempt,
                    .first_rank = step->first_rank,
                    .rank_count = step->rank_count,
                    .serial = step->serial,
                    .reason = step->reason},
    };

    if (agent->connection == 0)
        return;
    memcpy(happening.message.ends, step->ends, sizeof(step->ends));
    world_plan(world, world_dice(world, 0, 40), happening);
    if (world_chance(world, 10))
        world_plan(world, world_dice(world, 0, 400), happening);
}

static void end_step(struct world *world, const struct agent *agent, struct step *step,
                     const char *reason)
{
    step->state = STEP_ENDED;
    step->reason = reason;
    world_trace(world, "%s: job %llu ended%s%s", agent->name,
                (unsigned long long)step->job, reason[0] ? ": " : "", reason);
    report(world, agent, step, MESSAGE_ENDED);
}

/* ---- what the server says
 * ---------------------------------------------------------------- */

static void launch(struct world *world, struct agent *agent,
                   const struct message *message)
{
    struct step step = {.job = message->job,
                        .attempt = message->attempt,
                        .serial = (uint32_t)world->planned,
                        .first_rank = message->first_rank,
                        .rank_count = message->rank_count,
                        .gpus = message->gpus,
                        .cores = message->cores,
                        .reason = ""};

    if (agent_find_step(agent, message->job, message->attempt))
        return;
    check_launch(world, agent->index, message);
    for (size_t i = 0; i < SIM_RANKS_PER_NODE_MAX; i++)
        step.ends[i] = RANK_UNKNOWN;
    LS_GROW(agent->steps, agent->step_count, agent->step_capacity);
    agent->steps[agent->step_count++] = step;
    plan_in_step(world, agent, &step, DUE_PREPARED, world_dice(world, 1, 200));
}

static void start(struct world *world, const struct agent *agent, struct step *step)
{
    uint32_t run_ms = world_dice(world, 1, 4000);
    bool fails = false;

    if (!step || step->state != STEP_READY || step->dying)
        return;
    check_start(world, step->job);
    step->state = STEP_RUNNING;
    for (uint32_t i = 0; i < step->rank_count; i++) {
        bool bad = world_chance(world, 3);

        step->ends[i] = (int16_t)(bad ? world_dice(world, 1, 140) : 0);
        fails = fails || bad;
    }
    if (fails)
        plan_in_step(world, agent, step, DUE_RANK_FAILS, world_dice(world, 1, run_ms));
    plan_in_step(world, agent, step, DUE_RANKS_END, run_ms);
}

static void end_on_order(struct world *world, const struct agent *agent,
                         const struct message *message, struct step *step)
{
    struct step gone = {.job = message->job,
                        .attempt = message->attempt,
                        .reason = "nothing of it is here"};

    if (!step) {
        report(world, agent, &gone, MESSAGE_ENDED);
        return;
    }
    if (step->dying || step->state == STEP_ENDED)
        return;
    step->dying = true;
    plan_in_step(world, agent, step, DUE_KILLED, world_dice(world, 1, 1000));
}

void agent_receive(struct world *world, struct agent *agent,
                   const struct message *message)
{
    struct step *step = agent_find_step(agent, message->job, message->attempt);

    switch (message->kind) {
    case MESSAGE_LAUNCH:
        launch(world, agent, message);
        break;
    case MESSAGE_START:
        start(world, agent, step);
        break;
    case MESSAGE_KILL:
        end_on_order(world, agent, message, step);
        break;
    case MESSAGE_FORGET:
        if (step && step->state != STEP_ENDED)
            world_fail(world, "%s was told to forget job %llu, which lives there",
                       agent->name, (unsigned long long)message->job);
        else if (step)
            remove_step(agent, step);
        break;
    case MESSAGE_REGISTER:
    case MESSAGE_READY:
    case MESSAGE_RANK_FAILED:
    case MESSAGE_ENDED:
        world_fail(world, "an agent got a message for the server");
        break;
    }
}

/* ---- what happens by itself
 * ----------------------------------------------------------------- */

static void prepared(struct world *world, const struct agent *agent, struct step *step)
{
    if (step->state != STEP_PREPARING)
        return;
    if (world_chance(world, 3)) { /* no such program */
        step->ends[0] = 127;
        end_step(world, agent, step, "");
        return;
    }
    step->state = STEP_READY;
    report(world, agent, step, MESSAGE_READY);
}

/* The ranks that lived got SIGTERM or SIGKILL. */
static void killed(struct world *world, const struct agent *agent, struct step *step)
{
    for (uint32_t i = 0; i < step->rank_count; i++) {
        if (step->state == STEP_RUNNING && world_chance(world, 80))
            step->ends[i] = (int16_t)(128 + (world_chance(world, 50) ? 9 : 15));
    }
    end_step(world, agent, step, step->state == STEP_RUNNING ? "" : "killed");
}

void agent_step_due(struct world *world, struct agent *agent,
                    const struct happening *happening)
{
    struct step *step = NULL;

    for (size_t i = 0; i < agent->step_count && !step; i++) {
        if (agent->steps[i].serial == happening->serial)
            step = &agent->steps[i];
    }
    if (!step || step->state == STEP_ENDED)
        return;
    if (happening->what == DUE_PREPARED)
        prepared(world, agent, step);
    else if (happening->what == DUE_RANK_FAILS)
        report(world, agent, step, MESSAGE_RANK_FAILED);
    else if (happening->what == DUE_KILLED)
        killed(world, agent, step);
    else if (world_chance(world, 2))
        end_step(world, agent, step, "the step was killed");
    else
        end_step(world, agent, step, "");
}

/* ---- contact
 * ------------------------------------------------------------------------------- */

static void report_outstanding(struct world *world, const struct agent *agent)
{
    for (size_t i = 0; i < agent->step_count; i++) {
        const struct step *step = &agent->steps[i];

        if (step->state == STEP_READY)
            report(world, agent, step, MESSAGE_READY);
        else if (step->state == STEP_ENDED)
            report(world, agent, step, MESSAGE_ENDED);
    }
}

void agent_resend(struct world *world, struct agent *agent)
{
    if (agent->connection)
        report_outstanding(world, agent);
    plan_for_agent(world, agent, HAPPEN_AGENT_RESEND, RESEND_MS);
}

void agent_connect(struct world *world, struct agent *agent)
{
    struct happening happening = {.kind = HAPPEN_TO_SERVER,
                                  .agent = agent->index,
                                  .message = {.kind = MESSAGE_REGISTER}};

    agent->running = true;
    if (agent->connection)
        return;
    if (!world->server->up) {
        plan_for_agent(world, agent, HAPPEN_AGENT_CONNECT,
                       world_dice(world, 200, 1500));
        return;
    }
    agent->connection = ++world->server->last_connection;
    happening.connection = agent->connection;
    world_plan(world, 0, happening);
    report_outstanding(world, agent);
}

void agent_disconnect(struct world *world, struct agent *agent)
{
    if (agent->connection == 0)
        return;
    world_plan(world, world_dice(world, 0, 1000),
               (struct happening){.kind = HAPPEN_NOTICE_LOSS,
                                  .agent = agent->index,
                                  .connection = agent->connection});
    agent->connection = 0;
}

/* The node goes down: no process is left. With its spool, what had started is known to
 * have been killed; without, nothing is known. */
static void crash_node(struct world *world, struct agent *agent)
{
    bool spool = world_chance(world, 70);

    world_trace(world, "%s crashes, its spool is %s", agent->name,
                spool ? "kept" : "lost");
    agent->running = false;
    for (size_t i = agent->step_count; i-- > 0;) {
        struct step *step = &agent->steps[i];

        if (!spool || step->state == STEP_PREPARING || step->state == STEP_READY)
            remove_step(agent, step);
        else if (step->state == STEP_RUNNING)
            end_step(world, agent, step, "killed with its node");
    }
}

void agent_fault(struct world *world, struct agent *agent)
{
    bool long_away = world_chance(world, 30);

    if (!world_in_chaos(world))
        return;
    agent_disconnect(world, agent);
    if (world_chance(world, 40))
        crash_node(world, agent);
    else
        world_trace(world, "%s loses contact", agent->name);
    plan_for_agent(world, agent, HAPPEN_AGENT_CONNECT,
                   long_away ? world_dice(world, 3000, 30000)
                             : world_dice(world, 10, 3000));
    plan_for_agent(world, agent, HAPPEN_AGENT_FAULT, world_dice(world, 1000, 60000));
}
