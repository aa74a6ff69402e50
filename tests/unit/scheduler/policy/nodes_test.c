/* tests/unit/scheduler/policy/nodes_test.c - racks, registration, drain. */
#include "tests/unit/scheduler/policy/cluster.h"

#include "scheduler/policy/nodes.h"

static void numbers_in_names_count_by_value(void **state)
{
    (void)state;
    assert_int_equal(ls_node_name_compare("n2", "n10"), -1);
    assert_int_equal(ls_node_name_compare("n10", "n2"), 1);
    assert_int_equal(ls_node_name_compare("r1n9", "r1n10"), -1);
    assert_int_equal(ls_node_name_compare("r2n1", "r1n10"), 1);
    assert_int_equal(ls_node_name_compare("n", "n1"), -1);
    assert_int_equal(ls_node_name_compare("a1", "b1"), -1);
    assert_int_equal(ls_node_name_compare("n7", "n7"), 0);
    assert_true(ls_node_name_compare("n01", "n1") < 0);
    assert_true(ls_node_name_compare("n1", "n01") > 0);
}

static void without_a_fabric_all_nodes_are_in_one_rack(void **state)
{
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    assert_int_equal(ls_policy_rack_count(cluster.policy), 1);
    assert_int_equal(cluster_at(&cluster, "n0")->rack, 0);
    assert_int_equal(cluster_at(&cluster, "n1")->rack, 0);
    assert_string_equal(ls_policy_rack_name(cluster.policy, 0), "rack0");
    cluster_stop(&cluster);
}

static void nodes_move_to_the_racks_of_a_new_fabric(void **state)
{
    const char *names[] = {"left", "right"}, *nodes[] = {"n1,n0", "n2,n0"};
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 4);
    cluster_fabric(&cluster, names, nodes, 2);
    assert_int_equal(cluster_at(&cluster, "n0")->rack, 0); /* in two: the first */
    assert_int_equal(cluster_at(&cluster, "n1")->rack, 0);
    assert_int_equal(cluster_at(&cluster, "n2")->rack, 1);
    assert_int_equal(cluster_at(&cluster, "n3")->rack, 2);
    assert_string_equal(ls_policy_rack_name(cluster.policy, 1), "right");
    assert_string_equal(ls_policy_rack_name(cluster.policy, 2), "other");
    cluster_fabric(&cluster, NULL, NULL, 0);
    assert_int_equal(cluster_at(&cluster, "n2")->rack, 0);
    cluster_stop(&cluster);
}

static void a_node_that_comes_back_keeps_its_index_and_shows_its_new_size(void **state)
{
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n0");
    assert_false(cluster_at(&cluster, "n0")->up);
    assert_string_equal(cluster_at(&cluster, "n0")->reason, "for a test");
    cluster_node_sized(&cluster, "n0", 4, 2, 100);
    assert_true(cluster_at(&cluster, "n0")->up);
    assert_string_equal(cluster_at(&cluster, "n0")->reason, "");
    assert_int_equal(cluster_at(&cluster, "n0")->index, 0);
    assert_int_equal(cluster_at(&cluster, "n0")->cores, 4);
    assert_int_equal(cluster_at(&cluster, "n0")->gpu_count, 2);
    assert_int_equal(ls_policy_node_count(cluster.policy), 2);
    cluster_stop(&cluster);
}

static void a_node_with_too_many_gpus_or_no_name_is_refused(void **state)
{
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_node_sized(&cluster, "big", 4, 65, 0);
    assert_refused(&cluster, 22, "node big has 65 GPUs, the limit is 64");
    cluster_node_sized(&cluster, "", 4, 1, 0);
    assert_refused(&cluster, 22, "a node needs a name");
    assert_int_equal(ls_policy_node_count(cluster.policy), 0);
    cluster_stop(&cluster);
}

static void a_drained_node_takes_no_job_until_it_is_resumed(void **state)
{
    struct ls_request request = request_of(1, 1);
    struct cluster cluster;
    uint64_t job;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    cluster_node_event(&cluster, LS_EVENT_NODE_DRAIN, "n0");
    assert_true(cluster_at(&cluster, "n0")->drained);
    job = cluster_submit(&cluster, &request);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 0);
    assert_reason(&cluster, job, "waiting for 1 free node: n0 is drained");
    cluster_node_event(&cluster, LS_EVENT_NODE_RESUME, "n0");
    assert_true(cluster_told(&cluster, LS_EFFECT_LAUNCH, "n0"));
    assert_string_equal(cluster_at(&cluster, "n0")->reason, "");
    cluster_node_event(&cluster, LS_EVENT_NODE_DRAIN, "n9");
    assert_refused(&cluster, 2, "there is no node n9");
    cluster_node_event(&cluster, LS_EVENT_NODE_RESUME, "n9");
    assert_refused(&cluster, 2, "there is no node n9");
    cluster_stop(&cluster);
}

static void the_reason_of_a_drain_survives_a_loss(void **state)
{
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    cluster_node_event(&cluster, LS_EVENT_NODE_DRAIN, "n0");
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n0");
    cluster_node(&cluster, "n0");
    assert_true(cluster_at(&cluster, "n0")->drained);
    assert_string_equal(cluster_at(&cluster, "n0")->reason, "for a test");
    cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_names_count_by_value),
        cmocka_unit_test(without_a_fabric_all_nodes_are_in_one_rack),
        cmocka_unit_test(nodes_move_to_the_racks_of_a_new_fabric),
        cmocka_unit_test(a_node_that_comes_back_keeps_its_index_and_shows_its_new_size),
        cmocka_unit_test(a_node_with_too_many_gpus_or_no_name_is_refused),
        cmocka_unit_test(a_drained_node_takes_no_job_until_it_is_resumed),
        cmocka_unit_test(the_reason_of_a_drain_survives_a_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
