/* agent/step/step.c - one job attempt on one node: getting ready and starting.
 *
 * Depends on step_private, agent/proc, wire. How it ends is in step_end.c. */
#include "agent/step/step.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "agent/proc/launch.h"
#include "agent/proc/process.h"
#include "agent/step/gang_address.h"
#include "agent/step/step_private.h"
#include "common/util/log.h"
#include "common/util/mem.h"

/* ---- ranks ----------------------------------------------------------------- */

/* The ranks that run here. A batch script is one process, on the first node. */
static void choose_ranks(struct ls_step *step)
{
    const Ls__Launch *launch = step->launch;
    bool script = launch->spec->script.len > 0;

    step->world_size = script ? 1 : (uint32_t)launch->n_ranks;
    step->ranks = ls_calloc(launch->n_ranks, sizeof(*step->ranks));
    for (size_t i = 0; i < launch->n_ranks; i++) {
        const Ls__RankPlan *plan = launch->ranks[i];

        if (plan->node == launch->node_index && !(script && plan->rank > 0))
            step->ranks[step->rank_count++].plan = plan;
    }
}

static struct ls_rank_context rank_context(const struct ls_step *step)
{
    return (struct ls_rank_context){
        .loop = step->loop,
        .launch = step->launch,
        .identity = &step->identity,
        .output_dir = step->output_dir,
        .script = step->script.path ? &step->script : NULL,
    };
}

static void start_ranks(struct ls_step *step, const struct ls_gang_address *master)
{
    struct ls_rank_context context = rank_context(step);
    struct ls_rank_place place = {
        .launch = step->launch,
        .world_size = step->world_size,
        .local_size = (uint32_t)step->rank_count,
        .step_id = step->id,
        .step_socket = step->exchange_path,
        .master_host = master->host,
        .master_port = master->master_port,
    };

    for (size_t i = 0; i < step->rank_count && step->state == STATE_RUNNING; i++) {
        place.plan = step->ranks[i].plan;
        if (ls_rank_start(&step->ranks[i], &context, &place) < 0)
            ls_step_rank_ended(step, &step->ranks[i]);
    }
}

/* ---- what the agent says --------------------------------------------------- */

/* The others of the gang hear why before they see us go. */
static void end_because(struct ls_step *step, const char *why)
{
    ls_step_set_reason(step, why);
    if (step->state == STATE_RUNNING)
        ls_gang_abort(step->gang, LS_GANG_NO_RANK, why);
    ls_step_end(step);
    ls_step_advance(step);
}

/* `started` is on disk before the first rank runs: whoever finds the directory later
 * knows that it must not run again. */
static void start(void *context, const Ls__StepStart *message)
{
    struct ls_step *step = context;
    struct ls_gang_address master;
    struct ls_error err = {0};
    int rc;

    if (step->state != STATE_READY)
        return; /* said twice */
    if (message->n_addresses != step->launch->n_nodes)
        rc = ls_error_set(&err, -EPROTO, "start: %zu addresses for %zu nodes",
                          message->n_addresses, step->launch->n_nodes);
    else
        rc = ls_gang_address_parse(message->addresses[0], &master, &err);
    if (rc == 0)
        rc = ls_step_dir_mark_started(step->dir, &err);
    if (rc == 0)
        rc = ls_gang_start(step->gang, message->addresses[0], &err);
    if (rc < 0) {
        end_because(step, err.text);
        return;
    }
    ls_step_move(step, STATE_RUNNING);
    ls_gang_release_port(step->gang);
    start_ranks(step, &master);
    ls_step_report(step);
    ls_step_advance(step);
}

static void kill_or_signal(void *context, const Ls__StepKill *message)
{
    struct ls_step *step = context;
    struct ls_error err = {0};

    if (message->signal == 0) {
        end_because(step, message->reason[0] ? message->reason : "told to end");
        return;
    }
    if ((step->state == STATE_RUNNING || step->state == STATE_ENDING) &&
        ls_process_signal_descendants(message->signal, NULL, 0, &err) < 0)
        ls_log_error("signal %d: %s", message->signal, err.text);
}

static void agent_connected(void *context)
{
    ls_step_report(context);
}

static void forget(void *context)
{
    ls_step_forgotten(context);
}

static const struct ls_agent_link_events agent_events = {
    .connected = agent_connected,
    .start = start,
    .kill = kill_or_signal,
    .forget = forget,
};

/* ---- what the gang says ---------------------------------------------------- */

static void gathered(void *context, uint32_t round, const void *const *data,
                     const size_t *sizes)
{
    struct ls_step *step = context;

    if (step->exchange)
        ls_exchange_gathered(step->exchange, round, data, sizes);
}

static void aborted(void *context, uint32_t rank, const char *why)
{
    struct ls_step *step = context;

    if (step->exchange && rank != LS_GANG_NO_RANK)
        ls_exchange_rank_lost(step->exchange, rank, why);
    end_because(step, why);
}

static void node_left(void *context)
{
    ls_step_advance(context);
}

static const struct ls_gang_events gang_events = {
    .gathered = gathered,
    .aborted = aborted,
    .left = node_left,
};

/* ---- signals --------------------------------------------------------------- */

static void child_ended(uv_signal_t *handle, int number)
{
    (void)number;
    ls_step_advance(handle->data);
}

static void told_to_end(uv_signal_t *handle, int number)
{
    (void)number;
    end_because(handle->data, "the step got SIGTERM");
}

static void watch_signals(struct ls_step *step)
{
    uv_timer_init(step->loop, &step->timer);
    uv_signal_init(step->loop, &step->child_signal);
    uv_signal_init(step->loop, &step->term_signal);
    step->timer.data = step;
    step->child_signal.data = step;
    step->term_signal.data = step;
    uv_signal_start(&step->child_signal, child_ended, SIGCHLD);
    uv_signal_start(&step->term_signal, told_to_end, SIGTERM);
}

/* ---- getting ready --------------------------------------------------------- */

static int prepare_script(struct ls_step *step, struct ls_error *err)
{
    const ProtobufCBinaryData *script = &step->launch->spec->script;
    char *path;
    int rc;

    if (script->len == 0 || step->launch->node_index != 0)
        return 0;
    path = ls_step_dir_file(step->dir, "script");
    rc = ls_script_write(path, script->data, script->len, &step->identity,
                         &step->script, err);
    ls_free(path);
    return rc;
}

/* All that may go wrong for the job's own reasons. */
static int prepare(struct ls_step *step, struct ls_error *err)
{
    struct ls_rank_context context;
    int rc =
        ls_identity_find(step->launch->uid, step->launch->gid, &step->identity, err);

    if (rc == 0)
        rc = prepare_script(step, err);
    if (rc == 0) {
        context = rank_context(step);
        rc = ls_ranks_open_output(step->ranks, step->rank_count, &context, err);
    }
    if (rc == 0)
        rc = ls_gradients_open(step, err);
    if (rc == 0)
        rc = ls_gang_open(step->loop, step->launch, step->host, &gang_events, step,
                          &step->gang, err);
    return rc;
}

static int read_directory(struct ls_step *step, struct ls_error *err)
{
    int rc = ls_step_dir_read_launch(step->dir, &step->launch, err);

    if (rc == 0)
        rc = ls_launch_check(step->launch, err);
    if (rc == 0)
        rc = ls_step_dir_id(step->dir, step->launch->nodes[step->launch->node_index],
                            &step->id, err);
    return rc;
}

int ls_step_open(uv_loop_t *loop, const struct ls_step_dir *dir, const char *host,
                 struct ls_step **ret_step, struct ls_error *err)
{
    struct ls_step *step = ls_calloc(1, sizeof(*step));
    char *agent_path = ls_step_dir_socket(dir, "agent.sock");
    int rc;

    step->loop = loop;
    step->dir = dir;
    step->host = host;
    step->exchange_path = ls_step_dir_socket(dir, "exchange.sock");
    step->output_dir = ls_output_dir(dir->node_dir, dir->job);
    rc = read_directory(step, err);
    if (rc == 0)
        rc = ls_agent_link_open(loop, agent_path, &agent_events, step, &step->agent,
                                err);
    ls_free(agent_path);
    if (rc < 0) {
        ls_step_free(step);
        return rc;
    }
    watch_signals(step);
    choose_ranks(step);
    rc = prepare(step, err);
    if (rc < 0)
        end_because(step, err->text);
    *ret_step = step;
    return 0;
}

void ls_step_free(struct ls_step *step)
{
    for (size_t i = 0; i < step->rank_count; i++)
        ls_rank_free(&step->ranks[i]);
    ls_free(step->ranks);
    ls_script_free(&step->script);
    ls_identity_free(&step->identity);
    if (step->launch)
        ls__launch__free_unpacked(step->launch, NULL);
    ls_free(step->id);
    ls_free(step->output_dir);
    ls_free(step->exchange_path);
    ls_free(step->reason);
    ls_free(step);
}
