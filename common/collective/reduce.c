/* common/collective/reduce.c - picks the kernels for this processor. Depends on the kernels. */
#include "common/collective/reduce.h"

#include <string.h>

#include "common/collective/reduce_private.h"
#include "common/util/check.h"

typedef void (*reduce_func)(const struct ls_reduce *reduce);

struct isa {
    const char *name;
    reduce_func reduce;
};

static struct isa pick(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return (struct isa){"avx512", ls_reduce_avx512};
    if (__builtin_cpu_supports("avx2"))
        return (struct isa){"avx2", ls_reduce_avx2};
#endif
    return (struct isa){"scalar", ls_reduce_scalar};
}

static struct isa chosen;

__attribute__((constructor)) static void choose(void)
{
    chosen = pick();
}

const char *ls_reduce_isa(void)
{
    return chosen.name;
}

size_t ls_type_size(lockstep_type type)
{
    static const size_t sizes[LOCKSTEP_TYPE_COUNT] = {4, 8, 2, 2, 4, 8};

    return (unsigned)type < LOCKSTEP_TYPE_COUNT ? sizes[type] : 0;
}

const char *ls_type_name(lockstep_type type)
{
    static const char *const names[LOCKSTEP_TYPE_COUNT] = {"float32",  "float64", "float16",
                                                           "bfloat16", "int32",   "int64"};

    return (unsigned)type < LOCKSTEP_TYPE_COUNT ? names[type] : NULL;
}

const char *ls_op_name(lockstep_op op)
{
    static const char *const names[LOCKSTEP_OP_COUNT] = {"sum", "avg", "min", "max", "prod"};

    return (unsigned)op < LOCKSTEP_OP_COUNT ? names[op] : NULL;
}

void ls_reduce(const struct ls_reduce *reduce)
{
    ls_assert(reduce->in_count >= 1 && reduce->in_count <= LS_REDUCE_INPUTS_MAX);
    ls_assert(reduce->out_count >= 1);
    chosen.reduce(reduce);
}

float ls_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1F, mantissa = half & 0x3FF;
    uint32_t bits;
    float value;

    if (exponent == 0x1F) {
        bits = sign | 0x7F800000 | mantissa << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        value = (float)mantissa * 0x1p-24f; /* zero and subnormals, exact */
        return sign ? -value : value;
    }
    memcpy(&value, &bits, sizeof(value));
    return value;
}

uint16_t ls_f32_to_f16(float value)
{
    uint32_t bits, sign, rest, shift, mantissa;

    memcpy(&bits, &value, sizeof(bits));
    sign = bits >> 16 & 0x8000;
    rest = bits & 0x7FFFFFFF;
    if (rest > 0x7F800000)
        return (uint16_t)(sign | 0x7E00 | (rest >> 13 & 0x1FF));
    if (rest >= 0x47800000) /* 65536 and more, also infinity */
        return (uint16_t)(sign | 0x7C00);
    if (rest >= 0x38800000) { /* normal: round away 13 bits; may carry into infinity */
        rest -= 112u << 23;
        return (uint16_t)(sign | (rest + 0xFFF + (rest >> 13 & 1)) >> 13);
    }
    if (rest < 0x33000000) /* below half of the least subnormal */
        return (uint16_t)sign;
    shift = 126 - (rest >> 23);
    mantissa = (rest & 0x7FFFFF) | 0x800000;
    rest = mantissa >> shift;
    mantissa &= (1u << shift) - 1;
    if (mantissa > 1u << (shift - 1) || (mantissa == 1u << (shift - 1) && (rest & 1)))
        rest++;
    return (uint16_t)(sign | rest);
}
