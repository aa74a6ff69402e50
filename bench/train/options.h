/* bench/train/options.h - the command line of lockstep-train. */
#ifndef LS_BENCH_TRAIN_OPTIONS_H
#define LS_BENCH_TRAIN_OPTIONS_H

#include <stdint.h>

#include "bench/train/progress.h"
#include "common/util/error.h"

struct ls_train_options {
    uint32_t epochs;
    uint32_t batch;        /* images per rank and step; 0 = global_batch / ranks */
    uint32_t global_batch; /* images of all ranks per step; 0 = batch * ranks */
    uint64_t steps;        /* stop after so many; 0 = all epochs */
    float rate, momentum;
    uint64_t seed;
    const char *data;        /* directory of the IDX files */
    const char *weights_out; /* NULL = do not write */
    const char *json;        /* NULL = do not write, "-" = stdout */
    enum ls_progress_mode progress;
};

/* What ls_train_options_read() returns. */
enum ls_options_result { LS_OPTIONS_RUN, LS_OPTIONS_HELP, LS_OPTIONS_BAD };

/* Read the arguments; texts are borrowed from argv. On LS_OPTIONS_BAD err says why. */
enum ls_options_result ls_train_options_read(int argc, char **argv,
                                             struct ls_train_options *ret_options,
                                             struct ls_error *err);

/* Settle batch and global_batch for `ranks` ranks and `images` training images. */
int ls_train_options_batch(struct ls_train_options *options, uint32_t ranks,
                           uint32_t images, struct ls_error *err);

/* Text of --help. */
const char *ls_train_usage(void);

#endif
