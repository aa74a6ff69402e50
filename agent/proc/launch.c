/* agent/proc/launch.c - is a Launch whole? Depends on wire (the message). */
#include "agent/proc/launch.h"

#include <errno.h>

int ls_launch_check(const Ls__Launch *launch, struct ls_error *err)
{
    const Ls__JobSpec *spec = launch->spec;

    if (!spec || (spec->n_argv == 0 && spec->script.len == 0))
        return ls_error_set(err, -EPROTO, "launch: nothing to run");
    if (launch->node_index >= launch->n_nodes)
        return ls_error_set(err, -EPROTO, "launch: node %u of %zu", launch->node_index,
                            launch->n_nodes);
    if (launch->n_ranks == 0 || launch->key.len == 0)
        return ls_error_set(err, -EPROTO, "launch: no %s",
                            launch->n_ranks == 0 ? "ranks" : "key");
    for (size_t i = 0; i < launch->n_ranks; i++) {
        if (launch->ranks[i]->rank != i || launch->ranks[i]->node >= launch->n_nodes)
            return ls_error_set(err, -EPROTO, "launch: rank %u at place %zu on node %u",
                                launch->ranks[i]->rank, i, launch->ranks[i]->node);
    }
    return 0;
}
