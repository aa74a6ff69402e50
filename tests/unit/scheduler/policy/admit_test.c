/* tests/unit/scheduler/policy/admit_test.c - what can never run is refused, and the
 * text names what could. */
#include "tests/unit/scheduler/policy/cluster.h"

static const uint64_t GIB = UINT64_C(1) << 30;

/* Does the core refuse the request, with this text, and accept it at submit otherwise?
 */
static void assert_admit(struct cluster *cluster, const struct ls_request *request,
                         const char *text)
{
    char reason[LS_REASON_MAX];
    bool admitted = ls_policy_admit(cluster->policy, request, reason);

    assert_string_equal(reason, text);
    assert_int_equal(admitted, text[0] == '\0');
    assert_int_equal(cluster_submit(cluster, request) != 0, admitted);
    if (!admitted)
        assert_refused(cluster, 22, text);
}

static void before_any_node_nothing_is_accepted(void **state)
{
    struct ls_request request = request_of(1, 0);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    assert_admit(&cluster, &request, "no node has registered yet");
    cluster_stop(&cluster);
}

static void more_nodes_than_there_are_is_refused_with_the_most(void **state)
{
    struct ls_request request = request_of(9, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 4);
    assert_admit(&cluster, &request,
                 "asks for 9 nodes of 8 GPUs, the cluster has 4: at most --nodes 4");
    request = request_of(5, 0);
    assert_admit(&cluster, &request,
                 "asks for 5 nodes of 1 core, the cluster has 4: at most --nodes 4");
    request.memory_bytes = 64 * GIB;
    assert_admit(&cluster, &request,
                 "asks for 5 nodes of 1 core and 64G of memory, the cluster has 4: "
                 "at most --nodes 4");
    request = request_of(4, 8);
    assert_admit(&cluster, &request, "");
    cluster_stop(&cluster);
}

static void a_node_too_small_is_named_by_what_it_lacks(void **state)
{
    struct ls_request request = request_of(1, 16);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    assert_admit(&cluster, &request,
                 "asks for 16 GPUs a node, the largest node has 8: "
                 "at most --gpus-per-node 8");
    request = request_of(1, 0);
    request.ranks = 5;
    request.cpus_per_rank = 4;
    assert_admit(
        &cluster, &request,
        "asks for 5 ranks of 4 cores on a node, the largest node has 16 cores: "
        "at most --ntasks-per-node 4");
    request.overcommit = true;
    assert_admit(&cluster, &request, "");
    request = request_of(1, 0);
    request.memory_bytes = 65 * GIB;
    assert_admit(&cluster, &request,
                 "asks for 65G of memory a node, the largest node has 64G: "
                 "at most --mem 64G");
    cluster_stop(&cluster);
}

static void no_node_with_all_of_it_together_is_refused(void **state)
{
    struct ls_request request = request_of(1, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_node_sized(&cluster, "gpu", 4, 8, GIB);
    cluster_node_sized(&cluster, "fat", 4, 0, 100 * GIB);
    request.memory_bytes = 100 * GIB;
    assert_admit(&cluster, &request,
                 "no node has the GPUs, cores and memory asked for together");
    cluster_stop(&cluster);
}

static void nodes_that_are_busy_down_or_drained_count(void **state)
{
    struct ls_request request = request_of(4, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 4);
    assert_admit(&cluster, &request, "");
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n1");
    cluster_node_event(&cluster, LS_EVENT_NODE_DRAIN, "n2");
    assert_admit(&cluster, &request, "");
    cluster_stop(&cluster);
}

static void lists_of_nodes_are_never_weakened(void **state)
{
    const char *list[] = {"n1", "n2", "n1"}, *unknown[] = {"n1", "n9"};
    const char *all[] = {"n0", "n1", "n2", "n3", "not-there"};
    struct ls_request request = request_of(3, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 4);
    request.nodelist = list;
    request.nodelist_count = 3;
    assert_admit(&cluster, &request,
                 "asks for 3 nodes of 8 GPUs, --nodelist and --exclude leave 2: "
                 "at most --nodes 2");
    request.nodelist = unknown;
    request.nodelist_count = 2;
    assert_admit(&cluster, &request,
                 "--nodelist names n9, which is no node of this cluster");
    request.nodelist = NULL;
    request.nodelist_count = 0;
    request.exclude = all;
    request.exclude_count = 2;
    assert_admit(&cluster, &request,
                 "asks for 3 nodes of 8 GPUs, --nodelist and --exclude leave 2: "
                 "at most --nodes 2");
    request.exclude_count = 5;
    assert_admit(&cluster, &request, "--nodelist and --exclude leave no node");
    cluster_stop(&cluster);
}

static void a_gang_within_a_rack_needs_a_rack_that_large(void **state)
{
    const char *names[] = {"r0", "r1"}, *nodes[] = {"n0,n1,n2", "n3,n4"};
    struct ls_request request = request_of(4, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_fabric(&cluster, names, nodes, 2);
    cluster_nodes(&cluster, 5);
    assert_admit(&cluster, &request, "");
    request.within_rack = true;
    assert_admit(&cluster, &request,
                 "asks for 4 nodes of 8 GPUs in one rack, the largest rack has 3: "
                 "at most --nodes 3");
    request = request_of(6, 8);
    request.within_rack = true;
    assert_admit(&cluster, &request,
                 "asks for 6 nodes of 8 GPUs, the cluster has 5: at most --nodes 3");
    request = request_of(3, 8);
    request.within_rack = true;
    assert_admit(&cluster, &request, "");
    cluster_stop(&cluster);
}

static void nonsense_is_refused_before_it_is_looked_up(void **state)
{
    struct ls_request request = request_of(0, 0);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    assert_admit(&cluster, &request, "asks for no node");
    request = request_of(1, 0);
    request.ranks = 0;
    assert_admit(&cluster, &request, "asks for fewer ranks than nodes");
    request.ranks = UINT32_MAX;
    assert_admit(&cluster, &request, "asks for 4294967295 ranks: at most 1048576");
    request = request_of(1, 0);
    request.cpus_per_rank = 0;
    assert_admit(&cluster, &request,
                 "asks for ranks without a core: at least --cpus-per-task 1");
    request = request_of(1, 4);
    request.ranks = 2;
    assert_admit(&cluster, &request,
                 "the ranks of a node need 8 GPUs, the job asks for 4 a node");
    request = request_of(1, UINT32_MAX);
    assert_admit(&cluster, &request,
                 "asks for 4294967295 GPUs a node, the largest node has 8: "
                 "at most --gpus-per-node 8");
    request = request_of(1, 0);
    request.ranks = LS_RANKS_MAX;
    request.cpus_per_rank = UINT32_MAX;
    assert_admit(
        &cluster, &request,
        "asks for 1048576 ranks of 4294967295 cores on a node, the largest node "
        "has 16 cores: at most --ntasks-per-node 0");
    cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_node_nothing_is_accepted),
        cmocka_unit_test(more_nodes_than_there_are_is_refused_with_the_most),
        cmocka_unit_test(a_node_too_small_is_named_by_what_it_lacks),
        cmocka_unit_test(no_node_with_all_of_it_together_is_refused),
        cmocka_unit_test(nodes_that_are_busy_down_or_drained_count),
        cmocka_unit_test(lists_of_nodes_are_never_weakened),
        cmocka_unit_test(a_gang_within_a_rack_needs_a_rack_that_large),
        cmocka_unit_test(nonsense_is_refused_before_it_is_looked_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
