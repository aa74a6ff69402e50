/* tests/lib/ranks.h - run a function as the ranks of a job: forked processes that find one
 * another by an all-gather in shared memory (lockstep_init_with()). */
#ifndef LS_TESTS_LIB_RANKS_H
#define LS_TESTS_LIB_RANKS_H

#include "common/client/lockstep.h"

/* Fork the ranks of `nodes` nodes (ranks_per_node[] each), let each join and call
 * `body`. Returns the number of ranks that did not exit with 0. */
int ranks_run(int nodes, const int *ranks_per_node, int (*body)(lockstep_comm *comm));

/* The same, but `body` joins by itself. */
int ranks_run_raw(int nodes, const int *ranks_per_node,
                  int (*body)(const lockstep_bootstrap *bootstrap));

#endif
