/* bench/machine/copy.c - see copy.h. */
#include "bench/machine/copy.h"

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "bench/machine/placement.h"
#include "common/util/clock.h"

enum {
    ROUNDS_MAX = 9,
    ROUNDS_MIN = 3,
    ROUND_BYTES = 4 << 20, /* repeat small copies until a round moves this much */
    REPEATS_MAX = 1000,
    STREAM_BYTES_MIN = 256 << 10, /* below, non-temporal stores only lose */
};
static const double BUDGET_SECONDS = 0.15;

typedef void copy_function(void *to, const void *from, size_t bytes);

static void copy_plain(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

/* Stores that bypass the cache, so that `to` is not read first. */
static void copy_stream(void *to, const void *from, size_t bytes)
{
#if defined(__SSE2__)
    size_t blocks = (uintptr_t)to % 16 ? 0 : bytes / 16;

    for (size_t i = 0; i < blocks; i++)
        _mm_stream_si128((__m128i *)to + i, _mm_loadu_si128((const __m128i *)from + i));
    _mm_sfence();
    memcpy((char *)to + blocks * 16, (const char *)from + blocks * 16,
           bytes - blocks * 16);
#else
    memcpy(to, from, bytes);
#endif
}

/* One round on all ranks together; *ret_seconds of one copy on the slowest rank. */
static int copy_round(lockstep_comm *comm, copy_function *copy, void *to,
                      const void *from, size_t bytes, double *ret_seconds,
                      struct ls_error *err)
{
    size_t repeats = bytes ? ROUND_BYTES / bytes : REPEATS_MAX;
    double own;
    uint64_t start;

    repeats = repeats < 1 ? 1 : repeats > REPEATS_MAX ? REPEATS_MAX : repeats;
    if (lockstep_barrier(comm) != LOCKSTEP_OK)
        return ls_exchange_error(err, "barrier");
    start = ls_clock_ns();
    for (size_t i = 0; i < repeats; i++) {
        copy(to, from, bytes);
        __asm__ volatile("" : : "r"(to) : "memory"); /* each copy has to happen */
    }
    own = (double)(ls_clock_ns() - start) * 1e-9 / (double)repeats;
    if (lockstep_allreduce(comm, &own, ret_seconds, 1, LOCKSTEP_FLOAT64,
                           LOCKSTEP_MAX) != LOCKSTEP_OK)
        return ls_exchange_error(err, "allreduce");
    return 0;
}

int ls_copy_limit(lockstep_comm *comm, void *to, const void *from, size_t bytes,
                  double *ret_seconds, struct ls_error *err)
{
    copy_function *const copies[] = {copy_plain, copy_stream};
    int kinds = bytes >= STREAM_BYTES_MIN ? 2 : 1;
    double best = 0;

    for (int kind = 0; kind < kinds; kind++) {
        double spent = 0;

        for (int round = 0; round < ROUNDS_MAX; round++) {
            double seconds = 0;
            int rc = copy_round(comm, copies[kind], to, from, bytes, &seconds, err);

            if (rc < 0)
                return rc;
            if (best == 0 || seconds < best)
                best = seconds;
            spent += seconds;
            if (round + 1 >= ROUNDS_MIN && spent > BUDGET_SECONDS)
                break;
        }
    }
    *ret_seconds = best;
    return 0;
}
