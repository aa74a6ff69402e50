/* scheduler/daemon/cores.h - which cores of a node are taken by which ranks.
 *
 * The policy counts cores; this picks them: near the rank's GPU, disjoint from those
 * of other ranks. Depends on the messages only. */
#ifndef LS_SCHEDULER_DAEMON_CORES_H
#define LS_SCHEDULER_DAEMON_CORES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/lockstep.pb-c.h"

enum { LS_CORE_THREADS_MAX = 8 };

struct ls_core {
    uint32_t pus[LS_CORE_THREADS_MAX]; /* its hardware threads' OS indices */
    uint32_t pu_count;
    uint32_t takers;
};

/* Start from {0}. */
struct ls_cores {
    struct ls_core *items;
    uint32_t count;
};

/* Build from a digest; nothing is taken. A digest names hardware threads by NUMA node
 * but not cores: with t threads a core, Linux numbers the first threads of all cores of
 * a NUMA node before the second ones, which is what is assumed here. */
void ls_cores_init(struct ls_cores *cores, const Ls__NodeDigest *digest);
void ls_cores_free(struct ls_cores *cores);

/* Are these the same cores, whatever is taken of them? */
bool ls_cores_same(const struct ls_cores *a, const struct ls_cores *b);

/* Take `want` free cores, those whose threads are in the cpu list `near` first ("" = no
 * wish). Writes their indices to `ids` (room for `want`) and returns true; false, and
 * nothing is taken, when fewer are free. */
bool ls_cores_take(struct ls_cores *cores, const char *near, uint32_t want,
                   uint32_t *ids);
void ls_cores_give_back(struct ls_cores *cores, const uint32_t *ids, uint32_t count);

/* The cpu list of some cores, "0-3,64-67"; the caller frees with ls_free(). */
char *ls_cores_text(const struct ls_cores *cores, const uint32_t *ids, uint32_t count);

#endif
