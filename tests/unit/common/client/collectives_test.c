/* tests/unit/common/client/collectives_test.c - all collectives of lockstep.h on forked
 * ranks, on one node and over several, against a plain reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/client/lockstep.h"
#include "tests/lib/ranks.h"

/* Small whole numbers: every sum and product of a few is exact in every type. */
static double value_of(int rank, size_t i)
{
    return (double)((rank * 7 + (int)(i % 13)) % 3) + 1;
}

static uint16_t half_bits(double value, lockstep_type type)
{
    float f = (float)value;
    uint32_t bits;

    memcpy(&bits, &f, sizeof(bits));
    if (type == LOCKSTEP_BFLOAT16)
        return (uint16_t)(bits >> 16);
    return bits == 0 ? 0
                     : (uint16_t)((bits >> 16 & 0x8000) |
                                  ((bits >> 23 & 0xFF) - 112) << 10 | (bits >> 13 & 0x3FF));
}

static void put(void *buffer, size_t i, lockstep_type type, double value)
{
    switch (type) {
    case LOCKSTEP_FLOAT32:
        ((float *)buffer)[i] = (float)value;
        break;
    case LOCKSTEP_FLOAT64:
        ((double *)buffer)[i] = value;
        break;
    case LOCKSTEP_INT32:
        ((int32_t *)buffer)[i] = (int32_t)value;
        break;
    case LOCKSTEP_INT64:
        ((int64_t *)buffer)[i] = (int64_t)value;
        break;
    default:
        ((uint16_t *)buffer)[i] = half_bits(value, type);
    }
}

static double combined(int size, size_t i, lockstep_type type, lockstep_op op)
{
    double result = value_of(0, i);

    for (int r = 1; r < size; r++) {
        double v = value_of(r, i);

        switch (op) {
        case LOCKSTEP_MIN:
            result = v < result ? v : result;
            break;
        case LOCKSTEP_MAX:
            result = v > result ? v : result;
            break;
        case LOCKSTEP_PROD:
            result *= v;
            break;
        default:
            result += v;
        }
    }
    if (op != LOCKSTEP_AVG)
        return result;
    if (type == LOCKSTEP_INT32 || type == LOCKSTEP_INT64)
        return (double)((int64_t)result / size);
    return type == LOCKSTEP_FLOAT64 ? result / size : (float)((float)result / (float)size);
}

static uint16_t narrow_bits(double value, lockstep_type type)
{
    float f = (float)value;
    uint32_t bits;

    memcpy(&bits, &f, sizeof(bits));
    if (type == LOCKSTEP_BFLOAT16)
        return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    bits -= 112u << 23;
    return (uint16_t)((bits + 0xFFF + (bits >> 13 & 1)) >> 13);
}

static int check_value(const void *buffer, size_t i, lockstep_type type, double expected)
{
    char right[8] = {0};
    size_t size = lockstep_type_size(type);

    if (type == LOCKSTEP_FLOAT16 || type == LOCKSTEP_BFLOAT16) {
        uint16_t bits = narrow_bits(expected, type);

        memcpy(right, &bits, sizeof(bits));
    } else {
        put(right, 0, type, expected);
    }
    return memcmp((const char *)buffer + i * size, right, size) == 0;
}

#define EXPECT(comm, condition, ...)                                                   \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "rank %d: ", lockstep_rank(comm));                         \
            fprintf(stderr, __VA_ARGS__);                                              \
            fprintf(stderr, " (%s)\n", lockstep_error_text());                         \
            return 1;                                                                  \
        }                                                                              \
    } while (0)

static void fill(lockstep_comm *comm, void *buffer, size_t count, lockstep_type type)
{
    for (size_t i = 0; i < count; i++)
        put(buffer, i, type, value_of(lockstep_rank(comm), i));
}

static int one_allreduce(lockstep_comm *comm, void *in, void *out, size_t count,
                         lockstep_type type, lockstep_op op)
{
    fill(comm, in, count, type);
    EXPECT(comm, lockstep_allreduce(comm, in, out, count, type, op) == LOCKSTEP_OK,
           "allreduce %zu failed", count);
    for (size_t i = 0; i < count; i++)
        EXPECT(comm, check_value(out, i, type, combined(lockstep_size(comm), i, type, op)),
               "allreduce of %zu %s, %s: wrong at %zu", count, lockstep_type_name(type),
               lockstep_op_name(op), i);
    return 0;
}

static int one_reduce_scatter(lockstep_comm *comm, void *in, void *out, size_t count,
                              lockstep_type type, lockstep_op op)
{
    size_t size = (size_t)lockstep_size(comm), rank = (size_t)lockstep_rank(comm);

    fill(comm, in, count * size, type);
    EXPECT(comm, lockstep_reduce_scatter(comm, in, out, count, type, op) == LOCKSTEP_OK,
           "reduce_scatter %zu failed", count);
    for (size_t i = 0; i < count; i++)
        EXPECT(comm,
               check_value(out, i, type, combined((int)size, rank * count + i, type, op)),
               "reduce_scatter of %zu %s, %s: wrong at %zu", count, lockstep_type_name(type),
               lockstep_op_name(op), i);
    return 0;
}

static int one_allgather(lockstep_comm *comm, void *in, void *out, size_t count,
                         lockstep_type type)
{
    fill(comm, in, count, type);
    EXPECT(comm, lockstep_allgather(comm, in, out, count, type) == LOCKSTEP_OK,
           "allgather %zu failed", count);
    for (size_t i = 0; i < count * (size_t)lockstep_size(comm); i++)
        EXPECT(comm, check_value(out, i, type, value_of((int)(i / count), i % count)),
               "allgather of %zu %s: wrong at %zu", count, lockstep_type_name(type), i);
    return 0;
}

static int one_broadcast(lockstep_comm *comm, void *buffer, size_t count, lockstep_type type,
                         int root)
{
    fill(comm, buffer, count, type);
    EXPECT(comm, lockstep_broadcast(comm, buffer, count, type, root) == LOCKSTEP_OK,
           "broadcast %zu failed", count);
    for (size_t i = 0; i < count; i++)
        EXPECT(comm, check_value(buffer, i, type, value_of(root, i)),
               "broadcast of %zu %s from %d: wrong at %zu", count, lockstep_type_name(type),
               root, i);
    return 0;
}

static const size_t counts[] = {0, 1, 2, 7, 12, 13, 100, 1023, 2049, 5000, 40001};
enum { COUNT_MAX = 40001, BIG_COUNT = 3000001 };

static int all_of_one_count(lockstep_comm *comm, void *a, void *b, size_t count,
                            lockstep_type type)
{
    int size = lockstep_size(comm);
    lockstep_op last = size <= 4 ? LOCKSTEP_PROD : LOCKSTEP_MAX; /* products stay exact */

    for (int op = 0; op <= (int)last; op++) {
        if (one_allreduce(comm, a, b, count, type, (lockstep_op)op) ||
            one_allreduce(comm, a, a, count, type, (lockstep_op)op) ||
            one_reduce_scatter(comm, a, b, count, type, (lockstep_op)op))
            return 1;
    }
    if (one_allgather(comm, a, b, count, type))
        return 1;
    for (int root = 0; root < size; root++) {
        if (one_broadcast(comm, a, count, type, root))
            return 1;
    }
    return 0;
}

static int everything(lockstep_comm *comm, void *a, void *b)
{
    for (int type = 0; type < LOCKSTEP_TYPE_COUNT; type++) {
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            if (all_of_one_count(comm, a, b, counts[c], (lockstep_type)type))
                return 1;
        }
    }
    return one_allreduce(comm, a, b, BIG_COUNT / 4, LOCKSTEP_FLOAT32, LOCKSTEP_SUM) ||
           one_broadcast(comm, a, BIG_COUNT / 4, LOCKSTEP_INT32, lockstep_size(comm) - 1);
}

static int with_shared_memory(lockstep_comm *comm)
{
    size_t bytes = (size_t)COUNT_MAX * 8 * (size_t)lockstep_size(comm) + BIG_COUNT;
    void *a = lockstep_alloc(comm, bytes), *b = lockstep_alloc(comm, bytes);

    EXPECT(comm, a && b, "no memory");
    return everything(comm, a, b);
}

static int with_ordinary_memory(lockstep_comm *comm)
{
    size_t bytes = (size_t)COUNT_MAX * 8 * (size_t)lockstep_size(comm) + BIG_COUNT;
    void *a = malloc(bytes), *b = malloc(bytes);
    int failed = everything(comm, a, b);

    free(a);
    free(b);
    return failed;
}

/* Buckets of all sizes in flight at once, completed in another order. */
static int many_in_flight(lockstep_comm *comm)
{
    lockstep_request *requests[LOCKSTEP_IN_FLIGHT_MAX], *one_more;
    float *buckets[LOCKSTEP_IN_FLIGHT_MAX];
    int size = lockstep_size(comm);

    for (int round = 0; round < 20; round++) {
        for (int k = 0; k < LOCKSTEP_IN_FLIGHT_MAX; k++) {
            size_t count = (size_t)(k % 4) * 20000 + 10 + (size_t)round;

            buckets[k] = lockstep_alloc(comm, count * sizeof(float));
            fill(comm, buckets[k], count, LOCKSTEP_FLOAT32);
            EXPECT(comm,
                   lockstep_allreduce_start(comm, buckets[k], buckets[k], count,
                                            LOCKSTEP_FLOAT32, LOCKSTEP_SUM,
                                            &requests[k]) == LOCKSTEP_OK,
                   "start %d", k);
        }
        EXPECT(comm,
               lockstep_barrier_start(comm, &one_more) == LOCKSTEP_ERR_BUSY,
               "more than the limit were accepted");
        for (int k = LOCKSTEP_IN_FLIGHT_MAX - 1; k >= 0; k--) {
            size_t count = (size_t)(k % 4) * 20000 + 10 + (size_t)round;

            EXPECT(comm, lockstep_wait(comm, requests[k]) == LOCKSTEP_OK, "wait %d", k);
            for (size_t i = 0; i < count; i += 17)
                EXPECT(comm,
                       check_value(buckets[k], i, LOCKSTEP_FLOAT32,
                                   combined(size, i, LOCKSTEP_FLOAT32, LOCKSTEP_SUM)),
                       "bucket %d wrong at %zu", k, i);
            lockstep_free(comm, buckets[k]);
        }
    }
    return 0;
}

static int root_runs_ahead(lockstep_comm *comm)
{
    for (int i = 0; i < 2000; i++) {
        int32_t word = lockstep_rank(comm) == 0 ? i : -1;

        EXPECT(comm, lockstep_broadcast(comm, &word, 1, LOCKSTEP_INT32, 0) == LOCKSTEP_OK,
               "broadcast %d", i);
        EXPECT(comm, word == i, "got %d, expected %d", word, i);
    }
    return 0;
}

static int mismatch_is_an_error(lockstep_comm *comm)
{
    float x[100] = {0};
    lockstep_status status;

    if (lockstep_rank(comm) == 1)
        status = lockstep_allreduce(comm, x, x, 100, LOCKSTEP_FLOAT32, LOCKSTEP_MAX);
    else
        status = lockstep_allreduce(comm, x, x, 100, LOCKSTEP_FLOAT32, LOCKSTEP_SUM);
    EXPECT(comm, status == LOCKSTEP_ERR_MISMATCH, "got %s", lockstep_status_name(status));
    EXPECT(comm, strstr(lockstep_error_text(), "rank 0") && strstr(lockstep_error_text(), "rank 1"),
           "the error names both");
    return lockstep_barrier(comm) == LOCKSTEP_OK; /* stays failed */
}

static int check_mismatch(const lockstep_bootstrap *bootstrap)
{
    lockstep_comm *comm;

    if (lockstep_init_with(bootstrap, &comm) != LOCKSTEP_OK)
        return 1;
    if (mismatch_is_an_error(comm))
        return 1;
    return lockstep_finalize(comm) == LOCKSTEP_OK;
}

static int ranks_are_numbered_node_after_node(lockstep_comm *comm)
{
    EXPECT(comm, lockstep_size(comm) == 5 && lockstep_node_count(comm) == 2, "layout");
    EXPECT(comm, lockstep_local_size(comm) == (lockstep_node_rank(comm) == 0 ? 2 : 3), "local");
    EXPECT(comm,
           lockstep_rank(comm) == lockstep_node_rank(comm) * 2 + lockstep_local_rank(comm),
           "rank");
    return 0;
}

#define ON(name, nodes, body, ...)                                                     \
    static void name(void **state)                                                     \
    {                                                                                  \
        static const int layout[] = {__VA_ARGS__};                                     \
        (void)state;                                                                   \
        assert_int_equal(ranks_run(nodes, layout, body), 0);                           \
    }

ON(one_rank_alone, 1, with_shared_memory, 1)
ON(two_ranks_share_a_node, 1, with_shared_memory, 2)
ON(three_ranks_share_a_node, 1, with_shared_memory, 3)
ON(eight_ranks_on_few_cores, 1, with_shared_memory, 8)
ON(ordinary_memory_on_a_node, 1, with_ordinary_memory, 3)
ON(two_nodes_of_one_rank, 2, with_shared_memory, 1, 1)
ON(two_nodes_of_two_ranks, 2, with_shared_memory, 2, 2)
ON(three_uneven_nodes, 3, with_shared_memory, 2, 1, 3)
ON(ordinary_memory_over_nodes, 2, with_ordinary_memory, 2, 1)
ON(buckets_in_flight_on_a_node, 1, many_in_flight, 3)
ON(buckets_in_flight_over_nodes, 2, many_in_flight, 2, 2)
ON(a_root_cannot_overrun_on_a_node, 1, root_runs_ahead, 3)
ON(a_root_cannot_overrun_over_nodes, 2, root_runs_ahead, 1, 2)
ON(layout_of_uneven_nodes, 2, ranks_are_numbered_node_after_node, 2, 3)

static void mismatch_names_both_ranks(void **state)
{
    static const int layout[] = {2};

    (void)state;
    assert_int_equal(ranks_run_raw(1, layout, check_mismatch), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_alone),
        cmocka_unit_test(two_ranks_share_a_node),
        cmocka_unit_test(three_ranks_share_a_node),
        cmocka_unit_test(eight_ranks_on_few_cores),
        cmocka_unit_test(ordinary_memory_on_a_node),
        cmocka_unit_test(buckets_in_flight_on_a_node),
        cmocka_unit_test(a_root_cannot_overrun_on_a_node),
        cmocka_unit_test(mismatch_names_both_ranks),
        cmocka_unit_test(two_nodes_of_one_rank),
        cmocka_unit_test(two_nodes_of_two_ranks),
        cmocka_unit_test(three_uneven_nodes),
        cmocka_unit_test(ordinary_memory_over_nodes),
        cmocka_unit_test(buckets_in_flight_over_nodes),
        cmocka_unit_test(a_root_cannot_overrun_over_nodes),
        cmocka_unit_test(layout_of_uneven_nodes),
    };

    setenv("LOCKSTEP_ARENA_SIZE", "1073741824", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
