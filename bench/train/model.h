/* bench/train/model.h - a network of fully connected layers with ELU between them and
 * softmax cross-entropy at the end.
 *
 * Why ELU: the slope of ReLU jumps at 0. When the ranks' sums differ in the last bit, a
 * unit there falls on one side or on the other, and from that step on runs on 1 and on
 * 4 ranks go apart (measured: 5e-3 of the weights after 50 steps). ELU's slope is
 * continuous: rounding stays rounding (1e-7).
 *
 * All parameters lie in one array, layer after layer: weights (input-major), then
 * biases. Gradients have the same layout, so that a finished part of them is one range.
 */
#ifndef LS_BENCH_TRAIN_MODEL_H
#define LS_BENCH_TRAIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LS_LAYERS_MAX = 8,
    LS_BUCKET_PARAMETERS = 64 << 10, /* a part of the gradient is about this long */
};

struct ls_layer {
    uint32_t in, out;
    size_t weights; /* offset of in * out weights */
    size_t biases;  /* offset of `out` biases, right behind the weights */
};

struct ls_model {
    uint32_t layer_count;
    struct ls_layer layers[LS_LAYERS_MAX];
    size_t parameter_count;
};

/* Compare a small matrix product of the BLAS library with plain C. Some releases
 * compute wrong results on processors newer than they are; false then. */
bool ls_model_blas_works(void);

/* A network of `layer_count` layers between widths[0 … layer_count]. */
void ls_model_init(struct ls_model *model, const uint32_t *widths,
                   uint32_t layer_count);

/* Random weights from the seed (He's uniform distribution), biases 0. */
void ls_model_randomise(const struct ls_model *model, float *parameters, uint64_t seed);

/* What one pass over at most `rows_max` images needs to remember. */
struct ls_pass {
    uint32_t rows_max;
    float
        *outputs[LS_LAYERS_MAX + 1]; /* [0] is the input, to be filled by the caller */
    float *delta, *delta_before; /* gradients by a layer's output and by its input */
};
void ls_pass_init(struct ls_pass *pass, const struct ls_model *model,
                  uint32_t rows_max);
void ls_pass_free(struct ls_pass *pass, const struct ls_model *model);

/* Forward: outputs[layer_count] := scores of `rows` images. */
void ls_model_forward(const struct ls_model *model, const float *parameters,
                      struct ls_pass *pass, uint32_t rows);

/* Called by ls_model_backward() as soon as gradient[first … first + count) is final.
 * Each parameter is named once per pass, the last layer's first. */
typedef void ls_gradient_ready(void *context, size_t first, size_t count);

/* Backward after a forward pass of the same images: gradient := of the mean loss over
 * the rows. Returns the sum of the rows' losses. */
double ls_model_backward(const struct ls_model *model, const float *parameters,
                         struct ls_pass *pass, const uint8_t *labels, uint32_t rows,
                         float *gradient, ls_gradient_ready *ready, void *context);

/* How many rows have their label as the highest score; after a forward pass. */
uint32_t ls_model_correct(const struct ls_model *model, const struct ls_pass *pass,
                          const uint8_t *labels, uint32_t rows);

#endif
