/* bench/collectives/json.c - see json.h. */
#include "bench/collectives/json.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "bench/collectives/peer.h"
#include "bench/collectives/table.h"
#include "common/util/mem.h"

static const char *op_name(const struct ls_row *row)
{
    return ls_collective_reduces(row->c.kind) ? lockstep_op_name(row->c.op) : "none";
}

/* null for what was not measured. */
static json_t *real_or_null(double number)
{
    return number > 0 ? json_real(number) : json_null();
}

static void set_timing(json_t *object, const struct ls_timing *timing)
{
    json_object_set_new(object, "time_us", json_real(timing->time_us));
    json_object_set_new(object, "algbw", json_real(timing->algbw));
    json_object_set_new(object, "busbw", json_real(timing->busbw));
    json_object_set_new(object, "wrong",
                        timing->wrong < 0 ? json_null() : json_integer(timing->wrong));
}

static json_t *row_json(const struct ls_row *row)
{
    json_t *object = json_pack("{s:I s:I s:s s:s}", "size", (json_int_t)row->bytes,
                               "count", (json_int_t)row->c.count, "type",
                               lockstep_type_name(row->c.type), "op", op_name(row));

    if (ls_collective_has_root(row->c.kind))
        json_object_set_new(object, "root", json_integer(row->c.root));
    set_timing(object, &row->out_of_place);
    json_object_set_new(object, "p50_us", json_real(row->p50_us));
    json_object_set_new(object, "p99_us", json_real(row->p99_us));
    json_object_set_new(object, "limit_us", real_or_null(row->limit_us));
    json_object_set_new(object, "limit_share", real_or_null(ls_row_limit_share(row)));
    json_object_set_new(object, "mpi_time_us", real_or_null(row->mpi_us));
    json_object_set_new(object, "ratio", real_or_null(ls_row_ratio(row)));
    if (row->baseline_us > 0)
        json_object_set_new(object, "baseline_ratio",
                            json_real(ls_row_baseline_ratio(row)));
    if (row->in_place.time_us > 0) {
        json_t *in_place = json_object();

        set_timing(in_place, &row->in_place);
        json_object_set_new(object, "in_place", in_place);
    }
    return object;
}

static json_t *placement_json(const struct ls_bench *bench)
{
    json_t *list = json_array();

    for (int rank = 0; rank < bench->ranks; rank++) {
        const struct ls_placement *place = &bench->placement[rank];

        json_array_append_new(list, json_pack("{s:i s:i s:s s:s s:s s:s}", "rank", rank,
                                              "pid", (int)place->pid, "node",
                                              place->node, "gpus", place->gpus, "nic",
                                              place->nic, "cores", place->cores));
    }
    return list;
}

static json_t *machine_json(const struct ls_bench *bench)
{
    const struct ls_machine_limits *limits = &bench->limits;

    return json_pack("{s:i s:o s:o s:o s:o}", "cores", limits->cores, "hop_ns",
                     real_or_null(limits->hop_s * 1e9), "switch_ns",
                     real_or_null(limits->switch_s * 1e9), "tcp_gb_per_s",
                     real_or_null(limits->tcp_bytes_per_s / 1e9), "tcp_latency_us",
                     real_or_null(limits->tcp_latency_s * 1e6));
}

static json_t *run_json(const struct ls_bench *bench, const struct ls_rows *rows)
{
    json_t *list = json_array();
    json_t *run;

    for (size_t i = 0; i < rows->count; i++)
        json_array_append_new(list, row_json(&rows->rows[i]));
    run = json_pack("{s:s s:i s:i s:o s:o s:o s:f s:I}", "collective",
                    ls_collective_name(bench->options->kind), "ranks", bench->ranks,
                    "nodes", bench->nodes, "placement", placement_json(bench),
                    "machine", machine_json(bench), "rows", list, "avg_busbw",
                    ls_rows_mean_busbw(rows), "wrong", (json_int_t)ls_rows_wrong(rows));
    if (bench->peer)
        json_object_set_new(run, "mpi", json_string(bench->peer->description));
    return run;
}

int ls_json_write(const char *path, const struct ls_bench *bench,
                  const struct ls_rows *rows, struct ls_error *err)
{
    const size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION(8);
    json_t *run = run_json(bench, rows);
    int rc;

    if (strcmp(path, "-") == 0)
        rc = json_dumpf(run, stdout, flags) < 0 || putchar('\n') == EOF ||
                     fflush(stdout) == EOF
                 ? -1
                 : 0;
    else
        rc = json_dump_file(run, path, flags);
    json_decref(run);
    return rc == 0 ? 0
                   : ls_error_sys(err, errno ? -errno : -EIO, "cannot write %s", path);
}

struct ls_baseline {
    json_t *run;
};

int ls_baseline_read(const char *path, enum ls_collective_kind kind, int ranks,
                     int nodes, struct ls_baseline **ret_baseline, struct ls_error *err)
{
    json_error_t why;
    json_t *run = json_load_file(path, 0, &why);
    const char *name = json_string_value(json_object_get(run, "collective"));
    json_int_t its_ranks = json_integer_value(json_object_get(run, "ranks"));
    json_int_t its_nodes = json_integer_value(json_object_get(run, "nodes"));
    struct ls_baseline *baseline;
    int rc = 0;

    if (!run)
        return ls_error_set(err, -EINVAL, "--baseline %s: line %d: %s", path, why.line,
                            why.text);
    if (!name || !json_is_array(json_object_get(run, "rows")))
        rc = ls_error_set(err, -EINVAL,
                          "--baseline %s: not written by lockstep-bench --json", path);
    else if (strcmp(name, ls_collective_name(kind)) != 0 || its_ranks != ranks ||
             its_nodes != nodes)
        rc = ls_error_set(
            err, -EINVAL,
            "--baseline %s: is of %s, %lld ranks on %lld nodes; this run is "
            "%s, %d ranks on %d nodes",
            path, name, (long long)its_ranks, (long long)its_nodes,
            ls_collective_name(kind), ranks, nodes);
    if (rc < 0) {
        json_decref(run);
        return rc;
    }
    baseline = ls_calloc(1, sizeof(*baseline));
    baseline->run = run;
    *ret_baseline = baseline;
    return 0;
}

void ls_baseline_free(struct ls_baseline *baseline)
{
    if (baseline)
        json_decref(baseline->run);
    ls_free(baseline);
}

static bool same_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value && strcmp(value, text) == 0;
}

double ls_baseline_time(const struct ls_baseline *baseline, const struct ls_row *row)
{
    const json_t *rows = json_object_get(baseline->run, "rows");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *other = json_array_get(rows, i);

        if (json_integer_value(json_object_get(other, "size")) ==
                (json_int_t)row->bytes &&
            same_text(other, "type", lockstep_type_name(row->c.type)) &&
            same_text(other, "op", op_name(row)))
            return json_number_value(json_object_get(other, "time_us"));
    }
    return 0;
}

size_t ls_regressions(const struct ls_rows *rows, double tolerance)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct ls_row *row = &rows->rows[i];

        count += row->baseline_us > 0 &&
                 row->out_of_place.time_us > row->baseline_us * (1 + tolerance);
    }
    return count;
}
