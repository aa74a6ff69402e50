/* scheduler/daemon/silent.c - reports for parts without a step. Depends on book. */
#include "scheduler/daemon/silent.h"

#include <stdio.h>

#include "common/util/mem.h"
#include "scheduler/daemon/book.h"
#include "scheduler/daemon/commit.h"

static void queue(struct ls_server *server, const struct ls_job *job,
                  const struct ls_part *part, enum ls_event_kind kind)
{
    struct ls_event event = ls_server_event(server, kind);
    struct ls_rank_end *ends = ls_calloc(part->rank_count, sizeof(*ends));

    snprintf(event.node, sizeof(event.node), "%s",
             ls_book_member(server->book, part)->name);
    event.job = job->id;
    event.attempt = job->attempt;
    for (uint32_t i = 0; i < part->rank_count; i++)
        ends[i].known = true;
    event.rank_ends = ends;
    if (kind == LS_EVENT_PART_ENDED) {
        event.first_rank = part->first_rank;
        event.rank_count = part->rank_count;
    }
    /* When this fails, ls_silent_settle_all() comes by again. */
    ls_commit_add(server->commit, &event, (struct ls_ticket){0}, NULL, NULL);
}

static void settle(struct ls_server *server, const struct ls_book_job *page,
                   const struct ls_job *job)
{
    bool over = job->part_count > 0 && (job->state == LS_JOB_COMPLETING ||
                                        job->parts[0].state >= LS_PART_ENDED);

    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct ls_part *part = &job->parts[i];

        if (!ls_book_part_is_silent(page, i) || part->state >= LS_PART_ENDED)
            continue;
        if (over)
            queue(server, job, part, LS_EVENT_PART_ENDED);
        else if (part->state == LS_PART_LAUNCHED)
            queue(server, job, part, LS_EVENT_PART_READY);
    }
}

void ls_silent_settle(struct ls_server *server, uint64_t id)
{
    const struct ls_book_job *page = ls_book_find(server->book, id);
    const struct ls_job *job = ls_policy_job(server->policy, id);

    if (page && page->batch && job && !ls_job_ended(job))
        settle(server, page, job);
}

void ls_silent_settle_all(struct ls_server *server)
{
    struct ls_book_job *page, *next;

    HASH_ITER(hh, server->book->jobs, page, next)
    {
        if (page->batch)
            ls_silent_settle(server, page->id);
    }
}
