/* bench/machine/hop.h - the smallest costs of meeting another core: one cache line, one
 * switch. They bound every small collective. Depends on threads and util only. */
#ifndef LS_BENCH_MACHINE_HOP_H
#define LS_BENCH_MACHINE_HOP_H

/* Time for a cache line to travel from one core to another: half of a round trip,
 * seconds. The lower quartile of batches, since a busy machine disturbs many. 0 when
 * this machine has one CPU only. Takes about 10 ms. */
double ls_hop_between_cores(void);

/* Time for one thread to hand a core to another by sched_yield(), seconds. */
double ls_hop_on_one_core(void);

/* CPUs of the machine that are switched on. */
int ls_cpu_count(void);

#endif
