/* bench/train/optimizer.c - see optimizer.h. */
#include "bench/train/optimizer.h"

#include "common/util/check.h"
#include "common/util/mem.h"

void ls_sgd_init(struct ls_sgd *sgd, size_t parameter_count, float rate, float momentum,
                 uint64_t steps)
{
    ls_assert(steps > 0);
    *sgd = (struct ls_sgd){
        .momentum = momentum,
        .rate = rate,
        .steps = steps,
        .velocity = ls_calloc(parameter_count, sizeof(float)),
    };
}

void ls_sgd_free(struct ls_sgd *sgd)
{
    ls_free(sgd->velocity);
    sgd->velocity = NULL;
}

float ls_sgd_rate(const struct ls_sgd *sgd, uint64_t step)
{
    return sgd->rate * (1.0F - (float)step / (float)sgd->steps);
}

void ls_sgd_apply(struct ls_sgd *sgd, float *parameters, const float *gradient,
                  size_t first, size_t count, float rate)
{
    for (size_t i = first; i < first + count; i++) {
        sgd->velocity[i] = sgd->momentum * sgd->velocity[i] + gradient[i];
        parameters[i] -= rate * sgd->velocity[i];
    }
}
