/* tests/unit/scheduler/policy/pass_test.c - strict order, and what waiting jobs wait
 * for. */
#include "tests/unit/scheduler/policy/cluster.h"

static void jobs_start_in_the_order_of_their_ids(void **state)
{
    struct ls_request large = request_of(2, 8), small = request_of(1, 1);
    struct cluster cluster;
    uint64_t first, second, third;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    first = cluster_submit(&cluster, &small);
    second = cluster_submit(&cluster, &large);
    third = cluster_submit(&cluster, &small); /* would fit, but does not overtake */
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 0);
    assert_reason(&cluster, second, "waiting for 1 more free node");
    assert_reason(&cluster, third, "job 2 is first in line");
    cluster_node(&cluster, "n1"); /* a pass, with room for the third */
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 0);
    cluster_all_ready(&cluster, first);
    cluster_all_ended(&cluster, first);
    assert_int_equal(cluster_job(&cluster, second)->part_count, 2);
    assert_reason(&cluster, second, "starting on 2 nodes");
    assert_reason(&cluster, third, "waiting for 1 free node");
    cluster_stop(&cluster);
}

static void one_event_can_start_several_jobs(void **state)
{
    struct ls_request large = request_of(1, 8), small = request_of(1, 2);
    struct cluster cluster;
    uint64_t first;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    first = cluster_submit(&cluster, &large);
    for (int i = 0; i < 5; i++)
        (void)cluster_submit(&cluster, &small);
    cluster_all_ready(&cluster, first);
    cluster_all_ended(&cluster, first);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 4);
    assert_true(cluster_at(&cluster, "n0")->gpus_used == 0xff);
    assert_reason(&cluster, 6, "waiting for 1 free node");
    cluster_stop(&cluster);
}

static void cancelling_the_first_in_line_lets_the_next_one_start(void **state)
{
    struct ls_request whole = request_of(1, 8), large = request_of(2, 8),
                      small = request_of(1, 1);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    (void)cluster_submit(&cluster, &whole);
    (void)cluster_submit(&cluster, &large);
    (void)cluster_submit(&cluster, &large);
    (void)cluster_submit(&cluster, &small);
    cluster_cancel(&cluster, 3, 1000);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 0);
    assert_reason(&cluster, 4, "job 2 is first in line");
    cluster_cancel(&cluster, 2, 1000);
    assert_true(cluster_told(&cluster, LS_EFFECT_LAUNCH, "n1"));
    assert_int_equal(cluster_job(&cluster, 4)->part_count, 1);
    cluster_stop(&cluster);
}

static void a_node_that_registers_lets_the_first_job_start(void **state)
{
    struct ls_request request = request_of(1, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    (void)cluster_submit(&cluster, &request);
    (void)cluster_submit(&cluster, &request);
    cluster_node(&cluster, "n1");
    assert_true(cluster_told(&cluster, LS_EFFECT_LAUNCH, "n1"));
    cluster_stop(&cluster);
}

static void the_reason_names_nodes_that_are_away(void **state)
{
    struct ls_request request = request_of(5, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 5);
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n3");
    (void)cluster_submit(&cluster, &request);
    assert_reason(&cluster, 1, "waiting for 1 more free node: n3 is down");
    cluster_node_event(&cluster, LS_EVENT_NODE_DRAIN, "n1");
    assert_reason(&cluster, 1,
                  "waiting for 2 more free nodes: n1 is drained, n3 is down");
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n0");
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n4");
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n2");
    assert_reason(&cluster, 1,
                  "waiting for 5 free nodes: n0 is down, n1 is drained, n2 is down "
                  "and 2 more");
    cluster_node_sized(&cluster, "n2", 16, 4, 0);
    assert_reason(&cluster, 1,
                  "waiting for 5 free nodes: only 4 of the cluster are large enough");
    cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_start_in_the_order_of_their_ids),
        cmocka_unit_test(one_event_can_start_several_jobs),
        cmocka_unit_test(cancelling_the_first_in_line_lets_the_next_one_start),
        cmocka_unit_test(a_node_that_registers_lets_the_first_job_start),
        cmocka_unit_test(the_reason_names_nodes_that_are_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
