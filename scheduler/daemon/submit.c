/* scheduler/daemon/submit.c - defaults of a submission. Depends on messages, util. */
#include "scheduler/daemon/submit.h"

#include <errno.h>
#include <stdlib.h>

#include "common/util/check.h"
#include "common/util/mem.h"

/* The numbers on their way: 0 = not known yet. */
struct shape {
    uint32_t nodes, ntasks, per_node; /* ranks on a node at most */
    uint32_t gpus, gpus_per_node, gpus_per_task;
    uint32_t cpus_per_task;
    uint64_t memory_bytes;
    bool overcommit;
};

static uint32_t divide_up(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)a + b - 1) / b);
}

/* ---- GPUs and ranks ----------------------------------------------------------------
 */

/* --gpus with --gpus-per-task says how many ranks; with --gpus-per-node how many nodes.
 */
static int relate_gpus(struct shape *shape, struct ls_error *err)
{
    if (shape->gpus && shape->gpus_per_task) {
        uint32_t ntasks = shape->gpus / shape->gpus_per_task;

        if (shape->gpus % shape->gpus_per_task != 0 ||
            (shape->ntasks && shape->ntasks != ntasks))
            return ls_error_set(
                err, -EINVAL, "--gpus %u contradicts --gpus-per-task %u%s", shape->gpus,
                shape->gpus_per_task, shape->ntasks ? " times --ntasks" : "");
        shape->ntasks = ntasks;
    }
    if (shape->gpus && shape->gpus_per_node) {
        uint32_t nodes = shape->gpus / shape->gpus_per_node;

        if (shape->gpus % shape->gpus_per_node != 0 ||
            (shape->nodes && shape->nodes != nodes))
            return ls_error_set(
                err, -EINVAL, "--gpus %u contradicts --gpus-per-node %u%s", shape->gpus,
                shape->gpus_per_node, shape->nodes ? " times --nodes" : "");
        shape->nodes = nodes;
    }
    return 0;
}

static int relate_tasks(struct shape *shape, struct ls_error *err)
{
    if (shape->per_node && shape->ntasks && !shape->nodes)
        shape->nodes = divide_up(shape->ntasks, shape->per_node);
    if (shape->per_node && !shape->ntasks) {
        uint64_t ntasks = (uint64_t)(shape->nodes ? shape->nodes : 1) * shape->per_node;

        if (ntasks > LS_RANKS_MAX)
            return ls_error_set(err, -EINVAL, "%llu ranks, at most %d",
                                (unsigned long long)ntasks, LS_RANKS_MAX);
        shape->ntasks = (uint32_t)ntasks;
        shape->nodes = shape->nodes ? shape->nodes : 1;
    }
    if (shape->per_node && shape->nodes &&
        shape->ntasks > (uint64_t)shape->nodes * shape->per_node)
        return ls_error_set(err, -EINVAL,
                            "--ntasks %u is more than --nodes %u times "
                            "--ntasks-per-node %u",
                            shape->ntasks, shape->nodes, shape->per_node);
    if (shape->nodes && shape->ntasks && shape->ntasks < shape->nodes)
        return ls_error_set(err, -EINVAL, "--ntasks %u cannot use --nodes %u",
                            shape->ntasks, shape->nodes);
    return 0;
}

/* ---- how many nodes
 * ------------------------------------------------------------------ */

static uint32_t gpus_on_node(const struct shape *shape, uint32_t nodes, uint32_t ranks)
{
    if (shape->gpus_per_node)
        return shape->gpus_per_node;
    if (shape->gpus_per_task)
        return ranks * shape->gpus_per_task;
    return shape->gpus ? divide_up(shape->gpus, nodes) : 0;
}

static bool node_holds(const struct ls_node_size *size, const struct shape *shape,
                       uint32_t nodes)
{
    uint32_t ranks = divide_up(shape->ntasks ? shape->ntasks : nodes, nodes);
    uint64_t cores =
        (uint64_t)ranks * (shape->cpus_per_task ? shape->cpus_per_task : 1);

    return size->memory_bytes >= shape->memory_bytes &&
           size->gpus >= gpus_on_node(shape, nodes, ranks) &&
           (shape->overcommit || size->cores >= cores);
}

static bool nodes_hold(const struct ls_node_size *sizes, size_t size_count,
                       const struct shape *shape, uint32_t nodes)
{
    uint32_t able = 0;

    for (size_t i = 0; i < size_count && able < nodes; i++)
        able += node_holds(&sizes[i], shape, nodes);
    return able >= nodes;
}

/* Can --gpus be spread evenly? With --gpus-per-task it follows the ranks instead. */
static bool spreads(const struct shape *shape, uint32_t nodes)
{
    return shape->gpus_per_task || shape->gpus % nodes == 0;
}

/* A number of nodes below which even the largest ones could not hold all. */
static uint32_t least_nodes(const struct ls_node_size *sizes, size_t size_count,
                            const struct shape *shape)
{
    uint32_t cores = 1, gpus = 1;
    uint64_t cores_asked =
        (uint64_t)shape->ntasks * (shape->cpus_per_task ? shape->cpus_per_task : 1);
    uint64_t gpus_asked = shape->gpus_per_task
                              ? (uint64_t)shape->ntasks * shape->gpus_per_task
                              : shape->gpus;
    uint64_t least;

    for (size_t i = 0; i < size_count; i++) {
        cores = sizes[i].cores > cores ? sizes[i].cores : cores;
        gpus = sizes[i].gpus > gpus ? sizes[i].gpus : gpus;
    }
    least = shape->overcommit ? 1 : cores_asked / cores;
    if (gpus_asked / gpus > least)
        least = gpus_asked / gpus;
    return least == 0 ? 1 : least > UINT32_MAX ? UINT32_MAX : (uint32_t)least;
}

/* 1 when no number does: what is wrong is easiest to see on one node. */
static uint32_t fewest_nodes(const struct ls_node_size *sizes, size_t size_count,
                             const struct shape *shape)
{
    uint32_t most = shape->ntasks ? shape->ntasks : shape->gpus;

    if (most > size_count)
        most = (uint32_t)size_count;
    for (uint32_t nodes = least_nodes(sizes, size_count, shape); nodes <= most;
         nodes++) {
        if (spreads(shape, nodes) && nodes_hold(sizes, size_count, shape, nodes))
            return nodes;
    }
    return 1;
}

/* ---- the whole
 * ------------------------------------------------------------------------- */

static int resolve_gpus(struct shape *shape, uint32_t ranks_on_node,
                        struct ls_error *err)
{
    uint64_t need = (uint64_t)ranks_on_node * shape->gpus_per_task;

    if (!spreads(shape, shape->nodes))
        return ls_error_set(err, -EINVAL,
                            "--gpus %u cannot be spread evenly over %u nodes; use "
                            "--gpus-per-node or --gpus-per-task",
                            shape->gpus, shape->nodes);
    if (shape->gpus && !shape->gpus_per_task)
        shape->gpus_per_node = shape->gpus / shape->nodes;
    if (shape->gpus_per_node == 0)
        shape->gpus_per_node =
            need > LS_GPUS_PER_NODE_MAX ? UINT32_MAX : (uint32_t)need;
    if (need > shape->gpus_per_node || shape->gpus_per_node > LS_GPUS_PER_NODE_MAX)
        return ls_error_set(
            err, -EINVAL,
            "%u ranks on a node with --gpus-per-task %u need %llu GPUs, "
            "at most %u",
            ranks_on_node, shape->gpus_per_task, (unsigned long long)need,
            shape->gpus_per_node > LS_GPUS_PER_NODE_MAX ? (uint32_t)LS_GPUS_PER_NODE_MAX
                                                        : shape->gpus_per_node);
    /* GPUs of a node that its ranks can share evenly are theirs alone. */
    if (!shape->gpus_per_task && shape->ntasks % shape->nodes == 0 &&
        shape->gpus_per_node % ranks_on_node == 0)
        shape->gpus_per_task = shape->gpus_per_node / ranks_on_node;
    return 0;
}

/* A rank with GPUs gets its GPUs' share of the cores, one without gets one. */
static uint32_t default_cpus(const struct ls_node_size *sizes, size_t size_count,
                             const struct shape *shape)
{
    uint32_t least = UINT32_MAX;

    for (size_t i = 0; i < size_count; i++) {
        if (sizes[i].gpus >= shape->gpus_per_node && sizes[i].gpus > 0) {
            uint32_t share = sizes[i].cores * shape->gpus_per_task / sizes[i].gpus;

            least = share < least ? share : least;
        }
    }
    return least == UINT32_MAX || least == 0 ? 1 : least;
}

static int resolve(const struct ls_node_size *sizes, size_t size_count,
                   struct shape *shape, struct ls_error *err)
{
    uint32_t ranks_on_node;
    int rc = relate_gpus(shape, err);

    if (rc == 0)
        rc = relate_tasks(shape, err);
    if (rc < 0)
        return rc;
    if (!shape->nodes)
        shape->nodes = fewest_nodes(sizes, size_count, shape);
    if (!shape->ntasks)
        shape->ntasks = shape->nodes;
    ranks_on_node = divide_up(shape->ntasks, shape->nodes);
    rc = resolve_gpus(shape, ranks_on_node, err);
    if (rc < 0)
        return rc;
    if (!shape->cpus_per_task)
        shape->cpus_per_task = default_cpus(sizes, size_count, shape);
    return 0;
}

/* The script is one process on its first node and holds what its ranks would need. */
static void request_for_script(const struct shape *shape, struct ls_request *request)
{
    request->ranks = shape->nodes;
    request->cpus_per_rank =
        divide_up(shape->ntasks, shape->nodes) * shape->cpus_per_task;
    request->gpus_per_rank = shape->gpus_per_node;
}

int ls_submit_resolve(const struct ls_node_size *sizes, size_t size_count,
                      Ls__JobSpec *spec, struct ls_request *ret_request,
                      struct ls_error *err)
{
    struct shape shape = {
        .nodes = spec->nodes,
        .ntasks = spec->ntasks,
        .per_node = spec->ntasks_per_node,
        .gpus = spec->gpus,
        .gpus_per_node = spec->gpus_per_node,
        .gpus_per_task = spec->gpus_per_task,
        .cpus_per_task = spec->cpus_per_task,
        .memory_bytes = spec->memory_bytes,
        .overcommit = spec->overcommit,
    };
    int rc = resolve(sizes, size_count, &shape, err);

    if (rc < 0)
        return rc;
    *ret_request = (struct ls_request){
        .nodes = shape.nodes,
        .ranks = shape.ntasks,
        .cpus_per_rank = shape.cpus_per_task,
        .gpus_per_rank = shape.gpus_per_task,
        .gpus_per_node = shape.gpus_per_node,
        .memory_bytes = spec->memory_bytes,
        .time_limit_ms = spec->time_limit_s * 1000,
        .exclusive = spec->exclusive,
        .overcommit = spec->overcommit,
        .within_rack = spec->within[0] != '\0',
    };
    if (spec->script.len > 0)
        request_for_script(&shape, ret_request);
    spec->nodes = shape.nodes;
    spec->ntasks = shape.ntasks;
    spec->ntasks_per_node = divide_up(shape.ntasks, shape.nodes);
    spec->cpus_per_task = shape.cpus_per_task;
    spec->gpus_per_node = shape.gpus_per_node;
    spec->gpus_per_task = shape.gpus_per_task;
    spec->gpus = shape.gpus_per_node * shape.nodes;
    return 0;
}
