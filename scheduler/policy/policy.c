/* scheduler/policy/policy.c - step(state, event) -> effects: one function for each kind
 * of event, then one pass over the queue. Pure. */
#include "scheduler/policy/policy.h"

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/attempt.h"
#include "scheduler/policy/effects.h"
#include "scheduler/policy/gang.h"
#include "scheduler/policy/jobs.h"
#include "scheduler/policy/nodes.h"
#include "scheduler/policy/pass.h"
#include "scheduler/policy/text.h"

struct ls_policy *ls_policy_new(const struct ls_policy_config *config)
{
    struct ls_policy *policy = ls_calloc(1, sizeof(*policy));

    ls_assert(config->node_timeout_ms >= 0);
    policy->config = *config;
    policy->tick_ms = INT64_MAX;
    return policy;
}

static void free_nodes(struct ls_policy *policy)
{
    for (size_t i = 0; i < policy->node_count; i++) {
        ls_free(policy->nodes[i]->holds);
        ls_free(policy->nodes[i]);
    }
    ls_free(policy->nodes);
    ls_free(policy->plan_order);
    ls_index_free(&policy->node_index);
}

void ls_policy_free(struct ls_policy *policy)
{
    if (!policy)
        return;
    while (policy->jobs.count > 0)
        ls_job_free(ls_job_list_pop(&policy->jobs));
    ls_job_list_free(&policy->jobs);
    ls_job_list_free(&policy->waiting);
    ls_job_list_free(&policy->live);
    ls_job_list_free(&policy->ended);
    ls_index_free(&policy->keys);
    free_nodes(policy);
    ls_nodes_free_racks(policy);
    ls_free(policy);
}

static void due_by(struct ls_policy *policy, int64_t time_ms)
{
    if (time_ms < policy->tick_ms)
        policy->tick_ms = time_ms;
}

/* ---- nodes
 * --------------------------------------------------------------------------- */

/* When the parts on a node count as lost; INT64_MAX when nothing is waited for. */
static int64_t loss_ms(const struct ls_policy *policy,
                       const struct ls_node_entry *entry)
{
    if (entry->node.up || policy->config.node_timeout_ms > INT64_MAX - entry->down_ms)
        return INT64_MAX;
    for (size_t i = 0; i < entry->hold_count; i++) {
        if (!entry->holds[i].lost)
            return entry->down_ms + policy->config.node_timeout_ms;
    }
    return INT64_MAX;
}

static void node_up(struct ls_policy *policy, const struct ls_event *event,
                    struct ls_effects *effects)
{
    char reason[LS_REASON_MAX];
    const struct ls_node_entry *entry = ls_nodes_up(policy, event, reason);

    if (entry)
        ls_gang_resend(policy, entry, effects);
    else
        ls_effects_refuse(effects, 0, LS_POLICY_EINVAL, reason);
}

static void node_down(struct ls_policy *policy, const struct ls_event *event)
{
    struct ls_node_entry *entry = ls_nodes_find(policy, event->node);

    if (!entry || !entry->node.up)
        return;
    ls_nodes_down(policy, entry, event->text);
    due_by(policy, loss_ms(policy, entry));
}

/* The node that an operator named; refuses when there is none. */
static struct ls_node_entry *named_node(const struct ls_policy *policy,
                                        const struct ls_event *event,
                                        struct ls_effects *effects)
{
    struct ls_node_entry *entry = ls_nodes_find(policy, event->node);
    char reason[LS_REASON_MAX];
    struct ls_text text = ls_text_begin(reason, sizeof(reason));

    if (entry)
        return entry;
    ls_text_add(&text, "there is no node ");
    ls_text_add(&text, event->node);
    ls_effects_refuse(effects, 0, LS_POLICY_ENOENT, reason);
    return NULL;
}

static void node_drain(struct ls_policy *policy, const struct ls_event *event,
                       struct ls_effects *effects)
{
    struct ls_node_entry *entry = named_node(policy, event, effects);

    if (entry)
        ls_nodes_drain(policy, entry, event->text);
}

static void node_resume(struct ls_policy *policy, const struct ls_event *event,
                        struct ls_effects *effects)
{
    struct ls_node_entry *entry = named_node(policy, event, effects);

    if (entry)
        ls_nodes_resume(policy, entry);
}

/* ---- requests about jobs
 * ---------------------------------------------------------------- */

static void job_submit(struct ls_policy *policy, const struct ls_event *event,
                       struct ls_effects *effects)
{
    const struct ls_job *job = ls_jobs_find_key(policy, event->uid, event->submit_key);
    char reason[LS_REASON_MAX];

    if (!job && policy->waiting.count + policy->live.count >= LS_JOBS_MAX) {
        ls_effects_refuse(effects, 0, LS_POLICY_EAGAIN, "the queue is full");
        return;
    }
    if (!job && !ls_policy_admit(policy, &event->request, reason)) {
        ls_effects_refuse(effects, 0, LS_POLICY_EINVAL, reason);
        return;
    }
    if (!job)
        job = ls_jobs_add(policy, event);
    ls_effects_add_job(effects, LS_EFFECT_ACCEPTED, job->id);
}

/* May the sender of the event end this job? */
static bool may_cancel(const struct ls_job *job, const struct ls_event *event,
                       struct ls_effects *effects)
{
    char reason[LS_REASON_MAX];
    struct ls_text text = ls_text_begin(reason, sizeof(reason));

    ls_text_add(&text, "job ");
    ls_text_add_number(&text, (int64_t)event->job);
    if (!job) {
        ls_text_add(&text, " is not known");
        ls_effects_refuse(effects, event->job, LS_POLICY_ESRCH, reason);
        return false;
    }
    if (event->uid != 0 && event->uid != job->uid) {
        ls_text_add(&text, " belongs to another user");
        ls_effects_refuse(effects, event->job, LS_POLICY_EPERM, reason);
        return false;
    }
    if (ls_job_ended(job)) {
        ls_text_add(&text, " has already ended");
        ls_effects_refuse(effects, event->job, LS_POLICY_EALREADY, reason);
        return false;
    }
    return true;
}

static void job_cancel(struct ls_policy *policy, const struct ls_event *event,
                       struct ls_effects *effects)
{
    struct ls_job *job = ls_job_list_find(&policy->jobs, event->job);
    const char *reason = event->text[0] ? event->text : "cancelled";

    if (!may_cancel(job, event, effects))
        return;
    if (job->part_count > 0) {
        ls_gang_end(job, LS_JOB_CANCELLED, reason, effects);
        return;
    }
    if (job == ls_job_list_at(&policy->waiting, 0))
        policy->pass_due = true;
    ls_job_list_remove(&policy->waiting, job);
    ls_text_copy(job->reason, sizeof(job->reason), reason);
    ls_gang_finish(policy, job, LS_JOB_CANCELLED, effects);
}

/* ---- time
 * --------------------------------------------------------------------------------- */

static void check_limits(struct ls_policy *policy, struct ls_effects *effects)
{
    for (size_t i = 0; i < policy->live.count; i++) {
        struct ls_job *job = ls_job_list_at(&policy->live, i);
        char reason[LS_REASON_MAX];
        struct ls_text text = ls_text_begin(reason, sizeof(reason));

        if (ls_job_deadline_ms(job) > policy->now_ms) {
            due_by(policy, ls_job_deadline_ms(job));
            continue;
        }
        ls_text_add(&text, "its time limit of ");
        ls_text_add_duration(&text, job->request.time_limit_ms);
        ls_text_add(&text, " is over");
        ls_gang_end(job, LS_JOB_TIMEOUT, reason, effects);
    }
}

static void check_nodes(struct ls_policy *policy, struct ls_effects *effects)
{
    for (size_t i = 0; i < policy->node_count; i++) {
        struct ls_node_entry *entry = policy->nodes[i];

        if (loss_ms(policy, entry) > policy->now_ms)
            due_by(policy, loss_ms(policy, entry));
        else
            ls_gang_lose_node(policy, entry, effects);
    }
}

static void tick(struct ls_policy *policy, struct ls_effects *effects)
{
    if (policy->now_ms < policy->tick_ms)
        return;
    policy->tick_ms = INT64_MAX;
    check_nodes(policy, effects);
    check_limits(policy, effects);
    ls_assert(policy->tick_ms > policy->now_ms);
}

/* ---- step
 * --------------------------------------------------------------------------------- */

static void apply(struct ls_policy *policy, const struct ls_event *event,
                  struct ls_effects *effects)
{
    switch (event->kind) {
    case LS_EVENT_FABRIC:
        ls_nodes_set_fabric(policy, event);
        break;
    case LS_EVENT_NODE_UP:
        node_up(policy, event, effects);
        break;
    case LS_EVENT_NODE_DOWN:
        node_down(policy, event);
        break;
    case LS_EVENT_NODE_DRAIN:
        node_drain(policy, event, effects);
        break;
    case LS_EVENT_NODE_RESUME:
        node_resume(policy, event, effects);
        break;
    case LS_EVENT_JOB_SUBMIT:
        job_submit(policy, event, effects);
        break;
    case LS_EVENT_JOB_CANCEL:
        job_cancel(policy, event, effects);
        break;
    case LS_EVENT_PART_READY:
        ls_gang_part_ready(policy, event, effects);
        break;
    case LS_EVENT_PART_ENDED:
        ls_gang_part_ended(policy, event, effects);
        break;
    case LS_EVENT_RANK_FAILED:
        ls_gang_rank_failed(policy, event, effects);
        break;
    case LS_EVENT_TICK:
        tick(policy, effects);
        break;
    case LS_EVENT_NONE:
    default: /* of a newer version: ignored */
        break;
    }
}

void ls_policy_step(struct ls_policy *policy, const struct ls_event *event,
                    struct ls_effects *effects)
{
    ls_assert(policy->now_ms < INT64_MAX);
    if (event->time_ms > policy->now_ms && event->time_ms < INT64_MAX)
        policy->now_ms = event->time_ms;
    apply(policy, event, effects);
    ls_pass(policy, effects);
}
