/* scheduler/policy/jobs.c - the table of jobs and the moves of their state. Pure. */
#include "scheduler/policy/jobs.h"

#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "common/util/sm.h"
#include "scheduler/policy/text.h"

enum { JOB_STATE_COUNT = LS_JOB_NODE_FAIL + 1 };

static const uint32_t moves[JOB_STATE_COUNT] = {
    [LS_JOB_NONE] = LS_SM_BIT(LS_JOB_PENDING),
    [LS_JOB_PENDING] = LS_SM_BIT(LS_JOB_RUNNING) | LS_SM_BIT(LS_JOB_COMPLETING) |
                       LS_SM_BIT(LS_JOB_CANCELLED),
    [LS_JOB_RUNNING] = LS_SM_BIT(LS_JOB_COMPLETING) | LS_SM_BIT(LS_JOB_COMPLETED),
    [LS_JOB_COMPLETING] = LS_SM_BIT(LS_JOB_FAILED) | LS_SM_BIT(LS_JOB_CANCELLED) |
                          LS_SM_BIT(LS_JOB_TIMEOUT) | LS_SM_BIT(LS_JOB_NODE_FAIL),
};

static const struct ls_sm_table table = {moves, JOB_STATE_COUNT};

void ls_job_move(struct ls_job *job, enum ls_job_state state)
{
    int current = (int)job->state;

    ls_sm_move(&table, &current, (int)state);
    job->state = state;
}

static const char **copy_names(const char *const *names, size_t count)
{
    const char **copy;

    if (count == 0)
        return NULL;
    copy = ls_calloc(count, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = ls_strdup(names[i]);
    return copy;
}

static void free_names(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ls_free((char *)names[i]);
    ls_free((void *)names);
}

static struct ls_job *new_job(const struct ls_event *event, uint64_t id)
{
    struct ls_job *job = ls_calloc(1, sizeof(*job));

    job->id = id;
    job->uid = event->uid;
    job->gid = event->gid;
    ls_text_copy(job->submit_key, sizeof(job->submit_key), event->submit_key);
    job->request = event->request;
    job->request.nodelist =
        copy_names(event->request.nodelist, event->request.nodelist_count);
    job->request.exclude =
        copy_names(event->request.exclude, event->request.exclude_count);
    job->spec = ls_memdup(event->spec, event->spec_size);
    job->spec_size = event->spec_size;
    job->submit_ms = event->time_ms;
    ls_job_move(job, LS_JOB_PENDING);
    return job;
}

struct ls_job *ls_jobs_add(struct ls_policy *policy, const struct ls_event *event)
{
    struct ls_job *job = new_job(event, policy->last_id + 1);

    ls_assert(!ls_jobs_find_key(policy, event->uid, event->submit_key));
    policy->last_id = job->id;
    ls_job_list_push(&policy->jobs, job);
    ls_job_list_push(&policy->waiting, job);
    if (job->submit_key[0])
        ls_index_add(&policy->keys, job->uid, job->submit_key, job->id);
    if (policy->waiting.count ==
        1) /* else the first one still waits, and so does this */
        policy->pass_due = true;
    return job;
}

struct ls_job *ls_jobs_find_key(const struct ls_policy *policy, uint32_t uid,
                                const char *submit_key)
{
    struct ls_job *job;
    uint64_t id;

    if (!submit_key[0] || !ls_index_find(&policy->keys, uid, submit_key, &id))
        return NULL;
    job = ls_job_list_find(&policy->jobs, id);
    ls_assert(job); /* a key leaves the index with its job */
    return job;
}

static void drop(struct ls_policy *policy, struct ls_job *job)
{
    ls_assert(ls_job_ended(job));
    if (job->submit_key[0])
        ls_index_remove(&policy->keys, job->uid, job->submit_key);
    ls_job_list_remove(&policy->jobs, job);
    ls_job_free(job);
}

void ls_jobs_retire(struct ls_policy *policy, struct ls_job *job)
{
    ls_assert(ls_job_ended(job));
    ls_job_list_push(&policy->ended, job);
    /* The newest stays at least until it was answered for. */
    while (policy->ended.count > 1 &&
           policy->ended.count > policy->config.ended_jobs_max)
        drop(policy, ls_job_list_pop(&policy->ended));
}

void ls_job_free(struct ls_job *job)
{
    if (!job)
        return;
    free_names(job->request.nodelist, job->request.nodelist_count);
    free_names(job->request.exclude, job->request.exclude_count);
    ls_free(job->spec);
    ls_free(job->parts);
    ls_free(job->rank_ends);
    ls_free(job);
}
