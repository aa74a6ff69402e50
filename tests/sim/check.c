/* tests/sim/check.c - the rules that hold after every event. */
#include "tests/sim/check.h"

#include <string.h>

#include "common/util/mem.h"
#include "scheduler/policy/place.h"
#include "tests/sim/agent.h"
#include "tests/sim/load.h"
#include "tests/sim/server.h"

typedef unsigned long long ull;

static bool is_waiting(const struct ls_job *job)
{
    return job->state == LS_JOB_PENDING && job->part_count == 0;
}

/* ---- jobs -------------------------------------------------------------------------
 */

/* States only go forward, and an end is for ever. */
static void check_progress(struct world *world, const struct ls_job *job)
{
    enum ls_job_state before = world->load->seen[job->id];
    bool had_ended = before >= LS_JOB_COMPLETED;

    if (job->state < before || (had_ended && job->state != before))
        world_fail(world, "job %llu went from state %d to %d", (ull)job->id, before,
                   job->state);
    world->load->seen[job->id] = job->state;
}

static void check_gang(struct world *world, const struct ls_job *job)
{
    uint32_t ended = 0, ranks = 0;

    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct ls_part *part = &job->parts[i];

        ended += part->state >= LS_PART_ENDED;
        ranks += part->rank_count;
        if (job->state == LS_JOB_RUNNING && part->state < LS_PART_STARTED)
            world_fail(world, "job %llu runs, part %u does not", (ull)job->id, i);
        if (job->state == LS_JOB_PENDING && part->state == LS_PART_STARTED)
            world_fail(world, "part %u of job %llu runs alone", i, (ull)job->id);
    }
    if (job->parts_ended != ended)
        world_fail(world, "job %llu has miscounted its ends", (ull)job->id);
    if (job->part_count && (job->part_count != job->request.nodes ||
                            ranks != job->request.ranks || job->attempt != 1))
        world_fail(world, "job %llu has not what it asked for", (ull)job->id);
    if (job->part_count && ls_job_ended(job) != (ended == job->part_count))
        world_fail(world, "job %llu has not ended with its parts", (ull)job->id);
}

/* The jobs are in id order: once one waits, no later one may have started. */
static void check_order(struct world *world)
{
    struct ls_policy *policy = world->server->policy;
    const struct ls_job *first = NULL;
    size_t count = ls_policy_job_count(policy);

    for (size_t i = 0; i < count; i++) {
        const struct ls_job *job = ls_policy_job_at(policy, i);
        uint32_t nodes[SIM_NODES_MAX];

        check_progress(world, job);
        check_gang(world, job);
        if (first && !is_waiting(job) && job->part_count && !ls_job_ended(job) &&
            job->submit_ms > 0 && job->id > first->id)
            world_fail(world, "job %llu has overtaken job %llu", (ull)job->id,
                       (ull)first->id);
        if (first || !is_waiting(job))
            continue;
        first = job;
        if (ls_place(policy, &job->request, nodes))
            world_fail(world, "job %llu waits, and would fit", (ull)job->id);
        if (!job->reason[0])
            world_fail(world, "job %llu waits without a reason", (ull)job->id);
    }
}

static void check_none_lost(struct world *world)
{
    for (uint32_t i = 0; i < world->load->job_count; i++) {
        uint64_t id = world->load->jobs[i].id;

        if (id && !ls_policy_job(world->server->policy, id))
            world_fail(world, "job %llu is lost", (ull)id);
    }
}

/* ---- nodes
 * ----------------------------------------------------------------------------- */

/* What lives on a node, as jobs and as the node's own processes have it. */
struct use {
    uint64_t gpus;
    uint32_t cores;
};

static void add_use(struct world *world, struct use *use, uint64_t gpus, uint32_t cores,
                    const char *name)
{
    if (use->gpus & gpus)
        world_fail(world, "a GPU of %s is given twice", name);
    use->gpus |= gpus;
    use->cores += cores;
}

static struct use use_by_jobs(struct world *world, const struct ls_node *node)
{
    struct ls_policy *policy = world->server->policy;
    struct use use = {0};
    size_t count = ls_policy_job_count(policy);

    for (size_t i = 0; i < count; i++) {
        const struct ls_job *job = ls_policy_job_at(policy, i);

        for (uint32_t k = 0; k < job->part_count; k++) {
            const struct ls_part *part = &job->parts[k];

            if (part->node == node->index && part->state < LS_PART_ENDED)
                add_use(world, &use, part->gpus, part->cores, node->name);
        }
    }
    return use;
}

static struct use use_by_steps(struct world *world, const struct agent *agent)
{
    struct use use = {0};

    for (size_t i = 0; i < agent->step_count; i++) {
        const struct step *step = &agent->steps[i];

        if (step->state != STEP_ENDED)
            add_use(world, &use, step->gpus, step->cores, agent->name);
    }
    return use;
}

static void check_node(struct world *world, const struct agent *agent)
{
    const struct ls_node *node = ls_policy_node(world->server->policy, agent->name);
    struct use jobs, steps;

    if (!node)
        return;
    jobs = use_by_jobs(world, node);
    steps = use_by_steps(world, agent);
    if ((jobs.gpus | steps.gpus) & ~node->gpus_used)
        world_fail(world, "%s: GPUs in use are not reserved", node->name);
    if (jobs.cores > node->cores_used || steps.cores > node->cores_used ||
        node->cores_used > node->cores)
        world_fail(world, "%s: cores in use are not reserved", node->name);
    if (node->exclusive && node->job_count != 1)
        world_fail(world, "%s: a node held whole has %u jobs", node->name,
                   node->job_count);
}

void check_rules(struct world *world)
{
    if (!world->load)
        return;
    check_order(world);
    check_none_lost(world);
    for (uint32_t i = 0; i < world->node_count; i++)
        check_node(world, &world->agents[i]);
}

/* ---- at one moment
 * ------------------------------------------------------------------------ */

void check_launch(struct world *world, uint32_t agent, const struct message *message)
{
    struct use use = use_by_steps(world, &world->agents[agent]);

    add_use(world, &use, message->gpus, message->cores, world->agents[agent].name);
    if (use.cores > SIM_CORES)
        world_fail(world, "cores of %s are given twice", world->agents[agent].name);
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct agent *other = &world->agents[i];

        for (size_t k = 0; k < other->step_count; k++) {
            const struct step *step = &other->steps[k];

            if (step->job == message->job && step->attempt != message->attempt &&
                step->state != STEP_ENDED)
                world_fail(world, "two attempts of job %llu live", (ull)message->job);
        }
    }
}

void check_start(struct world *world, uint64_t job)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct step *step = agent_find_step(&world->agents[i], job, 1);

        if (step && step->state == STEP_PREPARING)
            world_fail(world, "job %llu starts before %s is ready", (ull)job,
                       world->agents[i].name);
    }
}

bool check_is_quiet(const struct world *world)
{
    const struct ls_policy *policy = world->server->policy;

    if (!world->server->up)
        return false;
    for (uint32_t i = 0; i < world->load->job_count; i++) {
        if (!world->load->jobs[i].answered)
            return false;
    }
    for (size_t i = 0; i < ls_policy_job_count(policy); i++) {
        if (!ls_job_ended(ls_policy_job_at(policy, i)))
            return false;
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct ls_node *node = ls_policy_node(policy, world->agents[i].name);

        if (world->agents[i].step_count || (node && node->job_count))
            return false;
    }
    return true;
}

void check_end(struct world *world)
{
    const struct ls_policy *policy = world->server->policy;
    size_t count = ls_policy_job_count(policy);

    for (size_t i = 0; i < count; i++) {
        const struct ls_job *job = ls_policy_job_at(policy, i);

        world->tally.ends[job->state]++;
        if (!ls_job_ended(job))
            world_fail(world, "job %llu never ended: state %d, %s", (ull)job->id,
                       job->state, job->reason);
        if (job->state == LS_JOB_COMPLETED && job->exit_code != 0)
            world_fail(world, "job %llu completed with %d", (ull)job->id,
                       job->exit_code);
        if (job->state != LS_JOB_COMPLETED && (job->exit_code == 0 || !job->reason[0]))
            world_fail(world, "job %llu ended badly without a trace", (ull)job->id);
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct ls_node *node = ls_policy_node(policy, world->agents[i].name);

        if (node && (node->gpus_used || node->cores_used || node->memory_used ||
                     node->job_count))
            world_fail(world, "%s is never given back", node->name);
        if (world->agents[i].step_count)
            world_fail(world, "%s never forgets", world->agents[i].name);
    }
    if (!check_is_quiet(world))
        world_fail(world, "the world does not come to rest");
}
