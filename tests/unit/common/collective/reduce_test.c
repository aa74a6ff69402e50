/* tests/unit/common/collective/reduce_test.c - kernels of every instruction set against
 * plain arithmetic, bit for bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/collective/reduce.h"
#include "common/collective/reduce_private.h"
#include "tests/lib/cmocka.h"

enum { COUNT = 5003, INPUTS = 5 };

static uint32_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void fill(void *buffer, lockstep_type type)
{
    for (size_t i = 0; i < COUNT; i++) {
        int32_t whole = (int32_t)(next_random() % 2001) - 1000;

        switch (type) {
        case LOCKSTEP_FLOAT32:
            ((float *)buffer)[i] = (float)whole / 7;
            break;
        case LOCKSTEP_FLOAT64:
            ((double *)buffer)[i] = (double)whole / 7;
            break;
        case LOCKSTEP_FLOAT16:
            ((uint16_t *)buffer)[i] = ls_f32_to_f16((float)whole / 7);
            break;
        case LOCKSTEP_BFLOAT16:
            ((uint16_t *)buffer)[i] = (uint16_t)(next_random() & 0xBFFF);
            break;
        case LOCKSTEP_INT32:
            ((int32_t *)buffer)[i] = whole * 1000003;
            break;
        default:
            ((int64_t *)buffer)[i] = (int64_t)whole * 1000000007;
        }
    }
}

typedef void (*kernel)(const struct ls_reduce *reduce);

/* The scalar kernel on one input after another is the reference for all others. */
static void assert_same_as_scalar(kernel tested, lockstep_type type, lockstep_op op,
                                  unsigned inputs, uint32_t divisor, int in_place)
{
    size_t size = ls_type_size(type);
    void *buffers[INPUTS], *expected = calloc(COUNT, size), *out = calloc(COUNT, size);
    const void *in[INPUTS];
    void *outs[2] = {out, NULL}, *expecteds[1] = {expected};

    for (unsigned k = 0; k < INPUTS; k++) {
        buffers[k] = calloc(COUNT, size);
        fill(buffers[k], type);
        in[k] = buffers[k];
    }
    outs[0] = in_place >= 0 ? buffers[in_place] : out;
    outs[1] = in_place >= 0 ? out : buffers[INPUTS - 1]; /* INPUTS - 1 is never an input */
    ls_reduce_scalar(&(struct ls_reduce){in, inputs, expecteds, 1, COUNT, type, op, divisor});
    tested(&(struct ls_reduce){in, inputs, outs, 2, COUNT, type, op, divisor});
    assert_memory_equal(outs[0], expected, COUNT * size);
    assert_memory_equal(outs[1], expected, COUNT * size);
    for (unsigned k = 0; k < INPUTS; k++)
        free(buffers[k]);
    free(expected);
    free(out);
}

static void check_kernel(kernel tested)
{
    for (int type = 0; type < LOCKSTEP_TYPE_COUNT; type++) {
        for (int op = 0; op < LOCKSTEP_OP_COUNT; op++) {
            for (unsigned inputs = 1; inputs < INPUTS; inputs++) {
                for (int in_place = -1; in_place < (int)inputs; in_place++)
                    assert_same_as_scalar(tested, (lockstep_type)type, (lockstep_op)op, inputs,
                                          op == LOCKSTEP_AVG ? 3 : 1, in_place);
            }
        }
    }
}

static void the_chosen_kernel_agrees_with_the_scalar_one(void **state)
{
    (void)state;
    check_kernel(ls_reduce);
}

static void the_avx2_kernel_agrees_with_the_scalar_one(void **state)
{
    (void)state;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        check_kernel(ls_reduce_avx2);
        return;
    }
#endif
    skip();
}

static void the_scalar_kernel_adds_in_order(void **state)
{
    const float a[4] = {1e8f, 1, -1, 0.5f}, b[4] = {1, 2, 3, 4}, c[4] = {-1e8f, 3, 5, 7};
    const void *in[] = {a, b, c};
    float sum[4];
    void *out[] = {sum};

    (void)state;
    ls_reduce_scalar(
        &(struct ls_reduce){in, 3, out, 1, 4, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 1});
    for (int i = 0; i < 4; i++)
        assert_true(sum[i] == (a[i] + b[i]) + c[i]);
    ls_reduce_scalar(
        &(struct ls_reduce){in, 3, out, 1, 4, LOCKSTEP_FLOAT32, LOCKSTEP_MAX, 1});
    assert_true(sum[0] == 1e8f && sum[3] == 7);
}

static void every_half_survives_the_way_through_float32(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = ls_f16_to_f32((uint16_t)bits);

        if (isnan(value))
            assert_true(isnan(ls_f16_to_f32(ls_f32_to_f16(value))));
        else
            assert_int_equal(ls_f32_to_f16(value), bits);
    }
    assert_int_equal(ls_f32_to_f16(65520.0f), 0x7C00);  /* rounds to infinity */
    assert_int_equal(ls_f32_to_f16(65519.0f), 0x7BFF);
    assert_int_equal(ls_f32_to_f16(0x1p-25f), 0);       /* a tie goes to even */
    assert_int_equal(ls_f32_to_f16(0x1.8p-25f), 1);
    assert_int_equal(ls_f32_to_f16(1 + 0x1p-11f), 0x3C00);
    assert_int_equal(ls_f32_to_f16(1 + 0x3p-11f), 0x3C02);
}

static void large_reductions_use_streaming_stores_and_agree(void **state)
{
    size_t count = 2 * LS_REDUCE_STREAM_BYTES / sizeof(float) + 5;
    float *a = malloc(count * sizeof(float)), *b = malloc(count * sizeof(float));
    float *sum = aligned_alloc(64, (count * sizeof(float) + 63) & ~(size_t)63);
    const void *in[] = {a, b};
    void *out[] = {sum, a};

    (void)state;
    for (size_t i = 0; i < count; i++) {
        a[i] = (float)(i % 1000);
        b[i] = (float)(i % 77);
    }
    ls_reduce(&(struct ls_reduce){in, 2, out, 2, count, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 1});
    for (size_t i = 0; i < count; i++)
        assert_true(sum[i] == (float)(i % 1000) + (float)(i % 77) && a[i] == sum[i]);
    free(a);
    free(b);
    free(sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scalar_kernel_adds_in_order),
        cmocka_unit_test(the_chosen_kernel_agrees_with_the_scalar_one),
        cmocka_unit_test(the_avx2_kernel_agrees_with_the_scalar_one),
        cmocka_unit_test(every_half_survives_the_way_through_float32),
        cmocka_unit_test(large_reductions_use_streaming_stores_and_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
