/* agent/step/gang_rounds.h - all-gather rounds under way: data of each node.
 *
 * Depends on common/util. */
#ifndef LS_AGENT_STEP_GANG_ROUNDS_H
#define LS_AGENT_STEP_GANG_ROUNDS_H

#include <stddef.h>
#include <stdint.h>

enum {
    LS_ROUNDS_MAX = 64,                   /* under way at once */
    LS_ROUND_BYTES_MAX = 4 * 1024 * 1024, /* of one node in one round */
};

struct ls_round {
    struct ls_round *next;
    uint32_t number;
    uint32_t count; /* nodes whose data is here */
    uint8_t **data; /* by node; NULL while missing */
    size_t *sizes;
};

/* Start from {.node_count = N}. */
struct ls_rounds {
    struct ls_round *first;
    uint32_t count;
    uint32_t node_count;
};

/* Copy a node's data into its round. NULL when it is over a bound or was put before. */
struct ls_round *ls_rounds_put(struct ls_rounds *rounds, uint32_t number, uint32_t node,
                               const void *data, size_t size);

void ls_rounds_remove(struct ls_rounds *rounds, struct ls_round *round);
void ls_rounds_free(struct ls_rounds *rounds);

#endif
