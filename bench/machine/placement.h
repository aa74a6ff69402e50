/* bench/machine/placement.h - where each rank of a job runs: node, GPUs, NIC, cores.
 *
 * Read from the environment that the launcher gives a rank (LOCKSTEP_NODE, …) and from
 * the kernel, and gathered over the job for a report. Depends on lockstep.h and util.
 */
#ifndef LS_BENCH_MACHINE_PLACEMENT_H
#define LS_BENCH_MACHINE_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/client/lockstep.h"
#include "common/util/error.h"

enum { LS_PLACEMENT_TEXT_MAX = 64 };

/* Texts are "" when there is nothing to say. Exchanged as it is between the ranks. */
struct ls_placement {
    int32_t pid;
    char node[LS_PLACEMENT_TEXT_MAX];    /* name in the cluster, else the host's name */
    char machine[LS_PLACEMENT_TEXT_MAX]; /* boot id: equal on ranks that share hardware
                                          */
    char gpus[LS_PLACEMENT_TEXT_MAX];    /* "0,1" */
    char nic[LS_PLACEMENT_TEXT_MAX];     /* "mlx5_0" */
    char cores[LS_PLACEMENT_TEXT_MAX];   /* CPU list that it may run on, "0-13" */
};

/* This process. `node` overrides the node's name unless it is NULL. */
void ls_placement_read(const char *node, struct ls_placement *ret_placement);

/* All ranks', in rank order; collective. The caller frees *ret_all with ls_free(). */
int ls_placement_gather(lockstep_comm *comm, const struct ls_placement *own,
                        struct ls_placement **ret_all, struct ls_error *err);

/* True when all `count` ranks run on one machine. */
bool ls_placement_one_machine(const struct ls_placement *all, int count);

/* err := "WHAT: the library's last error"; returns -EIO. */
int ls_exchange_error(struct ls_error *err, const char *what);

#endif
