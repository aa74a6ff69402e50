/* tests/unit/scheduler/policy/loss_test.c - nodes that go silent, and come back or not.
 */
#include "tests/unit/scheduler/policy/cluster.h"

static uint64_t start_pair(struct cluster *cluster)
{
    struct ls_request request = request_of(2, 8);

    cluster_start(cluster);
    cluster_nodes(cluster, 2);
    return cluster_submit(cluster, &request);
}

static void a_running_job_goes_on_while_its_node_is_away(void **state)
{
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_all_ready(&cluster, job);
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n1");
    assert_int_equal(cluster.effects.count, 0);
    assert_int_equal(ls_policy_next_tick_ms(cluster.policy), 1000 + CLUSTER_TIMEOUT_MS);
    cluster_tick(&cluster, 1000 + CLUSTER_TIMEOUT_MS - 1);
    assert_state(&cluster, job, LS_JOB_RUNNING);
    cluster_node(&cluster, "n1");
    assert_true(cluster_told(&cluster, LS_EFFECT_START, "n1"));
    assert_int_equal(cluster.effects.count, 1);
    cluster_tick(&cluster, 1000000);
    assert_true(ls_policy_next_tick_ms(cluster.policy) == INT64_MAX);
    cluster_all_ended(&cluster, job);
    assert_state(&cluster, job, LS_JOB_COMPLETED);
    cluster_stop(&cluster);
}

static void a_node_that_is_back_hears_again_what_is_outstanding(void **state)
{
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_node(&cluster, "n0"); /* registers again, the loss was not even seen */
    assert_true(cluster_told(&cluster, LS_EFFECT_LAUNCH, "n0"));
    cluster_ready(&cluster, job, "n0");
    cluster_node(&cluster, "n0"); /* ready, the gang is not: nothing to say */
    assert_int_equal(cluster.effects.count, 0);
    cluster_ready(&cluster, job, "n1");
    cluster_cancel(&cluster, job, 0);
    cluster_node(&cluster, "n1");
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    assert_int_equal(cluster.effects.count, 1);
    cluster_stop(&cluster);
}

static void a_lost_node_fails_the_job_and_keeps_its_share_reserved(void **state)
{
    struct ls_request request = request_of(1, 8);
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_all_ready(&cluster, job);
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n1");
    cluster_tick(&cluster, 1000 + CLUSTER_TIMEOUT_MS);
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n0"));
    assert_false(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    assert_state(&cluster, job, LS_JOB_COMPLETING);
    cluster_ended(&cluster, job, "n0", "", -1, 15);
    assert_state(&cluster, job, LS_JOB_NODE_FAIL);
    assert_reason(&cluster, job, "node n1 was lost: silent for 10 s");
    assert_int_equal(cluster_job(&cluster, job)->parts[1].state, LS_PART_LOST);
    assert_int_equal(cluster_at(&cluster, "n1")->gpus_used, 0xff);

    (void)cluster_submit(&cluster, &request); /* takes n0 */
    (void)cluster_submit(&cluster, &request);
    cluster_node(&cluster, "n1"); /* back, and maybe the old ranks still run there */
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 0);
    cluster_ready(&cluster, job, "n1"); /* a late report: told to end it */
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    cluster_ended(&cluster, job, "n1", "", 0, 0);
    assert_true(cluster_told(&cluster, LS_EFFECT_FORGET, "n1"));
    assert_true(cluster_told(&cluster, LS_EFFECT_LAUNCH, "n1"));
    assert_state(&cluster, job, LS_JOB_NODE_FAIL);
    cluster_stop(&cluster);
}

static void a_node_that_is_lost_while_the_job_is_cancelled_does_not_hold_it_up(
    void **state)
{
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_all_ready(&cluster, job);
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n0");
    cluster_cancel(&cluster, job, 1000);
    cluster_ended(&cluster, job, "n1", "", 0, 0);
    assert_state(&cluster, job, LS_JOB_COMPLETING);
    cluster_tick(&cluster, 1000 + CLUSTER_TIMEOUT_MS);
    assert_state(&cluster, job, LS_JOB_CANCELLED);
    assert_reason(&cluster, job, "cancelled");
    cluster_stop(&cluster);
}

static void a_job_whose_nodes_are_all_lost_ends(void **state)
{
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n0");
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n1");
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN,
                       "n1"); /* again: the first counts */
    cluster_tick(&cluster, 1000 + CLUSTER_TIMEOUT_MS);
    assert_state(&cluster, job, LS_JOB_NODE_FAIL);
    assert_int_equal(cluster_at(&cluster, "n0")->job_count, 1);
    assert_int_equal(cluster_job(&cluster, job)->exit_code, 1);
    assert_true(ls_policy_next_tick_ms(cluster.policy) == INT64_MAX);
    cluster_stop(&cluster);
}

static void a_lost_share_outlives_the_job_that_left_it(void **state)
{
    struct ls_policy_config config = {.node_timeout_ms = 10, .ended_jobs_max = 1};
    struct ls_request request = request_of(1, 1);
    struct cluster cluster = {.now_ms = 1};

    (void)state;
    cluster.policy = ls_policy_new(&config);
    cluster_nodes(&cluster, 2);
    (void)cluster_submit(&cluster, &request);
    cluster_node_event(&cluster, LS_EVENT_NODE_DOWN, "n0");
    cluster_tick(&cluster, 11);
    assert_state(&cluster, 1, LS_JOB_NODE_FAIL);
    (void)cluster_submit(&cluster, &request);
    cluster_all_ready(&cluster, 2);
    cluster_all_ended(&cluster, 2);
    assert_null(ls_policy_job(cluster.policy, 1)); /* no longer kept */
    cluster_node(&cluster, "n0");
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n0"));
    cluster_ended(&cluster, 1, "n0", "", 0, 0);
    assert_int_equal(cluster_at(&cluster, "n0")->gpus_used, 0);
    cluster_stop(&cluster);
}

static void a_node_that_comes_back_smaller_keeps_what_it_gave(void **state)
{
    struct ls_request request = request_of(1, 1);
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_all_ready(&cluster, job);
    cluster_node_sized(&cluster, "n0", 0, 4, 0);
    assert_int_equal(cluster_at(&cluster, "n0")->gpus_used, 0xff);
    (void)cluster_submit(&cluster, &request);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 0);
    cluster_all_ended(&cluster, job);
    assert_int_equal(cluster_at(&cluster, "n0")->gpus_used, 0);
    assert_string_equal(cluster_part_node(&cluster, 2, 0), "n1");
    cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_job_goes_on_while_its_node_is_away),
        cmocka_unit_test(a_node_that_is_back_hears_again_what_is_outstanding),
        cmocka_unit_test(a_lost_node_fails_the_job_and_keeps_its_share_reserved),
        cmocka_unit_test(
            a_node_that_is_lost_while_the_job_is_cancelled_does_not_hold_it_up),
        cmocka_unit_test(a_job_whose_nodes_are_all_lost_ends),
        cmocka_unit_test(a_lost_share_outlives_the_job_that_left_it),
        cmocka_unit_test(a_node_that_comes_back_smaller_keeps_what_it_gave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
