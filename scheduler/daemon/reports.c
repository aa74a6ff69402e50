/* scheduler/daemon/reports.c - reports of steps to events. Depends on book, commit. */
#include "scheduler/daemon/reports.h"

#include <stdio.h>
#include <string.h>

#include "common/util/log.h"
#include "common/util/mem.h"
#include "scheduler/daemon/agent_link.h"
#include "scheduler/daemon/book.h"
#include "scheduler/daemon/effects.h"

/* The part that a report is about. */
struct subject {
    const struct ls_job *job;   /* NULL: the attempt is not a known job's latest */
    const struct ls_part *part; /* with `job` */
};

static struct subject find_subject(const struct ls_peer *peer, uint64_t id,
                                   uint32_t attempt)
{
    const struct ls_policy *policy = peer->server->policy;
    const struct ls_job *job = ls_policy_job(policy, id);

    if (!job || job->attempt != attempt)
        return (struct subject){0};
    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct ls_node *node = ls_policy_node_at(policy, job->parts[i].node);

        if (strcmp(node->name, peer->name) == 0)
            return (struct subject){job, &job->parts[i]};
    }
    return (struct subject){0};
}

static struct ls_event report_event(const struct ls_peer *peer, enum ls_event_kind kind,
                                    uint64_t job, uint32_t attempt, const char *text)
{
    struct ls_event event = ls_server_event(peer->server, kind);

    snprintf(event.node, sizeof(event.node), "%s", peer->name);
    snprintf(event.text, sizeof(event.text), "%s", text);
    event.job = job;
    event.attempt = attempt;
    return event;
}

/* When the queue is full or the disk is, the agent says it again. */
static void queue(const struct ls_peer *peer, struct ls_event *event)
{
    ls_commit_add(peer->server->commit, event, (struct ls_ticket){0}, NULL, NULL);
}

/* ---- ranks
 * ----------------------------------------------------------------------------- */

static bool rank_failed(const Ls__RankInfo *rank)
{
    return rank->ended && (rank->exit_code != 0 || rank->signal != 0);
}

/* The ends of a part's ranks as the report gives them; freed with the event. */
static void set_rank_ends(struct ls_event *event, const struct ls_part *part,
                          const Ls__StepReport *report)
{
    struct ls_rank_end *ends = ls_calloc(part->rank_count, sizeof(*ends));

    for (size_t i = 0; i < report->n_ranks; i++) {
        const Ls__RankInfo *rank = report->ranks[i];
        struct ls_rank_end *end;

        if (!rank->ended || rank->rank < part->first_rank ||
            rank->rank - part->first_rank >= part->rank_count)
            continue;
        end = &ends[rank->rank - part->first_rank];
        end->known = true;
        end->exit_code = rank->exit_code;
        end->signal = rank->signal;
        snprintf(end->text, sizeof(end->text), "%s", rank->text);
    }
    event->rank_ends = ends;
    event->first_rank = part->first_rank;
    event->rank_count = part->rank_count;
}

/* Keep what listings show of living ranks. True when one has failed that the policy
 * does not know of. */
static bool note_ranks(const struct ls_peer *peer, const struct subject *subject,
                       const Ls__StepReport *report)
{
    struct ls_book_job *page = ls_book_find(peer->server->book, report->job);
    const struct ls_job *job = subject->job;
    bool news = false;

    for (size_t i = 0; page && page->plan && i < report->n_ranks; i++) {
        const Ls__RankInfo *rank = report->ranks[i];
        struct ls_plan_rank *known;

        if (rank->rank >= page->plan->rank_count ||
            rank->rank < subject->part->first_rank ||
            rank->rank - subject->part->first_rank >= subject->part->rank_count)
            continue;
        known = &page->plan->ranks[rank->rank];
        known->pid = rank->pid;
        known->ended = rank->ended;
        known->exit_code = rank->exit_code;
        known->signal = rank->signal;
        if (rank_failed(rank) && job->rank_ends && !job->rank_ends[rank->rank].known)
            news = true;
    }
    return news;
}

/* ---- reports
 * ---------------------------------------------------------------------------- */

static void step_is_ready(struct ls_peer *peer, const struct subject *subject,
                          const Ls__StepReport *report)
{
    struct ls_event event;
    bool repeated = subject->part->state == LS_PART_STARTED &&
                    strcmp(subject->part->address, report->address) == 0;

    if (subject->part->state == LS_PART_READY &&
        strcmp(subject->part->address, report->address) == 0)
        return; /* waits for the rest of its gang */
    if (subject->job->state == LS_JOB_COMPLETING) {
        ls_agent_send_kill(peer->member, report->job, report->attempt, 0,
                           subject->job->reason);
        return;
    }
    if (repeated) {
        ls_effects_send_start(peer->server, subject->job, subject->part);
        return;
    }
    event = report_event(peer, LS_EVENT_PART_READY, report->job, report->attempt, "");
    snprintf(event.address, sizeof(event.address), "%s", report->address);
    queue(peer, &event);
}

static void step_is_running(struct ls_peer *peer, const struct subject *subject,
                            const Ls__StepReport *report)
{
    bool failed = note_ranks(peer, subject, report);
    struct ls_event event;

    if (!failed || subject->job->state != LS_JOB_RUNNING)
        return;
    event = report_event(peer, LS_EVENT_RANK_FAILED, report->job, report->attempt,
                         report->reason);
    set_rank_ends(&event, subject->part, report);
    queue(peer, &event);
}

static void step_has_ended(struct ls_peer *peer, const struct subject *subject,
                           const Ls__StepReport *report)
{
    struct ls_event event;

    if (subject->part && subject->part->state == LS_PART_ENDED) {
        ls_agent_send_forget(peer->member, report->job, report->attempt);
        return;
    }
    event = report_event(peer, LS_EVENT_PART_ENDED, report->job, report->attempt,
                         report->reason);
    if (subject->part) {
        note_ranks(peer, subject, report);
        set_rank_ends(&event, subject->part, report);
    }
    queue(peer, &event);
}

void ls_report_received(struct ls_peer *peer, const Ls__StepReport *report)
{
    struct subject subject = find_subject(peer, report->job, report->attempt);

    if (report->state == LS__STEP_STATE__STEP_ENDED) {
        step_has_ended(peer, &subject, report);
        return;
    }
    if (!subject.part || subject.part->state >= LS_PART_ENDED) {
        ls_agent_send_kill(peer->member, report->job, report->attempt, 0,
                           "the scheduler no longer counts on it");
        return;
    }
    if (report->state == LS__STEP_STATE__STEP_READY)
        step_is_ready(peer, &subject, report);
    else if (report->state == LS__STEP_STATE__STEP_RUNNING)
        step_is_running(peer, &subject, report);
}

/* ---- registration
 * -------------------------------------------------------------------------- */

static bool lists_step(const Ls__Register *body, uint64_t job, uint32_t attempt)
{
    for (size_t i = 0; i < body->n_steps; i++) {
        if (body->steps[i]->job == job && body->steps[i]->attempt == attempt)
            return true;
    }
    return false;
}

static void missing_part(struct ls_peer *peer, const struct ls_job *job,
                         const struct ls_part *part)
{
    struct ls_event event = report_event(peer, LS_EVENT_PART_ENDED, job->id,
                                         job->attempt, "the node came back without it");

    ls_log_warn("job %llu: node %s came back without its step",
                (unsigned long long)job->id, peer->name);
    event.first_rank = part->first_rank;
    queue(peer, &event);
}

void ls_reports_missing(struct ls_peer *peer, const Ls__Register *body)
{
    const struct ls_policy *policy = peer->server->policy;
    const struct ls_node *node = ls_policy_node(policy, peer->name);
    size_t count = node && node->job_count > 0 ? ls_policy_job_count(policy) : 0;

    for (size_t i = 0; i < count; i++) {
        const struct ls_job *job = ls_policy_job_at(policy, i);
        const struct ls_book_job *page = ls_book_find(peer->server->book, job->id);

        for (uint32_t k = 0; k < job->part_count; k++) {
            const struct ls_part *part = &job->parts[k];

            if (part->node != node->index || part->state == LS_PART_LAUNCHED ||
                part->state == LS_PART_ENDED || lists_step(body, job->id, job->attempt))
                continue;
            if (!page || !ls_book_part_is_silent(page, k))
                missing_part(peer, job, part);
        }
    }
}
