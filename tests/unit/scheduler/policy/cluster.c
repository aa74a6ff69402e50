/* tests/unit/scheduler/policy/cluster.c - a cluster in a few words. */
#include "tests/unit/scheduler/policy/cluster.h"

#include <stdio.h>

#include "common/util/mem.h"

static const uint64_t GIB = UINT64_C(1) << 30;

void cluster_start(struct cluster *cluster)
{
    struct ls_policy_config config = {.node_timeout_ms = CLUSTER_TIMEOUT_MS,
                                      .ended_jobs_max = 100};

    *cluster = (struct cluster){.policy = ls_policy_new(&config), .now_ms = 1000};
}

void cluster_stop(struct cluster *cluster)
{
    ls_policy_free(cluster->policy);
    ls_effects_free(&cluster->effects);
}

void cluster_step(struct cluster *cluster, struct ls_event *event)
{
    event->time_ms = cluster->now_ms;
    ls_effects_clear(&cluster->effects);
    ls_policy_step(cluster->policy, event, &cluster->effects);
}

void cluster_fabric(struct cluster *cluster, const char *const *names,
                    const char *const *nodes, size_t count)
{
    struct ls_event event = {.kind = LS_EVENT_FABRIC,
                             .rack_names = names,
                             .rack_nodes = nodes,
                             .rack_count = count};

    cluster_step(cluster, &event);
}

/* ---- nodes ----------------------------------------------------------------------- */

void cluster_node_sized(struct cluster *cluster, const char *name, uint32_t cores,
                        uint32_t gpus, uint64_t memory_bytes)
{
    struct ls_event event = {.kind = LS_EVENT_NODE_UP,
                             .cores = cores,
                             .gpu_count = gpus,
                             .memory_bytes = memory_bytes};

    (void)snprintf(event.node, sizeof(event.node), "%s", name);
    cluster_step(cluster, &event);
}

void cluster_node(struct cluster *cluster, const char *name)
{
    cluster_node_sized(cluster, name, CLUSTER_CORES, CLUSTER_GPUS, 64 * GIB);
}

void cluster_nodes(struct cluster *cluster, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "n%u", i);
        cluster_node(cluster, name);
    }
}

void cluster_node_event(struct cluster *cluster, enum ls_event_kind kind,
                        const char *node)
{
    struct ls_event event = {.kind = kind, .text = "for a test"};

    (void)snprintf(event.node, sizeof(event.node), "%s", node);
    cluster_step(cluster, &event);
}

/* ---- requests ----------------------------------------------------------------------
 */

struct ls_request request_of(uint32_t nodes, uint32_t gpus_per_node)
{
    return (struct ls_request){.nodes = nodes,
                               .ranks = nodes,
                               .cpus_per_rank = 1,
                               .gpus_per_rank = gpus_per_node,
                               .gpus_per_node = gpus_per_node};
}

uint64_t cluster_submit_as(struct cluster *cluster, const struct ls_request *request,
                           uint32_t uid, const char *key)
{
    struct ls_event event = {.kind = LS_EVENT_JOB_SUBMIT,
                             .uid = uid,
                             .gid = uid,
                             .request = *request,
                             .spec = "spec",
                             .spec_size = 4};

    (void)snprintf(event.submit_key, sizeof(event.submit_key), "%s", key);
    cluster_step(cluster, &event);
    for (size_t i = 0; i < cluster->effects.count; i++) {
        if (cluster->effects.items[i].kind == LS_EFFECT_ACCEPTED)
            return cluster->effects.items[i].job;
    }
    return 0;
}

uint64_t cluster_submit(struct cluster *cluster, const struct ls_request *request)
{
    return cluster_submit_as(cluster, request, 1000, "");
}

void cluster_cancel(struct cluster *cluster, uint64_t job, uint32_t uid)
{
    struct ls_event event = {.kind = LS_EVENT_JOB_CANCEL, .job = job, .uid = uid};

    cluster_step(cluster, &event);
}

/* ---- reports ------------------------------------------------------------------------
 */

static const struct ls_part *part_on(const struct cluster *cluster, uint64_t id,
                                     const char *node)
{
    const struct ls_job *job = ls_policy_job(cluster->policy, id);

    for (uint32_t i = 0; job && i < job->part_count; i++) {
        if (!strcmp(cluster_part_node(cluster, id, i), node))
            return &job->parts[i];
    }
    return NULL;
}

void cluster_ready(struct cluster *cluster, uint64_t job, const char *node)
{
    struct ls_event event = {.kind = LS_EVENT_PART_READY, .job = job, .attempt = 1};

    (void)snprintf(event.node, sizeof(event.node), "%s", node);
    (void)snprintf(event.address, sizeof(event.address), "%s:7000", node);
    cluster_step(cluster, &event);
}

void cluster_ended(struct cluster *cluster, uint64_t job, const char *node,
                   const char *reason, int32_t exit_code, int32_t signal)
{
    const struct ls_part *part = part_on(cluster, job, node);
    struct ls_event event = {.kind = LS_EVENT_PART_ENDED, .job = job, .attempt = 1};
    struct ls_rank_end *ends = NULL;

    (void)snprintf(event.node, sizeof(event.node), "%s", node);
    (void)snprintf(event.text, sizeof(event.text), "%s", reason);
    if (part) {
        event.first_rank = part->first_rank;
        event.rank_count = part->rank_count;
    }
    ends = ls_calloc(event.rank_count, sizeof(*ends));
    for (uint32_t i = 0; i < event.rank_count; i++)
        ends[i] = (struct ls_rank_end){
            .known = true, .exit_code = exit_code, .signal = signal};
    event.rank_ends = ends;
    cluster_step(cluster, &event);
    ls_free(ends);
}

void cluster_rank_failed(struct cluster *cluster, uint64_t job, const char *node,
                         uint32_t rank, int32_t exit_code)
{
    struct ls_rank_end end = {.known = true, .exit_code = exit_code};
    struct ls_event event = {.kind = LS_EVENT_RANK_FAILED,
                             .job = job,
                             .attempt = 1,
                             .rank_ends = &end,
                             .first_rank = rank,
                             .rank_count = 1};

    (void)snprintf(event.node, sizeof(event.node), "%s", node);
    cluster_step(cluster, &event);
}

void cluster_tick(struct cluster *cluster, int64_t now_ms)
{
    struct ls_event event = {.kind = LS_EVENT_TICK};

    cluster->now_ms = now_ms;
    cluster_step(cluster, &event);
}

void cluster_all_ready(struct cluster *cluster, uint64_t job)
{
    for (uint32_t i = 0; i < cluster_job(cluster, job)->part_count; i++)
        cluster_ready(cluster, job, cluster_part_node(cluster, job, i));
}

void cluster_all_ended(struct cluster *cluster, uint64_t job)
{
    for (uint32_t i = 0; i < cluster_job(cluster, job)->part_count; i++)
        cluster_ended(cluster, job, cluster_part_node(cluster, job, i), "", 0, 0);
}

/* ---- what came of it
 * ------------------------------------------------------------------ */

const struct ls_job *cluster_job(const struct cluster *cluster, uint64_t job)
{
    const struct ls_job *found = ls_policy_job(cluster->policy, job);

    assert_non_null(found);
    return found;
}

const struct ls_node *cluster_at(const struct cluster *cluster, const char *node)
{
    const struct ls_node *found = ls_policy_node(cluster->policy, node);

    assert_non_null(found);
    return found;
}

const char *cluster_part_node(const struct cluster *cluster, uint64_t job,
                              uint32_t part)
{
    const struct ls_job *found = cluster_job(cluster, job);

    assert_true(part < found->part_count);
    return ls_policy_node_at(cluster->policy, found->parts[part].node)->name;
}

size_t cluster_effects(const struct cluster *cluster, enum ls_effect_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster->effects.count; i++)
        count += cluster->effects.items[i].kind == kind;
    return count;
}

bool cluster_told(const struct cluster *cluster, enum ls_effect_kind kind,
                  const char *node)
{
    uint32_t index = cluster_at(cluster, node)->index;

    for (size_t i = 0; i < cluster->effects.count; i++) {
        const struct ls_effect *effect = &cluster->effects.items[i];

        if (effect->kind == kind && effect->node == index)
            return true;
    }
    return false;
}

const struct ls_effect *cluster_refusal(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->effects.count; i++) {
        if (cluster->effects.items[i].kind == LS_EFFECT_REFUSED)
            return &cluster->effects.items[i];
    }
    fail_msg("nothing was refused");
    return NULL;
}

void assert_state(const struct cluster *cluster, uint64_t job, enum ls_job_state state)
{
    assert_int_equal(cluster_job(cluster, job)->state, state);
}

void assert_reason(const struct cluster *cluster, uint64_t job, const char *reason)
{
    assert_string_equal(cluster_job(cluster, job)->reason, reason);
}

void assert_refused(const struct cluster *cluster, int code, const char *text)
{
    const struct ls_effect *refusal = cluster_refusal(cluster);

    assert_string_equal(refusal->text, text);
    assert_int_equal(refusal->code, code);
}
