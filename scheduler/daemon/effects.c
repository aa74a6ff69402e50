/* scheduler/daemon/effects.c - decisions carried out. Depends on agent_link, book. */
#include "scheduler/daemon/effects.h"

#include "common/util/log.h"
#include "common/util/mem.h"
#include "scheduler/daemon/agent_link.h"
#include "scheduler/daemon/book.h"
#include "scheduler/daemon/client_logs.h"
#include "scheduler/daemon/launch.h"
#include "scheduler/daemon/silent.h"
#include "scheduler/daemon/waits.h"

void ls_effects_note(struct ls_server *server, const struct ls_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++)
        ls_book_note(server->book, &effects->items[i]);
}

void ls_effects_send_start(struct ls_server *server, const struct ls_job *job,
                           const struct ls_part *to)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__StepStart start = LS__STEP_START__INIT;
    const struct ls_book_job *page = ls_book_find(server->book, job->id);

    start.job = job->id;
    start.attempt = job->attempt;
    start.n_addresses = page && page->batch ? 1 : job->part_count;
    start.addresses = ls_calloc(start.n_addresses, sizeof(char *));
    for (size_t i = 0; i < start.n_addresses; i++)
        start.addresses[i] = job->parts[i].address;
    frame.body_case = LS__FRAME__BODY_STEP_START;
    frame.step_start = &start;
    ls_agent_send(ls_book_member(server->book, to), &frame);
    ls_free(start.addresses);
}

/* Its agent knows nothing of such a part and would report it as ended (silent.h). */
static bool has_no_step(struct ls_server *server, const struct ls_job *job,
                        uint32_t part)
{
    const struct ls_book_job *page = ls_book_find(server->book, job->id);

    return page && ls_book_part_is_silent(page, part);
}

static void start_part(struct ls_server *server, const struct ls_effect *effect)
{
    const struct ls_job *job = ls_policy_job(server->policy, effect->job);

    for (uint32_t i = 0; job && i < job->part_count; i++) {
        if (job->parts[i].node == effect->node && !has_no_step(server, job, i))
            ls_effects_send_start(server, job, &job->parts[i]);
    }
}

static void job_changed(struct ls_server *server, uint64_t id)
{
    const struct ls_job *job = ls_policy_job(server->policy, id);

    if (job && ls_job_ended(job))
        ls_log_info("job %llu: ended: %s (exit code %d)", (unsigned long long)id,
                    job->reason[0] ? job->reason : "completed", job->exit_code);
    ls_waits_job_changed(server, id);
    ls_relays_job_changed(server, id);
}

static struct ls_member *effect_member(struct ls_server *server,
                                       const struct ls_effect *effect)
{
    const struct ls_node *node = ls_policy_node_at(server->policy, effect->node);

    return ls_roster_member(server->roster, node->name);
}

static void kill_part(struct ls_server *server, const struct ls_effect *effect)
{
    const struct ls_job *job = ls_policy_job(server->policy, effect->job);
    const struct ls_book_job *page = ls_book_find(server->book, effect->job);

    for (uint32_t i = 0; page && page->batch && job && i < job->part_count; i++) {
        if (job->parts[i].node == effect->node && ls_book_part_is_silent(page, i))
            return; /* ls_silent_settle() ends it */
    }
    ls_agent_send_kill(effect_member(server, effect), effect->job, effect->attempt, 0,
                       effect->text);
}

static void carry_out(struct ls_server *server, const struct ls_effect *effect,
                      struct ls_launch *launch)
{
    switch (effect->kind) {
    case LS_EFFECT_LAUNCH:
        ls_launch_send(launch, effect);
        break;
    case LS_EFFECT_START:
        start_part(server, effect);
        break;
    case LS_EFFECT_KILL:
        kill_part(server, effect);
        break;
    case LS_EFFECT_FORGET:
        ls_agent_send_forget(effect_member(server, effect), effect->job,
                             effect->attempt);
        break;
    case LS_EFFECT_JOB_CHANGED:
        job_changed(server, effect->job);
        break;
    case LS_EFFECT_ACCEPTED:
    case LS_EFFECT_REFUSED:
        break; /* the event's asker hears these (commit.h) */
    }
}

void ls_effects_carry_out(struct ls_server *server, const struct ls_effects *effects)
{
    struct ls_launch launch = {.server = server};

    for (size_t i = 0; i < effects->count; i++)
        carry_out(server, &effects->items[i], &launch);
    ls_launch_end(&launch);
    for (size_t i = 0; i < effects->count; i++)
        ls_silent_settle(server, effects->items[i].job);
}
