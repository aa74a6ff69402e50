/* scheduler/daemon/waits.c - waiting for the end of jobs. Depends on peer, client_jobs.
 */
#include "scheduler/daemon/waits.h"

#include <errno.h>
#include <utlist.h>

#include "common/util/mem.h"
#include "scheduler/daemon/client_jobs.h"

struct wait {
    struct ls_ticket ticket;
    struct wait *prev, *next;
};

/* All that wait for one job. */
struct awaited {
    uint64_t job;
    struct wait *waits;
    UT_hash_handle hh;
};

struct ls_waits {
    struct awaited *by_job;
};

struct ls_waits *ls_waits_new(void)
{
    return ls_calloc(1, sizeof(struct ls_waits));
}

static void drop_wait(struct awaited *awaited, struct wait *wait)
{
    DL_DELETE(awaited->waits, wait);
    ls_free(wait);
}

static void drop_awaited(struct ls_waits *waits, struct awaited *awaited)
{
    while (awaited->waits)
        drop_wait(awaited, awaited->waits);
    HASH_DEL(waits->by_job, awaited);
    ls_free(awaited);
}

void ls_waits_free(struct ls_waits *waits)
{
    struct awaited *awaited, *next;

    if (!waits)
        return;
    HASH_ITER(hh, waits->by_job, awaited, next)
    {
        drop_awaited(waits, awaited);
    }
    ls_free(waits);
}

static void add_wait(struct ls_waits *waits, uint64_t job, struct ls_ticket ticket)
{
    struct wait *wait = ls_calloc(1, sizeof(*wait));
    struct awaited *awaited;

    HASH_FIND(hh, waits->by_job, &job, sizeof(job), awaited);
    if (!awaited) {
        awaited = ls_calloc(1, sizeof(*awaited));
        awaited->job = job;
        HASH_ADD(hh, waits->by_job, job, sizeof(awaited->job), awaited);
    }
    wait->ticket = ticket;
    DL_APPEND(awaited->waits, wait);
}

void ls_wait_received(struct ls_peer *peer, const Ls__Frame *frame)
{
    struct ls_server *server = peer->server;
    uint64_t id = frame->wait->job;
    const struct ls_job *job = ls_policy_job(server->policy, id);
    struct ls_ticket ticket;

    if (!job) {
        ls_client_refuse_unknown_job(peer, frame->request, id);
        return;
    }
    if (!ls_peer_open_request(peer, frame->request, &ticket))
        return;
    if (ls_job_ended(job))
        ls_client_answer_job(server, ticket, job);
    else
        add_wait(server->waits, id, ticket);
}

void ls_waits_job_changed(struct ls_server *server, uint64_t id)
{
    const struct ls_job *job = ls_policy_job(server->policy, id);
    struct awaited *awaited;
    struct wait *wait;

    HASH_FIND(hh, server->waits->by_job, &id, sizeof(id), awaited);
    if (!awaited || !job || !ls_job_ended(job))
        return;
    DL_FOREACH(awaited->waits, wait)
    ls_client_answer_job(server, wait->ticket, job);
    drop_awaited(server->waits, awaited);
}

void ls_waits_peer_gone(struct ls_server *server, const struct ls_peer *peer)
{
    struct awaited *awaited, *next_awaited;
    struct wait *wait, *next;

    HASH_ITER(hh, server->waits->by_job, awaited, next_awaited)
    {
        DL_FOREACH_SAFE(awaited->waits, wait, next)
        {
            if (wait->ticket.peer == peer->id)
                drop_wait(awaited, wait);
        }
        if (!awaited->waits)
            drop_awaited(server->waits, awaited);
    }
}
