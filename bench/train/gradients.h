/* bench/train/gradients.h - averages the gradient over all ranks, part by part, while
 * the backward pass still computes the rest.
 *
 * This file is the reason to read this program: ls_gradients_ready() starts an
 * all-reduce for each finished part, ls_gradients_next() waits for them in the same
 * order. */
#ifndef LS_BENCH_TRAIN_GRADIENTS_H
#define LS_BENCH_TRAIN_GRADIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/client/lockstep.h"

struct ls_bucket {
    size_t first, count;       /* parameters */
    lockstep_request *request; /* NULL once complete */
};

struct ls_gradients {
    lockstep_comm *comm;
    float *values; /* from lockstep_alloc(): other ranks read it in place */
    struct ls_bucket buckets[LOCKSTEP_IN_FLIGHT_MAX];
    unsigned started, finished;
    lockstep_status status; /* of the first call that failed, else LOCKSTEP_OK */

    uint64_t blocked_ns; /* time inside lockstep calls, over all steps */
    uint64_t span_ns;    /* from first start to last completion, over all steps */
    uint64_t span_start_ns;
    uint64_t bytes; /* exchanged, over all steps */
};

/* Takes memory for `parameter_count` values from the communicator's shared arena. */
lockstep_status ls_gradients_init(struct ls_gradients *gradients, lockstep_comm *comm,
                                  size_t parameter_count);
void ls_gradients_free(struct ls_gradients *gradients);

/* An ls_gradient_ready callback, `context` = the struct ls_gradients: start averaging
 * values[first … first + count) over all ranks. At most LOCKSTEP_IN_FLIGHT_MAX parts
 * per step. Errors come out of ls_gradients_next(). */
void ls_gradients_ready(void *context, size_t first, size_t count);

/* Wait for the next part, in the order they were started; *ret_bucket is borrowed until
 * the next step. False when there is none left, or after an error (see `status`). */
bool ls_gradients_next(struct ls_gradients *gradients,
                       const struct ls_bucket **ret_bucket);

#endif
