/* common/collective/bell.c - spin, yield, sleep. Depends on Linux futex(2), membarrier(2). */
#include "common/collective/bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SPIN_MIN = 16,           /* polls before the first yield, at least */
    SPIN_MAX = 20000,        /* some 100 us of polling */
    SPIN_CROWDED_MAX = 64,
    YIELDS_BEFORE_SLEEP = 64,
    SLEEP_MAX_US = 50000,    /* with membarrier no ring is missed: only a safety net */
    SLEEP_UNSURE_US = 500,   /* without, the price of a missed ring */
};

static void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

static void futex(_Atomic uint32_t *word, int operation, uint32_t value,
                  const struct timespec *timeout)
{
    /* Any outcome is fine: the caller looks again. */
    (void)syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static bool has_membarrier;

void ls_bell_prepare(void)
{
    has_membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0,
                             0) == 0;
}

bool ls_bell_barrier(void)
{
    return has_membarrier &&
           syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

void ls_bell_wake(struct ls_bell *bell)
{
    atomic_fetch_add_explicit(&bell->rings, 1, memory_order_release);
    futex(&bell->rings, FUTEX_WAKE, INT_MAX, NULL);
}

void ls_waiter_init(struct ls_waiter *waiter, struct ls_bell *bell, bool crowded)
{
    *waiter = (struct ls_waiter){
        .bell = bell,
        .crowded = crowded,
        .spin_limit = crowded ? SPIN_MIN : SPIN_MAX,
    };
}

static void retract(struct ls_waiter *waiter)
{
    if (!waiter->announced)
        return;
    atomic_store_explicit(&waiter->bell->sleeping, 0, memory_order_relaxed);
    waiter->announced = false;
}

void ls_waiter_begin(struct ls_waiter *waiter)
{
    retract(waiter);
    waiter->round = 0;
}

/* First announce, so that the caller polls once more; then really sleep. */
void ls_waiter_sleep(struct ls_waiter *waiter)
{
    struct ls_bell *bell = waiter->bell;
    struct timespec limit = {.tv_nsec = waiter->sleep_us * 1000L};

    if (!waiter->announced) {
        waiter->seen = atomic_load_explicit(&bell->rings, memory_order_acquire);
        atomic_store_explicit(&bell->sleeping, 1, memory_order_seq_cst);
        waiter->sleep_us = ls_bell_barrier() ? SLEEP_MAX_US : SLEEP_UNSURE_US;
        waiter->announced = true;
        return;
    }
    futex(&bell->rings, FUTEX_WAIT, waiter->seen, &limit);
    waiter->sleeps++;
    waiter->seen = atomic_load_explicit(&bell->rings, memory_order_acquire);
}

bool ls_waiter_pause(struct ls_waiter *waiter)
{
    uint32_t round = waiter->round++;

    if (round < waiter->spin_limit) {
        cpu_relax();
        return false;
    }
    if (round < waiter->spin_limit + YIELDS_BEFORE_SLEEP) {
        sched_yield();
        waiter->yields++;
        return false;
    }
    return true;
}

void ls_waiter_end(struct ls_waiter *waiter)
{
    uint32_t most = waiter->crowded ? SPIN_CROWDED_MAX : SPIN_MAX;

    retract(waiter);
    /* Spinning that was not enough was wasted: spin less; success wins it back. */
    if (waiter->round > waiter->spin_limit)
        waiter->spin_limit = waiter->spin_limit / 2 < SPIN_MIN ? SPIN_MIN
                                                               : waiter->spin_limit / 2;
    else if (waiter->spin_limit < most)
        waiter->spin_limit = waiter->spin_limit * 2 > most ? most : waiter->spin_limit * 2;
}
