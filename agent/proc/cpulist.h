/* agent/proc/cpulist.h - "0-13,56-69" <-> a set of CPUs. Depends on common/util. */
#ifndef LS_AGENT_PROC_CPULIST_H
#define LS_AGENT_PROC_CPULIST_H

#include <sched.h>

#include "common/util/error.h"

enum { LS_CPUS_MAX = 8192 };

/* Room for LS_CPUS_MAX CPUs; glibc's cpu_set_t ends at 1024. */
struct ls_cpus {
    unsigned char bytes[LS_CPUS_MAX / 8] __attribute__((aligned(sizeof(long))));
};

/* -EINVAL for what is no cpu list, -ERANGE over LS_CPUS_MAX. "" is the empty set. */
int ls_cpus_parse(const char *text, struct ls_cpus *ret_cpus, struct ls_error *err);

/* How many of them this process may run on; takes the others out. -errno. */
int ls_cpus_keep_allowed(struct ls_cpus *cpus, struct ls_error *err);

/* Bind the calling thread. Safe between fork and exec. 0 or -errno. */
int ls_cpus_bind(const struct ls_cpus *cpus);

#endif
