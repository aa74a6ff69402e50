/* bench/collectives/main.c - lockstep-bench: joins the ranks and goes through the
 * sizes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/collectives/bench.h"
#include "bench/collectives/json.h"
#include "bench/collectives/local.h"
#include "bench/collectives/measure.h"
#include "bench/collectives/mpi.h"
#include "bench/collectives/peer.h"
#include "bench/collectives/table.h"
#include "common/util/mem.h"

/* How the ranks of this run came to be. */
struct joining {
    lockstep_bootstrap bootstrap; /* size 0: a lockstep job, or alone */
    char node[LS_PLACEMENT_TEXT_MAX];
    lockstep_comm *comm;    /* after that */
    struct ls_local *local; /* of a rank that --local started */
    bool mpi;               /* MPI_Init was called */
};

/* "vm", or "vm#1" for the second of the nodes that are emulated on this machine. */
static void name_node(struct joining *joining, int ranks_per_node)
{
    char host[LS_PLACEMENT_TEXT_MAX / 2] = "localhost";

    (void)gethostname(host, sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    if (ranks_per_node > 0)
        snprintf(joining->node, sizeof(joining->node), "%s#%d", host,
                 joining->bootstrap.rank / ranks_per_node);
    else
        snprintf(joining->node, sizeof(joining->node), "%s", host);
    joining->bootstrap.node = joining->node;
}

/* MPI's own path between ranks on one machine is shared memory: no comparison for nodes
 * that are emulated. */
static void warn_of_mpi_shared_memory(const struct ls_bench *bench)
{
    const char *btl = getenv("OMPI_MCA_btl");

    if (bench->rank != 0 || bench->nodes == 1 || !bench->limits.one_machine)
        return;
    if (!btl || strstr(btl, "vader") || strstr(btl, "sm"))
        fprintf(stderr,
                "lockstep-bench: warning: the nodes are emulated on one machine, "
                "where MPI uses shared memory: start mpirun with "
                "--mca btl tcp,self to compare the same network\n");
}

static int open_peer(struct ls_bench *bench, const struct joining *joining,
                     struct ls_error *err)
{
    if (!bench->options->vs_mpi)
        return 0;
    if (!joining->mpi)
        return ls_peer_client_open(bench, &bench->peer, err);
    warn_of_mpi_shared_memory(bench);
    return ls_peer_mpi_open(bench, &bench->peer, err);
}

static int measure_and_print(struct ls_bench *bench, const struct ls_case *c,
                             const struct ls_baseline *baseline, struct ls_rows *rows,
                             FILE *out, struct ls_error *err)
{
    struct ls_row row;
    int rc = ls_measure_case(bench, c, &row, err);

    if (rc < 0)
        return rc;
    if (baseline)
        row.baseline_us = ls_baseline_time(baseline, &row);
    LS_GROW(rows->rows, rows->count, rows->capacity);
    rows->rows[rows->count++] = row;
    if (bench->rank == 0)
        ls_table_row(out, bench, &row);
    return 0;
}

/* All sizes of one type and operation. */
static int measure_sizes(struct ls_bench *bench, struct ls_case *c,
                         const struct ls_baseline *baseline, struct ls_rows *rows,
                         FILE *out, struct ls_error *err)
{
    const struct ls_bench_options *options = bench->options;
    uint64_t bytes = ls_collective_has_data(c->kind) ? options->bytes_min : 0;

    for (;;) {
        int rc;

        c->count = ls_case_count_for(c, bytes);
        rc = measure_and_print(bench, c, baseline, rows, out, err);
        if (rc < 0 || !ls_collective_has_data(c->kind))
            return rc;
        bytes = ls_bench_next_size(options, bytes);
        if (bytes == 0)
            return 0;
    }
}

static int measure_all(struct ls_bench *bench, const struct ls_baseline *baseline,
                       struct ls_rows *rows, FILE *out, struct ls_error *err)
{
    const struct ls_bench_options *options = bench->options;
    unsigned types = ls_collective_has_data(options->kind) ? options->types : 1;
    unsigned ops = ls_collective_reduces(options->kind) ? options->ops : 1;

    for (int type = 0; type < LOCKSTEP_TYPE_COUNT; type++) {
        for (int op = 0; op < LOCKSTEP_OP_COUNT; op++) {
            struct ls_case c = {
                .kind = options->kind,
                .type = (lockstep_type)type,
                .op = (lockstep_op)op,
                .root = options->root,
                .ranks = bench->ranks,
            };
            int rc;

            if (!(types & 1U << type) || !(ops & 1U << op))
                continue;
            rc = measure_sizes(bench, &c, baseline, rows, out, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* Rank 0 writes the files and says whether all is well: 0, or 1 for the exit code. */
static int conclude(const struct ls_bench *bench, const struct ls_rows *rows, FILE *out,
                    struct ls_error *err)
{
    const struct ls_bench_options *options = bench->options;
    size_t regressions = ls_regressions(rows, options->tolerance);
    int rc = 0;

    if (bench->rank != 0)
        return ls_rows_wrong(rows) > 0;
    ls_table_footer(out, bench, rows);
    if (options->json)
        rc = ls_json_write(options->json, bench, rows, err);
    if (rc == 0 && options->csv)
        rc = ls_csv_write(options->csv, rows, err);
    if (rc < 0)
        return rc;
    if (regressions > 0)
        fprintf(stderr,
                "lockstep-bench: %zu of %zu rows are slower than %s by more than "
                "%g %%\n",
                regressions, rows->count, options->baseline, 100 * options->tolerance);
    return regressions > 0 || ls_rows_wrong(rows) > 0;
}

static FILE *table_stream(const struct ls_bench_options *options)
{
    bool taken = (options->json && strcmp(options->json, "-") == 0) ||
                 (options->csv && strcmp(options->csv, "-") == 0);

    return taken ? stderr : stdout;
}

/* The benchmark on an open bench. Returns 0 or 1 (data wrong or regression), or -errno.
 */
static int run_bench(struct ls_bench *bench, struct ls_error *err)
{
    const struct ls_bench_options *options = bench->options;
    FILE *out = table_stream(options);
    struct ls_baseline *baseline = NULL;
    struct ls_rows rows = {0};
    int rc = 0;

    if (ls_collective_has_root(options->kind) && options->root >= bench->ranks)
        return ls_error_set(err, -EINVAL, "-r %d: there are ranks 0 to %d",
                            options->root, bench->ranks - 1);
    if (options->baseline)
        rc = ls_baseline_read(options->baseline, options->kind, bench->ranks,
                              bench->nodes, &baseline, err);
    if (rc < 0)
        return rc;
    if (bench->rank == 0)
        ls_table_header(out, bench);
    rc = measure_all(bench, baseline, &rows, out, err);
    if (rc == 0)
        rc = conclude(bench, &rows, out, err);
    ls_baseline_free(baseline);
    ls_free(rows.rows);
    return rc;
}

/* Join the ranks, run, leave. Returns as run_bench(). */
static int join_and_run(const struct ls_bench_options *options, struct joining *joining,
                        struct ls_error *err)
{
    const char *node = joining->bootstrap.size > 0 ? joining->node : NULL;
    struct ls_bench bench;
    lockstep_status status =
        joining->bootstrap.size > 0
            ? lockstep_init_with(&joining->bootstrap, &joining->comm)
            : lockstep_init(&joining->comm);
    int rc;

    if (status != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot join the other ranks");
    rc = ls_bench_open(&bench, options, joining->comm, node, err);
    if (rc < 0)
        return rc; /* what the communicator holds goes with the process */
    rc = open_peer(&bench, joining, err);
    if (rc == 0)
        rc = run_bench(&bench, err);
    if (bench.peer)
        bench.peer->close(bench.peer);
    ls_bench_close(&bench);
    if (rc >= 0 && lockstep_finalize(joining->comm) != LOCKSTEP_OK)
        rc = ls_exchange_error(err, "cannot leave");
    ls_local_end(joining->local);
    return rc;
}

/* Find out who we are. Returns 0 to go on as a rank, 1 to end with *ret_exit_code. */
static int start_ranks(const struct ls_bench_options *options, struct joining *joining,
                       int *ret_exit_code, struct ls_error *err)
{
    lockstep_bootstrap *bootstrap = &joining->bootstrap;
    int rank, rc;

    if (options->local > 0) {
        rc = ls_local_start(options->local, &joining->local, &rank, ret_exit_code, err);
        if (rc < 0 || rank == LS_LOCAL_PARENT)
            return rc < 0 ? rc : 1;
        *bootstrap = (lockstep_bootstrap){.rank = rank,
                                          .size = options->local,
                                          .allgather = ls_local_allgather,
                                          .context = joining->local};
    } else if (ls_mpi_started_us()) {
        rc = ls_mpi_init(&bootstrap->rank, &bootstrap->size, err);
        if (rc < 0)
            return rc;
        joining->mpi = true;
        bootstrap->allgather = ls_mpi_allgather;
    } else {
        return options->ranks_per_node == 0
                   ? 0
                   : ls_error_set(err, -EINVAL,
                                  "--ranks-per-node is for --local and mpirun only");
    }
    name_node(joining, options->ranks_per_node);
    return 0;
}

static int fail(const struct ls_error *err)
{
    fprintf(stderr, "lockstep-bench: %s\n", err->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct ls_bench_options options;
    static struct joining joining; /* what a failure leaves behind stays reachable */
    struct ls_error err = {0};
    int exit_code = 0, rc;

    switch (ls_bench_options_read(argc, argv, &options, &err)) {
    case LS_OPTIONS_HELP:
        fputs(ls_bench_usage(), stdout);
        return 0;
    case LS_OPTIONS_BAD:
        fail(&err);
        return 2;
    case LS_OPTIONS_RUN:
        break;
    }
    if (options.peer_server) {
        rc = ls_peer_server_run(options.peer_server, &err);
        return rc < 0 ? fail(&err) : 0;
    }
    rc = start_ranks(&options, &joining, &exit_code, &err);
    if (rc == 1)
        return exit_code;
    if (rc == 0)
        rc = join_and_run(&options, &joining, &err);
    if (rc < 0)
        exit_code = fail(&err);
    if (rc < 0 && joining.mpi)
        ls_mpi_abort();
    if (joining.mpi)
        ls_mpi_finalize();
    return rc == 0 ? exit_code : 1;
}
