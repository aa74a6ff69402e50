/* tests/unit/bench/train/data_test.c - good and bad IDX files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bench/train/data.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

enum { COUNT = 3, HEADER = 16, PIXELS_SIZE = HEADER + COUNT * LS_IMAGE_PIXELS };
enum { LABELS_HEADER = 8, LABELS_SIZE = LABELS_HEADER + COUNT };

/* Two good files, to be damaged by a test and then written. */
struct files {
    char dir[64];
    uint8_t pixels[PIXELS_SIZE + 1], labels[LABELS_SIZE + 1];
    unsigned pixels_size, labels_size;
};

static int set_up(void **state)
{
    static const uint8_t pixels_header[HEADER] = {0, 0, 8, 3,  0, 0, 0, COUNT,
                                                  0, 0, 0, 28, 0, 0, 0, 28};
    static const uint8_t labels[LABELS_SIZE] = {0, 0, 8, 1, 0, 0, 0, COUNT, 0, 9, 4};
    struct files *files = ls_calloc(1, sizeof(*files));

    snprintf(files->dir, sizeof(files->dir), "/tmp/data_test-XXXXXX");
    memcpy(files->pixels, pixels_header, HEADER);
    for (int i = HEADER; i < PIXELS_SIZE; i++)
        files->pixels[i] = (uint8_t)(i % 251);
    memcpy(files->labels, labels, LABELS_SIZE);
    files->pixels_size = PIXELS_SIZE;
    files->labels_size = LABELS_SIZE;
    *state = files;
    return mkdtemp(files->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct files *files = *state;
    int rc = ls_dir_remove(files->dir, NULL);

    ls_free(files);
    return rc;
}

static void write_gzip(const struct files *files, const char *name, const void *bytes,
                       unsigned size)
{
    char *path = ls_asprintf("%s/%s", files->dir, name);
    gzFile file = gzopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, size), size);
    assert_int_equal(gzclose(file), Z_OK);
    ls_free(path);
}

static int read_files(const struct files *files, struct ls_images *images,
                      struct ls_error *err)
{
    write_gzip(files, "train-images-idx3-ubyte.gz", files->pixels, files->pixels_size);
    write_gzip(files, "train-labels-idx1-ubyte.gz", files->labels, files->labels_size);
    return ls_images_read(files->dir, "train", images, err);
}

/* Reading fails, and the sentence names the file and contains `what`. */
static void assert_refused(const struct files *files, const char *file,
                           const char *what)
{
    struct ls_images images = {0};
    struct ls_error err = {0};

    assert_true(read_files(files, &images, &err) < 0);
    assert_non_null(strstr(err.text, files->dir));
    assert_non_null(strstr(err.text, file));
    assert_non_null(strstr(err.text, what));
    assert_null(images.pixels);
}

static void good_files_are_read(void **state)
{
    struct files *files = *state;
    struct ls_images images;
    struct ls_error err = {0};

    assert_int_equal(read_files(files, &images, &err), 0);
    assert_int_equal(images.count, COUNT);
    assert_memory_equal(images.pixels, files->pixels + HEADER, COUNT * LS_IMAGE_PIXELS);
    assert_memory_equal(images.labels, files->labels + LABELS_HEADER, COUNT);
    ls_images_free(&images);
}

static void gathered_rows_are_normalised(void **state)
{
    struct files *files = *state;
    static float input[2 * LS_IMAGE_PIXELS];
    const uint32_t rows[] = {2, 0};
    struct ls_images images;
    uint8_t labels[2];

    assert_int_equal(read_files(files, &images, NULL), 0);
    ls_images_gather(&images, rows, 2, input, labels);
    assert_int_equal(labels[0], 4);
    assert_int_equal(labels[1], 0);
    for (int p = 0; p < LS_IMAGE_PIXELS; p++) {
        float pixel = (float)images.pixels[2 * LS_IMAGE_PIXELS + p] / 255.0F;

        assert_float_equal(input[p], (pixel - 0.2860F) / 0.3530F, 1e-5);
    }
    ls_images_free(&images);
}

static void a_missing_file_is_named(void **state)
{
    struct files *files = *state;
    struct ls_images images;
    struct ls_error err = {0};

    assert_int_equal(ls_images_read(files->dir, "train", &images, &err), -ENOENT);
    assert_non_null(strstr(err.text, "train-images-idx3-ubyte.gz"));
    assert_non_null(strstr(err.text, "No such file"));
}

static void a_wrong_magic_number_is_refused(void **state)
{
    struct files *files = *state;

    files->pixels[3] = 1; /* labels where images should be */
    assert_refused(files, "train-images", "0x00000803 expected, 0x00000801 found");
}

static void garbage_is_refused(void **state)
{
    struct files *files = *state;

    memset(files->labels, 'x', LABELS_SIZE);
    assert_refused(files, "train-labels", "0x00000801 expected, 0x78787878 found");
}

static void other_image_sizes_are_refused(void **state)
{
    struct files *files = *state;

    files->pixels[11] = 32;
    assert_refused(files, "train-images", "28 x 28 pixels expected, 32 x 28 found");
}

static void absurd_counts_are_refused_before_memory_is_taken(void **state)
{
    struct files *files = *state;

    memset(files->pixels + 4, 0xff, 4);
    assert_refused(files, "train-images", "4294967295 found");
    memset(files->pixels + 4, 0, 4);
    assert_refused(files, "train-images", "0 found");
}

static void a_short_file_is_refused(void **state)
{
    struct files *files = *state;

    files->pixels_size = PIXELS_SIZE - 1;
    assert_refused(files, "train-images", "ends inside the data: expected 2352 bytes");
    files->pixels_size = 7;
    assert_refused(files, "train-images", "ends inside the IDX header");
}

static void a_long_file_is_refused(void **state)
{
    struct files *files = *state;

    files->labels_size = LABELS_SIZE + 1;
    assert_refused(files, "train-labels", "more than the 3 bytes of data expected");
}

static void counts_of_images_and_labels_must_agree(void **state)
{
    struct files *files = *state;

    files->labels[7] = COUNT - 1;
    assert_refused(files, "train-labels", "3 labels expected (one per image), 2 found");
}

static void labels_out_of_range_are_refused(void **state)
{
    struct files *files = *state;

    files->labels[LABELS_HEADER + 1] = 10;
    assert_refused(files, "train-labels", "label 1: 0 to 9 expected, 10 found");
}

static void a_cut_gzip_stream_is_refused(void **state)
{
    struct files *files = *state;
    char *path = ls_asprintf("%s/train-images-idx3-ubyte.gz", files->dir);
    struct ls_images images;
    struct ls_error err = {0};
    size_t size;
    char *bytes;

    assert_int_equal(read_files(files, &images, &err), 0);
    ls_images_free(&images);
    assert_int_equal(ls_file_read(path, 1 << 20, &bytes, &size, &err), 0);
    assert_int_equal(ls_file_write_atomic(path, bytes, size / 2, &err), 0);
    assert_true(ls_images_read(files->dir, "train", &images, &err) < 0);
    assert_non_null(strstr(err.text, path));
    ls_free(bytes);
    ls_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(good_files_are_read),
        TEST(gathered_rows_are_normalised),
        TEST(a_missing_file_is_named),
        TEST(a_wrong_magic_number_is_refused),
        TEST(garbage_is_refused),
        TEST(other_image_sizes_are_refused),
        TEST(absurd_counts_are_refused_before_memory_is_taken),
        TEST(a_short_file_is_refused),
        TEST(a_long_file_is_refused),
        TEST(counts_of_images_and_labels_must_agree),
        TEST(labels_out_of_range_are_refused),
        TEST(a_cut_gzip_stream_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
