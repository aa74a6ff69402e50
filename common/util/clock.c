/* common/util/clock.c - the two clocks, from clock_gettime(2). */
#include "common/util/clock.h"

#include <time.h>

uint64_t ls_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ls_clock_ms(void)
{
    return ls_clock_ns() / 1000000u;
}

int64_t ls_clock_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
