/* bench/train/data.c - see data.h.
 *
 * An IDX file: two zero bytes, a type byte (8 = unsigned byte), the number of
 * dimensions, each dimension as a big-endian 32-bit word, then the bytes. */
#include "bench/train/data.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "common/util/mem.h"

enum { IDX_UBYTE = 8, DIMENSIONS_MAX = 3 };

/* Of Fashion-MNIST's training images, on a scale of 0 to 1. */
static const float PIXEL_MEAN = 0.2860F;
static const float PIXEL_DEVIATION = 0.3530F;

/* An open IDX file whose header has been read. */
struct idx {
    gzFile file;
    const char *path;
    uint32_t dimensions[DIMENSIONS_MAX];
};

/* Read exactly `size` bytes of `what`. */
static int read_exactly(const struct idx *idx, void *bytes, size_t size,
                        const char *what, struct ls_error *err)
{
    int got = gzread(idx->file, bytes, (unsigned)size);
    int code;

    if (got == (int)size)
        return 0;
    if (got >= 0)
        return ls_error_set(err, -EINVAL,
                            "%s: ends inside the %s: expected %zu bytes, found %d",
                            idx->path, what, size, got);
    return ls_error_set(err, -EIO, "%s: cannot read the %s: %s", idx->path, what,
                        gzerror(idx->file, &code));
}

static uint32_t big_endian(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Open the file and read a header that must have `dimension_count` dimensions. */
static int idx_open(struct idx *idx, const char *path, unsigned dimension_count,
                    struct ls_error *err)
{
    uint8_t header[4 + 4 * DIMENSIONS_MAX];
    uint32_t expected = IDX_UBYTE << 8 | dimension_count;
    int rc;

    *idx = (struct idx){.path = path};
    idx->file = gzopen(path, "rb");
    if (!idx->file)
        return ls_error_sys(err, errno ? -errno : -ENOMEM,
                            "cannot open %s (the Debian package dataset-fashion-mnist "
                            "has these files)",
                            path);
    rc = read_exactly(idx, header, 4 + (size_t)4 * dimension_count, "IDX header", err);
    if (rc < 0)
        goto close_file;
    if (big_endian(header) != expected) {
        rc = ls_error_set(err, -EINVAL,
                          "%s: not the IDX file expected here: magic number 0x%08x "
                          "expected, 0x%08x found",
                          path, expected, big_endian(header));
        goto close_file;
    }
    for (unsigned i = 0; i < dimension_count; i++)
        idx->dimensions[i] = big_endian(header + 4 + 4 * (size_t)i);
    if (idx->dimensions[0] == 0 || idx->dimensions[0] > LS_IMAGES_MAX) {
        rc = ls_error_set(err, -EINVAL, "%s: 1 to %d items expected, %u found", path,
                          LS_IMAGES_MAX, idx->dimensions[0]);
        goto close_file;
    }
    return 0;

close_file:
    gzclose(idx->file);
    return rc;
}

/* Read the `item_bytes` of every item, after which the file must end; closes the file.
 */
static int idx_read_items(struct idx *idx, size_t item_bytes, uint8_t **ret_bytes,
                          struct ls_error *err)
{
    size_t size = idx->dimensions[0] * item_bytes;
    uint8_t *bytes = ls_calloc(size, 1);
    uint8_t extra;
    int rc = read_exactly(idx, bytes, size, "data", err);

    if (rc == 0 && gzread(idx->file, &extra, 1) != 0)
        rc = ls_error_set(err, -EINVAL, "%s: more than the %zu bytes of data expected",
                          idx->path, size);
    gzclose(idx->file);
    if (rc < 0) {
        ls_free(bytes);
        return rc;
    }
    *ret_bytes = bytes;
    return 0;
}

static int read_pixels(const char *path, struct ls_images *images, struct ls_error *err)
{
    struct idx idx;
    int rc = idx_open(&idx, path, 3, err);

    if (rc < 0)
        return rc;
    if (idx.dimensions[1] != LS_IMAGE_ROWS || idx.dimensions[2] != LS_IMAGE_ROWS) {
        gzclose(idx.file);
        return ls_error_set(
            err, -EINVAL, "%s: images of %d x %d pixels expected, %u x %u found", path,
            LS_IMAGE_ROWS, LS_IMAGE_ROWS, idx.dimensions[1], idx.dimensions[2]);
    }
    images->count = idx.dimensions[0];
    return idx_read_items(&idx, LS_IMAGE_PIXELS, &images->pixels, err);
}

static int read_labels(const char *path, struct ls_images *images, struct ls_error *err)
{
    struct idx idx;
    int rc = idx_open(&idx, path, 1, err);

    if (rc < 0)
        return rc;
    if (idx.dimensions[0] != images->count) {
        gzclose(idx.file);
        return ls_error_set(err, -EINVAL,
                            "%s: %u labels expected (one per image), %u found", path,
                            images->count, idx.dimensions[0]);
    }
    rc = idx_read_items(&idx, 1, &images->labels, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < images->count; i++)
        if (images->labels[i] >= LS_LABEL_COUNT)
            return ls_error_set(err, -EINVAL,
                                "%s: label %u: 0 to %d expected, %u found", path, i,
                                LS_LABEL_COUNT - 1, images->labels[i]);
    return 0;
}

int ls_images_read(const char *dir, const char *set, struct ls_images *ret_images,
                   struct ls_error *err)
{
    char *pixels_path = ls_asprintf("%s/%s-images-idx3-ubyte.gz", dir, set);
    char *labels_path = ls_asprintf("%s/%s-labels-idx1-ubyte.gz", dir, set);
    struct ls_images images = {0};
    int rc = read_pixels(pixels_path, &images, err);

    if (rc == 0)
        rc = read_labels(labels_path, &images, err);
    if (rc == 0)
        *ret_images = images;
    else
        ls_images_free(&images);
    ls_free(pixels_path);
    ls_free(labels_path);
    return rc;
}

void ls_images_free(struct ls_images *images)
{
    ls_free(images->pixels);
    ls_free(images->labels);
    memset(images, 0, sizeof(*images));
}

void ls_images_gather(const struct ls_images *images, const uint32_t *rows,
                      size_t count, float *input, uint8_t *labels)
{
    const float scale = 1.0F / (255.0F * PIXEL_DEVIATION);
    const float shift = PIXEL_MEAN / PIXEL_DEVIATION;

    for (size_t i = 0; i < count; i++) {
        const uint8_t *pixels = images->pixels + (size_t)rows[i] * LS_IMAGE_PIXELS;
        float *row = input + i * LS_IMAGE_PIXELS;

        for (size_t p = 0; p < LS_IMAGE_PIXELS; p++)
            row[p] = (float)pixels[p] * scale - shift;
        labels[i] = images->labels[rows[i]];
    }
}
