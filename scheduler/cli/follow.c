/* scheduler/cli/follow.c - following a job's output and end. */
#include "scheduler/cli/follow.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "common/util/clock.h"
#include "scheduler/cli/command.h"

/* Request numbers of a follow, far from those that ls_call_ask() counts up. */
enum { LOGS_REQUEST = 1 << 30, END_REQUEST };

static int ask_logs(const struct ls_follow *follow, struct ls_call *call,
                    struct ls_error *err)
{
    Ls__LogsRequest logs = LS__LOGS_REQUEST__INIT;
    Ls__Frame frame = LS__FRAME__INIT;

    logs.job = follow->job;
    logs.follow = follow->live;
    logs.one_rank = follow->one_rank;
    logs.rank = follow->rank;
    frame.request = LOGS_REQUEST;
    frame.body_case = LS__FRAME__BODY_LOGS;
    frame.logs = &logs;
    return ls_call_send(call, &frame, err);
}

static int ask_end(const struct ls_follow *follow, struct ls_call *call,
                   struct ls_error *err)
{
    Ls__WaitRequest wait = LS__WAIT_REQUEST__INIT;
    Ls__Frame frame = LS__FRAME__INIT;

    wait.job = follow->job;
    frame.request = END_REQUEST;
    frame.body_case = LS__FRAME__BODY_WAIT;
    frame.wait = &wait;
    return ls_call_send(call, &frame, err);
}

int ls_follow_start(struct ls_follow *follow, struct ls_call *call,
                    struct ls_error *err)
{
    int rc = 0;

    if (follow->output && !follow->logs_done)
        rc = ask_logs(follow, call, err);
    if (rc == 0 && follow->to_end && !follow->end)
        rc = ask_end(follow, call, err);
    return rc;
}

/* Tell the sender that so many more bytes may come. */
static int acknowledge(struct ls_call *call, uint64_t bytes, struct ls_error *err)
{
    Ls__LogAck ack = LS__LOG_ACK__INIT;
    Ls__Frame frame = LS__FRAME__INIT;

    ack.bytes = bytes;
    frame.request = LOGS_REQUEST;
    frame.body_case = LS__FRAME__BODY_LOG_ACK;
    frame.log_ack = &ack;
    return ls_call_send(call, &frame, err);
}

static int take_chunk(struct ls_follow *follow, struct ls_call *call,
                      const Ls__LogChunk *chunk, struct ls_error *err)
{
    int rc;

    if (follow->logs_done)
        return 0; /* nobody reads them any more */
    rc = ls_output_add(follow->output, chunk, err);
    return rc < 0 ? rc : acknowledge(call, chunk->data.len, err);
}

static int take_logs_end(struct ls_follow *follow, const Ls__LogEnd *end,
                         struct ls_error *err)
{
    struct ls_error early;

    if (follow->logs_done)
        return 0;
    follow->logs_done = true;
    if (*end->text) {
        ls_error_set(&early, -EIO, "job %llu: output is not complete: %s",
                     (unsigned long long)follow->job, end->text);
        ls_complain(&early);
    }
    return ls_output_finish(follow->output, err);
}

/* Returns 1 when it kept the frame, 0, or -errno. */
static int take_frame(struct ls_follow *follow, struct ls_call *call, Ls__Frame *frame,
                      struct ls_error *err)
{
    bool of_logs = frame->request == LOGS_REQUEST;

    if (!of_logs && frame->request != END_REQUEST)
        return 0;
    if (frame->body_case == LS__FRAME__BODY_ERROR)
        return ls_error_set(err, frame->error->code > 0 ? -frame->error->code : -EPROTO,
                            "%s", frame->error->text);
    if (of_logs && frame->body_case == LS__FRAME__BODY_LOG_CHUNK)
        return take_chunk(follow, call, frame->log_chunk, err);
    if (of_logs && frame->body_case == LS__FRAME__BODY_LOG_END)
        return take_logs_end(follow, frame->log_end, err);
    if (!of_logs && frame->body_case == LS__FRAME__BODY_JOBS_REPLY &&
        frame->jobs_reply->n_jobs == 1 && !follow->end) {
        follow->end = frame;
        return 1;
    }
    return ls_error_set(err, -EPROTO,
                        "the scheduler answered with another message (%d)",
                        (int)frame->body_case);
}

static bool has_all(const struct ls_follow *follow)
{
    return (!follow->output || follow->logs_done) && (!follow->to_end || follow->end);
}

int ls_follow_step(struct ls_follow *follow, struct ls_call *call, struct ls_error *err)
{
    while (!has_all(follow)) {
        Ls__Frame *frame;
        int rc = ls_call_receive(call, 0, &frame, err);

        if (rc <= 0)
            return rc;
        rc = take_frame(follow, call, frame, err);
        if (rc != 1)
            ls__frame__free_unpacked(frame, NULL);
        if (rc < 0)
            return rc;
    }
    return 1;
}

static int wait_on(struct ls_follow *follow, struct ls_call *call, struct ls_error *err)
{
    struct pollfd ready = {.fd = ls_call_fd(call), .events = POLLIN};
    int rc = ls_follow_start(follow, call, err);

    while (rc == 0) {
        rc = ls_follow_step(follow, call, err);
        if (rc == 0 && poll(&ready, 1, -1) < 0 && errno != EINTR)
            rc = ls_error_sys(err, -errno, "cannot wait");
    }
    return rc;
}

int ls_follow_wait(struct ls_follow *follow, struct ls_client *client,
                   struct ls_error *err)
{
    for (;;) {
        int rc = wait_on(follow, client->call, err);

        if (rc == 1)
            return 0;
        if ((follow->output && ls_output_failed(follow->output)) || rc == -ENOENT ||
            !ls_client_lost(rc))
            return rc;
        rc = ls_client_reconnect(client, ls_clock_ms() + LS_FOLLOW_AWAY_MS, err);
        if (rc < 0)
            return rc;
    }
}

void ls_follow_clear(struct ls_follow *follow)
{
    if (follow->end)
        ls__frame__free_unpacked(follow->end, NULL);
    follow->end = NULL;
}
