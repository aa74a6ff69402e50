/* common/collective/reduce_kernels.h - the kernels' text, compiled once per instruction set.
 *
 * Included by reduce_scalar.c, reduce_avx2.c and reduce_avx512.c, each with its own
 * compiler flags and LS_ISA set; plain loops that the compiler vectorises. Work goes
 * block by block, so that the accumulator stays in the first-level cache: inputs are
 * read once, outputs written once.
 *
 * Private to common/collective. */
#include <stdbool.h>
#include <string.h>

#include "common/collective/reduce_private.h"

#define JOIN2(a, b) a##_##b
#define JOIN(a, b)  JOIN2(a, b)

enum { BLOCK_BYTES = 8192 };

/* Unsigned arithmetic for sums and products of integers: wraps, as everywhere. */
#define DEFINE_COMBINE(TYPE, WRAP)                                                     \
    static void combine_##TYPE(TYPE *restrict acc, const TYPE *restrict a, size_t n,   \
                               lockstep_op op)                                         \
    {                                                                                  \
        switch (op) {                                                                  \
        case LOCKSTEP_MIN:                                                             \
            for (size_t i = 0; i < n; i++)                                             \
                acc[i] = a[i] < acc[i] ? a[i] : acc[i];                                \
            break;                                                                     \
        case LOCKSTEP_MAX:                                                             \
            for (size_t i = 0; i < n; i++)                                             \
                acc[i] = a[i] > acc[i] ? a[i] : acc[i];                                \
            break;                                                                     \
        case LOCKSTEP_PROD:                                                            \
            for (size_t i = 0; i < n; i++)                                             \
                acc[i] = (TYPE)((WRAP)acc[i] * (WRAP)a[i]);                            \
            break;                                                                     \
        default:                                                                       \
            for (size_t i = 0; i < n; i++)                                             \
                acc[i] = (TYPE)((WRAP)acc[i] + (WRAP)a[i]);                            \
        }                                                                              \
    }                                                                                  \
    static void divide_##TYPE(TYPE *acc, size_t n, uint32_t divisor)                   \
    {                                                                                  \
        for (size_t i = 0; i < n; i++)                                                 \
            acc[i] = acc[i] / (TYPE)divisor;                                           \
    }                                                                                  \
    /* acc = a op b; the two-input sum is the hot case and gets a loop of its own. */   \
    static void combine_two_##TYPE(TYPE *acc, const TYPE *a, const TYPE *b, size_t n,  \
                                   lockstep_op op)                                     \
    {                                                                                  \
        if (op == LOCKSTEP_SUM || op == LOCKSTEP_AVG) {                                \
            _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                        \
                acc[i] = (TYPE)((WRAP)a[i] + (WRAP)b[i]);                              \
            return;                                                                    \
        }                                                                              \
        if (acc == b) {                                                                \
            TYPE copy[BLOCK_BYTES / sizeof(TYPE)];                                     \
            memcpy(copy, b, n * sizeof(TYPE));                                         \
            memmove(acc, a, n * sizeof(TYPE));                                         \
            combine_##TYPE(acc, copy, n, op);                                          \
            return;                                                                    \
        }                                                                              \
        if (acc != a)                                                                  \
            memcpy(acc, a, n * sizeof(TYPE));                                          \
        combine_##TYPE(acc, b, n, op);                                                 \
    }                                                                                  \
    static void block_##TYPE(const struct ls_reduce *r, size_t at, size_t n,           \
                             bool out_is_scratch)                                      \
    {                                                                                  \
        TYPE stack[BLOCK_BYTES / sizeof(TYPE)];                                        \
        TYPE *acc = out_is_scratch ? (TYPE *)r->out[0] + at : stack;                   \
                                                                                       \
        if (r->in_count == 1)                                                          \
            memmove(acc, (const TYPE *)r->in[0] + at, n * sizeof(TYPE));               \
        else                                                                           \
            combine_two_##TYPE(acc, (const TYPE *)r->in[0] + at,                       \
                               (const TYPE *)r->in[1] + at, n, r->op);                 \
        for (unsigned k = 2; k < r->in_count; k++)                                     \
            combine_##TYPE(acc, (const TYPE *)r->in[k] + at, n, r->op);                \
        if (r->divisor > 1)                                                            \
            divide_##TYPE(acc, n, r->divisor);                                         \
        for (unsigned j = out_is_scratch ? 1 : 0; j < r->out_count; j++)               \
            ls_reduce_store((TYPE *)r->out[j] + at, acc, n * sizeof(TYPE),             \
                            !out_is_scratch);                                          \
    }

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wunknown-pragmas"
#endif

/* Blocks of large reductions leave by non-temporal stores: the result is not read here
 * again, and ordinary stores would first fetch every line they overwrite. */
static void ls_reduce_store(void *out, const void *block, size_t size, bool stream)
{
#if defined(__AVX512F__)
    if (stream && ((uintptr_t)out & 63) == 0 && (size & 63) == 0) {
        for (size_t i = 0; i < size; i += 64)
            _mm512_stream_si512((void *)((char *)out + i),
                                _mm512_loadu_si512((const char *)block + i));
        return;
    }
#elif defined(__AVX2__)
    if (stream && ((uintptr_t)out & 31) == 0 && (size & 31) == 0) {
        for (size_t i = 0; i < size; i += 32)
            _mm256_stream_si256((void *)((char *)out + i),
                                _mm256_loadu_si256((const void *)((const char *)block + i)));
        return;
    }
#else
    (void)stream;
#endif
    memcpy(out, block, size);
}

DEFINE_COMBINE(float, float)
DEFINE_COMBINE(double, double)
DEFINE_COMBINE(int32_t, uint32_t)
DEFINE_COMBINE(int64_t, uint64_t)

/* ---- 16-bit floats: widened to float32, rounded once at the end ------------------ */

static void widen_bf16(float *out, const uint16_t *in, size_t n)
{
    uint32_t *bits = (uint32_t *)(void *)out;

    for (size_t i = 0; i < n; i++)
        bits[i] = (uint32_t)in[i] << 16;
}

static void narrow_bf16(uint16_t *out, const float *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, in + i, sizeof(bits));
        if ((bits & 0x7FFFFFFF) > 0x7F800000)
            out[i] = (uint16_t)(bits >> 16 | 0x40); /* keep a NaN a NaN */
        else
            out[i] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

static void widen_f16(float *out, const uint16_t *in, size_t n)
{
    size_t i = 0;

#if defined(__F16C__)
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(in + i))));
#endif
    for (; i < n; i++)
        out[i] = ls_f16_to_f32(in[i]);
}

static void narrow_f16(uint16_t *out, const float *in, size_t n)
{
    size_t i = 0;

#if defined(__F16C__)
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((void *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), 0));
#endif
    for (; i < n; i++)
        out[i] = ls_f32_to_f16(in[i]);
}

enum { HALF_BLOCK = BLOCK_BYTES / sizeof(float) };

static void block_half(const struct ls_reduce *r, size_t at, size_t n)
{
    bool is_bf16 = r->type == LOCKSTEP_BFLOAT16;
    float acc[HALF_BLOCK], next[HALF_BLOCK];
    uint16_t narrow[HALF_BLOCK];

    for (unsigned k = 0; k < r->in_count; k++) {
        float *to = k ? next : acc;

        (is_bf16 ? widen_bf16 : widen_f16)(to, (const uint16_t *)r->in[k] + at, n);
        if (k)
            combine_float(acc, next, n, r->op);
    }
    if (r->divisor > 1)
        divide_float(acc, n, r->divisor);
    (is_bf16 ? narrow_bf16 : narrow_f16)(narrow, acc, n);
    for (unsigned j = 0; j < r->out_count; j++)
        memcpy((uint16_t *)r->out[j] + at, narrow, n * sizeof(uint16_t));
}

/* The first output may hold the accumulator unless it is a later input as well. */
static bool out_may_accumulate(const struct ls_reduce *r)
{
    for (unsigned k = 2; k < r->in_count; k++) {
        if (r->in[k] == r->out[0])
            return false;
    }
    return true;
}

void JOIN(ls_reduce, LS_ISA)(const struct ls_reduce *r)
{
    size_t block = BLOCK_BYTES / ls_type_size(r->type);
    size_t bytes = r->count * ls_type_size(r->type);
    bool stream = bytes >= LS_REDUCE_STREAM_BYTES;
    bool in_out = !stream && out_may_accumulate(r);

    if (r->type == LOCKSTEP_FLOAT16 || r->type == LOCKSTEP_BFLOAT16)
        block = HALF_BLOCK;
    for (size_t at = 0; at < r->count; at += block) {
        size_t n = r->count - at < block ? r->count - at : block;

        switch (r->type) {
        case LOCKSTEP_FLOAT32:
            block_float(r, at, n, in_out);
            break;
        case LOCKSTEP_FLOAT64:
            block_double(r, at, n, in_out);
            break;
        case LOCKSTEP_INT32:
            block_int32_t(r, at, n, in_out);
            break;
        case LOCKSTEP_INT64:
            block_int64_t(r, at, n, in_out);
            break;
        default:
            block_half(r, at, n);
        }
    }
#if defined(__AVX2__)
    if (stream)
        _mm_sfence(); /* before the flag that announces the result */
#endif
}
