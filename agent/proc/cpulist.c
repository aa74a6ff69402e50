/* agent/proc/cpulist.c - sets of CPUs. Depends on common/util. */
#include "agent/proc/cpulist.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static cpu_set_t *view(struct ls_cpus *cpus)
{
    return (cpu_set_t *)(void *)cpus->bytes;
}

static int parse_number(const char **at, unsigned long *ret_number)
{
    char *end;

    if (!isdigit((unsigned char)**at))
        return -EINVAL;
    errno = 0;
    *ret_number = strtoul(*at, &end, 10);
    *at = end;
    return errno || *ret_number >= LS_CPUS_MAX ? -ERANGE : 0;
}

static int parse_range(const char **at, struct ls_cpus *cpus)
{
    unsigned long first = 0, last;
    int rc = parse_number(at, &first);

    last = first;
    if (rc == 0 && **at == '-') {
        (*at)++;
        rc = parse_number(at, &last);
    }
    if (rc == 0 && last < first)
        rc = -EINVAL;
    for (unsigned long cpu = first; rc == 0 && cpu <= last; cpu++)
        CPU_SET_S(cpu, sizeof(cpus->bytes), view(cpus));
    return rc;
}

int ls_cpus_parse(const char *text, struct ls_cpus *ret_cpus, struct ls_error *err)
{
    struct ls_cpus cpus = {0};
    const char *at = text;
    int rc = 0;

    while (*at && rc == 0) {
        rc = parse_range(&at, &cpus);
        if (rc == 0 && *at && (*at != ',' || !at[1]))
            rc = -EINVAL;
        else if (rc == 0 && *at)
            at++;
    }
    if (rc == -ERANGE)
        return ls_error_set(err, rc, "cpu list '%.80s': over %d", text,
                            LS_CPUS_MAX - 1);
    if (rc < 0)
        return ls_error_set(
            err, rc, "cpu list '%.80s': expected numbers and ranges, as 0-3,8", text);
    *ret_cpus = cpus;
    return 0;
}

int ls_cpus_keep_allowed(struct ls_cpus *cpus, struct ls_error *err)
{
    struct ls_cpus allowed = {0};

    if (sched_getaffinity(0, sizeof(allowed.bytes), view(&allowed)) < 0)
        return ls_error_sys(err, -errno, "cannot read the cores of this process");
    CPU_AND_S(sizeof(cpus->bytes), view(cpus), view(cpus), view(&allowed));
    return CPU_COUNT_S(sizeof(cpus->bytes), view(cpus));
}

int ls_cpus_bind(const struct ls_cpus *cpus)
{
    const cpu_set_t *set = (const cpu_set_t *)(const void *)cpus->bytes;

    return sched_setaffinity(0, sizeof(cpus->bytes), set) < 0 ? -errno : 0;
}
