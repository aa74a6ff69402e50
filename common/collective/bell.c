/* common/collective/bell.c - spin, yield, sleep. Depends on Linux futex(2), membarrier(2). */
#include "common/collective/bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/util/clock.h"

enum {
    SPIN_ROUNDS_MIN = 32,      /* polls before the clock is asked at all */
    SPIN_ROUNDS_MASK = 15,     /* then it is asked every so often */
    SPIN_NS_MIN = 1000,
    SPIN_NS_MAX = 30000,       /* some times the cost of waking up: more brings nothing */
    SPIN_NS_CROWDED_MAX = 2000,
    YIELDS_BEFORE_SLEEP = 32,
    YIELD_TAKEN_NS = 2000,     /* a yield that took so long let somebody else run */
    CONTENDED_WAITS = 256,     /* so many waits do not spin after such a yield */
    SLEEP_MAX_US = 50000,      /* with membarrier no ring is missed: only a safety net */
    SLEEP_UNSURE_US = 500,     /* without, the price of a missed ring */
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

static uint32_t spin_max(const struct ls_waiter *waiter)
{
    return waiter->crowded ? SPIN_NS_CROWDED_MAX : SPIN_NS_MAX;
}

void ls_waiter_init(struct ls_waiter *waiter, struct ls_bell *bell, bool crowded)
{
    *waiter = (struct ls_waiter){.bell = bell, .crowded = crowded};
    waiter->spin_ns = spin_max(waiter);
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
    waiter->yields_left = YIELDS_BEFORE_SLEEP;
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
    waiter->seen = atomic_load_explicit(&bell->rings, memory_order_acquire);
}

/* Is it still time to spin? The clock is asked rarely. */
static bool may_spin(struct ls_waiter *waiter)
{
    uint32_t round = waiter->round++;

    if (round < SPIN_ROUNDS_MIN)
        return true;
    if (waiter->yields_left < YIELDS_BEFORE_SLEEP)
        return false;
    if (round == SPIN_ROUNDS_MIN)
        waiter->spin_until_ns = ls_clock_ns() + waiter->spin_ns;
    return (round & SPIN_ROUNDS_MASK) != 0 || ls_clock_ns() < waiter->spin_until_ns;
}

/* Others may want this core without our knowing of them, e.g. the ranks of another node on
 * the same machine. A yield that they take is how we learn it; then spinning only keeps
 * them, and whoever waits for them, from going on. */
static void yield(struct ls_waiter *waiter)
{
    uint64_t begin = ls_clock_ns();

    sched_yield();
    if (ls_clock_ns() - begin < YIELD_TAKEN_NS)
        return;
    waiter->contended = CONTENDED_WAITS;
    waiter->spin_ns = SPIN_NS_MIN;
}

bool ls_waiter_pause(struct ls_waiter *waiter)
{
    if (may_spin(waiter)) {
        cpu_relax();
        return false;
    }
    if (waiter->yields_left == 0)
        return true;
    waiter->yields_left--;
    yield(waiter);
    return false;
}

void ls_waiter_end(struct ls_waiter *waiter)
{
    bool spun_in_vain = waiter->yields_left < YIELDS_BEFORE_SLEEP;

    retract(waiter);
    if (waiter->contended > 0) {
        waiter->contended--;
        return;
    }
    /* Spinning that was not enough was wasted: spin less; success wins it back. */
    if (spun_in_vain && waiter->spin_ns / 2 >= SPIN_NS_MIN)
        waiter->spin_ns /= 2;
    else if (!spun_in_vain && waiter->spin_ns * 2 <= spin_max(waiter))
        waiter->spin_ns *= 2;
}
