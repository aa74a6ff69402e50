/* scheduler/policy/rank_end.c - how ranks ended, and what that means for their job.
 * Pure. */
#include "scheduler/policy/rank_end.h"

#include "common/util/check.h"
#include "scheduler/policy/text.h"

enum { SIGNAL_KILL = 9, SIGNAL_TERM = 15 }; /* no signal.h here; the same everywhere */

static const char *const signal_names[] = {
    [1] = "SIGHUP",   [2] = "SIGINT",   [3] = "SIGQUIT",  [4] = "SIGILL",
    [5] = "SIGTRAP",  [6] = "SIGABRT",  [7] = "SIGBUS",   [8] = "SIGFPE",
    [9] = "SIGKILL",  [10] = "SIGUSR1", [11] = "SIGSEGV", [12] = "SIGUSR2",
    [13] = "SIGPIPE", [14] = "SIGALRM", [15] = "SIGTERM",
};

void ls_rank_ends_record(struct ls_job *job, const struct ls_part *part,
                         const struct ls_event *event)
{
    ls_assert(part->first_rank + part->rank_count <= job->request.ranks);
    for (uint32_t i = 0; i < event->rank_count; i++) {
        uint32_t rank = event->first_rank + i;

        if (!event->rank_ends[i].known || rank < part->first_rank ||
            rank - part->first_rank >= part->rank_count)
            continue;
        if (!job->rank_ends[rank].known)
            job->rank_ends[rank] = event->rank_ends[i];
    }
}

static bool has_failed(const struct ls_rank_end *end)
{
    return end->known && (end->exit_code != 0 || end->signal != 0);
}

static bool was_swept(const struct ls_rank_end *end)
{
    return end->signal == SIGNAL_TERM || end->signal == SIGNAL_KILL;
}

/* "rank 3 on n1 " */
static struct ls_text begin_with_rank(char reason[LS_REASON_MAX], uint32_t rank,
                                      const char *node)
{
    struct ls_text text = ls_text_begin(reason, LS_REASON_MAX);

    ls_text_add(&text, "rank ");
    ls_text_add_number(&text, rank);
    ls_text_add(&text, " on ");
    ls_text_add(&text, node);
    return text;
}

static void describe(const struct ls_rank_end *end, uint32_t rank, const char *node,
                     char reason[LS_REASON_MAX])
{
    struct ls_text text = begin_with_rank(reason, rank, node);

    if (end->text[0]) {
        ls_text_add(&text, ": ");
        ls_text_add(&text, end->text);
    } else if (end->signal) {
        ls_text_add(&text, " was ended by signal ");
        ls_text_add_number(&text, end->signal);
        if (end->signal > 0 && end->signal < (int32_t)LS_ARRAY_SIZE(signal_names)) {
            ls_text_add(&text, " (");
            ls_text_add(&text, signal_names[end->signal]);
            ls_text_add(&text, ")");
        }
    } else {
        ls_text_add(&text, " exited with ");
        ls_text_add_number(&text, end->exit_code);
    }
}

bool ls_part_explain_failure(const struct ls_job *job, const struct ls_part *part,
                             const char *node, char reason[LS_REASON_MAX])
{
    const struct ls_rank_end *ends = job->rank_ends;
    uint32_t end = part->first_rank + part->rank_count;
    uint32_t cause = end;

    for (uint32_t rank = part->first_rank; rank < end; rank++) {
        if (!has_failed(&ends[rank]))
            continue;
        if (cause == end || (was_swept(&ends[cause]) && !was_swept(&ends[rank])))
            cause = rank;
    }
    if (cause == end)
        return false;
    describe(&ends[cause], cause, node, reason);
    return true;
}

bool ls_part_explain_silence(const struct ls_job *job, const struct ls_part *part,
                             const char *node, char reason[LS_REASON_MAX])
{
    for (uint32_t i = 0; i < part->rank_count; i++) {
        struct ls_text text;

        if (job->rank_ends[part->first_rank + i].known)
            continue;
        text = begin_with_rank(reason, part->first_rank + i, node);
        ls_text_add(&text, " is gone, and nobody saw how it ended");
        return true;
    }
    return false;
}

int32_t ls_job_exit_code(const struct ls_job *job)
{
    int32_t own = 0, swept = 0;

    ls_assert(ls_job_ended(job));
    for (uint32_t rank = 0; job->rank_ends && rank < job->request.ranks; rank++) {
        const struct ls_rank_end *end = &job->rank_ends[rank];
        int32_t code = end->signal ? 128 + end->signal : end->exit_code;
        int32_t *highest = was_swept(end) ? &swept : &own;

        if (end->known && code > *highest)
            *highest = code;
    }
    if (own == 0)
        own = swept;
    return own == 0 && job->state != LS_JOB_COMPLETED ? 1 : own;
}
