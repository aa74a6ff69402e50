/* bench/train/optimizer.h - stochastic gradient descent with momentum. */
#ifndef LS_BENCH_TRAIN_OPTIMIZER_H
#define LS_BENCH_TRAIN_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

struct ls_sgd {
    float momentum;
    float rate; /* learning rate of the first step; falls in a line to 0 at the last */
    uint64_t steps;  /* of the whole training */
    float *velocity; /* one per parameter */
};

void ls_sgd_init(struct ls_sgd *sgd, size_t parameter_count, float rate, float momentum,
                 uint64_t steps);
void ls_sgd_free(struct ls_sgd *sgd);

/* Learning rate of a step. */
float ls_sgd_rate(const struct ls_sgd *sgd, uint64_t step);

/* Move parameters[first … first + count): velocity = momentum * velocity + gradient,
 * parameter -= rate * velocity. */
void ls_sgd_apply(struct ls_sgd *sgd, float *parameters, const float *gradient,
                  size_t first, size_t count, float rate);

#endif
