/* bench/train/gradients.c - see gradients.h. */
#include "bench/train/gradients.h"

#include <string.h>

#include "common/util/check.h"
#include "common/util/clock.h"

lockstep_status ls_gradients_init(struct ls_gradients *gradients, lockstep_comm *comm,
                                  size_t parameter_count)
{
    memset(gradients, 0, sizeof(*gradients));
    gradients->comm = comm;
    gradients->values = lockstep_alloc(comm, parameter_count * sizeof(float));
    return gradients->values ? LOCKSTEP_OK : LOCKSTEP_ERR_MEMORY;
}

void ls_gradients_free(struct ls_gradients *gradients)
{
    lockstep_free(gradients->comm, gradients->values);
    gradients->values = NULL;
}

void ls_gradients_ready(void *context, size_t first, size_t count)
{
    struct ls_gradients *gradients = context;
    struct ls_bucket *bucket = &gradients->buckets[gradients->started];
    float *values = gradients->values + first;
    uint64_t start_ns = ls_clock_ns();

    if (gradients->status != LOCKSTEP_OK)
        return;
    ls_assert(gradients->started < LOCKSTEP_IN_FLIGHT_MAX);
    if (gradients->started == 0)
        gradients->span_start_ns = start_ns;
    *bucket = (struct ls_bucket){.first = first, .count = count};

    gradients->status =
        lockstep_allreduce_start(gradients->comm, values, values, count,
                                 LOCKSTEP_FLOAT32, LOCKSTEP_AVG, &bucket->request);
    if (gradients->status == LOCKSTEP_OK) {
        gradients->started++;
        gradients->bytes += count * sizeof(float);
    }
    gradients->blocked_ns += ls_clock_ns() - start_ns;
}

bool ls_gradients_next(struct ls_gradients *gradients,
                       const struct ls_bucket **ret_bucket)
{
    struct ls_bucket *bucket = &gradients->buckets[gradients->finished];
    uint64_t start_ns = ls_clock_ns(), end_ns;

    if (gradients->status != LOCKSTEP_OK)
        return false;
    if (gradients->finished == gradients->started) { /* the step is complete */
        gradients->started = gradients->finished = 0;
        return false;
    }
    gradients->status = lockstep_wait(gradients->comm, bucket->request);
    bucket->request = NULL;
    end_ns = ls_clock_ns();
    gradients->blocked_ns += end_ns - start_ns;
    if (gradients->status != LOCKSTEP_OK)
        return false;
    gradients->finished++;
    if (gradients->finished == gradients->started)
        gradients->span_ns += end_ns - gradients->span_start_ns;
    *ret_bucket = bucket;
    return true;
}
