/* agent/daemon/agent.c - the daemon of one node: its parts, and the orders for them.
 *
 * Depends on discover, agent/proc, part, scheduler_link, logs. */
#include "agent/daemon/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "agent/daemon/devices.h"
#include "agent/daemon/logs.h"
#include "agent/daemon/part.h"
#include "agent/daemon/scheduler_link.h"
#include "agent/discover/discover.h"
#include "agent/proc/lock.h"
#include "agent/proc/process.h"
#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum { REPEAT_MS = 5000 }; /* reports that the scheduler has not acted on */

/* A node has few parts at a time: a list will do. */
struct entry {
    struct entry *next;
    struct ls_part *part;
};

struct ls_agent {
    const struct ls_agent_options *options;
    uv_loop_t *loop;
    char *node_dir;
    int lock;
    Ls__NodeDigest *digest;
    uint64_t incarnation;
    struct ls_part_owner owner;
    struct entry *parts;
    struct ls_scheduler_link *scheduler;
    struct ls_logs *logs;
    uv_signal_t child_signal, term_signal, interrupt_signal;
    uv_timer_t repeat;
    int ready_fd;
    bool closing;
    int exit_code; /* 0 or -errno */
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* ---- parts ----------------------------------------------------------------- */

static struct entry *find_entry(const struct ls_agent *agent, uint64_t job,
                                uint32_t attempt)
{
    struct entry *entry = agent->parts;

    while (entry &&
           (ls_part_job(entry->part) != job || ls_part_attempt(entry->part) != attempt))
        entry = entry->next;
    return entry;
}

static struct ls_part *find_part(const struct ls_agent *agent, uint64_t job,
                                 uint32_t attempt)
{
    struct entry *entry = find_entry(agent, job, attempt);

    return entry ? entry->part : NULL;
}

static void add_part(struct ls_agent *agent, struct ls_part *part)
{
    struct entry *entry = ls_calloc(1, sizeof(*entry));

    entry->part = part;
    LL_PREPEND(agent->parts, entry);
}

static unsigned count_parts(const struct ls_agent *agent)
{
    const struct entry *entry;
    unsigned count = 0;

    LL_COUNT(agent->parts, entry, count);
    return count;
}

static bool job_is_running(void *context, uint64_t job)
{
    struct ls_agent *agent = context;
    struct entry *entry, *next;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        if (ls_part_job(entry->part) == job && !ls_part_ended(entry->part))
            return true;
    }
    return false;
}

/* ---- to the scheduler ------------------------------------------------------ */

static void send_frame(void *context, const Ls__Frame *frame)
{
    struct ls_agent *agent = context;

    if (agent->scheduler)
        ls_scheduler_link_send(agent->scheduler, frame);
}

static void send_report(struct ls_agent *agent, const Ls__StepReport *report)
{
    Ls__Frame frame = LS__FRAME__INIT;

    frame.body_case = LS__FRAME__BODY_STEP_REPORT;
    frame.step_report = (Ls__StepReport *)report;
    send_frame(agent, &frame);
}

static void part_reported(void *context, struct ls_part *part)
{
    struct ls_agent *agent = context;

    send_report(agent, ls_part_report(part));
    if (agent->logs)
        ls_logs_job_changed(agent->logs, ls_part_job(part));
}

/* READY waits for a start, ENDED for being forgotten: the scheduler may have been
 * unable to take note of them. */
static void repeat_reports(uv_timer_t *timer)
{
    struct ls_agent *agent = timer->data;
    struct entry *entry, *next;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        const Ls__StepReport *report = ls_part_report(entry->part);

        if (report->state == LS__STEP_STATE__STEP_READY ||
            report->state == LS__STEP_STATE__STEP_ENDED)
            send_report(agent, report);
    }
}

/* An order for something that is not here (any more): it has ended, as far as we know.
 */
static void report_unknown(struct ls_agent *agent, uint64_t job, uint32_t attempt)
{
    Ls__StepReport report = LS__STEP_REPORT__INIT;
    char reason[] = "not on this node";

    report.job = job;
    report.attempt = attempt;
    report.node = (char *)agent->options->node;
    report.state = LS__STEP_STATE__STEP_ENDED;
    report.reason = reason;
    send_report(agent, &report);
}

static void fill_register(void *context, Ls__Register *message,
                          void (*send)(void *link, const Ls__Register *message),
                          void *link)
{
    struct ls_agent *agent = context;
    struct entry *entry, *next;
    size_t count = 0;

    message->node = (char *)agent->options->node;
    message->digest = agent->digest;
    message->incarnation = agent->incarnation;
    message->steps = ls_calloc(count_parts(agent), sizeof(Ls__StepReport *));
    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        message->steps[count++] = (Ls__StepReport *)ls_part_report(entry->part);
    }
    message->n_steps = count;
    send(link, message);
    ls_free(message->steps);
}

/* ---- orders ---------------------------------------------------------------- */

/* Launching is idempotent: what is here already only says again how it stands. */
static void take_launch(struct ls_agent *agent, Ls__Launch *launch)
{
    struct ls_part *part = find_part(agent, launch->job, launch->attempt);

    if (part) {
        send_report(agent, ls_part_report(part));
        return;
    }
    ls_log_info("job %llu: launched, attempt %u", (unsigned long long)launch->job,
                launch->attempt);
    ls_devices_name(launch, agent->digest);
    part = ls_part_launch(&agent->owner, launch);
    ls_devices_unname(launch);
    add_part(agent, part);
}

static void take_start(struct ls_agent *agent, const Ls__StepStart *start)
{
    struct ls_part *part = find_part(agent, start->job, start->attempt);

    if (part)
        ls_part_start(part, start);
    else
        report_unknown(agent, start->job, start->attempt);
}

static void take_kill(struct ls_agent *agent, const Ls__StepKill *kill)
{
    struct ls_part *part = find_part(agent, kill->job, kill->attempt);

    if (!part)
        report_unknown(agent, kill->job, kill->attempt);
    else if (ls_part_ended(part))
        send_report(agent, ls_part_report(part));
    else
        ls_part_kill(part, kill);
}

static void take_forget(struct ls_agent *agent, const Ls__StepForget *forget)
{
    struct ls_part *part = find_part(agent, forget->job, forget->attempt);

    if (part && ls_part_ended(part))
        ls_part_forget(part);
}

static void order_received(void *context, const Ls__Frame *frame)
{
    struct ls_agent *agent = context;

    switch (frame->body_case) {
    case LS__FRAME__BODY_LAUNCH:
        take_launch(agent, frame->launch);
        break;
    case LS__FRAME__BODY_STEP_START:
        take_start(agent, frame->step_start);
        break;
    case LS__FRAME__BODY_STEP_KILL:
        take_kill(agent, frame->step_kill);
        break;
    case LS__FRAME__BODY_STEP_FORGET:
        take_forget(agent, frame->step_forget);
        break;
    case LS__FRAME__BODY_LOGS:
        ls_logs_request(agent->logs, frame->request, frame->logs);
        break;
    case LS__FRAME__BODY_LOG_ACK:
        ls_logs_ack(agent->logs, frame->request, frame->log_ack->bytes);
        break;
    case LS__FRAME__BODY_LOG_END:
        ls_logs_cancel(agent->logs, frame->request);
        break;
    default:
        ls_log_warn("scheduler: message %d is not for an agent", (int)frame->body_case);
    }
}

/* ---- processes ------------------------------------------------------------- */

/* We are a subreaper: what a killed step leaves comes to us. Whatever is below us and
 * not below a living step belongs to nobody. */
static void kill_orphans(void *context)
{
    struct ls_agent *agent = context;
    pid_t *spared = ls_calloc(count_parts(agent), sizeof(*spared));
    struct ls_error err = {0};
    struct entry *entry, *next;
    size_t count = 0;
    int killed;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        pid_t pid = ls_part_pid(entry->part);

        if (pid > 0)
            spared[count++] = pid;
    }
    killed = ls_process_signal_descendants(SIGKILL, spared, count, &err);
    if (killed < 0)
        ls_log_error("orphans: %s", err.text);
    else if (killed > 0)
        ls_log_warn("%d orphans of a killed step killed", killed);
    ls_free(spared);
}

/* Steps are watched by pidfd, orphans are nobody's: both only have to be reaped. */
static void child_ended(uv_signal_t *handle, int number)
{
    pid_t pid;

    (void)handle;
    (void)number;
    do
        pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0 || (pid < 0 && errno == EINTR));
}

/* ---- end ------------------------------------------------------------------- */

static void begin_closing(struct ls_agent *agent)
{
    struct entry *entry, *next;

    if (agent->closing)
        return;
    agent->closing = true;
    ls_scheduler_link_close(agent->scheduler);
    agent->scheduler = NULL;
    ls_logs_close(agent->logs);
    agent->logs = NULL;
    uv_close((uv_handle_t *)&agent->child_signal, NULL);
    uv_close((uv_handle_t *)&agent->term_signal, NULL);
    uv_close((uv_handle_t *)&agent->interrupt_signal, NULL);
    uv_close((uv_handle_t *)&agent->repeat, NULL);
    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        ls_part_leave(entry->part);
    }
}

static void part_gone(void *context, struct ls_part *part)
{
    struct ls_agent *agent = context;
    struct entry *entry = find_entry(agent, ls_part_job(part), ls_part_attempt(part));

    if (entry) {
        LL_DELETE(agent->parts, entry);
        ls_free(entry);
    }
    ls_part_free(part);
}

static void told_to_end(uv_signal_t *handle, int number)
{
    struct ls_agent *agent = handle->data;

    ls_log_info("ends (%s); %u steps go on", strsignal(number), count_parts(agent));
    begin_closing(agent);
}

static void refused(void *context, const char *why)
{
    struct ls_agent *agent = context;

    ls_log_error("the scheduler refuses this node: %s", why);
    agent->exit_code = -EPERM;
    begin_closing(agent);
}

/* ---- beginning ------------------------------------------------------------- */

/* What has come between the registration and its answer was not sent: say all again. */
static void registered(void *context)
{
    struct ls_agent *agent = context;
    struct entry *entry, *next;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        if (ls_part_report(entry->part)->state != LS__STEP_STATE__STEP_NONE)
            send_report(agent, ls_part_report(entry->part));
    }
    if (agent->ready_fd < 0)
        return;
    if (ls_write_all(agent->ready_fd, "ready\n", 6) < 0)
        ls_log_warn("--ready-fd: nobody reads it");
    close(agent->ready_fd);
    agent->ready_fd = -1;
}

static void scheduler_lost(void *context)
{
    struct ls_agent *agent = context;

    ls_logs_cancel_all(agent->logs);
}

static int take_node(struct ls_agent *agent, struct ls_error *err)
{
    char *path = ls_asprintf("%s/lock", agent->node_dir);
    char *parent = ls_asprintf("%s/nodes", agent->options->dir);
    pid_t holder = 0;
    int rc = ls_passage_make(parent, err);

    if (rc == 0)
        rc = ls_passage_make(agent->node_dir, err);
    if (rc == 0)
        rc = agent->lock = ls_lock_take(path, &holder, err);
    if (rc == -EWOULDBLOCK)
        ls_error_set(err, -EBUSY, "node %s: an agent runs already here, pid %d (%s)",
                     agent->options->node, (int)holder, path);
    if (rc >= 0)
        rc = ls_lock_name_holder(agent->lock, getpid(), err);
    ls_free(path);
    ls_free(parent);
    return rc < 0 ? rc : 0;
}

/* lockstep-step lies beside this program. */
static int find_step_program(char **ret_program, struct ls_error *err)
{
    char path[PATH_MAX] = {0};
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;
    char *program;

    if (size < 0)
        return ls_error_sys(err, -errno, "/proc/self/exe");
    slash = strrchr(path, '/');
    ls_assert(slash);
    *slash = '\0';
    program = ls_asprintf("%s/lockstep-step", path);
    if (access(program, X_OK) < 0) {
        int rc = ls_error_sys(err, -errno, "%s", program);

        ls_free(program);
        return rc;
    }
    *ret_program = program;
    return 0;
}

static int adopt_parts(struct ls_agent *agent, struct ls_error *err)
{
    struct ls_step_dir *dirs;
    size_t count;
    int rc = ls_step_dir_list(agent->node_dir, &dirs, &count, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        add_part(agent, ls_part_adopt(&agent->owner, dirs[i]));
    if (count > 0)
        ls_log_info("%zu steps of an earlier agent found", count);
    ls_free(dirs);
    return 0;
}

static void watch(struct ls_agent *agent)
{
    uv_signal_init(agent->loop, &agent->child_signal);
    uv_signal_init(agent->loop, &agent->term_signal);
    uv_signal_init(agent->loop, &agent->interrupt_signal);
    uv_timer_init(agent->loop, &agent->repeat);
    agent->term_signal.data = agent;
    agent->interrupt_signal.data = agent;
    agent->repeat.data = agent;
    uv_signal_start(&agent->child_signal, child_ended, SIGCHLD);
    uv_signal_start(&agent->term_signal, told_to_end, SIGTERM);
    uv_signal_start(&agent->interrupt_signal, told_to_end, SIGINT);
    uv_timer_start(&agent->repeat, repeat_reports, REPEAT_MS, REPEAT_MS);
}

static int connect_scheduler(struct ls_agent *agent, struct ls_error *err)
{
    const struct ls_scheduler_link_config config = {
        .address = agent->options->scheduler,
        .node = agent->options->node,
        .key = agent->options->key,
        .fill_register = fill_register,
        .registered = registered,
        .lost = scheduler_lost,
        .received = order_received,
        .refused = refused,
        .context = agent,
    };

    return ls_scheduler_link_open(agent->loop, &config, &agent->scheduler, err);
}

static int prepare(struct ls_agent *agent, struct ls_error *err)
{
    struct ls_discover_config discover = {.xml_path = agent->options->topology};
    int rc = take_node(agent, err);

    if (rc == 0)
        rc = find_step_program(&agent->owner.program, err);
    if (rc == 0)
        rc = ls_discover_node(&discover, &agent->digest, err);
    if (rc == 0 && getrandom(&agent->incarnation, sizeof(agent->incarnation), 0) < 0)
        rc = ls_error_sys(err, -errno, "no random numbers");
    if (rc == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        rc = ls_error_sys(err, -errno, "cannot become a subreaper");
    return rc;
}

static struct ls_agent *agent_new(uv_loop_t *loop,
                                  const struct ls_agent_options *options)
{
    struct ls_agent *agent = ls_calloc(1, sizeof(*agent));

    agent->options = options;
    agent->loop = loop;
    agent->lock = -1;
    agent->ready_fd = options->ready_fd;
    agent->node_dir = ls_asprintf("%s/nodes/%s", options->dir, options->node);
    agent->owner = (struct ls_part_owner){
        .loop = loop,
        .node_dir = agent->node_dir,
        .node = options->node,
        .host = options->host,
        .log_level = level_names[options->log_level],
        .log_json = options->log_json,
        .context = agent,
        .reported = part_reported,
        .orphans = kill_orphans,
        .gone = part_gone,
    };
    return agent;
}

int ls_agent_open(uv_loop_t *loop, const struct ls_agent_options *options,
                  struct ls_agent **ret_agent, struct ls_error *err)
{
    struct ls_agent *agent = agent_new(loop, options);
    struct ls_logs_config logs = {
        .loop = loop,
        .node_dir = agent->node_dir,
        .node = options->node,
        .send = send_frame,
        .is_running = job_is_running,
        .context = agent,
    };
    int rc = prepare(agent, err);

    if (rc == 0)
        rc = adopt_parts(agent, err);
    if (rc < 0) {
        ls_agent_close(agent);
        return rc;
    }
    watch(agent);
    agent->logs = ls_logs_new(&logs);
    rc = connect_scheduler(agent, err);
    if (rc < 0) {
        begin_closing(agent);
        uv_run(loop, UV_RUN_DEFAULT);
        ls_agent_close(agent);
        return rc;
    }
    *ret_agent = agent;
    return 0;
}

int ls_agent_close(struct ls_agent *agent)
{
    int exit_code = agent->exit_code;

    if (agent->digest)
        ls__node_digest__free_unpacked(agent->digest, NULL);
    ls_free(agent->owner.program);
    ls_free(agent->node_dir);
    ls_close(agent->lock);
    ls_close(agent->ready_fd);
    ls_free(agent);
    return exit_code;
}
