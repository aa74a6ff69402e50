/* bench/train/options.c - see options.h. */
#include "bench/train/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "Usage: lockstep-train [OPTION]...\n"
    "Train a small network on Fashion-MNIST, data-parallel over the ranks of a job.\n"
    "\n"
    "  lockstep run -n 8 -- lockstep-train        as a job\n"
    "  lockstep-train --global-batch 256          alone, the same training\n"
    "\n"
    "  --epochs N          passes over the training images (10)\n"
    "  --steps N           stop after N steps (all)\n"
    "  --batch N           images per rank and step\n"
    "  --global-batch N    images of all ranks per step (256)\n"
    "  --lr X              learning rate of the first step; falls to 0 (0.08)\n"
    "  --momentum X        of the gradient descent (0.9)\n"
    "  --seed N            of weights and order; says everything about a run (1)\n"
    "  --data DIR          IDX files (/usr/share/datasets/fashion-mnist)\n"
    "  --weights-out FILE  write the weights at the end\n"
    "  --json FILE         write results; - is standard output\n"
    "  --progress MODE     auto, bar or plain (auto: LOCKSTEP_PROGRESS, else bar on a\n"
    "                      terminal)\n"
    "  --help              this text\n"
    "\n"
    "The same seed and global batch give the same weights, within rounding, on any\n"
    "number of ranks.\n";

const char *ls_train_usage(void)
{
    return USAGE;
}

static int read_count(const char *name, const char *text, uint64_t min, uint64_t max,
                      uint64_t *ret_value, struct ls_error *err)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || value < min || value > max)
        return ls_error_set(err, -EINVAL,
                            "--%s %s: expected a number from %llu to %llu", name, text,
                            (unsigned long long)min, (unsigned long long)max);
    *ret_value = value;
    return 0;
}

static int read_fraction(const char *name, const char *text, float max,
                         float *ret_value, struct ls_error *err)
{
    char *end;
    float value = strtof(text, &end);

    if (end == text || *end || !isfinite(value) || value < 0 || value > max)
        return ls_error_set(err, -EINVAL, "--%s %s: expected a number from 0 to %g",
                            name, text, (double)max);
    *ret_value = value;
    return 0;
}

static int read_progress(const char *text, enum ls_progress_mode *ret_mode,
                         struct ls_error *err)
{
    if (ls_progress_mode_read(text, ret_mode))
        return 0;
    return ls_error_set(err, -EINVAL, "--progress %s: expected auto, bar or plain",
                        text);
}

enum train_option {
    OPTION_EPOCHS = 256,
    OPTION_STEPS,
    OPTION_BATCH,
    OPTION_GLOBAL_BATCH,
    OPTION_LR,
    OPTION_MOMENTUM,
    OPTION_SEED,
    OPTION_DATA,
    OPTION_WEIGHTS_OUT,
    OPTION_JSON,
    OPTION_PROGRESS,
    OPTION_HELP,
};

static const struct option OPTIONS[] = {
    {"epochs", required_argument, NULL, OPTION_EPOCHS},
    {"steps", required_argument, NULL, OPTION_STEPS},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"global-batch", required_argument, NULL, OPTION_GLOBAL_BATCH},
    {"lr", required_argument, NULL, OPTION_LR},
    {"momentum", required_argument, NULL, OPTION_MOMENTUM},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"data", required_argument, NULL, OPTION_DATA},
    {"weights-out", required_argument, NULL, OPTION_WEIGHTS_OUT},
    {"json", required_argument, NULL, OPTION_JSON},
    {"progress", required_argument, NULL, OPTION_PROGRESS},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int read_one(int option, const char *text, struct ls_train_options *options,
                    struct ls_error *err)
{
    uint64_t value = 0;
    int rc = 0;

    switch (option) {
    case OPTION_EPOCHS:
        rc = read_count("epochs", text, 1, 10000, &value, err);
        options->epochs = (uint32_t)value;
        break;
    case OPTION_STEPS:
        rc = read_count("steps", text, 1, UINT32_MAX, &options->steps, err);
        break;
    case OPTION_BATCH:
        rc = read_count("batch", text, 1, 65536, &value, err);
        options->batch = (uint32_t)value;
        break;
    case OPTION_GLOBAL_BATCH:
        rc = read_count("global-batch", text, 1, 65536, &value, err);
        options->global_batch = (uint32_t)value;
        break;
    case OPTION_LR:
        return read_fraction("lr", text, 100, &options->rate, err);
    case OPTION_MOMENTUM:
        return read_fraction("momentum", text, 1, &options->momentum, err);
    case OPTION_SEED:
        return read_count("seed", text, 0, UINT64_MAX, &options->seed, err);
    case OPTION_DATA:
        options->data = text;
        break;
    case OPTION_WEIGHTS_OUT:
        options->weights_out = text;
        break;
    case OPTION_JSON:
        options->json = text;
        break;
    case OPTION_PROGRESS:
        return read_progress(text, &options->progress, err);
    default:
        break;
    }
    return rc;
}

enum ls_options_result ls_train_options_read(int argc, char **argv,
                                             struct ls_train_options *ret_options,
                                             struct ls_error *err)
{
    struct ls_train_options options = {
        .epochs = 10,
        .rate = 0.08F,
        .momentum = 0.9F,
        .seed = 1,
        .data = "/usr/share/datasets/fashion-mnist",
        .progress = LS_PROGRESS_AUTO,
    };
    int option;

    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", OPTIONS, NULL)) != -1) {
        if (option == OPTION_HELP)
            return LS_OPTIONS_HELP;
        if (option == '?' || option == ':') {
            ls_error_set(err, -EINVAL, "%s: %s (--help lists the options)",
                         argv[optind - 1],
                         option == ':' ? "needs a value" : "no such option");
            return LS_OPTIONS_BAD;
        }
        if (read_one(option, optarg, &options, err) < 0)
            return LS_OPTIONS_BAD;
    }
    if (optind < argc) {
        ls_error_set(err, -EINVAL, "%s: unexpected argument", argv[optind]);
        return LS_OPTIONS_BAD;
    }
    *ret_options = options;
    return LS_OPTIONS_RUN;
}

int ls_train_options_batch(struct ls_train_options *options, uint32_t ranks,
                           uint32_t images, struct ls_error *err)
{
    uint64_t global = options->global_batch;

    if (options->batch > 0 && global > 0 && global != (uint64_t)options->batch * ranks)
        return ls_error_set(err, -EINVAL,
                            "--global-batch %u is not --batch %u times %u ranks",
                            options->global_batch, options->batch, ranks);
    if (options->batch > 0)
        global = (uint64_t)options->batch * ranks;
    else if (global == 0)
        global = ranks <= 256 ? 256 / ranks * ranks : ranks;
    if (global % ranks != 0)
        return ls_error_set(err, -EINVAL,
                            "--global-batch %u cannot be shared equally by %u ranks",
                            options->global_batch, ranks);
    if (global > images)
        return ls_error_set(
            err, -EINVAL, "a global batch of %llu is more than the %u training images",
            (unsigned long long)global, images);
    options->global_batch = (uint32_t)global;
    options->batch = (uint32_t)(global / ranks);
    return 0;
}
