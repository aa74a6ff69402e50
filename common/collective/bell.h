/* common/collective/bell.h - how a process waits for another in shared memory.
 *
 * Spin, then yield, then sleep on a futex. The one who changes something that a waiter
 * looks at rings the waiter's bell; ringing costs one load while nobody sleeps. The sleep
 * is bounded (LS_BELL_SLEEP_MAX_US), so a missed ring costs time and never a hang.
 * Works between processes. Depends on Linux futex(2) only. */
#ifndef LS_COMMON_COLLECTIVE_BELL_H
#define LS_COMMON_COLLECTIVE_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LS_BELL_SLEEP_MAX_US = 2000 };

/* In shared memory; zeroed is ready. */
struct ls_bell {
    _Atomic uint32_t rings;
    _Atomic uint32_t sleeping;  /* 1 while the owner sleeps or is about to */
} __attribute__((aligned(64)));

/* Wake the bell's owner if it sleeps. Call after the store it waits for. */
void ls_bell_ring(struct ls_bell *bell);

/* The waiting side: one per waiting thread, adapts to how waits went before. */
struct ls_waiter {
    struct ls_bell *bell;
    uint32_t spin_limit;        /* rounds of polling before the first yield */
    uint32_t round;             /* of the wait under way */
    uint64_t sleeps, yields;    /* counters since the start */
};

/* `crowded`: more busy threads than cores, so do not spin long. */
void ls_waiter_init(struct ls_waiter *waiter, struct ls_bell *bell, bool crowded);

/* Use as:
 *   ls_waiter_begin(w);
 *   while (!(moved = poll())) ls_waiter_pause(w, may_sleep);
 *   ls_waiter_end(w);
 * pause() spins, yields or sleeps depending on how long the wait has lasted. With
 * `may_sleep` false (something must be polled) it never sleeps. */
void ls_waiter_begin(struct ls_waiter *waiter);
void ls_waiter_pause(struct ls_waiter *waiter, bool may_sleep);
void ls_waiter_end(struct ls_waiter *waiter);

#endif
