/* agent/daemon/orders.c - what the scheduler tells the agent to do, and what it hears.
 *
 * Depends on agent_private, part, devices, logs. */
#include "agent/daemon/agent_private.h"

#include "agent/daemon/devices.h"
#include "common/util/log.h"
#include "common/util/mem.h"

/* ---- parts ----------------------------------------------------------------- */

static struct ls_part_entry *find_entry(const struct ls_agent *agent, uint64_t job,
                                        uint32_t attempt)
{
    struct ls_part_entry *entry = agent->parts;

    while (entry &&
           (ls_part_job(entry->part) != job || ls_part_attempt(entry->part) != attempt))
        entry = entry->next;
    return entry;
}

static struct ls_part *find_part(const struct ls_agent *agent, uint64_t job,
                                 uint32_t attempt)
{
    struct ls_part_entry *entry = find_entry(agent, job, attempt);

    return entry ? entry->part : NULL;
}

void ls_agent_add_part(struct ls_agent *agent, struct ls_part *part)
{
    struct ls_part_entry *entry = ls_calloc(1, sizeof(*entry));

    entry->part = part;
    LL_PREPEND(agent->parts, entry);
}

unsigned ls_agent_count_parts(const struct ls_agent *agent)
{
    const struct ls_part_entry *entry;
    unsigned count = 0;

    LL_COUNT(agent->parts, entry, count);
    return count;
}

void ls_agent_remove_part(struct ls_agent *agent, const struct ls_part *part)
{
    struct ls_part_entry *entry =
        find_entry(agent, ls_part_job(part), ls_part_attempt(part));

    LL_DELETE(agent->parts, entry);
    ls_free(entry);
}

bool ls_agent_job_is_running(void *context, uint64_t job)
{
    struct ls_agent *agent = context;
    struct ls_part_entry *entry, *next;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        if (ls_part_job(entry->part) == job && !ls_part_ended(entry->part))
            return true;
    }
    return false;
}

/* ---- to the scheduler ------------------------------------------------------ */

void ls_agent_send(void *context, const Ls__Frame *frame)
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
    ls_agent_send(agent, &frame);
}

void ls_agent_part_reported(void *context, struct ls_part *part)
{
    struct ls_agent *agent = context;

    send_report(agent, ls_part_report(part));
    if (agent->logs)
        ls_logs_job_changed(agent->logs, ls_part_job(part));
}

/* READY waits for a start, ENDED for being forgotten: the scheduler may have been
 * unable to take note of them. */
void ls_agent_repeat_reports(uv_timer_t *timer)
{
    struct ls_agent *agent = timer->data;
    struct ls_part_entry *entry, *next;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        const Ls__StepReport *report = ls_part_report(entry->part);

        if (report->state == LS__STEP_STATE__STEP_READY ||
            report->state == LS__STEP_STATE__STEP_ENDED)
            send_report(agent, report);
    }
}

void ls_agent_report_all(struct ls_agent *agent)
{
    struct ls_part_entry *entry, *next;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        if (ls_part_report(entry->part)->state != LS__STEP_STATE__STEP_NONE)
            send_report(agent, ls_part_report(entry->part));
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

void ls_agent_fill_register(void *context, Ls__Register *message,
                            void (*send)(void *link, const Ls__Register *message),
                            void *link)
{
    struct ls_agent *agent = context;
    struct ls_part_entry *entry, *next;
    size_t count = 0;

    message->node = (char *)agent->options->node;
    message->digest = agent->digest;
    message->incarnation = agent->incarnation;
    message->steps = ls_calloc(ls_agent_count_parts(agent), sizeof(Ls__StepReport *));
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
    ls_agent_add_part(agent, part);
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

void ls_agent_order(void *context, const Ls__Frame *frame)
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
