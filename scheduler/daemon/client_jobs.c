/* scheduler/daemon/client_jobs.c - listing and cancelling jobs. Depends on book. */
#include "scheduler/daemon/client_jobs.h"

#include <errno.h>
#include <stdio.h>

#include "common/util/mem.h"
#include "scheduler/daemon/agent_link.h"
#include "scheduler/daemon/book.h"
#include "scheduler/daemon/client_api.h"

enum {
    LISTED_JOBS_MAX = 50000, /* in one answer */
    SIGNAL_MAX = 64,
};

bool ls_client_owns(const struct ls_peer *peer, const struct ls_job *job)
{
    return peer->is_operator || peer->uid == job->uid;
}

void ls_client_refuse_unknown_job(struct ls_peer *peer, uint64_t request, uint64_t job)
{
    ls_connection_refuse(peer->connection, request, ESRCH, "job %llu is not known",
                         (unsigned long long)job);
}

/* ---- one job as a message; freed with ls__job_info__free_unpacked() -----------------
 */

static void set_end(Ls__RankInfo *info, const struct ls_plan_rank *planned,
                    const struct ls_rank_end *end)
{
    info->pid = planned->pid;
    info->ended = planned->ended;
    info->exit_code = planned->exit_code;
    info->signal = planned->signal;
    if (!end || !end->known)
        return;
    info->ended = true; /* durable: what the log says counts */
    info->exit_code = end->exit_code;
    info->signal = end->signal;
    info->text = ls_strdup(end->text);
}

static Ls__RankInfo *rank_info(struct ls_server *server, const struct ls_job *job,
                               const struct ls_plan *plan, uint32_t rank)
{
    const struct ls_plan_rank *planned = &plan->ranks[rank];
    const struct ls_member *member =
        ls_book_member(server->book, &job->parts[planned->part]);
    const Ls__NodeDigest *digest = member->digest;
    Ls__RankInfo *info = ls_calloc(1, sizeof(*info));

    ls__rank_info__init(info);
    info->rank = rank;
    info->node = ls_strdup(member->name);
    info->cores = ls_strdup(planned->cores);
    if (digest && planned->nic >= 0 && (size_t)planned->nic < digest->n_nics)
        info->nic = ls_strdup(digest->nics[planned->nic]->name);
    info->gpus = ls_calloc(LS_GPUS_PER_NODE_MAX, sizeof(*info->gpus));
    for (uint64_t gpus = planned->gpus; gpus; gpus &= gpus - 1)
        info->gpus[info->n_gpus++] = (uint32_t)__builtin_ctzll(gpus);
    set_end(info, planned, job->rank_ends ? &job->rank_ends[rank] : NULL);
    return info;
}

static void add_ranks(struct ls_server *server, const struct ls_job *job,
                      const struct ls_book_job *page, Ls__JobInfo *info)
{
    const struct ls_plan *plan = page->plan;

    if (!plan || plan->attempt != job->attempt || job->part_count == 0)
        return;
    info->ranks = ls_calloc(plan->rank_count, sizeof(Ls__RankInfo *));
    info->n_ranks = plan->rank_count;
    for (uint32_t i = 0; i < plan->rank_count; i++)
        info->ranks[i] = rank_info(server, job, plan, i);
}

static void add_words(const struct ls_book_job *page, Ls__JobInfo *info)
{
    info->name = ls_strdup(page->name);
    info->user = ls_strdup(page->user);
    info->command = ls_strdup(page->command);
    info->cwd = ls_strdup(page->cwd);
    info->time_limit_s = page->time_limit_s;
}

static Ls__JobInfo *job_info(struct ls_server *server, const struct ls_job *job,
                             bool with_ranks)
{
    const struct ls_book_job *page = ls_book_find(server->book, job->id);
    Ls__JobInfo *info = ls_calloc(1, sizeof(*info));

    ls__job_info__init(info);
    info->id = job->id;
    info->uid = job->uid;
    info->state = (Ls__JobState)job->state;
    info->reason = ls_strdup(job->reason);
    info->nodes = ls_calloc(job->part_count, sizeof(char *));
    info->n_nodes = job->part_count;
    for (uint32_t i = 0; i < job->part_count; i++)
        info->nodes[i] = ls_strdup(ls_book_member(server->book, &job->parts[i])->name);
    info->rank_count = job->request.ranks;
    info->submit_ms = job->submit_ms;
    info->start_ms = job->start_ms;
    info->end_ms = job->end_ms;
    info->exit_code = job->exit_code;
    info->gpu_count = job->request.gpus_per_node * job->request.nodes;
    if (page)
        add_words(page, info);
    if (page && with_ranks)
        add_ranks(server, job, page, info);
    return info;
}

/* ---- answers
 * -------------------------------------------------------------------------- */

static void answer_jobs(struct ls_server *server, struct ls_ticket ticket,
                        Ls__JobInfo **infos, size_t count)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__JobsReply reply = LS__JOBS_REPLY__INIT;

    reply.jobs = infos;
    reply.n_jobs = count;
    frame.body_case = LS__FRAME__BODY_JOBS_REPLY;
    frame.jobs_reply = &reply;
    if (ls__frame__get_packed_size(&frame) > LS_FRAME_MAX)
        ls_ticket_refuse(server, ticket, E2BIG,
                         "the list is too long for one answer; "
                         "ask for single jobs");
    else
        ls_ticket_answer(server, ticket, &frame);
    for (size_t i = 0; i < count; i++)
        ls__job_info__free_unpacked(infos[i], NULL);
}

void ls_client_answer_job(struct ls_server *server, struct ls_ticket ticket,
                          const struct ls_job *job)
{
    Ls__JobInfo *info = job_info(server, job, true);

    answer_jobs(server, ticket, &info, 1);
}

static void answer_list(struct ls_server *server, struct ls_ticket ticket, bool ended)
{
    size_t total = ls_policy_job_count(server->policy);
    Ls__JobInfo **infos = ls_calloc(total, sizeof(Ls__JobInfo *));
    size_t count = 0;

    for (size_t i = 0; i < total && count <= LISTED_JOBS_MAX; i++) {
        const struct ls_job *job = ls_policy_job_at(server->policy, i);

        if (ended || !ls_job_ended(job))
            infos[count++] = job_info(server, job, false);
    }
    answer_jobs(server, ticket, infos, count);
    ls_free(infos);
}

void ls_client_jobs(struct ls_peer *peer, const Ls__Frame *frame)
{
    struct ls_server *server = peer->server;
    uint64_t id = frame->jobs->job;
    const struct ls_job *job = ls_policy_job(server->policy, id);
    struct ls_ticket ticket;

    if (id != 0 && !job) {
        ls_client_refuse_unknown_job(peer, frame->request, id);
        return;
    }
    if (!ls_peer_open_request(peer, frame->request, &ticket))
        return;
    if (job)
        ls_client_answer_job(server, ticket, job);
    else
        answer_list(server, ticket, frame->jobs->ended);
}

/* ---- cancel
 * ------------------------------------------------------------------------------ */

static void send_signal(struct ls_peer *peer, uint64_t request,
                        const struct ls_job *job, int signal)
{
    struct ls_server *server = peer->server;
    const struct ls_book_job *page = ls_book_find(server->book, job->id);
    struct ls_ticket ticket;
    bool runs = job->state == LS_JOB_RUNNING || job->state == LS_JOB_COMPLETING;

    if (signal < 1 || signal > SIGNAL_MAX || !runs) {
        ls_connection_refuse(peer->connection, request, EINVAL,
                             runs ? "signal %d: expected 1 to 64"
                                  : "signal %d: the job is not running",
                             signal);
        return;
    }
    for (uint32_t i = 0; i < job->part_count; i++) {
        if (!page || !ls_book_part_is_silent(page, i)) /* such parts have no step */
            ls_agent_send_kill(ls_book_member(server->book, &job->parts[i]), job->id,
                               job->attempt, signal, "signal from a user");
    }
    if (ls_peer_open_request(peer, request, &ticket))
        ls_ticket_ok(server, ticket);
}

void ls_client_cancel(struct ls_peer *peer, const Ls__Frame *frame)
{
    const Ls__CancelRequest *cancel = frame->cancel;
    const struct ls_job *job = ls_policy_job(peer->server->policy, cancel->job);
    struct ls_event event;

    if (!job) {
        ls_client_refuse_unknown_job(peer, frame->request, cancel->job);
        return;
    }
    if (!ls_client_owns(peer, job)) {
        ls_connection_refuse(peer->connection, frame->request, EPERM,
                             "job %llu belongs to another user",
                             (unsigned long long)job->id);
        return;
    }
    if (cancel->signal != 0) {
        send_signal(peer, frame->request, job, cancel->signal);
        return;
    }
    event = ls_server_event(peer->server, LS_EVENT_JOB_CANCEL);
    event.job = job->id;
    event.uid = peer->is_operator ? 0 : peer->uid; /* operators may end any job */
    event.gid = peer->gid;
    snprintf(event.text, sizeof(event.text), "cancelled");
    ls_client_queue(peer, frame->request, &event, ls_client_settled_ok);
}
