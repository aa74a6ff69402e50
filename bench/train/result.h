/* bench/train/result.h - what a training run hands over at its end: summary for people,
 * JSON for programs, weights for comparison. */
#ifndef LS_BENCH_TRAIN_RESULT_H
#define LS_BENCH_TRAIN_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/machine/placement.h"
#include "bench/train/options.h"

struct ls_train_result {
    const struct ls_train_options *options;
    const struct ls_placement *placement; /* of each rank */
    int ranks, nodes;
    size_t parameters;
    uint64_t steps;
    double seconds;        /* of all steps, without evaluation */
    double compute_s;      /* of them: everything but the exchange; mean of ranks */
    double exchange_s;     /* waiting for the exchange, not hidden by compute */
    double loss, accuracy; /* last epoch's mean training loss; on the test images */
    size_t exchange_bytes; /* gradient of one step */
    double overlap_bus_bytes_per_s; /* all-reduce during training */
    double alone_bus_bytes_per_s;   /* the same all-reduces with nothing else to do */
    double limit_bus_bytes_per_s;   /* what the machine allows; 0 = not known */
    const char *limit_name;         /* "memory copy" or "TCP" */
};

void ls_train_result_print(FILE *out, const struct ls_train_result *result);

/* One JSON object to a file, or to stdout for "-". */
int ls_train_result_write_json(const char *path, const struct ls_train_result *result,
                               struct ls_error *err);

/* The weights: "LSWEIGHT", a 64-bit count, then float32, in the machine's byte order.
 */
int ls_train_weights_write(const char *path, const float *parameters, size_t count,
                           struct ls_error *err);

#endif
