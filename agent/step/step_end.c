/* agent/step/step_end.c - the ways to the end of a step.
 *
 * No process can leave a step: it is a subreaper, and everything below it comes back to
 * it when its parent ends. So the step is over when it has no children any more.
 * Depends on step_private, agent/proc. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/proc/process.h"
#include "agent/step/step_private.h"
#include "common/util/log.h"
#include "common/util/mem.h"
#include "common/util/sm.h"

enum {
    GRACE_MS = 5000,        /* unless the job says otherwise */
    STUBBORN_MS = 30000,    /* what SIGKILL has not ended then hangs in the kernel */
    RESULT_RETRY_MS = 1000, /* a full disk may have room again */
};

static const uint32_t moves[STATE_COUNT] = {
    [STATE_READY] = LS_SM_BIT(STATE_RUNNING) | LS_SM_BIT(STATE_ENDED),
    [STATE_RUNNING] =
        LS_SM_BIT(STATE_ENDING) | LS_SM_BIT(STATE_KILLING) | LS_SM_BIT(STATE_ENDED),
    [STATE_ENDING] = LS_SM_BIT(STATE_KILLING) | LS_SM_BIT(STATE_ENDED),
    [STATE_KILLING] = LS_SM_BIT(STATE_ENDED),
    [STATE_ENDED] = 0,
};

static const struct ls_sm_table table = {.next = moves, .state_count = STATE_COUNT};

void ls_step_move(struct ls_step *step, enum step_state to)
{
    ls_sm_move(&table, &step->state, to);
}

/* ---- processes ------------------------------------------------------------- */

static int signal_all(int signal)
{
    struct ls_error err = {0};
    int count = ls_process_signal_descendants(signal, NULL, 0, &err);

    if (count < 0)
        ls_log_error("cannot signal the job's processes: %s", err.text);
    return count;
}

static struct ls_rank *find_rank(struct ls_step *step, pid_t pid)
{
    for (size_t i = 0; i < step->rank_count; i++) {
        if (step->ranks[i].pid == pid && step->ranks[i].state == LS_RANK_RUNNING)
            return &step->ranks[i];
    }
    return NULL;
}

/* Take in every child that has ended, ranks and orphans. True when no child is left. */
static bool reap(struct ls_step *step)
{
    bool changed = false;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
        struct ls_rank *rank = pid > 0 ? find_rank(step, pid) : NULL;

        if (!rank)
            continue;
        ls_rank_reaped(rank, status);
        ls_step_rank_ended(step, rank);
        changed = true;
    }
    if (changed)
        ls_step_report(step);
    return pid < 0 && errno == ECHILD;
}

static bool ranks_have_ended(const struct ls_step *step)
{
    for (size_t i = 0; i < step->rank_count; i++) {
        if (step->ranks[i].state != LS_RANK_ENDED)
            return false;
    }
    return true;
}

/* ---- the last state -------------------------------------------------------- */

static void leave(struct ls_step *step)
{
    ls_gradients_close(step);
    ls_gang_close(step->gang);
    step->gang = NULL;
    ls_agent_link_close(step->agent);
    step->agent = NULL;
    uv_close((uv_handle_t *)&step->child_signal, NULL);
    uv_close((uv_handle_t *)&step->term_signal, NULL);
    uv_close((uv_handle_t *)&step->timer, NULL);
}

/* The agent reads the result from disk, so there is nobody to wait for once it is
 * there. Without room on the disk the report is all there is: then wait until it is
 * known. */
static void store_result(uv_timer_t *timer)
{
    struct ls_step *step = timer->data;
    struct ls_error err = {0};

    if (ls_step_write_result(step, &err) == 0) {
        step->result_written = true;
        ls_step_report(step);
        leave(step);
        return;
    }
    ls_log_error("result cannot be stored, will try again: %s", err.text);
    ls_step_report(step);
    uv_timer_start(timer, store_result, RESULT_RETRY_MS, 0);
}

void ls_step_forgotten(struct ls_step *step)
{
    if (step->state == STATE_ENDED && !step->result_written) {
        step->result_written = true;
        uv_timer_stop(&step->timer);
        leave(step);
    }
}

static void finish(struct ls_step *step)
{
    for (size_t i = 0; i < step->rank_count; i++)
        ls_rank_finish_output(&step->ranks[i]);
    ls_step_move(step, STATE_ENDED);
    uv_timer_stop(&step->timer);
    ls_log_info("ended%s%s", step->reason ? ": " : "",
                step->reason ? step->reason : "");
    store_result(&step->timer);
}

/* ---- on the way ------------------------------------------------------------ */

static void give_up(uv_timer_t *timer)
{
    struct ls_step *step = timer->data;
    int count = signal_all(SIGKILL);
    char *why = ls_asprintf("%d processes cannot be killed", count);

    ls_log_error("%s", why);
    ls_step_set_reason(step, why);
    ls_free(why);
    finish(step);
}

static void kill_all(struct ls_step *step)
{
    ls_step_move(step, STATE_KILLING);
    signal_all(SIGKILL);
    uv_timer_start(&step->timer, give_up, STUBBORN_MS, 0);
}

static void grace_over(uv_timer_t *timer)
{
    struct ls_step *step = timer->data;

    kill_all(step);
    ls_step_advance(step);
}

/* The part is over in order when its ranks have ended, the gang knows it, and the nodes
 * that it depends on have ended theirs. */
static bool is_done(const struct ls_step *step)
{
    if (step->state != STATE_RUNNING || !ranks_have_ended(step))
        return false;
    ls_gang_leave(step->gang);
    return ls_gang_all_left(step->gang);
}

void ls_step_advance(struct ls_step *step)
{
    bool childless;

    if (step->state == STATE_READY || step->state == STATE_ENDED)
        return;
    childless = reap(step);
    if (childless && (is_done(step) || step->state != STATE_RUNNING)) {
        finish(step);
        return;
    }
    if (is_done(step))
        kill_all(step); /* what the ranks have left behind */
    else if (step->state == STATE_KILLING)
        signal_all(SIGKILL); /* what came back to us since */
}

void ls_step_set_reason(struct ls_step *step, const char *why)
{
    if (!step->reason && why[0])
        step->reason = ls_strdup(why);
}

void ls_step_end(struct ls_step *step)
{
    uint32_t grace_ms = step->launch->spec->kill_grace_ms;

    if (step->state == STATE_READY) {
        finish(step);
        return;
    }
    if (step->state != STATE_RUNNING)
        return;
    ls_step_move(step, STATE_ENDING);
    signal_all(SIGTERM);
    signal_all(SIGCONT); /* a stopped one could not end */
    uv_timer_start(&step->timer, grace_over, grace_ms ? grace_ms : GRACE_MS, 0);
}

/* The first failure ends the gang: peers hear of it before anything else is done, so
 * that none waits in a collective for a rank that will not come. */
static void rank_failed(struct ls_step *step, const struct ls_rank *rank)
{
    char *end = ls_rank_describe_end(rank);
    char *why = ls_asprintf("rank %u on %s %s", rank->plan->rank,
                            step->launch->nodes[step->launch->node_index], end);

    ls_log_info("%s", why);
    ls_gang_abort(step->gang, rank->plan->rank, why);
    if (step->exchange)
        ls_exchange_rank_lost(step->exchange, rank->plan->rank, why);
    ls_step_report(step);
    ls_step_end(step);
    ls_free(end);
    ls_free(why);
}

void ls_step_rank_ended(struct ls_step *step, struct ls_rank *rank)
{
    if (step->state == STATE_RUNNING && ls_rank_failed(rank))
        rank_failed(step, rank);
}
