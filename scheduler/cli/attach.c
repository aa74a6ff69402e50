/* scheduler/cli/attach.c - following a job on a terminal.
 *
 * Two connections: `stream` carries output and end as they come (follow.h), `control`
 * the short requests, so that neither waits for the other. */
#include "scheduler/cli/attach.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/follow.h"
#include "scheduler/cli/format.h"
#include "scheduler/cli/outcome.h"

enum {
    EXIT_SIGNAL = 128,
    AWAY_MS_MAX = 5 * 60 * 1000, /* without a scheduler, then we leave */
    STATUS_MS = 1000,            /* between looks at a job that has not started */
    RETRY_MS = 200,
};

struct attachment {
    uint64_t job;
    struct ls_client *control;
    struct ls_client stream;
    struct ls_follow follow;
    int signal_fd;
    int signals; /* how often we were told to end */
    int last_signal;
    uint64_t lost_ms; /* when the scheduler was lost; 0 while it is there */
    bool show_status; /* on a terminal, until the job has started */
    bool status_shown;
    uint64_t status_ms; /* when to look again */
};

int ls_attach_signals(struct ls_error *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return ls_error_sys(err, -errno, "cannot block signals");
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return ls_error_sys(err, -errno, "cannot read signals");
    return fd;
}

/* ---- the status line ----------------------------------------------------------- */

static void clear_status(struct attachment *at)
{
    if (at->status_shown)
        fputs("\r\033[K", stderr);
    at->status_shown = false;
}

static void show_status(struct attachment *at)
{
    struct ls_strbuf reason = {0};
    struct ls_error err;
    const Ls__JobInfo *job;
    Ls__Frame *answer;

    at->status_ms = ls_clock_ms() + STATUS_MS;
    if (!at->control->call ||
        ls_client_jobs(at->control, at->job, true, &answer, &err) < 0)
        return; /* the stream will find out */
    job = answer->jobs_reply->jobs[0];
    clear_status(at);
    at->show_status = job->state == LS__JOB_STATE__JOB_PENDING;
    if (at->show_status) {
        ls_strbuf_add_printable(&reason, job->reason);
        fprintf(stderr, "job %" PRIu64 " is pending: %s", at->job, reason.text);
        at->status_shown = true;
    }
    ls_strbuf_free(&reason);
    ls__frame__free_unpacked(answer, NULL);
}

/* ---- signals ------------------------------------------------------------------- */

/* End the job (signal 0) or kill it. The scheduler may be away just now: then the
 * user is told and may try again. */
static void end_job(struct attachment *at, int signal)
{
    Ls__CancelRequest cancel = LS__CANCEL_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT, *answer;
    struct ls_error err;

    cancel.job = at->job;
    cancel.signal = signal;
    request.body_case = LS__FRAME__BODY_CANCEL;
    request.cancel = &cancel;
    clear_status(at);
    fprintf(stderr, "lockstep: %s job %" PRIu64 "\n", signal ? "killing" : "cancelling",
            at->job);
    if (ls_client_ask_again(at->control, &request, ls_clock_ms() + STATUS_MS, &answer,
                            &err) == 0)
        ls__frame__free_unpacked(answer, NULL);
    else if (!signal)
        ls_complain(&err);
}

static bool take_signals(struct attachment *at)
{
    struct signalfd_siginfo info;

    while (read(at->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        at->last_signal = (int)info.ssi_signo;
        at->signals++;
        if (at->signals == 1)
            end_job(at, 0);
        else if (at->signals == 2)
            end_job(at, SIGKILL);
        else
            return false;
    }
    return true;
}

/* ---- following ----------------------------------------------------------------- */

/* Come back to the scheduler, one attempt. 0 when it is not there yet. */
static int reconnect(struct attachment *at, struct ls_error *err)
{
    uint64_t now = ls_clock_ms();
    int rc;

    if (!at->lost_ms) {
        at->lost_ms = now;
        clear_status(at);
        fprintf(stderr,
                "lockstep: lost the scheduler; job %" PRIu64
                " goes on, waiting for it to come back\n",
                at->job);
    }
    rc = ls_client_reconnect(&at->stream, now, err);
    if (rc == 0)
        rc = ls_follow_start(&at->follow, at->stream.call, err);
    if (rc == 0) {
        at->lost_ms = 0;
        return 0;
    }
    ls_call_close(at->stream.call);
    at->stream.call = NULL;
    return ls_client_lost(rc) && now - at->lost_ms < AWAY_MS_MAX ? 0 : rc;
}

/* As ls_follow_step(), and mends a lost connection. */
static int step(struct attachment *at, struct ls_error *err)
{
    int rc;

    if (!at->stream.call)
        return reconnect(at, err);
    rc = ls_follow_step(&at->follow, at->stream.call, err);
    if (rc >= 0 || ls_output_failed(at->follow.output) || rc == -ENOENT ||
        !ls_client_lost(rc))
        return rc;
    ls_call_close(at->stream.call);
    at->stream.call = NULL;
    return reconnect(at, err);
}

static int poll_timeout(const struct attachment *at)
{
    uint64_t now;

    if (!at->stream.call)
        return RETRY_MS;
    if (!at->show_status)
        return -1;
    now = ls_clock_ms();
    return now < at->status_ms ? (int)(at->status_ms - now) : 0;
}

/* Returns 1 when all has come, 0 when the user leaves, -errno. */
static int follow(struct attachment *at, struct ls_error *err)
{
    for (;;) {
        int rc = step(at, err);
        struct pollfd ready[] = {
            {.fd = at->signal_fd, .events = POLLIN},
            {.fd = at->stream.call ? ls_call_fd(at->stream.call) : -1,
             .events = POLLIN},
        };

        if (rc != 0)
            return rc;
        if (poll(ready, 2, poll_timeout(at)) < 0 && errno != EINTR)
            return ls_error_sys(err, -errno, "cannot wait");
        if (ready[0].revents && !take_signals(at))
            return 0;
        if (ready[1].revents)
            clear_status(at);
        else if (at->show_status && ls_clock_ms() >= at->status_ms)
            show_status(at);
    }
}

/* Say how a job that did not complete has ended; its exit code. */
static int report_end(const struct attachment *at)
{
    const Ls__JobInfo *job = at->follow.end->jobs_reply->jobs[0];
    int code = ls_outcome_code(job);
    struct ls_error err;

    if (job->state == LS__JOB_STATE__JOB_COMPLETED)
        return 0;
    ls_error_set(&err, -EIO, "job %" PRIu64 " %s%s%s", at->job,
                 ls_job_state_name(job->state), *job->reason ? ": " : "", job->reason);
    ls_complain(&err);
    if (at->signals && code == 1)
        return EXIT_SIGNAL + at->last_signal;
    return code;
}

static int leave(struct attachment *at)
{
    struct ls_error err;

    ls_error_set(&err, -EINTR,
                 "left job %" PRIu64 ", which may still run; see `lockstep "
                 "jobs %" PRIu64 "`",
                 at->job, at->job);
    ls_complain(&err);
    return EXIT_SIGNAL + at->last_signal;
}

/* Nobody reads our output any more: end the job as a pipe's reader ends a program. */
static int broken_pipe(struct attachment *at)
{
    struct ls_error err;

    at->follow.logs_done = true;
    end_job(at, 0);
    if (follow(at, &err) < 0)
        ls_complain(&err);
    return EXIT_SIGNAL + SIGPIPE;
}

static int attach(struct attachment *at)
{
    struct ls_error err;
    int rc = ls_follow_start(&at->follow, at->stream.call, &err);

    if (rc < 0 && ls_client_lost(rc))
        rc = reconnect(at, &err);
    if (rc == 0)
        rc = follow(at, &err);
    clear_status(at);
    if (rc == 1)
        return report_end(at);
    if (rc == 0)
        return leave(at);
    if (ls_output_failed(at->follow.output) == -EPIPE)
        return broken_pipe(at);
    return ls_complain(&err);
}

int ls_attach(struct ls_client *control, uint64_t job, int signal_fd, bool labels)
{
    struct attachment at = {
        .job = job,
        .control = control,
        .stream = {.directory = ls_strdup(control->directory)},
        .follow = {.job = job, .live = true, .to_end = true},
        .signal_fd = signal_fd,
        .show_status = isatty(STDERR_FILENO),
        .status_ms = ls_clock_ms() + STATUS_MS,
    };
    struct ls_error err;
    int code;

    at.follow.output = ls_output_new(labels);
    if (ls_client_reconnect(&at.stream, ls_clock_ms() + LS_CLIENT_CONNECT_MS, &err) < 0)
        code = ls_complain(&err);
    else
        code = attach(&at);
    ls_output_free(at.follow.output);
    ls_follow_clear(&at.follow);
    ls_client_close(&at.stream);
    return code;
}
