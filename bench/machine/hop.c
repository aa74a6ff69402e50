/* bench/machine/hop.c - see hop.h. Two pinned threads play ping-pong with one word. */
#include "bench/machine/hop.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/clock.h"

enum { BATCHES = 60, ROUND_TRIPS = 200, BUDGET_MS = 300 };

struct game {
    _Atomic unsigned ball __attribute__((aligned(128))); /* odd: the partner's turn */
    _Atomic bool over __attribute__((aligned(128)));
    bool yield;
    int partner_cpu;
};

static void pin(int cpu)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    (void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void pause_a_little(bool yield)
{
    if (yield) {
        sched_yield();
        return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void *partner(void *argument)
{
    struct game *game = argument;

    pin(game->partner_cpu);
    while (!atomic_load_explicit(&game->over, memory_order_relaxed)) {
        unsigned ball = atomic_load_explicit(&game->ball, memory_order_acquire);

        if (ball & 1)
            atomic_store_explicit(&game->ball, ball + 1, memory_order_release);
        else
            pause_a_little(game->yield);
    }
    return NULL;
}

static double batch(struct game *game)
{
    unsigned ball = atomic_load(&game->ball);
    uint64_t start = ls_clock_ns();

    for (int i = 0; i < ROUND_TRIPS; i++) {
        atomic_store_explicit(&game->ball, ball + 1, memory_order_release);
        ball += 2;
        while (atomic_load_explicit(&game->ball, memory_order_acquire) != ball)
            pause_a_little(game->yield);
    }
    return (double)(ls_clock_ns() - start) * 1e-9 / (2.0 * ROUND_TRIPS);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double ping_pong(int cpu, int partner_cpu)
{
    struct game game = {.yield = cpu == partner_cpu, .partner_cpu = partner_cpu};
    uint64_t end_ms = ls_clock_ms() + BUDGET_MS;
    double seconds[BATCHES];
    int count = 0;
    cpu_set_t before;
    pthread_t thread;

    if (sched_getaffinity(0, sizeof(before), &before) < 0 ||
        pthread_create(&thread, NULL, partner, &game) != 0)
        return 0;
    pin(cpu);
    (void)batch(&game);
    do {
        seconds[count++] = batch(&game);
    } while (count < BATCHES && ls_clock_ms() < end_ms);
    atomic_store(&game.over, true);
    pthread_join(thread, NULL);
    (void)sched_setaffinity(0, sizeof(before), &before);
    qsort(seconds, (size_t)count, sizeof(seconds[0]), by_value);
    return seconds[count / 4];
}

int ls_cpu_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count > 0 ? (int)count : 1;
}

double ls_hop_between_cores(void)
{
    return ls_cpu_count() > 1 ? ping_pong(0, 1) : 0;
}

double ls_hop_on_one_core(void)
{
    return ping_pong(0, 0);
}
