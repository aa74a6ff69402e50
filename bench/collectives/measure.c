/* bench/collectives/measure.c - see measure.h.
 *
 * A batch is a number of operations one after another, started together; its time per
 * operation on each rank is combined over the ranks (-a). The time reported is the
 * median of the batches, which are repeated until the time budget is used up. All ranks
 * compute with the same combined times, so that they agree on when to stop without
 * asking. */
#include "bench/collectives/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/collectives/limit.h"
#include "bench/collectives/mpi.h"
#include "bench/collectives/pattern.h"
#include "bench/collectives/peer.h"
#include "common/util/clock.h"

enum {
    BATCHES_MIN = 3,
    BATCHES_MAX = 300,
    ITERATIONS_MAX = 2000,
    SAMPLES_MIN = 5,
    SAMPLES_MAX = 1000,
};
static const double BATCH_SECONDS = 2e-3;
static const double SAMPLES_BUDGET_SHARE = 0.3;

/* A case with its buffers. */
struct job {
    struct ls_bench *bench;
    const struct ls_case *c;
    const void *in;
    void *out;
};

struct series {
    double seconds[BATCHES_MAX];
    unsigned count;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double ls_percentile(const double *sorted, size_t count, double share)
{
    size_t at = (size_t)(share * (double)count);

    return sorted[at < count ? at : count - 1];
}

static double median(struct series *series)
{
    if (series->count == 0)
        return 0;
    qsort(series->seconds, series->count, sizeof(double), by_value);
    return ls_percentile(series->seconds, series->count, 0.5);
}

static int run_error(const struct job *job, struct ls_error *err)
{
    return ls_exchange_error(err, ls_collective_name(job->c->kind));
}

static int barrier(const struct job *job, struct ls_error *err)
{
    if (lockstep_barrier(job->bench->comm) != LOCKSTEP_OK)
        return ls_exchange_error(err, "barrier");
    return 0;
}

static int our_batch(const struct job *job, unsigned iterations, double *ret_seconds,
                     struct ls_error *err)
{
    lockstep_comm *comm = job->bench->comm;
    lockstep_status status = LOCKSTEP_OK;
    uint64_t start_ns;
    int rc = barrier(job, err);

    if (rc < 0)
        return rc;
    start_ns = ls_clock_ns();
    for (unsigned i = 0; i < iterations && status == LOCKSTEP_OK; i++)
        status = ls_case_run(job->c, comm, job->in, job->out);
    if (status != LOCKSTEP_OK)
        return run_error(job, err);
    return ls_bench_combine(job->bench,
                            (double)(ls_clock_ns() - start_ns) * 1e-9 / iterations,
                            ret_seconds, err);
}

static int peer_batch(const struct job *job, unsigned iterations, double *ret_seconds,
                      struct ls_error *err)
{
    struct ls_peer *peer = job->bench->peer;

    return peer->time(peer, job->bench, job->c, iterations, ret_seconds, err);
}

typedef int batch_function(const struct job *job, unsigned iterations,
                           double *ret_seconds, struct ls_error *err);

/* Warm up, and find how many operations make a batch. */
static int warm_up(const struct job *job, batch_function *batch,
                   unsigned *ret_iterations, struct ls_error *err)
{
    const struct ls_bench_options *options = job->bench->options;
    unsigned iterations = options->warmup > 0 ? options->warmup : 1;

    for (int round = 0; round < 3; round++) {
        double seconds = 0, wanted;
        int rc = batch(job, iterations, &seconds, err);

        if (rc < 0)
            return rc;
        wanted = BATCH_SECONDS / (seconds > 1e-9 ? seconds : 1e-9);
        iterations = wanted < 1                ? 1
                     : wanted > ITERATIONS_MAX ? ITERATIONS_MAX
                                               : (unsigned)wanted;
        if (options->iterations > 0)
            iterations = options->iterations;
        if (iterations == 1)
            break;
    }
    *ret_iterations = iterations;
    return 0;
}

/* Batches until `budget_s` is used up; with `mpi` != NULL the peer's in turn. Ours
 * comes second, so that what lies in the output at the end is ours. */
static int run_batches(const struct job *job, double budget_s, struct series *ours,
                       struct series *mpi, struct ls_error *err)
{
    unsigned iterations, mpi_iterations = 0;
    double spent_s = 0;
    int rc = mpi ? warm_up(job, peer_batch, &mpi_iterations, err) : 0;

    if (rc == 0)
        rc = warm_up(job, our_batch, &iterations, err);
    if (rc < 0)
        return rc;
    if (mpi)
        budget_s *= 2;
    while (ours->count < BATCHES_MAX &&
           (ours->count < BATCHES_MIN || spent_s < budget_s)) {
        double *seconds = &ours->seconds[ours->count];

        if (mpi) {
            rc = peer_batch(job, mpi_iterations, &mpi->seconds[mpi->count], err);
            if (rc < 0)
                return rc;
            spent_s += mpi->seconds[mpi->count++] * mpi_iterations;
        }
        rc = our_batch(job, iterations, seconds, err);
        if (rc < 0)
            return rc;
        spent_s += *seconds * iterations;
        ours->count++;
    }
    return 0;
}

/* Time operations one by one; p50 and p99 of the rank where they are worst. */
static int run_samples(const struct job *job, double typical_s,
                       double ret_percentiles[2], struct ls_error *err)
{
    struct ls_bench *bench = job->bench;
    double wanted = bench->options->budget_s * SAMPLES_BUDGET_SHARE / typical_s;
    unsigned count = wanted < SAMPLES_MIN   ? SAMPLES_MIN
                     : wanted > SAMPLES_MAX ? SAMPLES_MAX
                                            : (unsigned)wanted;
    double seconds[SAMPLES_MAX], own[2];
    int rc = barrier(job, err);

    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < count; i++) {
        uint64_t start_ns = ls_clock_ns();

        if (ls_case_run(job->c, bench->comm, job->in, job->out) != LOCKSTEP_OK)
            return run_error(job, err);
        seconds[i] = (double)(ls_clock_ns() - start_ns) * 1e-9;
    }
    qsort(seconds, count, sizeof(seconds[0]), by_value);
    own[0] = ls_percentile(seconds, count, 0.50);
    own[1] = ls_percentile(seconds, count, 0.99);
    if (lockstep_allreduce(bench->comm, own, ret_percentiles, 2, LOCKSTEP_FLOAT64,
                           LOCKSTEP_MAX) != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot gather the percentiles");
    return 0;
}

/* Fill the input, and spoil an output of its own. */
static void prepare(const struct job *job)
{
    size_t out_bytes = ls_case_out_count(job->c) * lockstep_type_size(job->c->type);

    if (!ls_collective_has_data(job->c->kind))
        return;
    if (!ls_collective_has_two_places(job->c->kind)) {
        ls_pattern_fill_input(job->c, job->bench->rank, job->out);
        return;
    }
    /* Spoil first: in place the input is a part of the output or the other way round.
     */
    memset(job->out, 0xa5, out_bytes);
    ls_pattern_fill_input(job->c, job->bench->rank, (void *)job->in);
}

/* Compare the output on all ranks; *wrong += what differs. */
static int check_output(const struct job *job, const char *when, int64_t *wrong,
                        struct ls_error *err)
{
    struct ls_bench *bench = job->bench;
    uint64_t first = 0;
    int64_t own =
        (int64_t)ls_pattern_check_output(job->c, bench->rank, job->out, &first);
    int64_t all;

    if (own > 0)
        fprintf(
            stderr,
            "lockstep-bench: rank %d: %s of %llu %s %s: %lld wrong elements %s, the "
            "first at %llu\n",
            bench->rank, ls_collective_name(job->c->kind),
            (unsigned long long)job->c->count, lockstep_type_name(job->c->type),
            lockstep_op_name(job->c->op), (long long)own, when,
            (unsigned long long)first);
    if (lockstep_allreduce(bench->comm, &own, &all, 1, LOCKSTEP_INT64, LOCKSTEP_SUM) !=
        LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot gather the checks");
    *wrong += all;
    return 0;
}

/* One operation on fresh data. */
static int run_checked(const struct job *job, const char *when, int64_t *wrong,
                       struct ls_error *err)
{
    int rc;

    prepare(job);
    rc = barrier(job, err);
    if (rc < 0)
        return rc;
    if (ls_case_run(job->c, job->bench->comm, job->in, job->out) != LOCKSTEP_OK)
        return run_error(job, err);
    return check_output(job, when, wrong, err);
}

static bool checks(const struct job *job)
{
    return job->bench->options->check && ls_collective_has_data(job->c->kind);
}

static void fill_timing(const struct ls_row *row, double seconds,
                        struct ls_timing *timing)
{
    timing->time_us = seconds * 1e6;
    timing->algbw = seconds > 0 ? (double)row->bytes / seconds / 1e9 : 0;
    timing->busbw = timing->algbw * ls_case_bus_factor(&row->c);
}

static int measure_out_of_place(struct ls_bench *bench, struct ls_row *row,
                                struct ls_error *err)
{
    struct job job = {bench, &row->c, bench->first, bench->second};
    struct series ours = {.count = 0}, mpi = {.count = 0};
    bool compares = bench->peer && ls_mpi_supports(&row->c);
    double percentiles[2] = {0}, seconds;
    int rc;

    row->out_of_place.wrong = checks(&job) ? 0 : -1;
    prepare(&job);
    rc = checks(&job)
             ? run_checked(&job, "before the timing", &row->out_of_place.wrong, err)
             : 0;
    if (rc == 0)
        rc = run_batches(&job, bench->options->budget_s, &ours, compares ? &mpi : NULL,
                         err);
    if (rc < 0)
        return rc;
    seconds = median(&ours);
    rc = run_samples(&job, seconds > 1e-9 ? seconds : 1e-9, percentiles, err);
    if (rc == 0 && checks(&job))
        rc = check_output(&job, "after the timing", &row->out_of_place.wrong, err);
    if (rc < 0)
        return rc;
    fill_timing(row, seconds, &row->out_of_place);
    row->p50_us = percentiles[0] * 1e6;
    row->p99_us = percentiles[1] * 1e6;
    row->mpi_us = median(&mpi) * 1e6;
    return 0;
}

/* In place a reduction's result is the next one's input: zeros stay what they are. */
static int measure_in_place(struct ls_bench *bench, struct ls_row *row,
                            struct ls_error *err)
{
    struct job job = {.bench = bench, .c = &row->c};
    struct series ours = {.count = 0};
    int rc;

    ls_case_in_place(&row->c, bench->rank, bench->first, &job.in, &job.out);
    memset(bench->first, 0, row->bytes);
    row->in_place.wrong = checks(&job) ? 0 : -1;
    rc = run_batches(&job, bench->options->budget_s / 2, &ours, NULL, err);
    if (rc < 0)
        return rc;
    fill_timing(row, median(&ours), &row->in_place);
    return checks(&job) ? run_checked(&job, "in place", &row->in_place.wrong, err) : 0;
}

int ls_measure_case(struct ls_bench *bench, const struct ls_case *c,
                    struct ls_row *ret_row, struct ls_error *err)
{
    struct ls_row row = {.c = *c, .bytes = ls_case_bytes(c), .in_place.wrong = -1};
    double limit_s = 0;
    int rc = ls_limit_of_case(bench, c, &limit_s, err);

    if (rc < 0)
        return rc;
    row.limit_us = limit_s * 1e6;
    rc = measure_out_of_place(bench, &row, err);
    if (rc == 0 && ls_collective_has_two_places(c->kind))
        rc = measure_in_place(bench, &row, err);
    if (rc < 0)
        return rc;
    *ret_row = row;
    return 0;
}
