/* tests/unit/bench/collectives/collective_test.c - sizes and bandwidths by the
 * conventions of nccl-tests (its doc/PERFORMANCE.md). */
#include "bench/collectives/collective.h"
#include "tests/lib/cmocka.h"

static struct ls_case four_ranks(enum ls_collective_kind kind, uint64_t count)
{
    return (struct ls_case){.kind = kind,
                            .type = LOCKSTEP_FLOAT32,
                            .op = LOCKSTEP_SUM,
                            .ranks = 4,
                            .count = count};
}

static void bus_factors_are_those_of_nccl_tests(void **state)
{
    struct ls_case c = four_ranks(LS_BENCH_ALLREDUCE, 1);

    (void)state;
    assert_float_equal(ls_case_bus_factor(&c), 1.5, 1e-12);
    c.kind = LS_BENCH_REDUCE_SCATTER;
    assert_float_equal(ls_case_bus_factor(&c), 0.75, 1e-12);
    c.kind = LS_BENCH_ALLGATHER;
    assert_float_equal(ls_case_bus_factor(&c), 0.75, 1e-12);
    c.kind = LS_BENCH_BROADCAST;
    assert_float_equal(ls_case_bus_factor(&c), 1, 1e-12);
}

static void size_is_that_of_the_larger_buffer(void **state)
{
    struct ls_case c = four_ranks(LS_BENCH_ALLREDUCE, 100);

    (void)state;
    assert_int_equal(ls_case_bytes(&c), 400);
    c.kind = LS_BENCH_REDUCE_SCATTER;
    assert_int_equal(ls_case_bytes(&c), 1600);
    assert_int_equal(ls_case_in_count(&c), 400);
    assert_int_equal(ls_case_out_count(&c), 100);
    c.kind = LS_BENCH_ALLGATHER;
    assert_int_equal(ls_case_bytes(&c), 1600);
    assert_int_equal(ls_case_in_count(&c), 100);
    assert_int_equal(ls_case_out_count(&c), 400);
    c.kind = LS_BENCH_BARRIER;
    assert_int_equal(ls_case_bytes(&c), 0);
}

static void count_fills_the_size_without_exceeding_it(void **state)
{
    (void)state;
    for (int kind = 0; kind < LS_BENCH_BARRIER; kind++) {
        for (uint64_t bytes = 0; bytes < 200; bytes++) {
            struct ls_case c = four_ranks((enum ls_collective_kind)kind, 0);

            c.count = ls_case_count_for(&c, bytes);
            assert_true(ls_case_bytes(&c) <= bytes);
            c.count++;
            assert_true(ls_case_bytes(&c) > bytes);
        }
    }
}

static void traffic_counts_each_input_and_output_once(void **state)
{
    struct ls_case c = four_ranks(LS_BENCH_ALLREDUCE, 1000);

    (void)state;
    assert_float_equal(ls_case_memory_traffic(&c), 4 * 8000.0, 0);
    assert_float_equal(ls_case_wire_traffic(&c, 2), 8000.0, 0);
    c.kind = LS_BENCH_REDUCE_SCATTER; /* 4 x 16,000 in, 4 x 4,000 out */
    assert_float_equal(ls_case_memory_traffic(&c), 80000.0, 0);
    assert_float_equal(ls_case_wire_traffic(&c, 2), 16000.0, 0);
    c.kind = LS_BENCH_BROADCAST; /* one read, three written */
    assert_float_equal(ls_case_memory_traffic(&c), 16000.0, 0);
}

static void in_place_buffers_lie_where_lockstep_wants_them(void **state)
{
    struct ls_case c = four_ranks(LS_BENCH_ALLREDUCE, 10);
    char buffer[160];
    const void *in;
    void *out;

    (void)state;
    ls_case_in_place(&c, 2, buffer, &in, &out);
    assert_ptr_equal(in, buffer);
    assert_ptr_equal(out, buffer);
    c.kind = LS_BENCH_REDUCE_SCATTER;
    ls_case_in_place(&c, 2, buffer, &in, &out);
    assert_ptr_equal(in, buffer);
    assert_ptr_equal(out, buffer + 80);
    c.kind = LS_BENCH_ALLGATHER;
    ls_case_in_place(&c, 2, buffer, &in, &out);
    assert_ptr_equal(in, buffer + 80);
    assert_ptr_equal(out, buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bus_factors_are_those_of_nccl_tests),
        cmocka_unit_test(size_is_that_of_the_larger_buffer),
        cmocka_unit_test(count_fills_the_size_without_exceeding_it),
        cmocka_unit_test(traffic_counts_each_input_and_output_once),
        cmocka_unit_test(in_place_buffers_lie_where_lockstep_wants_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
