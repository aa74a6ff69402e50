/* bench/train/data.h - labelled images from IDX files, the format of MNIST. */
#ifndef LS_BENCH_TRAIN_DATA_H
#define LS_BENCH_TRAIN_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"

enum {
    LS_IMAGE_ROWS = 28,
    LS_IMAGE_PIXELS = 28 * 28,
    LS_LABEL_COUNT = 10,
    LS_IMAGES_MAX = 1 << 20,
};

struct ls_images {
    uint32_t count;
    uint8_t *pixels; /* count * LS_IMAGE_PIXELS, row after row */
    uint8_t *labels; /* count, each below LS_LABEL_COUNT */
};

/* Read DIR/SET-images-idx3-ubyte.gz and DIR/SET-labels-idx1-ubyte.gz (plain files under
 * these names work too). `set` is "train" or "t10k". Errors name the file, what was
 * expected and what was found. The caller ends it with ls_images_free(). */
int ls_images_read(const char *dir, const char *set, struct ls_images *ret_images,
                   struct ls_error *err);
void ls_images_free(struct ls_images *images);

/* Gather the images rows[0 … count) as network input, normalised to mean 0 and standard
 * deviation 1 of the training set, and their labels. */
void ls_images_gather(const struct ls_images *images, const uint32_t *rows,
                      size_t count, float *input, uint8_t *labels);

#endif
