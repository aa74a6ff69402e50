/* common/collective/lane.c - a lane's life: open, progress, failure, close.
 * Depends on fabric, schedule and the other lane files. */
#include "common/collective/lane.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/collective/lane_private.h"
#include "common/util/mem.h"

static int read_environment(struct ls_schedule_model *model, struct ls_error *err)
{
    const char *name = getenv("LOCKSTEP_ALGORITHM");

    if (!name || !*name)
        return 0;
    if (strcmp(name, "ring") == 0)
        model->force = LS_CHOOSE_RING;
    else if (strcmp(name, "doubling") == 0)
        model->force = LS_CHOOSE_DOUBLING;
    else
        return ls_error_set(err, -EINVAL,
                            "LOCKSTEP_ALGORITHM='%s': there are 'ring' and 'doubling'",
                            name);
    return 0;
}

static int check_config(const struct ls_lane_config *config, struct ls_error *err)
{
    if (config->node_count < 2 || config->node_count > LS_LANE_NODES_MAX)
        return ls_error_set(err, -EINVAL, "lane: %u nodes, must be 2 to %d",
                            config->node_count, LS_LANE_NODES_MAX);
    if (config->node_index >= config->node_count || config->lane >= config->lane_count)
        return ls_error_set(
            err, -EINVAL, "lane %u of %u on node %u of %u: no such lane", config->lane,
            config->lane_count, config->node_index, config->node_count);
    return 0;
}

/* All schedules but broadcasts, which depend on the root. */
static void build_schedules(struct ls_lane *lane)
{
    const uint32_t n = lane->config.node_count;

    for (int a = 0; a < LS_TREE_BROADCAST; a++) {
        lane->steps[a] =
            ls_calloc(ls_schedule_steps_max((enum ls_schedule_algorithm)a, n),
                      sizeof(struct ls_schedule_step));
        lane->step_counts[a] =
            ls_schedule_build((enum ls_schedule_algorithm)a, n, lane->config.node_index,
                              0, lane->steps[a]);
    }
    for (int i = 0; i < LS_LANE_DEPTH; i++)
        lane->plans[i].starts = ls_calloc(n + 1, sizeof(uint64_t));
}

static int open_endpoint(struct ls_lane *lane, struct ls_error *err)
{
    int rc = ls_fabric_open(&lane->config.fabric, &lane->fabric, err);

    if (rc < 0)
        return rc;
    if (!ls_fabric_any_source(lane->fabric))
        return ls_error_set(err, -ENOTSUP, "%s: needs registered sources",
                            ls_fabric_name(lane->fabric));
    lane->inline_max = ls_fabric_inline_max(lane->fabric);
    return lane_staging_make(lane, err);
}

int ls_lane_open(const struct ls_lane_config *config, struct ls_lane **ret_lane,
                 struct ls_error *err)
{
    struct ls_lane *lane;
    int rc = check_config(config, err);

    if (rc < 0)
        return rc;
    lane = ls_calloc(1, sizeof(*lane));
    lane->config = *config;
    lane->config.ranks_per_node =
        ls_memdup(config->ranks_per_node, config->node_count * sizeof(uint32_t));
    lane->model = (struct ls_schedule_model)LS_SCHEDULE_MODEL_DEFAULT;
    rc = read_environment(&lane->model, err);
    if (rc == 0)
        rc = open_endpoint(lane, err);
    if (rc < 0) {
        ls_lane_close(lane);
        return rc;
    }
    build_schedules(lane);
    *ret_lane = lane;
    return 0;
}

void ls_lane_close(struct ls_lane *lane)
{
    if (!lane)
        return;
    lane_staging_free(lane);
    ls_fabric_close(lane->fabric);
    for (int a = 0; a < LS_SCHEDULE_ALGORITHM_COUNT; a++)
        ls_free(lane->steps[a]);
    for (int i = 0; i < LS_LANE_DEPTH; i++)
        ls_free(lane->plans[i].starts);
    ls_free((void *)lane->config.ranks_per_node);
    ls_free(lane);
}

void lane_fail(struct ls_lane *lane, lockstep_status status, uint32_t node, int code,
               const char *format, ...)
{
    char text[LS_ERROR_TEXT_MAX];
    va_list args;

    if (lane_has_failed(lane))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ls_error_set(&lane->error, code, "%s", text);
    atomic_store_explicit(&lane->config.ring->lost_node, node, memory_order_relaxed);
    atomic_store_explicit(&lane->config.ring->status, status, memory_order_release);
    for (uint32_t i = 0; i < lane->peer_count; i++)
        lane->peers[i].abort_owed = !lane->peers[i].lost;
    lane_channel_abort(lane);
}

/* A failed lane still listens, so that the news of its failure get through. */
static int report_failure(struct ls_lane *lane, struct ls_error *err)
{
    lane_channel_poll(lane);
    lane_channel_abort(lane);
    if (err)
        *err = lane->error;
    return lane->error.code;
}

int ls_lane_progress(struct ls_lane *lane, struct ls_error *err)
{
    bool moved;
    int arrived;

    if (lane_has_failed(lane))
        return report_failure(lane, err);
    moved = lane_run(lane);
    arrived = lane_channel_poll(lane);
    if (arrived < 0)
        lane_fail(lane, LOCKSTEP_ERR_FABRIC, lane->config.node_index, -EIO, "%s",
                  ls_fabric_why(lane->fabric, 0));
    if (arrived > 0)
        moved |= lane_run(lane);
    if (lane->credits_owed)
        lane_channel_return_credits(lane);
    if (lane_has_failed(lane))
        return report_failure(lane, err);
    return moved || arrived > 0;
}

bool ls_lane_busy(const struct ls_lane *lane)
{
    uint64_t posted =
        atomic_load_explicit(&lane->config.ring->posted, memory_order_acquire);

    return posted != lane->completed || lane->credits_owed;
}

void ls_lane_wait(struct ls_lane *lane, int wake_fd, int timeout_ms)
{
    ls_fabric_wait(lane->fabric, wake_fd, timeout_ms);
}

void ls_lane_counters(const struct ls_lane *lane, struct ls_lane_counters *ret_counters)
{
    *ret_counters = lane->counters;
}
