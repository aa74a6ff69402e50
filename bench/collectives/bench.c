/* bench/collectives/bench.c - see bench.h. */
#include "bench/collectives/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/machine/hop.h"
#include "common/util/mem.h"

enum { NAP_US = 300, PAGE_BYTES = 4096, TCP_BYTES = 4 << 20 };

int ls_bench_combine(struct ls_bench *bench, double own, double *ret_all,
                     struct ls_error *err)
{
    const double *each = bench->gathered;
    double sum = 0, least, most;

    if (lockstep_allgather(bench->comm, &own, bench->gathered, 1, LOCKSTEP_FLOAT64) !=
        LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot gather the times");
    least = most = each[0];
    for (int rank = 0; rank < bench->ranks; rank++) {
        sum += each[rank];
        least = each[rank] < least ? each[rank] : least;
        most = each[rank] > most ? each[rank] : most;
    }
    switch (bench->options->average) {
    case LS_AVERAGE_RANK0:
        *ret_all = each[0];
        break;
    case LS_AVERAGE_MEAN:
        *ret_all = sum / bench->ranks;
        break;
    case LS_AVERAGE_MIN:
        *ret_all = least;
        break;
    case LS_AVERAGE_MAX:
        *ret_all = most;
        break;
    }
    return 0;
}

int ls_bench_wait_quietly(struct ls_bench *bench, struct ls_error *err)
{
    lockstep_request *request = NULL;
    lockstep_status status = lockstep_barrier_start(bench->comm, &request);

    if (status != LOCKSTEP_OK)
        return ls_exchange_error(err, "barrier");
    while ((status = lockstep_test(bench->comm, request)) == LOCKSTEP_IN_PROGRESS)
        usleep(NAP_US);
    return status == LOCKSTEP_OK ? 0 : ls_exchange_error(err, "barrier");
}

int ls_bench_share(struct ls_bench *bench, double *number, struct ls_error *err)
{
    if (lockstep_broadcast(bench->comm, number, 1, LOCKSTEP_FLOAT64, 0) != LOCKSTEP_OK)
        return ls_exchange_error(err, "broadcast");
    return 0;
}

static char *take_buffer(struct ls_bench *bench, struct ls_error *err)
{
    void *memory = NULL;

    if (bench->options->shared_memory) {
        memory = lockstep_alloc(bench->comm, bench->buffer_bytes);
        if (!memory)
            ls_exchange_error(err,
                              "cannot get a buffer of the largest size (a lower -e or "
                              "--memory malloc may help)");
    } else if (posix_memalign(&memory, PAGE_BYTES, bench->buffer_bytes) != 0) {
        ls_error_set(err, -ENOMEM,
                     "cannot get a buffer of the largest size: no memory");
        memory = NULL;
    }
    if (memory)
        memset(memory, 0, bench->buffer_bytes); /* the pages are there from now on */
    return memory;
}

static void give_buffer(struct ls_bench *bench, char *buffer)
{
    if (bench->options->shared_memory)
        lockstep_free(bench->comm, buffer);
    else
        free(buffer);
}

/* Rank 0 measures while the others sleep, so that it has the cores. */
static int measure_hops(struct ls_bench *bench, struct ls_error *err)
{
    struct ls_machine_limits *limits = &bench->limits;
    int rc;

    if (bench->rank == 0) {
        limits->hop_s = ls_hop_between_cores();
        limits->switch_s = ls_hop_on_one_core();
    }
    rc = ls_bench_wait_quietly(bench, err);
    if (rc == 0)
        rc = ls_bench_share(bench, &limits->hop_s, err);
    if (rc == 0)
        rc = ls_bench_share(bench, &limits->switch_s, err);
    return rc;
}

static int measure_tcp(struct ls_bench *bench, struct ls_error *err)
{
    struct ls_machine_limits *limits = &bench->limits;
    double seconds = 0;
    int rc = ls_tcp_open(bench->comm, &limits->tcp, err);

    if (rc == 0)
        rc = ls_tcp_exchange(limits->tcp, 1, &limits->tcp_latency_s, err);
    if (rc == 0)
        rc = ls_tcp_exchange(limits->tcp, TCP_BYTES, &seconds, err);
    if (rc == 0)
        limits->tcp_bytes_per_s = (double)TCP_BYTES * bench->nodes / seconds;
    return rc;
}

static int measure_limits(struct ls_bench *bench, struct ls_error *err)
{
    struct ls_machine_limits *limits = &bench->limits;
    int rc = measure_hops(bench, err);

    limits->cores = ls_cpu_count();
    limits->one_machine = ls_placement_one_machine(bench->placement, bench->ranks);
    if (rc == 0 && limits->one_machine && bench->nodes > 1)
        rc = measure_tcp(bench, err);
    return rc;
}

int ls_bench_open(struct ls_bench *bench, const struct ls_bench_options *options,
                  lockstep_comm *comm, const char *node, struct ls_error *err)
{
    struct ls_placement place;
    int rc;

    *bench = (struct ls_bench){
        .options = options,
        .comm = comm,
        .rank = lockstep_rank(comm),
        .ranks = lockstep_size(comm),
        .nodes = lockstep_node_count(comm),
        .buffer_bytes =
            options->bytes_max < PAGE_BYTES ? PAGE_BYTES : options->bytes_max,
    };
    bench->gathered = ls_calloc((size_t)bench->ranks, 2 * sizeof(double));
    bench->first = take_buffer(bench, err);
    bench->second = bench->first ? take_buffer(bench, err) : NULL;
    rc = bench->second ? 0 : err->code;
    if (rc == 0) {
        ls_placement_read(node, &place);
        rc = ls_placement_gather(comm, &place, &bench->placement, err);
    }
    if (rc == 0)
        rc = measure_limits(bench, err);
    if (rc < 0)
        ls_bench_close(bench);
    return rc;
}

void ls_bench_close(struct ls_bench *bench)
{
    if (bench->first)
        give_buffer(bench, bench->first);
    if (bench->second)
        give_buffer(bench, bench->second);
    ls_tcp_close(bench->limits.tcp);
    ls_free(bench->placement);
    ls_free(bench->gathered);
    memset(bench, 0, sizeof(*bench));
}
