/* bench/train/result.c - see result.h. */
#include "bench/train/result.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "common/util/file.h"
#include "common/util/mem.h"

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

static double per_step_ms(const struct ls_train_result *result, double seconds)
{
    return result->steps ? seconds * 1e3 / (double)result->steps : 0;
}

static double images_per_s(const struct ls_train_result *result)
{
    double images = (double)result->steps * result->options->global_batch;

    return result->seconds > 0 ? images / result->seconds : 0;
}

static void print_exchange(FILE *out, const struct ls_train_result *result)
{
    fprintf(out, "  exchange       %.0f kB of gradient a step",
            (double)result->exchange_bytes / 1e3);
    if (result->ranks == 1) {
        fprintf(out, " stay here: one rank\n");
        return;
    }
    fprintf(out, "; bus bandwidth %.2f GB/s beside compute, %.2f GB/s alone",
            result->overlap_bus_bytes_per_s / 1e9, result->alone_bus_bytes_per_s / 1e9);
    if (result->limit_bus_bytes_per_s > 0)
        fprintf(out, ", %.0f %% of the %s limit of %.2f GB/s",
                100 * result->alone_bus_bytes_per_s / result->limit_bus_bytes_per_s,
                result->limit_name, result->limit_bus_bytes_per_s / 1e9);
    fputc('\n', out);
}

static const char *or_none(const char *text)
{
    return text[0] ? text : "-";
}

static void print_placement(FILE *out, const struct ls_train_result *result)
{
    fprintf(out, "  rank  node              GPU       NIC           cores\n");
    for (int rank = 0; rank < result->ranks; rank++) {
        const struct ls_placement *place = &result->placement[rank];

        fprintf(out, "  %4d  %-16s  %-8s  %-12s  %s\n", rank, place->node,
                or_none(place->gpus), or_none(place->nic), or_none(place->cores));
    }
}

void ls_train_result_print(FILE *out, const struct ls_train_result *result)
{
    double total = result->compute_s + result->exchange_s;

    fprintf(out, "\nresult\n");
    fprintf(out, "  test accuracy  %.2f %% after %llu steps of %u images (loss %.4f)\n",
            100 * result->accuracy, (unsigned long long)result->steps,
            result->options->global_batch, result->loss);
    fprintf(out, "  speed          %.0f images/s on %d rank%s, %d node%s; %.1f s\n",
            images_per_s(result), result->ranks, plural(result->ranks), result->nodes,
            plural(result->nodes), result->seconds);
    fprintf(out,
            "  step           %.2f ms: compute %.2f ms, exchange %.2f ms (%.0f %%)\n",
            per_step_ms(result, total), per_step_ms(result, result->compute_s),
            per_step_ms(result, result->exchange_s),
            total > 0 ? 100 * result->exchange_s / total : 0);
    print_exchange(out, result);
    print_placement(out, result);
    fflush(out);
}

static json_t *placement_json(const struct ls_train_result *result)
{
    json_t *list = json_array();

    for (int rank = 0; rank < result->ranks; rank++) {
        const struct ls_placement *place = &result->placement[rank];

        json_array_append_new(
            list, json_pack("{s:i s:s s:i s:s s:s s:s}", "rank", rank, "node",
                            place->node, "pid", (int)place->pid, "gpus", place->gpus,
                            "nic", place->nic, "cores", place->cores));
    }
    return list;
}

static json_t *exchange_json(const struct ls_train_result *result)
{
    return json_pack("{s:I s:f s:f s:f s:s}", "bytes_per_step",
                     (json_int_t)result->exchange_bytes, "busbw",
                     result->overlap_bus_bytes_per_s / 1e9, "busbw_alone",
                     result->alone_bus_bytes_per_s / 1e9, "busbw_limit",
                     result->limit_bus_bytes_per_s / 1e9, "limit", result->limit_name);
}

static json_t *result_json(const struct ls_train_result *result)
{
    const struct ls_train_options *options = result->options;
    json_t *object = json_pack(
        "{s:f s:f s:I s:i s:i s:I s:i s:i s:I s:f s:f}", "accuracy", result->accuracy,
        "loss", result->loss, "steps", (json_int_t)result->steps, "ranks",
        result->ranks, "nodes", result->nodes, "parameters",
        (json_int_t)result->parameters, "batch", (int)options->batch, "global_batch",
        (int)options->global_batch, "seed", (json_int_t)options->seed, "seconds",
        result->seconds, "images_per_s", images_per_s(result));
    double total = result->compute_s + result->exchange_s;

    json_object_set_new(object, "step_ms",
                        json_pack("{s:f s:f s:f}", "total", per_step_ms(result, total),
                                  "compute", per_step_ms(result, result->compute_s),
                                  "exchange", per_step_ms(result, result->exchange_s)));
    json_object_set_new(object, "exchange", exchange_json(result));
    json_object_set_new(object, "placement", placement_json(result));
    return object;
}

int ls_train_result_write_json(const char *path, const struct ls_train_result *result,
                               struct ls_error *err)
{
    json_t *object = result_json(result);
    int rc;

    if (strcmp(path, "-") == 0)
        rc = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    else
        rc = json_dump_file(object, path, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    if (rc == 0 && strcmp(path, "-") == 0)
        rc = fputc('\n', stdout) == EOF || fflush(stdout) == EOF ? -1 : 0;
    json_decref(object);
    return rc == 0 ? 0
                   : ls_error_sys(err, errno ? -errno : -EIO, "cannot write %s", path);
}

int ls_train_weights_write(const char *path, const float *parameters, size_t count,
                           struct ls_error *err)
{
    static const char magic[8] = {'L', 'S', 'W', 'E', 'I', 'G', 'H', 'T'};
    uint64_t words = count;
    size_t size = 16 + count * sizeof(float);
    char *bytes = ls_calloc(size, 1);
    int rc;

    memcpy(bytes, magic, sizeof(magic));
    memcpy(bytes + 8, &words, 8);
    memcpy(bytes + 16, parameters, count * sizeof(float));
    rc = ls_file_write_atomic(path, bytes, size, err);
    ls_free(bytes);
    return rc;
}
