/* bench/train/random.h - splitmix64: a small generator that gives the same numbers on
 * every machine, so that a seed says everything about a run. */
#ifndef LS_BENCH_TRAIN_RANDOM_H
#define LS_BENCH_TRAIN_RANDOM_H

#include <stdint.h>

static inline uint64_t ls_random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A stream of its own for (seed, stream). */
static inline uint64_t ls_random_seed(uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;

    return ls_random_next(&state) ^ (stream * UINT64_C(0xd1342543de82ef95));
}

/* Uniform in [0, bound), bound > 0; the bias of 2^-32 * bound does not matter here. */
static inline uint32_t ls_random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(((ls_random_next(state) >> 32) * bound) >> 32);
}

/* Uniform in [-1, 1). */
static inline float ls_random_signed(uint64_t *state)
{
    return (float)(int32_t)(ls_random_next(state) >> 40) * 0x1p-23F - 1.0F;
}

#endif
