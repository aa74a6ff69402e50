/* tests/unit/bench/train/model_test.c - the gradient against numerical differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/train/model.h"
#include "bench/train/random.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

enum { IN = 7, HIDDEN = 6, SECOND = 5, OUT = 4, ROWS = 9 };
static const uint32_t WIDTHS[] = {IN, HIDDEN, SECOND, OUT};

/* A small network with random weights, biases and images. */
struct small {
    struct ls_model model;
    struct ls_pass pass;
    float *parameters, *gradient;
    uint8_t labels[ROWS];
    char *named; /* how often each parameter was named as ready */
};

static int set_up(void **state)
{
    struct small *small = ls_calloc(1, sizeof(*small));
    uint64_t random = 5;
    size_t count;

    ls_model_init(&small->model, WIDTHS, 3);
    count = small->model.parameter_count;
    small->parameters = ls_calloc(count, sizeof(float));
    small->gradient = ls_calloc(count, sizeof(float));
    small->named = ls_calloc(count, 1);
    ls_pass_init(&small->pass, &small->model, ROWS);
    for (size_t i = 0; i < count; i++)
        small->parameters[i] = ls_random_signed(&random);
    for (int i = 0; i < ROWS * IN; i++)
        small->pass.outputs[0][i] = ls_random_signed(&random);
    for (int row = 0; row < ROWS; row++)
        small->labels[row] = (uint8_t)ls_random_below(&random, OUT);
    *state = small;
    return 0;
}

static int tear_down(void **state)
{
    struct small *small = *state;

    ls_pass_free(&small->pass, &small->model);
    ls_free(small->parameters);
    ls_free(small->gradient);
    ls_free(small->named);
    ls_free(small);
    return 0;
}

static void count_ready(void *context, size_t first, size_t count)
{
    struct small *small = context;

    assert_true(first + count <= small->model.parameter_count);
    for (size_t i = first; i < first + count; i++)
        small->named[i]++;
}

static double backward(struct small *small)
{
    ls_model_forward(&small->model, small->parameters, &small->pass, ROWS);
    return ls_model_backward(&small->model, small->parameters, &small->pass,
                             small->labels, ROWS, small->gradient, count_ready, small);
}

/* Mean loss, computed in double precision from the scores of a forward pass. */
static double mean_loss(struct small *small)
{
    const float *scores = small->pass.outputs[3];
    double loss = 0;

    ls_model_forward(&small->model, small->parameters, &small->pass, ROWS);
    for (int row = 0; row < ROWS; row++) {
        double sum = 0;

        for (int i = 0; i < OUT; i++)
            sum += exp((double)scores[row * OUT + i]);
        loss += log(sum) - (double)scores[row * OUT + small->labels[row]];
    }
    return loss / ROWS;
}

static void loss_is_softmax_cross_entropy(void **state)
{
    struct small *small = *state;
    double expected = mean_loss(small);

    assert_float_equal(backward(small) / ROWS, expected, 1e-5);
}

static void gradient_agrees_with_numerical_differences(void **state)
{
    const float step = 1e-2F;
    struct small *small = *state;

    backward(small);
    for (size_t i = 0; i < small->model.parameter_count; i++) {
        float value = small->parameters[i];
        double above, below;

        small->parameters[i] = value + step;
        above = mean_loss(small);
        small->parameters[i] = value - step;
        below = mean_loss(small);
        small->parameters[i] = value;
        assert_float_equal((above - below) / (2 * (double)step), small->gradient[i],
                           5e-4);
    }
}

static void every_parameter_is_named_ready_once(void **state)
{
    struct small *small = *state;

    backward(small);
    for (size_t i = 0; i < small->model.parameter_count; i++)
        assert_int_equal(small->named[i], 1);
}

/* Remembers the parts of a gradient in the order they came. */
struct parts {
    size_t first[64], count[64];
    int number;
};

static void remember_part(void *context, size_t first, size_t count)
{
    struct parts *parts = context;

    parts->first[parts->number] = first;
    parts->count[parts->number++] = count;
}

static void large_layers_come_in_parts_and_the_last_layer_first(void **state)
{
    static const uint32_t widths[] = {784, 256, 10};
    uint8_t labels[1] = {0};
    struct ls_model model;
    struct ls_pass pass;
    struct parts parts = {.number = 0};
    float *parameters, *gradient;
    size_t total = 0;

    (void)state;
    ls_model_init(&model, widths, 2);
    ls_pass_init(&pass, &model, 1);
    parameters = ls_calloc(model.parameter_count, sizeof(float));
    gradient = ls_calloc(model.parameter_count, sizeof(float));
    ls_model_forward(&model, parameters, &pass, 1);
    ls_model_backward(&model, parameters, &pass, labels, 1, gradient, remember_part,
                      &parts);
    assert_int_equal(parts.number, 5); /* 1 and 4 */
    assert_int_equal(parts.first[0], model.layers[1].weights);
    assert_int_equal(parts.first[1], 0);
    for (int i = 0; i < parts.number; i++) {
        assert_true(parts.count[i] <= LS_BUCKET_PARAMETERS + 1024);
        total += parts.count[i];
    }
    assert_int_equal(total, model.parameter_count);
    ls_pass_free(&pass, &model);
    ls_free(parameters);
    ls_free(gradient);
}

static void two_halves_average_to_the_whole(void **state)
{
    enum { WHOLE = 8, HALF = 4 };
    struct small *small = *state;
    size_t count = small->model.parameter_count;
    float *halves = ls_calloc(count, sizeof(float));

    for (int half = 0; half < 2; half++) {
        struct ls_pass pass;

        ls_pass_init(&pass, &small->model, HALF);
        memcpy(pass.outputs[0], small->pass.outputs[0] + half * HALF * IN,
               HALF * IN * sizeof(float));
        ls_model_forward(&small->model, small->parameters, &pass, HALF);
        ls_model_backward(&small->model, small->parameters, &pass,
                          small->labels + half * HALF, HALF, small->gradient,
                          count_ready, small);
        for (size_t i = 0; i < count; i++)
            halves[i] += small->gradient[i] / 2;
        ls_pass_free(&pass, &small->model);
    }
    ls_model_forward(&small->model, small->parameters, &small->pass, WHOLE);
    ls_model_backward(&small->model, small->parameters, &small->pass, small->labels,
                      WHOLE, small->gradient, count_ready, small);
    for (size_t i = 0; i < count; i++)
        assert_float_equal(halves[i], small->gradient[i], 1e-6);
    ls_free(halves);
}

static void highest_score_counts_as_the_answer(void **state)
{
    struct small *small = *state;
    uint32_t wrong = 0;

    ls_model_forward(&small->model, small->parameters, &small->pass, ROWS);
    for (int row = 0; row < ROWS; row++) {
        const float *scores = small->pass.outputs[3] + row * OUT;
        int best = 0;

        for (int i = 1; i < OUT; i++)
            best = scores[i] > scores[best] ? i : best;
        small->labels[row] = (uint8_t)(row == 2 ? (best + 1) % OUT : best);
        wrong += row == 2;
    }
    assert_int_equal(ls_model_correct(&small->model, &small->pass, small->labels, ROWS),
                     ROWS - wrong);
}

static void the_seed_says_everything_about_the_weights(void **state)
{
    struct small *small = *state;
    size_t bytes = small->model.parameter_count * sizeof(float);

    ls_model_randomise(&small->model, small->parameters, 11);
    ls_model_randomise(&small->model, small->gradient, 11);
    assert_memory_equal(small->parameters, small->gradient, bytes);
    ls_model_randomise(&small->model, small->gradient, 12);
    assert_memory_not_equal(small->parameters, small->gradient, bytes);
    assert_float_equal(small->parameters[small->model.layers[0].biases], 0, 0);
}

static void the_blas_library_multiplies(void **state)
{
    (void)state;
    assert_true(ls_model_blas_works());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(loss_is_softmax_cross_entropy),
        TEST(gradient_agrees_with_numerical_differences),
        TEST(every_parameter_is_named_ready_once),
        TEST(large_layers_come_in_parts_and_the_last_layer_first),
        TEST(two_halves_average_to_the_whole),
        TEST(highest_score_counts_as_the_answer),
        TEST(the_seed_says_everything_about_the_weights),
        TEST(the_blas_library_multiplies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
