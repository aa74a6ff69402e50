/* scheduler/cli/client.c - connecting to the scheduler, and the requests of
 * commands. */
#include "scheduler/cli/client.h"

#include <errno.h>
#include <poll.h>

#include "common/util/clock.h"
#include "common/util/mem.h"
#include "scheduler/cli/place.h"
#include "scheduler/cli/values.h"

enum { RETRY_MS_MIN = 20, RETRY_MS_MAX = 500 };

static int connect_once(struct ls_client *client, int timeout_ms, struct ls_error *err)
{
    char *address = ls_place_address(client->directory);
    int rc = ls_call_open(address, LS__ROLE__ROLE_CLIENT, "lockstep", NULL, timeout_ms,
                          &client->call, err);

    ls_free(address);
    return rc;
}

int ls_client_open(const char *wanted_directory, struct ls_client *client,
                   struct ls_error *err)
{
    struct ls_error why;
    int rc;

    *client = (struct ls_client){0};
    rc = ls_place_find(wanted_directory, &client->directory, err);
    if (rc < 0)
        return rc;
    rc = connect_once(client, LS_CLIENT_CONNECT_MS, &why);
    if (rc == 0)
        return 0;
    if (rc == -ECONNREFUSED || rc == -ENOENT)
        ls_error_set(
            err, rc,
            "cannot reach the scheduler at %s/scheduler.sock: %s; start one with "
            "`lockstep up`",
            client->directory,
            rc == -ENOENT ? "there is none" : "nobody listens there");
    else
        ls_error_set(err, rc, "cannot reach the scheduler: %s", why.text);
    ls_client_close(client);
    return rc;
}

void ls_client_close(struct ls_client *client)
{
    ls_call_close(client->call);
    ls_free(client->directory);
    *client = (struct ls_client){0};
}

bool ls_client_lost(int code)
{
    return code == -ECONNRESET || code == -EPIPE || code == -ECONNREFUSED ||
           code == -ENOENT || code == -ETIMEDOUT || code == -ENOTCONN;
}

/* A pause that grows with each failed attempt, at most until the deadline. */
static void pause_before_retry(int *pause_ms, uint64_t deadline_ms)
{
    uint64_t left_ms = deadline_ms - ls_clock_ms();

    poll(NULL, 0, (uint64_t)*pause_ms < left_ms ? *pause_ms : (int)left_ms);
    *pause_ms = *pause_ms * 2 < RETRY_MS_MAX ? *pause_ms * 2 : RETRY_MS_MAX;
}

int ls_client_reconnect(struct ls_client *client, uint64_t deadline_ms,
                        struct ls_error *err)
{
    int pause_ms = RETRY_MS_MIN;

    ls_call_close(client->call);
    client->call = NULL;
    for (;;) {
        int rc = connect_once(client, LS_CLIENT_CONNECT_MS, err);

        if (rc == 0)
            return 0;
        if (!ls_client_lost(rc) || ls_clock_ms() >= deadline_ms)
            return ls_error_wrap(err, "lost the scheduler");
        pause_before_retry(&pause_ms, deadline_ms);
    }
}

int ls_client_ask_again(struct ls_client *client, Ls__Frame *request,
                        uint64_t deadline_ms, Ls__Frame **ret_answer,
                        struct ls_error *err)
{
    for (;;) {
        int rc = client->call ? ls_call_ask(client->call, request, ret_answer, err)
                              : -ENOTCONN;

        /* -ENOENT is an answer here: there is no such job. */
        if (rc == 0 || rc == -ENOENT || !ls_client_lost(rc) ||
            ls_clock_ms() >= deadline_ms)
            return rc;
        rc = ls_client_reconnect(client, deadline_ms, err);
        if (rc < 0)
            return rc;
    }
}

static int check_body(const Ls__Frame *answer, Ls__Frame__BodyCase wanted,
                      struct ls_error *err)
{
    if (answer->body_case == wanted)
        return 0;
    return ls_error_set(err, -EPROTO,
                        "the scheduler answered with another message (%d)",
                        (int)answer->body_case);
}

int ls_client_ask(struct ls_client *client, Ls__Frame *request,
                  Ls__Frame__BodyCase wanted, Ls__Frame **ret_answer,
                  struct ls_error *err)
{
    Ls__Frame *answer;
    int rc = ls_call_ask(client->call, request, &answer, err);

    if (rc < 0)
        return rc;
    rc = check_body(answer, wanted, err);
    if (rc < 0) {
        ls__frame__free_unpacked(answer, NULL);
        return rc;
    }
    *ret_answer = answer;
    return 0;
}

int ls_client_jobs(struct ls_client *client, uint64_t job, bool ended,
                   Ls__Frame **ret_answer, struct ls_error *err)
{
    Ls__JobsRequest jobs = LS__JOBS_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT;
    Ls__Frame *answer;
    int rc;

    jobs.job = job;
    jobs.ended = ended;
    request.body_case = LS__FRAME__BODY_JOBS;
    request.jobs = &jobs;
    rc = ls_client_ask(client, &request, LS__FRAME__BODY_JOBS_REPLY, &answer, err);
    if (rc < 0)
        return rc;
    if (job && answer->jobs_reply->n_jobs != 1) {
        ls__frame__free_unpacked(answer, NULL);
        return ls_error_set(err, -ENOENT, "job %llu: there is no such job",
                            (unsigned long long)job);
    }
    *ret_answer = answer;
    return 0;
}

int ls_client_nodes(struct ls_client *client, const char *name, Ls__Frame **ret_answer,
                    struct ls_error *err)
{
    Ls__NodesRequest nodes = LS__NODES_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT;
    Ls__Frame *answer;
    int rc;

    if (name)
        nodes.name = (char *)name;
    request.body_case = LS__FRAME__BODY_NODES;
    request.nodes = &nodes;
    rc = ls_client_ask(client, &request, LS__FRAME__BODY_NODES_REPLY, &answer, err);
    if (rc < 0)
        return rc;
    if (name && answer->nodes_reply->n_nodes != 1) {
        ls__frame__free_unpacked(answer, NULL);
        return ls_error_set(err, -ENOENT, "%s: there is no such node", name);
    }
    *ret_answer = answer;
    return 0;
}

int ls_client_cancel(struct ls_client *client, uint64_t job, int signal,
                     struct ls_error *err)
{
    Ls__CancelRequest cancel = LS__CANCEL_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT;
    Ls__Frame *answer;
    int rc;

    cancel.job = job;
    cancel.signal = signal;
    request.body_case = LS__FRAME__BODY_CANCEL;
    request.cancel = &cancel;
    rc = ls_client_ask(client, &request, LS__FRAME__BODY_OK, &answer, err);
    if (rc == 0)
        ls__frame__free_unpacked(answer, NULL);
    return rc;
}

int ls_client_read_job(const char *text, uint64_t *ret_job, struct ls_error *err)
{
    if (ls_read_count(text, 1, UINT64_MAX, ret_job, NULL) < 0)
        return ls_error_set(err, -EINVAL, "\"%.60s\" is no job number", text);
    return 0;
}
