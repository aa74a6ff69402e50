/* common/collective/bell.h - how a process waits for another in shared memory.
 *
 * Spin, then yield, then sleep on a futex. The one who changes something that a waiter
 * looks at rings the waiter's bell; ringing costs one load while nobody sleeps, and no
 * fence: a sleeper pays for the ordering with membarrier(2) before it looks a last time.
 * Where the kernel has no membarrier, sleeps are short, so a missed ring costs time and
 * never a hang. Works between processes. Depends on Linux futex(2), membarrier(2). */
#ifndef LS_COMMON_COLLECTIVE_BELL_H
#define LS_COMMON_COLLECTIVE_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In shared memory; zeroed is ready. */
struct ls_bell {
    _Atomic uint32_t rings;
    _Atomic uint32_t sleeping;  /* 1 while the owner sleeps or is about to */
} __attribute__((aligned(64)));

/* Once per process, before it rings or waits: takes part in membarrier(2). */
void ls_bell_prepare(void);

/* After `sleeping` was set: all prepared processes' earlier stores become visible here,
 * or their ring is. True when the kernel guarantees it. */
bool ls_bell_barrier(void);

/* Wake the bell's owner if it sleeps. Call after the store it waits for. */
void ls_bell_wake(struct ls_bell *bell);
static inline void ls_bell_ring(struct ls_bell *bell)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&bell->sleeping, memory_order_relaxed))
        ls_bell_wake(bell);
}

/* The waiting side: one per waiting thread, adapts to how waits went before. */
struct ls_waiter {
    struct ls_bell *bell;
    bool crowded;               /* more busy threads than cores: do not spin long */
    bool announced;             /* `sleeping` is set: the next sleep is a real one */
    uint32_t seen;              /* rings when it was announced */
    uint32_t sleep_us;          /* how long a sleep may last */
    uint32_t round;             /* of the wait under way */
    uint32_t yields_left;       /* before it sleeps */
    uint32_t contended;         /* waits to come in which spinning is no use */
    uint32_t spin_ns;           /* how long to poll before the first yield */
    uint64_t spin_until_ns;
};

void ls_waiter_init(struct ls_waiter *waiter, struct ls_bell *bell, bool crowded);

/* Use as:
 *   ls_waiter_begin(w);
 *   while (!poll())
 *       if (ls_waiter_pause(w))
 *           ls_waiter_sleep(w);
 *   ls_waiter_end(w);
 * pause() spins or yields; true says that this has gone on for long enough to sleep. */
void ls_waiter_begin(struct ls_waiter *waiter);
bool ls_waiter_pause(struct ls_waiter *waiter);
void ls_waiter_sleep(struct ls_waiter *waiter);
void ls_waiter_end(struct ls_waiter *waiter);

#endif
