/* bench/collectives/limit.c - see limit.h. */
#include "bench/collectives/limit.h"

#include "bench/machine/copy.h"

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The time for news to reach everybody. */
static double latency_limit(const struct ls_bench *bench)
{
    const struct ls_machine_limits *limits = &bench->limits;
    int rounds = (bench->ranks - 1) / limits->cores; /* ranks that wait for a core */
    double meet = bench->nodes > 1 ? limits->tcp_latency_s : limits->hop_s;

    return bench->ranks == 1 ? 0 : larger(meet, rounds * limits->switch_s);
}

int ls_limit_of_case(struct ls_bench *bench, const struct ls_case *c,
                     double *ret_seconds, struct ls_error *err)
{
    const struct ls_machine_limits *limits = &bench->limits;
    size_t bytes = (size_t)(ls_case_memory_traffic(c) / (2.0 * bench->ranks));
    double seconds = 0, wire = 0;
    int rc;

    *ret_seconds = 0;
    if (!limits->one_machine)
        return 0;
    if (bytes > 0) {
        rc = ls_copy_limit(bench->comm, bench->second, bench->first, bytes, &seconds,
                           err);
        if (rc < 0)
            return rc;
    }
    if (limits->tcp && bytes > 0) {
        double per_node = ls_case_wire_traffic(c, bench->nodes) / bench->nodes;

        rc = ls_tcp_exchange(limits->tcp, (size_t)per_node, &wire, err);
        if (rc < 0)
            return rc;
    }
    *ret_seconds = larger(larger(seconds, wire), latency_limit(bench));
    return 0;
}
