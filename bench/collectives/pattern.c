/* bench/collectives/pattern.c - see pattern.h. */
#include "bench/collectives/pattern.h"

#include <string.h>

#include "common/util/check.h"

enum { CONTRIBUTORS_MAX = 64, SIGNIFICANT_MAX = 1 << 20 };

/* One period of a pattern, encoded in the case's type. */
struct table {
    unsigned char bytes[LS_PATTERN_PERIOD * 8];
    size_t element; /* bytes */
};

/* Integers up to this are exact in the type. */
static uint64_t exact_max(lockstep_type type)
{
    switch (type) {
    case LOCKSTEP_FLOAT16:
        return 2048;
    case LOCKSTEP_BFLOAT16:
        return 256;
    default:
        return SIGNIFICANT_MAX;
    }
}

static uint64_t mix(uint64_t i, int rank)
{
    uint64_t x = i * UINT64_C(0x9e3779b97f4a7c15) +
                 (uint64_t)rank * UINT64_C(0x2545f4914f6cdd1d);

    return (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9) >> 33;
}

/* At most CONTRIBUTORS_MAX ranks add something at one element, so that little types
 * have room for all of them. */
static double sum_value(const struct ls_case *c, int rank, uint64_t i)
{
    uint64_t stride = ((uint64_t)c->ranks - 1) / CONTRIBUTORS_MAX + 1;
    uint64_t contributors = ((uint64_t)c->ranks - 1) / stride + 1;

    if (((uint64_t)rank + i) % stride != 0)
        return 0;
    return (double)(mix(i, rank) % (exact_max(c->type) / contributors));
}

/* base(i) on all ranks, plus and minus something on neighbours: the mean is base(i). */
static double avg_value(const struct ls_case *c, int rank, uint64_t i)
{
    uint64_t room = exact_max(c->type) / (uint64_t)c->ranks;
    double base = room > 4 ? (double)(mix(i, 0) % (room - 3)) : 0;
    double swing = (double)(1 + i % 3);

    if (rank == c->ranks - 1 && rank % 2 == 0)
        return base;
    return rank % 2 ? base - swing : base + swing;
}

/* 1 on all ranks but two: the product is -2, -1, 2 or 1. */
static double prod_value(const struct ls_case *c, int rank, uint64_t i)
{
    if ((uint64_t)rank == i % (uint64_t)c->ranks)
        return 2;
    return (uint64_t)rank == i / 3 % (uint64_t)c->ranks ? -1 : 1;
}

double ls_pattern_value(const struct ls_case *c, int rank, uint64_t i)
{
    i %= LS_PATTERN_PERIOD;
    if (!ls_collective_reduces(c->kind))
        return (double)(mix(i, rank) % 251) - 125;
    switch (c->op) {
    case LOCKSTEP_SUM:
        return sum_value(c, rank, i);
    case LOCKSTEP_AVG:
        return avg_value(c, rank, i);
    case LOCKSTEP_PROD:
        return prod_value(c, rank, i);
    default: /* minimum and maximum */
        return (double)(mix(i, rank) % 251) - 125;
    }
}

/* The reduction over all ranks at element i, in double precision: exact. */
static double reduced_value(const struct ls_case *c, uint64_t i)
{
    double result = ls_pattern_value(c, 0, i);

    for (int rank = 1; rank < c->ranks; rank++) {
        double value = ls_pattern_value(c, rank, i);

        if (c->op == LOCKSTEP_MIN)
            result = value < result ? value : result;
        else if (c->op == LOCKSTEP_MAX)
            result = value > result ? value : result;
        else if (c->op == LOCKSTEP_PROD)
            result *= value;
        else
            result += value;
    }
    return c->op == LOCKSTEP_AVG ? result / c->ranks : result;
}

/* binary16 of a value that it can hold exactly as a normal number, or of 0. */
static uint16_t encode_half(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, 4);
    if (value == 0)
        return (uint16_t)(bits >> 16);
    return (uint16_t)((bits >> 16 & 0x8000) | (((bits >> 23 & 0xff) - 127 + 15) << 10) |
                      (bits >> 13 & 0x3ff));
}

static void encode(lockstep_type type, double value, unsigned char *to)
{
    float single = (float)value;
    int64_t whole = (int64_t)value;
    uint32_t bits;
    uint16_t half;

    switch (type) {
    case LOCKSTEP_FLOAT32:
        memcpy(to, &single, 4);
        break;
    case LOCKSTEP_FLOAT64:
        memcpy(to, &value, 8);
        break;
    case LOCKSTEP_FLOAT16:
        half = encode_half(single);
        memcpy(to, &half, 2);
        break;
    case LOCKSTEP_BFLOAT16:
        memcpy(&bits, &single, 4);
        half = (uint16_t)(bits >> 16);
        memcpy(to, &half, 2);
        break;
    case LOCKSTEP_INT32:
        memcpy(to, &(int32_t){(int32_t)whole}, 4);
        break;
    case LOCKSTEP_INT64:
        memcpy(to, &whole, 8);
        break;
    case LOCKSTEP_TYPE_COUNT:
        ls_assert(!"a type");
    }
}

/* rank >= 0: that rank's contribution; -1: the reduction. */
static void table_fill(struct table *table, const struct ls_case *c, int rank)
{
    table->element = lockstep_type_size(c->type);
    for (uint64_t i = 0; i < LS_PATTERN_PERIOD; i++)
        encode(c->type, rank < 0 ? reduced_value(c, i) : ls_pattern_value(c, rank, i),
               table->bytes + i * table->element);
}

/* The next stretch of pattern for elements from `index` on: *ret_count of at most
 * `left`. */
static const unsigned char *stretch(const struct table *table, uint64_t index,
                                    uint64_t left, uint64_t *ret_count)
{
    uint64_t at = index % LS_PATTERN_PERIOD;

    *ret_count = LS_PATTERN_PERIOD - at < left ? LS_PATTERN_PERIOD - at : left;
    return table->bytes + at * table->element;
}

void ls_pattern_fill_input(const struct ls_case *c, int rank, void *in)
{
    uint64_t count = ls_case_in_count(c), part;
    struct table table;

    table_fill(&table, c, rank);
    for (uint64_t i = 0; i < count; i += part) {
        const unsigned char *from = stretch(&table, i, count - i, &part);

        memcpy((unsigned char *)in + i * table.element, from, part * table.element);
    }
}

/* Compare out[0 … count) with the table's pattern from element `first` on. */
static uint64_t compare(const struct table *table, uint64_t first,
                        const unsigned char *out, uint64_t count, uint64_t *ret_first)
{
    uint64_t wrong = 0, part;

    for (uint64_t i = 0; i < count; i += part) {
        const unsigned char *expected = stretch(table, first + i, count - i, &part);
        const unsigned char *found = out + i * table->element;

        if (memcmp(expected, found, part * table->element) == 0)
            continue;
        for (uint64_t j = 0; j < part; j++) {
            size_t at = j * table->element;

            if (memcmp(expected + at, found + at, table->element) == 0)
                continue;
            if (wrong++ == 0)
                *ret_first = i + j;
        }
    }
    return wrong;
}

uint64_t ls_pattern_check_output(const struct ls_case *c, int rank, const void *out,
                                 uint64_t *ret_first)
{
    struct table table;
    uint64_t wrong = 0, first = 0;

    if (c->kind == LS_BENCH_ALLGATHER) {
        for (int from = c->ranks - 1; from >= 0; from--) {
            uint64_t start = (uint64_t)from * c->count, block;

            table_fill(&table, c, from);
            block =
                compare(&table, 0, (const unsigned char *)out + start * table.element,
                        c->count, &first);
            if (block > 0)
                *ret_first = start + first;
            wrong += block;
        }
        return wrong;
    }
    table_fill(&table, c, ls_collective_reduces(c->kind) ? -1 : c->root);
    if (c->kind == LS_BENCH_REDUCE_SCATTER)
        first = (uint64_t)rank * c->count;
    return compare(&table, first, out, ls_case_out_count(c), ret_first);
}
