/* bench/collectives/table.c - see table.h. */
#include "bench/collectives/table.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bench/collectives/peer.h"

static const char *const AVERAGES[] = {"rank 0", "mean of the ranks", "fastest rank",
                                       "slowest rank"};

static void print_settings(FILE *out, const struct ls_bench_options *options)
{
    fprintf(out, "# lockstep-bench %s minBytes %" PRIu64 " maxBytes %" PRIu64,
            ls_collective_name(options->kind), options->bytes_min, options->bytes_max);
    if (options->step_bytes > 0)
        fprintf(out, " step: %" PRIu64 "(bytes)", options->step_bytes);
    else
        fprintf(out, " step: %" PRIu64 "(factor)", options->step_factor);
    fprintf(out, " warmup iters: %u", options->warmup);
    if (options->iterations > 0)
        fprintf(out, " iters: %u", options->iterations);
    else
        fprintf(out, " iters: by time");
    fprintf(out, " validation: %d\n", options->check);
    fprintf(
        out,
        "# time: median of batches over %g s, %s; p50, p99: single operations, slowest "
        "rank\n# buffers: %s\n",
        options->budget_s, AVERAGES[options->average],
        options->shared_memory ? "lockstep_alloc" : "malloc");
}

static void print_ranks(FILE *out, const struct ls_bench *bench)
{
    fprintf(out, "#\n# %d ranks on %d node%s\n", bench->ranks, bench->nodes,
            bench->nodes == 1 ? "" : "s");
    for (int rank = 0; rank < bench->ranks; rank++) {
        const struct ls_placement *place = &bench->placement[rank];

        fprintf(out, "#  Rank %2d Pid %6d on %10s", rank, (int)place->pid, place->node);
        if (place->gpus[0])
            fprintf(out, " GPU %s", place->gpus);
        if (place->nic[0])
            fprintf(out, " NIC %s", place->nic);
        fprintf(out, " cores %s\n", place->cores);
    }
}

static void print_limits(FILE *out, const struct ls_bench *bench)
{
    const struct ls_machine_limits *limits = &bench->limits;

    fprintf(out, "#\n");
    if (!limits->one_machine) {
        fprintf(out, "# limit: not known, the ranks are on several machines\n");
        return;
    }
    fprintf(out, "# machine: %d cores; a cache line core to core ", limits->cores);
    if (limits->hop_s > 0)
        fprintf(out, "%.0f ns", limits->hop_s * 1e9);
    else
        fprintf(out, "(one core)");
    fprintf(out, ", thread to thread on a core %.0f ns\n", limits->switch_s * 1e9);
    if (limits->tcp)
        fprintf(
            out,
            "# loopback TCP: %.2f GB/s in all, every node sending and receiving 4 MiB; "
            "a byte %.1f us\n",
            limits->tcp_bytes_per_s / 1e9, limits->tcp_latency_s * 1e6);
    fprintf(
        out,
        "# limit: the largest of copying what must be read and written (all ranks at "
        "once, measured at each size)%s,\n#        and one %s%s\n",
        bench->nodes > 1
            ? ",\n#        moving what must cross between nodes through plain TCP "
              "sockets"
            : "",
        bench->nodes > 1 ? "TCP latency" : "hop between cores",
        bench->ranks > limits->cores ? ", with the switches of ranks that share a core"
                                     : "");
}

static void print_columns(FILE *out, const struct ls_bench *bench)
{
    fprintf(out, "#\n#%83s%38s\n", "out-of-place", "in-place");
    fprintf(out,
            "# %12s %12s %9s %6s %6s %10s %8s %8s %7s %10s %8s %8s %7s %10s %10s %6s",
            "size", "count", "type", "redop", "root", "time", "algbw", "busbw",
            "#wrong", "time", "algbw", "busbw", "#wrong", "p50", "p99", "limit");
    if (bench->peer)
        fprintf(out, " %10s %6s", "mpi", "ratio");
    if (bench->options->baseline)
        fprintf(out, " %10s %6s", "baseline", "ratio");
    fprintf(out,
            "\n# %12s %12s %9s %6s %6s %10s %8s %8s %7s %10s %8s %8s %7s %10s %10s %6s",
            "(B)", "(elements)", "", "", "", "(us)", "(GB/s)", "(GB/s)", "", "(us)",
            "(GB/s)", "(GB/s)", "", "(us)", "(us)", "(%)");
    if (bench->peer)
        fprintf(out, " %10s %6s", "(us)", "");
    if (bench->options->baseline)
        fprintf(out, " %10s %6s", "(us)", "");
    fprintf(out, "\n");
    fflush(out);
}

void ls_table_header(FILE *out, const struct ls_bench *bench)
{
    print_settings(out, bench->options);
    print_ranks(out, bench);
    print_limits(out, bench);
    if (bench->peer)
        fprintf(out, "# mpi: %s; ratio = mpi time / our time\n",
                bench->peer->description);
    if (bench->options->baseline)
        fprintf(out, "# baseline: %s; ratio = its time / our time\n",
                bench->options->baseline);
    print_columns(out, bench);
}

/* Four significant digits or so, as narrow as a column. */
static void print_number(FILE *out, int width, double number)
{
    if (number <= 0)
        fprintf(out, " %*s", width, "-");
    else
        fprintf(out, " %*.*f", width,
                number < 100     ? 2
                : number < 10000 ? 1
                                 : 0,
                number);
}

static void print_timing(FILE *out, const struct ls_timing *timing)
{
    print_number(out, 10, timing->time_us);
    print_number(out, 8, timing->algbw);
    print_number(out, 8, timing->busbw);
    if (timing->wrong < 0)
        fprintf(out, " %7s", "N/A");
    else
        fprintf(out, " %7" PRId64, timing->wrong);
}

void ls_table_row(FILE *out, const struct ls_bench *bench, const struct ls_row *row)
{
    const struct ls_case *c = &row->c;

    fprintf(out, "  %12" PRIu64 " %12" PRIu64 " %9s %6s", row->bytes, c->count,
            lockstep_type_name(c->type),
            ls_collective_reduces(c->kind) ? lockstep_op_name(c->op) : "none");
    fprintf(out, " %6d", ls_collective_has_root(c->kind) ? c->root : -1);
    print_timing(out, &row->out_of_place);
    print_timing(out, &row->in_place);
    print_number(out, 10, row->p50_us);
    print_number(out, 10, row->p99_us);
    print_number(out, 6, 100 * ls_row_limit_share(row));
    if (bench->peer) {
        print_number(out, 10, row->mpi_us);
        print_number(out, 6, ls_row_ratio(row));
    }
    if (bench->options->baseline) {
        print_number(out, 10, row->baseline_us);
        print_number(out, 6, ls_row_baseline_ratio(row));
    }
    fprintf(out, "\n");
    fflush(out);
}

double ls_rows_mean_busbw(const struct ls_rows *rows)
{
    double sum = 0;
    unsigned count = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct ls_row *row = &rows->rows[i];

        sum += row->out_of_place.busbw + row->in_place.busbw;
        count += (row->out_of_place.time_us > 0) + (row->in_place.time_us > 0);
    }
    return count > 0 ? sum / count : 0;
}

int64_t ls_rows_wrong(const struct ls_rows *rows)
{
    int64_t wrong = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct ls_row *row = &rows->rows[i];

        wrong += row->out_of_place.wrong > 0 ? row->out_of_place.wrong : 0;
        wrong += row->in_place.wrong > 0 ? row->in_place.wrong : 0;
    }
    return wrong;
}

void ls_table_footer(FILE *out, const struct ls_bench *bench,
                     const struct ls_rows *rows)
{
    int64_t wrong = ls_rows_wrong(rows);

    if (bench->options->check)
        fprintf(out, "# Out of bounds values : %" PRId64 " %s\n", wrong,
                wrong == 0 ? "OK" : "FAILED");
    fprintf(out, "# Avg bus bandwidth    : %g\n#\n", ls_rows_mean_busbw(rows));
    fflush(out);
}

static void csv_row(FILE *out, const struct ls_row *row)
{
    const struct ls_case *c = &row->c;

    fprintf(out, "%" PRIu64 ",%" PRIu64 ",%s,%s,", row->bytes, c->count,
            lockstep_type_name(c->type),
            ls_collective_reduces(c->kind) ? lockstep_op_name(c->op) : "none");
    fprintf(out, "%.4f,%.5f,%.5f,%" PRId64 ",", row->out_of_place.time_us,
            row->out_of_place.algbw, row->out_of_place.busbw, row->out_of_place.wrong);
    fprintf(out, "%.4f,%.5f,%.5f,%" PRId64 ",", row->in_place.time_us,
            row->in_place.algbw, row->in_place.busbw, row->in_place.wrong);
    fprintf(out, "%.4f,%.4f,%.4f,%.4f,%.4f\n", row->p50_us, row->p99_us,
            ls_row_limit_share(row), row->mpi_us, ls_row_ratio(row));
}

int ls_csv_write(const char *path, const struct ls_rows *rows, struct ls_error *err)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    bool good;

    if (!out)
        return ls_error_sys(err, -errno, "cannot write %s", path);
    fprintf(out,
            "size,count,type,op,time_us,algbw,busbw,wrong,in_place_time_us,"
            "in_place_algbw,in_place_busbw,in_place_wrong,p50_us,p99_us,limit_share,"
            "mpi_time_us,ratio\n");
    for (size_t i = 0; i < rows->count; i++)
        csv_row(out, &rows->rows[i]);
    good = fflush(out) == 0 && !ferror(out);
    if (out != stdout)
        good = fclose(out) == 0 && good;
    return good ? 0 : ls_error_sys(err, errno ? -errno : -EIO, "cannot write %s", path);
}
