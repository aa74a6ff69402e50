/* bench/train/model.c - see model.h. Matrix products by OpenBLAS. */
#include "bench/train/model.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "bench/train/random.h"
#include "common/util/check.h"
#include "common/util/mem.h"

bool ls_model_blas_works(void)
{
    enum { M = 33, N = 65, K = 129 };
    static float a[M * K], b[K * N], c[M * N];
    bool right = true;

    for (int i = 0; i < M * K; i++)
        a[i] = (float)(i % 13 - 6);
    for (int i = 0; i < K * N; i++)
        b[i] = (float)(i % 7 - 3);
    openblas_set_num_threads(1); /* the job's ranks are its parallelism */
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1.0F, a, K, b, N,
                0.0F, c, N);
    for (int i = 0; i < M * N; i++) {
        float sum = 0; /* of small integers: exact in any order */

        for (int k = 0; k < K; k++)
            sum += a[i / N * K + k] * b[k * N + i % N];
        right = right && c[i] == sum;
    }
    return right;
}

void ls_model_init(struct ls_model *model, const uint32_t *widths, uint32_t layer_count)
{
    size_t next = 0;

    ls_assert(layer_count >= 1 && layer_count <= LS_LAYERS_MAX);
    memset(model, 0, sizeof(*model));
    model->layer_count = layer_count;
    for (uint32_t l = 0; l < layer_count; l++) {
        struct ls_layer *layer = &model->layers[l];

        layer->in = widths[l];
        layer->out = widths[l + 1];
        layer->weights = next;
        layer->biases = next + (size_t)layer->in * layer->out;
        next = layer->biases + layer->out;
    }
    model->parameter_count = next;
}

void ls_model_randomise(const struct ls_model *model, float *parameters, uint64_t seed)
{
    uint64_t random = ls_random_seed(seed, 0);

    for (uint32_t l = 0; l < model->layer_count; l++) {
        const struct ls_layer *layer = &model->layers[l];
        float bound = sqrtf(6.0F / (float)layer->in);

        for (size_t i = layer->weights; i < layer->biases; i++)
            parameters[i] = bound * ls_random_signed(&random);
        memset(parameters + layer->biases, 0, layer->out * sizeof(float));
    }
}

static uint32_t widest(const struct ls_model *model)
{
    uint32_t width = 0;

    for (uint32_t l = 0; l < model->layer_count; l++) {
        width = model->layers[l].in > width ? model->layers[l].in : width;
        width = model->layers[l].out > width ? model->layers[l].out : width;
    }
    return width;
}

void ls_pass_init(struct ls_pass *pass, const struct ls_model *model, uint32_t rows_max)
{
    size_t rows = rows_max;

    memset(pass, 0, sizeof(*pass));
    pass->rows_max = rows_max;
    pass->outputs[0] = ls_calloc(rows * model->layers[0].in, sizeof(float));
    for (uint32_t l = 0; l < model->layer_count; l++)
        pass->outputs[l + 1] = ls_calloc(rows * model->layers[l].out, sizeof(float));
    pass->delta = ls_calloc(rows * widest(model), sizeof(float));
    pass->delta_before = ls_calloc(rows * widest(model), sizeof(float));
}

void ls_pass_free(struct ls_pass *pass, const struct ls_model *model)
{
    for (uint32_t l = 0; l <= model->layer_count; l++)
        ls_free(pass->outputs[l]);
    ls_free(pass->delta);
    ls_free(pass->delta_before);
    memset(pass, 0, sizeof(*pass));
}

void ls_model_forward(const struct ls_model *model, const float *parameters,
                      struct ls_pass *pass, uint32_t rows)
{
    ls_assert(rows <= pass->rows_max);
    for (uint32_t l = 0; l < model->layer_count; l++) {
        const struct ls_layer *layer = &model->layers[l];
        int in = (int)layer->in, out = (int)layer->out;
        float *output = pass->outputs[l + 1];
        size_t values = (size_t)rows * layer->out;

        for (uint32_t row = 0; row < rows; row++)
            memcpy(output + (size_t)row * layer->out, parameters + layer->biases,
                   layer->out * sizeof(float));
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, out, in, 1.0F,
                    pass->outputs[l], in, parameters + layer->weights, out, 1.0F,
                    output, out);
        if (l + 1 < model->layer_count)
            for (size_t i = 0; i < values; i++)
                output[i] = output[i] > 0 ? output[i] : expf(output[i]) - 1;
    }
}

/* Softmax cross-entropy of one row of scores; delta := its gradient times `scale`. */
static double row_loss(const float *scores, uint32_t width, uint8_t label, float scale,
                       float *delta)
{
    float highest = scores[0];
    float sum = 0;

    for (uint32_t i = 1; i < width; i++)
        highest = scores[i] > highest ? scores[i] : highest;
    for (uint32_t i = 0; i < width; i++) {
        delta[i] = expf(scores[i] - highest);
        sum += delta[i];
    }
    for (uint32_t i = 0; i < width; i++)
        delta[i] = scale * (delta[i] / sum - (i == label ? 1.0F : 0.0F));
    return (double)logf(sum) - (double)(scores[label] - highest);
}

static double loss_delta(const struct ls_model *model, struct ls_pass *pass,
                         const uint8_t *labels, uint32_t rows)
{
    uint32_t width = model->layers[model->layer_count - 1].out;
    const float *scores = pass->outputs[model->layer_count];
    double loss = 0;

    for (uint32_t row = 0; row < rows; row++)
        loss += row_loss(scores + (size_t)row * width, width, labels[row],
                         1.0F / (float)rows, pass->delta + (size_t)row * width);
    return loss;
}

static void bias_gradient(const struct ls_layer *layer, const float *delta,
                          uint32_t rows, float *gradient)
{
    float *biases = gradient + layer->biases;

    memset(biases, 0, layer->out * sizeof(float));
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t i = 0; i < layer->out; i++)
            biases[i] += delta[(size_t)row * layer->out + i];
}

/* Gradient of one layer's parameters, in slices of about LS_BUCKET_PARAMETERS: while
 * the first slice is on its way to the other ranks, the next one is computed. */
static void layer_gradient(const struct ls_layer *layer, const float *input,
                           const float *delta, uint32_t rows, float *gradient,
                           ls_gradient_ready *ready, void *context)
{
    size_t slices = ((size_t)layer->in * layer->out - 1) / LS_BUCKET_PARAMETERS + 1;
    uint32_t slice = (uint32_t)((layer->in + slices - 1) / slices);
    int in = (int)layer->in, out = (int)layer->out;

    bias_gradient(layer, delta, rows, gradient);
    for (uint32_t first = 0; first < layer->in; first += slice) {
        uint32_t inputs = layer->in - first < slice ? layer->in - first : slice;
        size_t start = layer->weights + (size_t)first * layer->out;
        size_t end = start + (size_t)inputs * layer->out;

        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)inputs, out,
                    (int)rows, 1.0F, input + first, in, delta, out, 0.0F,
                    gradient + start, out);
        if (first + inputs == layer->in)
            end += layer->out; /* the biases lie behind the last weights */
        ready(context, start, end - start);
    }
}

/* delta_before := gradient by the layer's input, which is the ELU of the layer before:
 * its slope is 1 above 0, and one more than its value below. */
static void input_delta(const struct ls_layer *layer, const float *parameters,
                        struct ls_pass *pass, const float *input, uint32_t rows)
{
    int in = (int)layer->in, out = (int)layer->out;
    size_t values = (size_t)rows * layer->in;
    float *swap;

    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, in, out, 1.0F,
                pass->delta, out, parameters + layer->weights, out, 0.0F,
                pass->delta_before, in);
    for (size_t i = 0; i < values; i++)
        pass->delta_before[i] *= input[i] > 0 ? 1 : input[i] + 1;
    swap = pass->delta;
    pass->delta = pass->delta_before;
    pass->delta_before = swap;
}

double ls_model_backward(const struct ls_model *model, const float *parameters,
                         struct ls_pass *pass, const uint8_t *labels, uint32_t rows,
                         float *gradient, ls_gradient_ready *ready, void *context)
{
    double loss = loss_delta(model, pass, labels, rows);

    for (uint32_t l = model->layer_count; l-- > 0;) {
        const struct ls_layer *layer = &model->layers[l];

        layer_gradient(layer, pass->outputs[l], pass->delta, rows, gradient, ready,
                       context);
        if (l > 0)
            input_delta(layer, parameters, pass, pass->outputs[l], rows);
    }
    return loss;
}

uint32_t ls_model_correct(const struct ls_model *model, const struct ls_pass *pass,
                          const uint8_t *labels, uint32_t rows)
{
    uint32_t width = model->layers[model->layer_count - 1].out;
    uint32_t correct = 0;

    for (uint32_t row = 0; row < rows; row++) {
        const float *scores = pass->outputs[model->layer_count] + (size_t)row * width;
        uint32_t best = 0;

        for (uint32_t i = 1; i < width; i++)
            best = scores[i] > scores[best] ? i : best;
        correct += best == labels[row];
    }
    return correct;
}
