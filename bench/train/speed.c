/* bench/train/speed.c - see speed.h. */
#include "bench/train/speed.h"

#include <stdlib.h>
#include <string.h>

#include "bench/machine/copy.h"
#include "bench/machine/tcp.h"
#include "common/util/clock.h"

enum { ROUNDS = 15 };

double ls_bus_bytes(const lockstep_comm *comm, double bytes)
{
    double ranks = lockstep_size(comm);

    return bytes * 2 * (ranks - 1) / ranks;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Median time of one step's exchange, of the slowest rank. */
static int time_alone(lockstep_comm *comm, float *values, size_t count,
                      double *ret_seconds, struct ls_error *err)
{
    double own[ROUNDS], slowest[ROUNDS];

    memset(values, 0, count * sizeof(*values));
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start_ns;

        if (lockstep_barrier(comm) != LOCKSTEP_OK)
            return ls_exchange_error(err, "barrier");
        start_ns = ls_clock_ns();
        if (lockstep_allreduce(comm, values, values, count, LOCKSTEP_FLOAT32,
                               LOCKSTEP_AVG) != LOCKSTEP_OK)
            return ls_exchange_error(err, "allreduce");
        own[round] = (double)(ls_clock_ns() - start_ns) * 1e-9;
    }
    if (lockstep_allreduce(comm, own, slowest, ROUNDS, LOCKSTEP_FLOAT64,
                           LOCKSTEP_MAX) != LOCKSTEP_OK)
        return ls_exchange_error(err, "allreduce");
    qsort(slowest, ROUNDS, sizeof(slowest[0]), by_value);
    *ret_seconds = slowest[ROUNDS / 2];
    return 0;
}

/* An all-reduce reads and writes every rank's buffer at least once: the time of copying
 * it. */
static int time_copy(lockstep_comm *comm, float *values, size_t bytes,
                     double *ret_seconds, struct ls_error *err)
{
    void *copy = lockstep_alloc(comm, bytes);
    int rc;

    if (!copy)
        return ls_exchange_error(err, "cannot get memory");
    rc = ls_copy_limit(comm, copy, values, bytes, ret_seconds, err);
    lockstep_free(comm, copy);
    return rc;
}

/* Between N nodes 2 (N - 1) buffers cross the network, of which each node sends its
 * part. */
static int time_network(lockstep_comm *comm, size_t bytes, double *ret_seconds,
                        struct ls_error *err)
{
    size_t nodes = (size_t)lockstep_node_count(comm);
    struct ls_tcp_ring *ring;
    int rc = ls_tcp_open(comm, &ring, err);

    if (rc < 0)
        return rc;
    rc = ls_tcp_exchange(ring, 2 * (nodes - 1) * bytes / nodes, ret_seconds, err);
    ls_tcp_close(ring);
    return rc;
}

/* The larger of both. */
static int time_limit(lockstep_comm *comm, float *values, size_t bytes,
                      double *ret_seconds, const char **ret_name, struct ls_error *err)
{
    double network = 0;
    int rc = time_copy(comm, values, bytes, ret_seconds, err);

    *ret_name = "memory copy";
    if (rc < 0 || lockstep_node_count(comm) == 1)
        return rc;
    rc = time_network(comm, bytes, &network, err);
    if (rc == 0 && network > *ret_seconds) {
        *ret_seconds = network;
        *ret_name = "TCP";
    }
    return rc;
}

int ls_exchange_speed(struct ls_gradients *gradients, size_t parameter_count,
                      const struct ls_placement *placement,
                      struct ls_exchange_speed *ret_speed, struct ls_error *err)
{
    lockstep_comm *comm = gradients->comm;
    size_t bytes = parameter_count * sizeof(float);
    struct ls_exchange_speed speed = {.limit_name = ""};
    double seconds = 0;
    int rc = time_alone(comm, gradients->values, parameter_count, &seconds, err);

    if (rc < 0)
        return rc;
    speed.alone_bus_bytes_per_s = ls_bus_bytes(comm, (double)bytes) / seconds;
    if (ls_placement_one_machine(placement, lockstep_size(comm))) {
        rc = time_limit(comm, gradients->values, bytes, &seconds, &speed.limit_name,
                        err);
        if (rc < 0)
            return rc;
        speed.limit_bus_bytes_per_s = ls_bus_bytes(comm, (double)bytes) / seconds;
    }
    *ret_speed = speed;
    return 0;
}
