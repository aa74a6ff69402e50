/* agent/step/report.c - how the step stands, as a message.
 *
 * Depends on step_private, wire. */
#include <stdio.h>

#include "agent/step/step_private.h"
#include "common/util/mem.h"

/* A report with its rank entries; the texts are borrowed from the step. */
struct report {
    Ls__StepReport message;
    Ls__RankInfo *infos;
    Ls__RankInfo **pointers;
};

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static Ls__RankInfo rank_info(const struct ls_step *step, const struct ls_rank *rank)
{
    Ls__RankInfo info = LS__RANK_INFO__INIT;

    info.rank = rank->plan->rank;
    info.node = step->launch->nodes[step->launch->node_index];
    info.gpus = rank->plan->gpus;
    info.n_gpus = rank->plan->n_gpus;
    info.nic = rank->plan->nic_name;
    info.cores = rank->plan->cores;
    info.pid = rank->pid;
    info.ended = rank->state == LS_RANK_ENDED;
    info.exit_code = rank->exit_code;
    info.signal = rank->signal;
    info.text = (char *)text_or_empty(rank->text);
    return info;
}

static Ls__StepState wire_state(const struct ls_step *step)
{
    if (step->state == STATE_READY)
        return LS__STEP_STATE__STEP_READY;
    return step->state == STATE_ENDED ? LS__STEP_STATE__STEP_ENDED
                                      : LS__STEP_STATE__STEP_RUNNING;
}

static void fill(const struct ls_step *step, struct report *ret_report)
{
    struct report report = {.message = LS__STEP_REPORT__INIT};

    report.infos = ls_calloc(step->rank_count, sizeof(*report.infos));
    report.pointers = ls_calloc(step->rank_count, sizeof(Ls__RankInfo *));
    for (size_t i = 0; i < step->rank_count; i++) {
        report.infos[i] = rank_info(step, &step->ranks[i]);
        report.pointers[i] = &report.infos[i];
    }
    report.message.job = step->launch->job;
    report.message.attempt = step->launch->attempt;
    report.message.node = step->launch->nodes[step->launch->node_index];
    report.message.state = wire_state(step);
    report.message.address = (char *)(step->gang ? ls_gang_address(step->gang) : "");
    report.message.ranks = report.pointers;
    report.message.n_ranks = step->rank_count;
    report.message.reason = (char *)text_or_empty(step->reason);
    *ret_report = report;
}

static void drop(struct report *report)
{
    ls_free(report->infos);
    ls_free(report->pointers);
}

void ls_step_report(struct ls_step *step)
{
    struct report report;

    if (!step->agent)
        return;
    fill(step, &report);
    ls_agent_link_report(step->agent, &report.message);
    drop(&report);
}

int ls_step_write_result(struct ls_step *step, struct ls_error *err)
{
    struct report report;
    int rc;

    fill(step, &report);
    rc = ls_step_dir_write_result(step->dir, &report.message, err);
    drop(&report);
    return rc;
}
