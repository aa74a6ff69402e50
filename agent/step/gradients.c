/* agent/step/gradients.c - the node's exchange, and its way through the gang.
 *
 * Depends on step_private, collective. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "agent/step/step_private.h"
#include "common/util/log.h"
#include "common/util/mem.h"

enum { CORES_PER_RANK = 4 }; /* from here on the step drives the fabric by itself */

static void exchange_readable(uv_poll_t *poll, int status, int events)
{
    struct ls_step *step = poll->data;

    (void)status;
    (void)events;
    ls_exchange_dispatch(step->exchange);
}

static void gather(void *context, uint32_t round, const void *data, size_t size)
{
    struct ls_step *step = context;

    ls_gang_gather(step->gang, round, data, size);
}

/* The ranks have heard of it and end by themselves, or go on without: only the other
 * nodes have to be told. */
static void failed(void *context, uint32_t rank, const char *why)
{
    struct ls_step *step = context;

    ls_log_warn("exchange failed: %s", why);
    ls_gang_abort(step->gang, rank, why);
}

/* Ranks on each node. A batch script is alone, whatever was allocated. */
static uint32_t *count_ranks(const struct ls_step *step, uint32_t *ret_node_count)
{
    const Ls__Launch *launch = step->launch;
    uint32_t *counts = ls_calloc(launch->n_nodes, sizeof(*counts));

    if (step->script.path) {
        counts[0] = 1;
        *ret_node_count = 1;
        return counts;
    }
    for (size_t i = 0; i < launch->n_ranks; i++)
        counts[launch->ranks[i]->node]++;
    *ret_node_count = (uint32_t)launch->n_nodes;
    return counts;
}

/* The NIC of each local rank, where the plan's NIC is a real one of this machine. */
static const char **list_devices(const struct ls_step *step)
{
    const char **devices = ls_calloc(step->rank_count, sizeof(*devices));

    for (size_t i = 0; i < step->rank_count; i++) {
        const Ls__RankPlan *plan = step->ranks[i].plan;
        bool real = !step->launch->modelled && strcmp(plan->nic_kind, "rdma") == 0;

        devices[i] = real ? plan->nic_name : "";
    }
    return devices;
}

static int watch(struct ls_step *step, struct ls_error *err)
{
    int rc =
        uv_poll_init(step->loop, &step->exchange_poll, ls_exchange_fd(step->exchange));

    if (rc == 0) {
        step->exchange_poll.data = step;
        rc = uv_poll_start(&step->exchange_poll, UV_READABLE, exchange_readable);
    }
    if (rc < 0)
        return ls_error_sys(err, rc, "exchange: cannot poll");
    if (step->identity.change &&
        chown(step->exchange_path, step->identity.uid, step->identity.gid) < 0)
        return ls_error_sys(err, -errno, "%s", step->exchange_path);
    return 0;
}

/* A lane's thread that has no core of its own takes one from a rank, and every message
 * waits for the change: then the ranks had better drive the fabric themselves. Nodes of a
 * gang may differ, what goes over the wire is the same. */
static bool ranks_drive(const struct ls_step *step, uint32_t ranks)
{
    cpu_set_t cores;

    switch (step->launch->spec->exchange) {
    case LS__EXCHANGE_HOST__EXCHANGE_STEP:
        return false;
    case LS__EXCHANGE_HOST__EXCHANGE_RANK:
        return true;
    default:
        return sched_getaffinity(0, sizeof(cores), &cores) < 0 ||
               (uint32_t)CPU_COUNT(&cores) < CORES_PER_RANK * ranks;
    }
}

int ls_gradients_open(struct ls_step *step, struct ls_error *err)
{
    uint32_t node_count;
    uint32_t *ranks_per_node = count_ranks(step, &node_count);
    const char **devices = list_devices(step);
    struct ls_exchange_config config = {
        .job = step->launch->job,
        .attempt = step->launch->attempt,
        .node_count = node_count,
        .node_index = step->launch->node_index,
        .ranks_per_node = ranks_per_node,
        .devices = devices,
        .host = step->host,
        .socket_path = step->exchange_path,
        .uid = step->identity.uid,
        .rank_hosted = ranks_drive(step, ranks_per_node[step->launch->node_index]),
        .gather = gather,
        .failed = failed,
        .context = step,
    };
    int rc = 0;

    unlink(step->exchange_path); /* of a step that was killed before its start */
    if (step->rank_count)
        rc = ls_exchange_open(&config, &step->exchange, err);
    ls_free(ranks_per_node);
    ls_free(devices);
    return rc < 0 || !step->exchange ? rc : watch(step, err);
}

void ls_gradients_close(struct ls_step *step)
{
    if (!step->exchange)
        return;
    if (step->exchange_poll.data) {
        uv_poll_stop(&step->exchange_poll);
        uv_close((uv_handle_t *)&step->exchange_poll, NULL);
    }
    ls_exchange_close(step->exchange);
    step->exchange = NULL;
}
