/* scheduler/daemon/book.c - the daemon's page on each job. Depends on plan, policy. */
#include "scheduler/daemon/book.h"

#include <string.h>

#include "common/util/mem.h"
#include "common/util/strbuf.h"
#include "scheduler/daemon/users.h"

enum { COMMAND_TEXT_MAX = 1024, SPARE_PAGES = 1024 };

struct ls_book *ls_book_new(const struct ls_policy *policy, struct ls_roster *roster)
{
    struct ls_book *book = ls_calloc(1, sizeof(*book));

    book->policy = policy;
    book->roster = roster;
    return book;
}

static void page_free(struct ls_book *book, struct ls_book_job *page)
{
    HASH_DEL(book->jobs, page);
    ls_plan_free(page->plan);
    ls_free(page->name);
    ls_free(page->command);
    ls_free(page->cwd);
    ls_free(page->user);
    ls_free(page);
}

void ls_book_free(struct ls_book *book)
{
    struct ls_book_job *page, *next;

    if (!book)
        return;
    HASH_ITER(hh, book->jobs, page, next)
    {
        page_free(book, page);
    }
    ls_free(book);
}

struct ls_book_job *ls_book_find(struct ls_book *book, uint64_t id)
{
    struct ls_book_job *page;

    HASH_FIND(hh, book->jobs, &id, sizeof(id), page);
    return page;
}

struct ls_member *ls_book_member(const struct ls_book *book, const struct ls_part *part)
{
    const struct ls_node *node = ls_policy_node_at(book->policy, part->node);

    return ls_roster_member(book->roster, node->name);
}

bool ls_book_part_is_silent(const struct ls_book_job *job, uint32_t part)
{
    return job->batch && part > 0;
}

/* ---- new jobs ------------------------------------------------------------------ */

static char *command_text(const Ls__JobSpec *spec)
{
    struct ls_strbuf text = {0};

    for (size_t i = 0; i < spec->n_argv && text.length < COMMAND_TEXT_MAX; i++) {
        if (i > 0)
            ls_strbuf_add(&text, " ");
        ls_strbuf_add(&text, spec->argv[i]);
    }
    if (text.length > COMMAND_TEXT_MAX)
        text.text[COMMAND_TEXT_MAX] = '\0';
    return ls_strbuf_take(&text);
}

/* Pages of jobs that the policy has dropped go in lots, so that it costs nothing. */
static void drop_old_pages(struct ls_book *book)
{
    struct ls_book_job *page, *next;

    if (HASH_COUNT(book->jobs) <= ls_policy_job_count(book->policy) + SPARE_PAGES)
        return;
    HASH_ITER(hh, book->jobs, page, next)
    {
        if (!ls_policy_job(book->policy, page->id))
            page_free(book, page);
    }
}

static void add_page(struct ls_book *book, const struct ls_job *job)
{
    Ls__JobSpec *spec = ls__job_spec__unpack(NULL, job->spec_size, job->spec);
    struct ls_book_job *page;

    if (!spec)
        return; /* not from us: the policy knows the job, listings show no words */
    page = ls_calloc(1, sizeof(*page));
    page->id = job->id;
    page->name = ls_strdup(spec->name);
    page->command = command_text(spec);
    page->cwd = ls_strdup(spec->cwd);
    page->user = ls_user_name(job->uid);
    page->batch = spec->script.len > 0;
    page->time_limit_s = spec->time_limit_s;
    HASH_ADD(hh, book->jobs, id, sizeof(page->id), page);
    ls__job_spec__free_unpacked(spec, NULL);
    drop_old_pages(book);
}

/* ---- launches and ends ----------------------------------------------------------- */

static void release_all(struct ls_book *book, struct ls_book_job *page,
                        const struct ls_job *job)
{
    for (uint32_t i = 0; page->plan && i < job->part_count; i++)
        ls_plan_release(page->plan, i, ls_book_member(book, &job->parts[i]));
}

static void note_launch(struct ls_book *book, struct ls_book_job *page,
                        const struct ls_job *job)
{
    struct ls_member **members;

    if (page->plan && page->plan->attempt == job->attempt)
        return; /* another node of the same attempt, or told again */
    ls_plan_free(page->plan);
    members = ls_calloc(job->part_count, sizeof(struct ls_member *));
    for (uint32_t i = 0; i < job->part_count; i++)
        members[i] = ls_book_member(book, &job->parts[i]);
    page->plan = ls_plan_make(job, members, page->batch);
    ls_free(members);
}

static void note_forget(struct ls_book *book, struct ls_book_job *page,
                        const struct ls_job *job, const struct ls_effect *effect)
{
    if (!page->plan || page->plan->attempt != effect->attempt)
        return;
    for (uint32_t i = 0; i < job->part_count; i++) {
        if (job->parts[i].node == effect->node)
            ls_plan_release(page->plan, i, ls_book_member(book, &job->parts[i]));
    }
}

void ls_book_note(struct ls_book *book, const struct ls_effect *effect)
{
    const struct ls_job *job = ls_policy_job(book->policy, effect->job);
    struct ls_book_job *page = ls_book_find(book, effect->job);

    if (!job)
        return;
    if (effect->kind == LS_EFFECT_ACCEPTED && !page)
        add_page(book, job);
    else if (!page)
        return;
    else if (effect->kind == LS_EFFECT_LAUNCH)
        note_launch(book, page, job);
    else if (effect->kind == LS_EFFECT_FORGET)
        note_forget(book, page, job, effect);
    else if (effect->kind == LS_EFFECT_JOB_CHANGED && ls_job_ended(job))
        release_all(book, page, job);
}
