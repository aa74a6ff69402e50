/* tests/unit/scheduler/daemon/submit_test.c - what options mean together. */
#include "scheduler/daemon/submit.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/cmocka.h"

/* Four nodes of 8 GPUs and 112 cores, two of 4 GPUs and 32 cores. */
static const struct ls_node_size sizes[] = {
    {112, 8, 1024}, {112, 8, 1024}, {112, 8, 1024},
    {112, 8, 1024}, {32, 4, 256},   {32, 4, 256},
};

static Ls__JobSpec spec_of(void)
{
    static char program[] = "true", root[] = "/";
    static char *argv[] = {program};
    Ls__JobSpec spec = LS__JOB_SPEC__INIT;

    spec.n_argv = 1;
    spec.argv = argv;
    spec.cwd = root;
    return spec;
}

struct asked {
    uint32_t nodes, ntasks, per_node, cpus, gpus, gpus_per_node, gpus_per_task;
};

struct resolved {
    uint32_t nodes, ranks, cpus_per_rank, gpus_per_rank, gpus_per_node;
};

static Ls__JobSpec spec_from(const struct asked *asked)
{
    Ls__JobSpec spec = spec_of();

    spec.nodes = asked->nodes;
    spec.ntasks = asked->ntasks;
    spec.ntasks_per_node = asked->per_node;
    spec.cpus_per_task = asked->cpus;
    spec.gpus = asked->gpus;
    spec.gpus_per_node = asked->gpus_per_node;
    spec.gpus_per_task = asked->gpus_per_task;
    return spec;
}

static const struct {
    struct asked asked;
    struct resolved expected;
} table[] = {
    /* Nothing: one rank of one core. */
    {{0}, {1, 1, 1, 0, 0}},
    /* -N2: one rank a node. -N2 -n4: two each. */
    {{.nodes = 2}, {2, 2, 1, 0, 0}},
    {{.nodes = 2, .ntasks = 4}, {2, 4, 1, 0, 0}},
    {{.nodes = 2, .ntasks = 5}, {2, 5, 1, 0, 0}},
    /* -n alone: the fewest nodes that have the cores. */
    {{.ntasks = 112}, {1, 112, 1, 0, 0}},
    {{.ntasks = 113}, {2, 113, 1, 0, 0}},
    {{.ntasks = 4, .cpus = 100}, {4, 4, 100, 0, 0}},
    {{.ntasks = 6, .cpus = 32}, {2, 6, 32, 0, 0}},
    /* --ntasks-per-node alone, with -N, with -n. */
    {{.per_node = 4}, {1, 4, 1, 0, 0}},
    {{.nodes = 3, .per_node = 4}, {3, 12, 1, 0, 0}},
    {{.ntasks = 10, .per_node = 4}, {3, 10, 1, 0, 0}},
    /* GPUs of each rank; cores are the GPUs' share of their node. */
    {{.ntasks = 8, .gpus_per_task = 1}, {1, 8, 14, 1, 8}},
    {{.ntasks = 16, .gpus_per_task = 1}, {2, 16, 14, 1, 8}},
    {{.nodes = 4, .ntasks = 8, .gpus_per_task = 4}, {4, 8, 56, 4, 8}},
    {{.nodes = 2, .gpus_per_task = 2, .cpus = 3}, {2, 2, 3, 2, 2}},
    {{.ntasks = 2, .gpus_per_task = 8}, {2, 2, 112, 8, 8}},
    /* GPUs of each node: one rank gets all, more share evenly, or all see all. */
    {{.gpus_per_node = 8}, {1, 1, 112, 8, 8}},
    {{.nodes = 2, .per_node = 4, .gpus_per_node = 8}, {2, 8, 28, 2, 8}},
    {{.nodes = 1, .ntasks = 3, .gpus_per_node = 8}, {1, 3, 1, 0, 8}},
    {{.nodes = 1, .ntasks = 4, .gpus_per_node = 1}, {1, 4, 1, 0, 1}},
    /* GPUs of the whole job. */
    {{.gpus = 16}, {2, 2, 112, 8, 8}},
    {{.gpus = 12}, {2, 2, 84, 6, 6}},
    {{.gpus = 16, .nodes = 4}, {4, 4, 32, 4, 4}},
    {{.gpus = 16, .ntasks = 16}, {2, 16, 14, 1, 8}},
    {{.gpus = 16, .gpus_per_task = 4}, {2, 4, 56, 4, 8}},
    {{.gpus = 16, .gpus_per_node = 4}, {4, 4, 32, 4, 4}},
    /* More than there is: resolved all the same, refused by admission. */
    {{.nodes = 100}, {100, 100, 1, 0, 0}},
    {{.ntasks = 1, .cpus = 1000}, {1, 1, 1000, 0, 0}},
};

static void options_combine_as_under_slurm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct resolved *expected = &table[i].expected;
        Ls__JobSpec spec = spec_from(&table[i].asked);
        struct ls_error err = {0};
        struct ls_request got;

        if (ls_submit_resolve(sizes, 6, &spec, &got, &err) < 0)
            fail_msg("row %zu: %s", i, err.text);
        if (got.nodes != expected->nodes || got.ranks != expected->ranks ||
            got.cpus_per_rank != expected->cpus_per_rank ||
            got.gpus_per_rank != expected->gpus_per_rank ||
            got.gpus_per_node != expected->gpus_per_node)
            fail_msg("row %zu: nodes %u ranks %u cpus %u gpus %u/%u", i, got.nodes,
                     got.ranks, got.cpus_per_rank, got.gpus_per_rank,
                     got.gpus_per_node);
        assert_int_equal(spec.nodes, got.nodes);
        assert_int_equal(spec.ntasks, got.ranks);
        assert_int_equal(spec.gpus, got.nodes * got.gpus_per_node);
    }
}

static const struct {
    struct asked asked;
    const char *expected;
} contradictions[] = {
    {{.nodes = 4, .ntasks = 2}, "--ntasks 2 cannot use --nodes 4"},
    {{.nodes = 2, .ntasks = 9, .per_node = 4}, "more than --nodes 2"},
    {{.gpus = 3, .nodes = 2}, "spread evenly over 2 nodes"},
    {{.gpus = 8, .gpus_per_task = 3}, "contradicts --gpus-per-task 3"},
    {{.gpus = 8, .gpus_per_task = 4, .ntasks = 3}, "contradicts --gpus-per-task 4"},
    {{.gpus = 8, .gpus_per_node = 4, .nodes = 3}, "contradicts --gpus-per-node 4"},
    {{.nodes = 1, .ntasks = 4, .gpus_per_task = 2, .gpus_per_node = 4}, "need 8 GPUs"},
    {{.nodes = 1, .ntasks = 100, .gpus_per_task = 1}, "at most 64"},
    {{.nodes = 1 << 20, .per_node = 2}, "2097152 ranks"},
};

static void contradictions_are_refused_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
        Ls__JobSpec spec = spec_from(&contradictions[i].asked);
        struct ls_error err = {0};
        struct ls_request got;

        if (ls_submit_resolve(sizes, 6, &spec, &got, &err) != -EINVAL ||
            !strstr(err.text, contradictions[i].expected))
            fail_msg("row %zu: '%s'", i, err.text);
    }
}

static void overcommit_does_not_count_cores(void **state)
{
    Ls__JobSpec spec = spec_of();
    struct ls_request got;

    (void)state;
    spec.ntasks = 500;
    spec.overcommit = true;
    assert_int_equal(ls_submit_resolve(sizes, 6, &spec, &got, NULL), 0);
    assert_int_equal(got.nodes, 1);
    assert_true(got.overcommit);
}

static void a_script_holds_what_its_ranks_would_need(void **state)
{
    Ls__JobSpec spec = spec_of();
    uint8_t script[] = "#!/bin/sh\n";
    struct ls_request got;

    (void)state;
    spec.script.data = script;
    spec.script.len = sizeof(script) - 1;
    spec.nodes = 2;
    spec.ntasks_per_node = 4;
    spec.gpus_per_task = 2;
    assert_int_equal(ls_submit_resolve(sizes, 6, &spec, &got, NULL), 0);
    assert_int_equal(got.ranks, 2);
    assert_int_equal(got.cpus_per_rank, 4 * 28);
    assert_int_equal(got.gpus_per_rank, 8);
    assert_int_equal(spec.ntasks, 8); /* what the script is told */
}

static void specs_out_of_bounds_are_refused(void **state)
{
    static char nothing[] = "", two_lines[] = "a\nb";
    static char *empty[] = {nothing};
    Ls__JobSpec spec = spec_of();
    struct ls_error err = {0};

    (void)state;
    assert_int_equal(ls_spec_check(&spec, &err), 0);
    spec.gpus_per_task = LS_GPUS_PER_NODE_MAX + 1;
    assert_int_equal(ls_spec_check(&spec, &err), -EINVAL);
    spec = spec_of();
    spec.argv = empty;
    assert_int_equal(ls_spec_check(&spec, &err), -EINVAL);
    spec = spec_of();
    spec.script.len = 8 * 1024 * 1024;
    assert_int_equal(ls_spec_check(&spec, &err), -E2BIG);
    spec = spec_of();
    spec.exchange = (Ls__ExchangeHost)7;
    assert_int_equal(ls_spec_check(&spec, &err), -EINVAL);
    spec = spec_of();
    spec.output = two_lines;
    assert_int_equal(ls_spec_check(&spec, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_combine_as_under_slurm),
        cmocka_unit_test(contradictions_are_refused_with_a_sentence),
        cmocka_unit_test(overcommit_does_not_count_cores),
        cmocka_unit_test(a_script_holds_what_its_ranks_would_need),
        cmocka_unit_test(specs_out_of_bounds_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
