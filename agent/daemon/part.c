/* agent/daemon/part.c - one job attempt on this node.
 *
 * Everything leads to examine(): it takes the lock of the directory or learns that the
 * step is alive. Depends on agent/proc, wire, common/util, libuv. */
#include "agent/daemon/part.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/daemon/step_link.h"
#include "agent/daemon/step_process.h"
#include "agent/proc/launch.h"
#include "agent/proc/process.h"
#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/log.h"
#include "common/util/mem.h"

enum {
    EXAMINE_AGAIN_MS = 100, /* a step that is starting, or a lock about to be free */
    LAUNCHES_MAX = 3,       /* of a step that dies before it has started anything */
};

struct ls_part {
    const struct ls_part_owner *owner;
    struct ls_step_dir dir;
    char *id; /* LOCKSTEP_STEP_ID; NULL until there is one */
    Ls__StepReport *report;
    struct ls_step_link *link;       /* NULL while there is none */
    struct ls_step_process *process; /* NULL while it is not known */
    Ls__StepStart *start;            /* orders that wait for the link */
    Ls__StepKill *kill;
    uv_timer_t timer;
    int launches;
    bool leaving;
    unsigned holds; /* timer, link, process that are not closed yet */
};

static void examine(struct ls_part *part);
static void connect_to_step(struct ls_part *part);

/* ---- reports --------------------------------------------------------------- */

static void *copy_message(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = ls_calloc(size + 1, 1);
    void *copy;

    protobuf_c_message_pack(message, bytes);
    copy = protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
    ls_free(bytes);
    return copy;
}

/* Takes the report over. The end is final: what comes later is not news. */
static void set_report(struct ls_part *part, Ls__StepReport *report)
{
    if (ls_part_ended(part)) {
        ls__step_report__free_unpacked(report, NULL);
        return;
    }
    ls__step_report__free_unpacked(part->report, NULL);
    part->report = report;
    part->owner->reported(part->owner->context, part);
}

static Ls__StepReport *first_report(const struct ls_part *part)
{
    Ls__StepReport report = LS__STEP_REPORT__INIT;

    report.job = part->dir.job;
    report.attempt = part->dir.attempt;
    report.node = (char *)part->owner->node;
    return copy_message(&report.base);
}

/* The agent itself says how it ended, since the step cannot: what was running was
 * killed with it. Kept on disk like the step's own word; if that fails, in memory. */
static void end_with(struct ls_part *part, const char *reason)
{
    Ls__StepReport *report = copy_message(&part->report->base);
    struct ls_error err = {0};
    char *old = report->reason;

    report->state = LS__STEP_STATE__STEP_ENDED;
    report->reason = ls_strdup(reason);
    if (old != protobuf_c_empty_string)
        ls_free(old);
    for (size_t i = 0; i < report->n_ranks; i++) {
        if (report->ranks[i]->ended || !report->ranks[i]->pid)
            continue;
        report->ranks[i]->ended = true;
        report->ranks[i]->exit_code = -1;
        report->ranks[i]->signal = SIGKILL;
    }
    if (ls_step_dir_write_result(&part->dir, report, &err) < 0)
        ls_log_error("job %llu: result is not stored: %s",
                     (unsigned long long)part->dir.job, err.text);
    ls_log_warn("job %llu: %s", (unsigned long long)part->dir.job, reason);
    set_report(part, report);
}

/* ---- holds and the end of the part ----------------------------------------- */

static void release(struct ls_part *part)
{
    if (--part->holds == 0)
        part->owner->gone(part->owner->context, part);
}

static void timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void ls_part_leave(struct ls_part *part)
{
    if (part->leaving)
        return;
    part->leaving = true;
    ls_step_link_close(part->link);
    ls_step_process_close(part->process);
    uv_close((uv_handle_t *)&part->timer, timer_closed);
}

void ls_part_forget(struct ls_part *part)
{
    struct ls_error err = {0};

    if (part->leaving)
        return;
    if (part->link)
        ls_step_link_forget(part->link);
    if (ls_step_dir_remove(&part->dir, &err) < 0)
        ls_log_error("job %llu: %s", (unsigned long long)part->dir.job, err.text);
    ls_part_leave(part);
}

void ls_part_free(struct ls_part *part)
{
    ls_step_dir_free(&part->dir);
    ls_free(part->id);
    ls__step_report__free_unpacked(part->report, NULL);
    if (part->start)
        ls__step_start__free_unpacked(part->start, NULL);
    if (part->kill)
        ls__step_kill__free_unpacked(part->kill, NULL);
    ls_free(part);
}

/* ---- the step's process ---------------------------------------------------- */

static void process_ready(void *context)
{
    connect_to_step(context);
}

/* Its death, seen by pidfd: the lock is free now, or as soon as the last of its
 * children between fork and exec is gone. */
static void process_ended(void *context)
{
    struct ls_part *part = context;

    ls_step_process_close(part->process);
}

static void process_closed(void *context)
{
    struct ls_part *part = context;

    part->process = NULL;
    examine(part);
    release(part);
}

static const struct ls_step_process_events process_events = {
    .ready = process_ready,
    .ended = process_ended,
    .closed = process_closed,
};

/* ---- the connection to the step -------------------------------------------- */

static void send_waiting(struct ls_part *part)
{
    if (part->start) {
        ls_step_link_start(part->link, part->start);
        ls__step_start__free_unpacked(part->start, NULL);
        part->start = NULL;
    }
    if (part->kill) {
        ls_step_link_kill(part->link, part->kill);
        ls__step_kill__free_unpacked(part->kill, NULL);
        part->kill = NULL;
    }
}

static void link_connected(void *context, pid_t pid)
{
    struct ls_part *part = context;

    if (!part->process && ls_step_process_watch(part->owner->loop, pid, &process_events,
                                                part, &part->process) == 0)
        part->holds++;
    send_waiting(part);
}

static void link_reported(void *context, const Ls__StepReport *report)
{
    struct ls_part *part = context;

    if (report->job == part->dir.job && report->attempt == part->dir.attempt)
        set_report(part, copy_message(&report->base));
}

static void examine_later(uv_timer_t *timer)
{
    examine(timer->data);
}

static void look_again_soon(struct ls_part *part)
{
    if (!part->leaving)
        uv_timer_start(&part->timer, examine_later, EXAMINE_AGAIN_MS, 0);
}

static void link_closed(void *context)
{
    struct ls_part *part = context;

    part->link = NULL;
    look_again_soon(part);
    release(part);
}

static const struct ls_step_link_events link_events = {
    .connected = link_connected,
    .reported = link_reported,
    .closed = link_closed,
};

static void connect_to_step(struct ls_part *part)
{
    char *path = ls_step_dir_socket(&part->dir, "agent.sock");
    struct ls_error err = {0};

    if (!part->link && !part->leaving) {
        if (ls_step_link_open(part->owner->loop, path, &link_events, part, &part->link,
                              &err) == 0) {
            part->holds++;
        } else {
            ls_log_error("job %llu: %s", (unsigned long long)part->dir.job, err.text);
            look_again_soon(part);
        }
    }
    ls_free(path);
}

/* ---- the directory --------------------------------------------------------- */

static int start_step(struct ls_part *part, int lock, struct ls_error *err)
{
    const struct ls_step_process_start start = {
        .program = part->owner->program,
        .dir = part->dir.path,
        .id = part->id,
        .host = part->owner->host,
        .log_level = part->owner->log_level,
        .log_json = part->owner->log_json,
        .lock = lock,
    };
    int rc = ls_step_process_start(part->owner->loop, &start, &process_events, part,
                                   &part->process, err);

    if (rc < 0)
        return rc;
    part->holds++;
    part->launches++;
    return 0;
}

static void launch_again(struct ls_part *part, int lock)
{
    struct ls_error err = {0};

    if (part->launches >= LAUNCHES_MAX)
        end_with(part, "the step died before it had started anything");
    else if (start_step(part, lock, &err) < 0)
        end_with(part, err.text);
}

/* Its ranks died with it (their death signal), what they had started did not. */
static void clean_up_killed(struct ls_part *part)
{
    struct ls_error err = {0};
    int killed = part->id ? ls_process_sweep(part->id, &err) : 0;

    if (killed < 0)
        ls_log_error("job %llu: %s", (unsigned long long)part->dir.job, err.text);
    part->owner->orphans(part->owner->context);
    end_with(part, killed < 0 ? err.text : "the step was killed");
}

static void take_result(struct ls_part *part)
{
    Ls__StepReport *report;
    struct ls_error err = {0};

    if (ls_step_dir_read_result(&part->dir, &report, &err) < 0)
        end_with(part, err.text);
    else
        set_report(part, report);
}

/* The lock is ours: nobody else changes the directory while we look. */
static void examine_dead(struct ls_part *part, int lock)
{
    switch (ls_step_dir_fate(&part->dir)) {
    case LS_STEP_FINISHED:
        take_result(part);
        break;
    case LS_STEP_KILLED:
        clean_up_killed(part);
        break;
    case LS_STEP_LAUNCHABLE:
        launch_again(part, lock);
        break;
    case LS_STEP_UNLAUNCHED: /* not by us: adopted ones are looked at before */
        end_with(part, "its launch.pb is gone");
        break;
    }
}

static void examine(struct ls_part *part)
{
    struct ls_error err = {0};
    int lock;

    if (ls_part_ended(part) || part->leaving)
        return;
    lock = ls_step_dir_lock(&part->dir, &err);
    if (lock == -EWOULDBLOCK) {
        connect_to_step(part);
        return;
    }
    if (lock < 0) {
        ls_log_error("job %llu: %s", (unsigned long long)part->dir.job, err.text);
        look_again_soon(part);
        return;
    }
    examine_dead(part, lock);
    close(lock);
}

/* ---- beginning ------------------------------------------------------------- */

static struct ls_part *part_new(const struct ls_part_owner *owner,
                                struct ls_step_dir dir)
{
    struct ls_part *part = ls_calloc(1, sizeof(*part));

    part->owner = owner;
    part->dir = dir;
    part->report = first_report(part);
    uv_timer_init(owner->loop, &part->timer);
    part->timer.data = part;
    part->holds = 1;
    return part;
}

/* Write down what is to be done, under the lock, then start it. */
static int launch_locked(struct ls_part *part, const Ls__Launch *launch,
                         struct ls_error *err)
{
    int lock = ls_step_dir_lock(&part->dir, err);
    int rc = lock;

    if (rc >= 0)
        rc = ls_step_dir_id(&part->dir, part->owner->node, &part->id, err);
    if (rc >= 0)
        rc = ls_step_dir_write_launch(&part->dir, launch, err);
    if (rc >= 0)
        rc = start_step(part, lock, err);
    ls_close(lock);
    return rc;
}

struct ls_part *ls_part_launch(const struct ls_part_owner *owner,
                               const Ls__Launch *launch)
{
    struct ls_step_dir dir;
    struct ls_part *part;
    struct ls_error err = {0};
    int rc;

    rc = ls_step_dir_of(owner->node_dir, launch->job, launch->attempt, &dir, &err);
    ls_assert(rc == 0); /* the name is ours */
    part = part_new(owner, dir);
    rc = ls_launch_check(launch, &err);
    if (rc == 0)
        rc = ls_step_dir_make(&part->dir, &err);
    if (rc == 0)
        rc = launch_locked(part, launch, &err);
    if (rc < 0)
        end_with(part, err.text);
    return part;
}

/* An agent died while it made the directory: nobody has heard of it yet. */
static bool remove_unlaunched(const struct ls_step_dir *dir)
{
    struct ls_error err = {0};
    int lock = ls_step_dir_lock(dir, &err);
    bool unlaunched = lock >= 0 && ls_step_dir_fate(dir) == LS_STEP_UNLAUNCHED;

    if (unlaunched && ls_step_dir_remove(dir, &err) < 0)
        ls_log_error("%s", err.text);
    ls_close(lock);
    return unlaunched;
}

struct ls_part *ls_part_adopt(const struct ls_part_owner *owner, struct ls_step_dir dir)
{
    struct ls_part *part;
    struct ls_error err = {0};

    if (remove_unlaunched(&dir)) {
        ls_step_dir_free(&dir);
        return NULL;
    }
    part = part_new(owner, dir);
    if (ls_step_dir_id(&part->dir, owner->node, &part->id, &err) < 0)
        ls_log_error("job %llu: %s", (unsigned long long)part->dir.job, err.text);
    /* From the loop: the owner has to know the part first. */
    uv_timer_start(&part->timer, examine_later, 0, 0);
    return part;
}

/* ---- for the owner --------------------------------------------------------- */

uint64_t ls_part_job(const struct ls_part *part)
{
    return part->dir.job;
}

uint32_t ls_part_attempt(const struct ls_part *part)
{
    return part->dir.attempt;
}

const Ls__StepReport *ls_part_report(const struct ls_part *part)
{
    return part->report;
}

bool ls_part_ended(const struct ls_part *part)
{
    return part->report->state == LS__STEP_STATE__STEP_ENDED;
}

pid_t ls_part_pid(const struct ls_part *part)
{
    return part->process ? ls_step_process_pid(part->process) : 0;
}

void ls_part_start(struct ls_part *part, const Ls__StepStart *start)
{
    if (part->link && ls_step_link_is_open(part->link))
        ls_step_link_start(part->link, start);
    else if (!part->start)
        part->start = copy_message(&start->base);
}

void ls_part_kill(struct ls_part *part, const Ls__StepKill *kill)
{
    if (part->link && ls_step_link_is_open(part->link))
        ls_step_link_kill(part->link, kill);
    else if (!part->kill && kill->signal == 0)
        part->kill = copy_message(&kill->base);
}
