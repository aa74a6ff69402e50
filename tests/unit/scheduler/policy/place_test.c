/* tests/unit/scheduler/policy/place_test.c - which nodes and GPUs a job gets: by hand,
 * and against every possible choice on small random clusters. */
#include "tests/unit/scheduler/policy/cluster.h"

#include <stdio.h>

#include "scheduler/policy/place.h"

/* Three racks of four: n0-n3, n4-n7, n8-n11. */
static void start_racks(struct cluster *cluster)
{
    const char *names[] = {"r0", "r1", "r2"};
    const char *nodes[] = {"n0,n1,n2,n3", "n4,n5,n6,n7", "n8,n9,n10,n11"};

    cluster_start(cluster);
    cluster_fabric(cluster, names, nodes, 3);
    for (int i = 11; i >= 0; i--) { /* registration order must not matter */
        char name[8];

        (void)snprintf(name, sizeof(name), "n%d", i);
        cluster_node(cluster, name);
    }
}

static void occupy(struct cluster *cluster, const char *node, uint32_t gpus)
{
    struct ls_request request = request_of(1, gpus);

    request.nodelist = &node;
    request.nodelist_count = 1;
    assert_true(cluster_submit(cluster, &request) > 0);
    assert_true(cluster_told(cluster, LS_EFFECT_LAUNCH, node));
}

static void assert_nodes(struct cluster *cluster, uint64_t job, const char *expected)
{
    char text[256] = "";
    size_t length = 0;

    for (uint32_t i = 0; i < cluster_job(cluster, job)->part_count; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
                                   i ? " " : "", cluster_part_node(cluster, job, i));
    assert_string_equal(text, expected);
}

static void a_gang_fits_into_one_rack_in_node_order(void **state)
{
    struct ls_request request = request_of(4, 8);
    struct cluster cluster;

    (void)state;
    start_racks(&cluster);
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n0 n1 n2 n3");
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n4 n5 n6 n7");
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n8 n9 n10 n11");
    cluster_stop(&cluster);
}

static void of_racks_that_fit_the_fullest_is_taken(void **state)
{
    struct ls_request request = request_of(2, 8);
    struct cluster cluster;

    (void)state;
    start_racks(&cluster);
    occupy(&cluster, "n5", 8);
    occupy(&cluster, "n8", 8);
    occupy(&cluster, "n9", 8);
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n10 n11");
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n4 n6");
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n0 n1");
    cluster_stop(&cluster);
}

static void a_gang_larger_than_a_rack_takes_as_few_racks_as_can_be(void **state)
{
    struct ls_request request = request_of(5, 8);
    struct cluster cluster;

    (void)state;
    start_racks(&cluster);
    occupy(&cluster, "n0", 8);
    occupy(&cluster, "n1", 8);
    occupy(&cluster, "n4", 8);
    /* r2 whole, and the fifth from r0, which has less room than r1. */
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n2 n8 n9 n10 n11");
    cluster_stop(&cluster);
}

static void within_a_rack_the_fullest_nodes_that_fit_are_taken(void **state)
{
    struct ls_request request = request_of(2, 4);
    struct cluster cluster;

    (void)state;
    start_racks(&cluster);
    occupy(&cluster, "n1", 4);
    occupy(&cluster, "n2", 6);
    occupy(&cluster, "n3", 2);
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n1 n3");
    cluster_stop(&cluster);
}

static void a_job_without_gpus_leaves_free_gpus_alone(void **state)
{
    struct ls_request request = request_of(1, 0);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    cluster_node_sized(&cluster, "n2", 16, 0, 0);
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n2");
    cluster_stop(&cluster);
}

static void ranks_are_dealt_in_blocks_the_first_nodes_get_one_more(void **state)
{
    struct ls_request request = request_of(3, 0);
    const struct ls_part *parts;
    struct cluster cluster;
    uint64_t job;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 3);
    request.ranks = 8;
    request.cpus_per_rank = 2;
    job = cluster_submit(&cluster, &request);
    parts = cluster_job(&cluster, job)->parts;
    assert_int_equal(parts[0].first_rank, 0);
    assert_int_equal(parts[0].rank_count, 3);
    assert_int_equal(parts[1].first_rank, 3);
    assert_int_equal(parts[1].rank_count, 3);
    assert_int_equal(parts[2].first_rank, 6);
    assert_int_equal(parts[2].rank_count, 2);
    assert_int_equal(parts[0].cores, 6);
    assert_int_equal(parts[2].cores, 4);
    assert_int_equal(cluster_at(&cluster, "n2")->cores_used, 4);
    cluster_stop(&cluster);
}

static void gpus_are_neighbours_from_the_lowest_index(void **state)
{
    (void)state;
    assert_int_equal(ls_place_gpus(0xff, 0), 0);
    assert_int_equal(ls_place_gpus(0xff, 2), 0x03);
    assert_int_equal(ls_place_gpus(0xfe, 2), 0x0c); /* aligned, not 1 and 2 */
    assert_int_equal(ls_place_gpus(0xf8, 4), 0xf0);
    assert_int_equal(ls_place_gpus(0x7e, 4), 0x1e); /* no aligned group is free */
    assert_int_equal(ls_place_gpus(0xb5, 4), 0x35); /* no group: the lowest */
    assert_true(ls_place_gpus(UINT64_MAX, 64) == UINT64_MAX);
    assert_true(ls_place_gpus(UINT64_C(1) << 63, 1) == UINT64_C(1) << 63);
}

static void lists_and_racks_bind_the_placement(void **state)
{
    const char *list[] = {"n9", "n2", "n6"}, *exclude[] = {"n0", "n1"};
    struct ls_request request = request_of(2, 8);
    struct cluster cluster;
    uint64_t job;

    (void)state;
    start_racks(&cluster);
    request.nodelist = list;
    request.nodelist_count = 3;
    job = cluster_submit(&cluster, &request);
    assert_nodes(&cluster, job, "n2 n6");
    cluster_cancel(&cluster, job, 0);
    cluster_ended(&cluster, job, "n2", "", 0, 0);
    cluster_ended(&cluster, job, "n6", "", 0, 0);

    request = request_of(4, 8);
    request.exclude = exclude;
    request.exclude_count = 2;
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n4 n5 n6 n7");
    assert_nodes(&cluster, cluster_submit(&cluster, &request), "n8 n9 n10 n11");
    job = cluster_submit(&cluster, &request);
    assert_state(&cluster, job, LS_JOB_PENDING);
    assert_reason(&cluster, job, "waiting for 2 more free nodes");
    cluster_stop(&cluster);
}

static void a_gang_within_a_rack_waits_for_one_rack(void **state)
{
    struct ls_request request = request_of(3, 8);
    struct cluster cluster;
    uint64_t job;

    (void)state;
    start_racks(&cluster);
    occupy(&cluster, "n0", 8);
    occupy(&cluster, "n1", 8);
    occupy(&cluster, "n4", 8);
    occupy(&cluster, "n5", 8);
    occupy(&cluster, "n8", 8);
    occupy(&cluster, "n9", 8);
    request.within_rack = true;
    job = cluster_submit(&cluster, &request);
    assert_reason(&cluster, job, "waiting for 1 more free node in the same rack");
    cluster_ended(&cluster, 4, "n5", "", 0, 0);
    assert_nodes(&cluster, job, "n5 n6 n7");
    cluster_stop(&cluster);
}

static void an_exclusive_job_shares_its_node_with_nobody(void **state)
{
    struct ls_request exclusive = request_of(1, 1), shared = request_of(1, 1);
    struct cluster cluster;
    uint64_t job;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    occupy(&cluster, "n0", 1);
    exclusive.exclusive = true;
    job = cluster_submit(&cluster, &exclusive);
    assert_nodes(&cluster, job, "n1");
    assert_true(cluster_at(&cluster, "n1")->exclusive);
    assert_nodes(&cluster, cluster_submit(&cluster, &shared), "n0");
    assert_state(&cluster, cluster_submit(&cluster, &exclusive), LS_JOB_PENDING);
    cluster_all_ready(&cluster, job);
    cluster_all_ended(&cluster, job);
    assert_nodes(&cluster, job + 2, "n1");
    cluster_stop(&cluster);
}

static void memory_and_cores_are_not_given_twice(void **state)
{
    struct ls_request request = request_of(1, 0);
    struct cluster cluster;
    uint64_t first, second, third;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    request.memory_bytes = UINT64_C(40) << 30;
    first = cluster_submit(&cluster, &request);
    second = cluster_submit(&cluster, &request);
    assert_reason(&cluster, second, "waiting for 1 free node");
    cluster_cancel(&cluster, second, 0);
    request = request_of(1, 0);
    request.cpus_per_rank = 16;
    third = cluster_submit(&cluster, &request);
    assert_state(&cluster, third, LS_JOB_PENDING);
    request.overcommit = true;
    assert_int_equal(cluster_job(&cluster, third)->part_count, 0);
    cluster_all_ready(&cluster, first);
    cluster_all_ended(&cluster, first);
    assert_nodes(&cluster, third, "n0");
    second =
        cluster_submit(&cluster, &request); /* shares the cores that are all taken */
    assert_nodes(&cluster, second, "n0");
    assert_int_equal(cluster_job(&cluster, second)->parts[0].cores, 0);
    assert_int_equal(cluster_at(&cluster, "n0")->cores_used, 16);
    cluster_stop(&cluster);
}

/* ---- against every choice
 * -------------------------------------------------------------- */

enum { RANDOM_CLUSTERS = 400, NODES_MAX = 9, RACKS_MAX = 4 };

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A small cluster whose nodes have 0 … 4 free GPUs. */
struct small {
    struct cluster cluster;
    uint32_t node_count, rack_count;
    uint32_t rack[NODES_MAX], free[NODES_MAX];
};

static void small_start(struct small *small, uint32_t *seed)
{
    const char *names[RACKS_MAX] = {"a", "b", "c", "d"}, *lists[RACKS_MAX];
    char texts[RACKS_MAX][64] = {""};

    cluster_start(&small->cluster);
    small->rack_count = 1 + next_random(seed) % RACKS_MAX;
    small->node_count = 1 + next_random(seed) % NODES_MAX;
    for (uint32_t i = 0; i < small->node_count; i++) {
        char *text = texts[small->rack[i] = next_random(seed) % small->rack_count];
        size_t length = strlen(text);

        (void)snprintf(text + length, 64 - length, "n%u,", i);
    }
    for (uint32_t i = 0; i < small->rack_count; i++)
        lists[i] = texts[i];
    cluster_fabric(&small->cluster, names, lists, small->rack_count);
    for (uint32_t i = 0; i < small->node_count; i++) {
        char name[16];

        small->free[i] = next_random(seed) % 5;
        (void)snprintf(name, sizeof(name), "n%u", i);
        cluster_node_sized(&small->cluster, name, 16, 4, 0);
        if (small->free[i] < 4)
            occupy(&small->cluster, name, 4 - small->free[i]);
    }
}

/* The fewest racks over all sets of racks with room for the gang; 0 when there is none.
 */
static uint32_t fewest_racks(const struct small *small, uint32_t nodes, uint32_t gpus)
{
    uint32_t fewest = 0;

    for (uint32_t set = 1; set < 1u << small->rack_count; set++) {
        uint32_t room = 0, racks = (uint32_t)__builtin_popcount(set);

        for (uint32_t i = 0; i < small->node_count; i++)
            room += (set >> small->rack[i] & 1) && small->free[i] >= gpus;
        if (room >= nodes && (fewest == 0 || racks < fewest))
            fewest = racks;
    }
    return fewest;
}

static uint32_t racks_of(const struct small *small, const struct ls_job *job,
                         uint32_t gpus)
{
    uint32_t set = 0, changes = 0;

    for (uint32_t i = 0; i < job->part_count; i++) {
        uint32_t node = job->parts[i].node;

        assert_true(small->free[node] >= gpus);
        if (i == 0 || small->rack[node] != small->rack[job->parts[i - 1].node])
            changes++;
        set |= 1u << small->rack[node];
    }
    assert_int_equal(changes,
                     __builtin_popcount(set)); /* a rack's nodes are neighbours */
    return changes;
}

/* No node that was left out in a rack of the job is fuller than one that was taken. */
static void assert_fullest(const struct small *small, const struct ls_job *job,
                           uint32_t gpus)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < job->part_count; i++)
        taken |= 1u << job->parts[i].node;
    for (uint32_t i = 0; i < job->part_count; i++) {
        uint32_t node = job->parts[i].node;

        for (uint32_t k = 0; k < small->node_count; k++) {
            if (small->rack[k] == small->rack[node] && !(taken >> k & 1) &&
                small->free[k] >= gpus)
                assert_true(small->free[node] <= small->free[k]);
        }
    }
}

static void no_placement_could_use_fewer_racks(void **state)
{
    uint32_t seed = 7, placed = 0, several = 0;

    (void)state;
    for (uint32_t round = 0; round < RANDOM_CLUSTERS; round++) {
        struct small small;
        struct ls_request request;
        uint32_t expected;
        uint64_t id;

        small_start(&small, &seed);
        request = request_of(1 + next_random(&seed) % small.node_count,
                             1 + next_random(&seed) % 4);
        expected = fewest_racks(&small, request.nodes, request.gpus_per_node);
        request.within_rack = next_random(&seed) % 4 == 0;
        id = cluster_submit(&small.cluster, &request);
        if (expected == 0 || (request.within_rack && expected > 1)) {
            assert_int_equal(cluster_effects(&small.cluster, LS_EFFECT_LAUNCH), 0);
        } else {
            assert_int_equal(cluster_effects(&small.cluster, LS_EFFECT_LAUNCH),
                             request.nodes);
            assert_int_equal(racks_of(&small, cluster_job(&small.cluster, id),
                                      request.gpus_per_node),
                             expected);
            assert_fullest(&small, cluster_job(&small.cluster, id),
                           request.gpus_per_node);
            placed++;
            several += expected > 1;
        }
        cluster_stop(&small.cluster);
    }
    assert_true(placed > RANDOM_CLUSTERS / 4); /* the cases are worth something */
    assert_true(several > RANDOM_CLUSTERS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gang_fits_into_one_rack_in_node_order),
        cmocka_unit_test(of_racks_that_fit_the_fullest_is_taken),
        cmocka_unit_test(a_gang_larger_than_a_rack_takes_as_few_racks_as_can_be),
        cmocka_unit_test(within_a_rack_the_fullest_nodes_that_fit_are_taken),
        cmocka_unit_test(a_job_without_gpus_leaves_free_gpus_alone),
        cmocka_unit_test(ranks_are_dealt_in_blocks_the_first_nodes_get_one_more),
        cmocka_unit_test(gpus_are_neighbours_from_the_lowest_index),
        cmocka_unit_test(lists_and_racks_bind_the_placement),
        cmocka_unit_test(a_gang_within_a_rack_waits_for_one_rack),
        cmocka_unit_test(an_exclusive_job_shares_its_node_with_nobody),
        cmocka_unit_test(memory_and_cores_are_not_given_twice),
        cmocka_unit_test(no_placement_could_use_fewer_racks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
