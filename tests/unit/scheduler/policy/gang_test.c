/* tests/unit/scheduler/policy/gang_test.c - the life of a gang: all or none, up and
 * down. */
#include "tests/unit/scheduler/policy/cluster.h"

/* Two nodes with two ranks each; the job is launched on both. */
static uint64_t start_pair(struct cluster *cluster)
{
    struct ls_request request = request_of(2, 8);

    cluster_start(cluster);
    cluster_nodes(cluster, 2);
    request.ranks = 4;
    request.gpus_per_rank = 4;
    return cluster_submit(cluster, &request);
}

static uint64_t start_running_pair(struct cluster *cluster)
{
    uint64_t job = start_pair(cluster);

    cluster->now_ms = 2000;
    cluster_all_ready(cluster, job);
    return job;
}

static void the_whole_gang_starts_when_the_last_part_is_ready(void **state)
{
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 2);
    assert_state(&cluster, job, LS_JOB_PENDING);
    assert_int_equal(cluster_job(&cluster, job)->attempt, 1);
    cluster_ready(&cluster, job, "n1");
    assert_int_equal(cluster.effects.count, 0);
    cluster_ready(&cluster, job, "n1"); /* again: still one */
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_START), 0);
    cluster.now_ms = 3000;
    cluster_ready(&cluster, job, "n0");
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_START), 2);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_JOB_CHANGED), 1);
    assert_state(&cluster, job, LS_JOB_RUNNING);
    assert_int_equal(cluster_job(&cluster, job)->start_ms, 3000);
    assert_string_equal(cluster_job(&cluster, job)->parts[0].address, "n0:7000");
    assert_reason(&cluster, job, "");
    cluster_stop(&cluster);
}

static void a_job_is_completed_when_all_its_ranks_exit_with_0(void **state)
{
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_ended(&cluster, job, "n1", "", 0, 0);
    assert_true(cluster_told(&cluster, LS_EFFECT_FORGET, "n1"));
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_KILL), 0);
    assert_state(&cluster, job, LS_JOB_RUNNING);
    assert_int_equal(cluster_at(&cluster, "n1")->gpus_used, 0);
    assert_int_equal(cluster_at(&cluster, "n0")->gpus_used, 0xff);
    cluster.now_ms = 4000;
    cluster_ended(&cluster, job, "n0", "", 0, 0);
    assert_state(&cluster, job, LS_JOB_COMPLETED);
    assert_int_equal(cluster_job(&cluster, job)->end_ms, 4000);
    assert_int_equal(cluster_job(&cluster, job)->exit_code, 0);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_JOB_CHANGED), 1);
    assert_int_equal(cluster_at(&cluster, "n0")->cores_used, 0);
    assert_int_equal(cluster_at(&cluster, "n0")->job_count, 0);
    cluster_stop(&cluster);
}

static void a_failed_rank_ends_the_gang_at_once(void **state)
{
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_rank_failed(&cluster, job, "n1", 3, 7);
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n0"));
    assert_string_equal(cluster.effects.items[1].text, "rank 3 on n1 exited with 7");
    assert_state(&cluster, job, LS_JOB_COMPLETING);
    cluster_rank_failed(&cluster, job, "n1", 3, 7); /* again: nothing new */
    assert_int_equal(cluster.effects.count, 0);
    cluster_ended(&cluster, job, "n0", "", -1, 15);
    assert_state(&cluster, job, LS_JOB_COMPLETING);
    cluster_ended(&cluster, job, "n1", "", -1, 9);
    assert_state(&cluster, job, LS_JOB_FAILED);
    assert_reason(&cluster, job, "rank 3 on n1 exited with 7");
    assert_int_equal(cluster_job(&cluster, job)->exit_code, 7);
    assert_int_equal(cluster_job(&cluster, job)->rank_ends[3].exit_code, 7);
    assert_int_equal(cluster_job(&cluster, job)->rank_ends[2].signal, 9);
    cluster_stop(&cluster);
}

static void a_part_that_ended_badly_ends_the_others(void **state)
{
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_ended(&cluster, job, "n0", "", -1, 11);
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    assert_false(cluster_told(&cluster, LS_EFFECT_KILL, "n0"));
    assert_true(cluster_told(&cluster, LS_EFFECT_FORGET, "n0"));
    cluster_ended(&cluster, job, "n1", "", 0, 0);
    assert_state(&cluster, job, LS_JOB_FAILED);
    assert_reason(&cluster, job, "rank 0 on n0 was ended by signal 11 (SIGSEGV)");
    assert_int_equal(cluster_job(&cluster, job)->exit_code, 139);
    cluster_stop(&cluster);
}

static void the_cause_is_a_rank_that_was_not_just_swept_away(void **state)
{
    struct ls_rank_end ends[2] = {{.known = true, .exit_code = -1, .signal = 9},
                                  {.known = true, .exit_code = 3}};
    struct ls_event event = {.kind = LS_EVENT_PART_ENDED,
                             .node = "n0",
                             .job = 1,
                             .attempt = 1,
                             .rank_ends = ends,
                             .rank_count = 2};
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_step(&cluster, &event);
    assert_reason(&cluster, job, "rank 1 on n0 exited with 3");
    cluster_ended(&cluster, job, "n1", "", -1, 15);
    assert_int_equal(cluster_job(&cluster, job)->exit_code, 3);
    cluster_stop(&cluster);
}

static void a_missing_program_fails_the_job_with_its_reason(void **state)
{
    struct ls_rank_end end = {
        .known = true, .exit_code = 127, .text = "/no/such: No such file or directory"};
    struct ls_event event = {.kind = LS_EVENT_PART_ENDED,
                             .node = "n0",
                             .job = 1,
                             .attempt = 1,
                             .rank_ends = &end,
                             .rank_count = 1};
    struct ls_request request = request_of(1, 0);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    (void)cluster_submit(&cluster, &request);
    cluster_step(&cluster, &event); /* before it was ever ready */
    assert_state(&cluster, 1, LS_JOB_FAILED);
    assert_reason(&cluster, 1, "rank 0 on n0: /no/such: No such file or directory");
    assert_int_equal(cluster_job(&cluster, 1)->exit_code, 127);
    assert_int_equal(cluster_job(&cluster, 1)->start_ms, 0);
    cluster_stop(&cluster);
}

static void a_part_that_ends_before_the_start_fails_the_gang(void **state)
{
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_ready(&cluster, job, "n0");
    cluster_ended(&cluster, job, "n0", "", 0, 0);
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    cluster_ready(&cluster, job, "n1"); /* had not heard it yet */
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_START), 0);
    cluster_ended(&cluster, job, "n1", "", 0, 0);
    assert_state(&cluster, job, LS_JOB_FAILED);
    assert_reason(&cluster, job, "n0 ended its part before the gang started");
    cluster_stop(&cluster);
}

static void a_part_that_ends_for_another_cause_says_why(void **state)
{
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_ended(&cluster, job, "n1", "the step was killed", 0, 0);
    cluster_ended(&cluster, job, "n0", "", 0, 0);
    assert_state(&cluster, job, LS_JOB_FAILED);
    assert_reason(&cluster, job, "n1: the step was killed");
    assert_int_equal(cluster_job(&cluster, job)->exit_code, 1);
    cluster_stop(&cluster);
}

static void a_rank_that_nobody_saw_end_fails_the_job(void **state)
{
    struct ls_event event = {
        .kind = LS_EVENT_PART_ENDED, .node = "n1", .job = 1, .attempt = 1};
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_ended(&cluster, job, "n0", "", 0, 0);
    cluster_step(&cluster, &event);
    assert_state(&cluster, job, LS_JOB_FAILED);
    assert_reason(&cluster, job, "rank 2 on n1 is gone, and nobody saw how it ended");
    cluster_stop(&cluster);
}

static void ends_of_ranks_that_are_not_of_the_part_are_not_believed(void **state)
{
    struct ls_rank_end ends[9] = {0};
    struct ls_event event = {.kind = LS_EVENT_RANK_FAILED,
                             .node = "n0",
                             .job = 1,
                             .attempt = 1,
                             .rank_ends = ends,
                             .first_rank = 2,
                             .rank_count = 9};
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    for (size_t i = 0; i < 9; i++)
        ends[i] = (struct ls_rank_end){.known = true, .exit_code = 1};
    cluster_step(&cluster, &event);
    assert_state(&cluster, job, LS_JOB_RUNNING);
    assert_false(cluster_job(&cluster, job)->rank_ends[2].known);
    cluster_stop(&cluster);
}

static void cancel_ends_a_running_gang(void **state)
{
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_cancel(&cluster, job, 1000);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_KILL), 2);
    cluster_cancel(&cluster, job, 1000); /* again: fine, and nothing new */
    assert_int_equal(cluster.effects.count, 0);
    cluster_ended(&cluster, job, "n0", "", -1, 15);
    cluster_ended(&cluster, job, "n1", "", 0, 0);
    assert_state(&cluster, job, LS_JOB_CANCELLED);
    assert_int_equal(cluster_job(&cluster, job)->exit_code, 143);
    cluster_stop(&cluster);
}

static void a_job_ends_at_its_time_limit(void **state)
{
    struct ls_request request = request_of(1, 1);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    request.time_limit_ms = 60000;
    (void)cluster_submit(&cluster, &request);
    assert_true(ls_policy_next_tick_ms(cluster.policy) == INT64_MAX);
    cluster.now_ms = 2000;
    cluster_all_ready(&cluster, 1);
    assert_int_equal(ls_policy_next_tick_ms(cluster.policy), 62000);
    cluster_tick(&cluster, 61999);
    assert_int_equal(cluster.effects.count, 0);
    cluster_tick(&cluster, 62000);
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n0"));
    assert_true(ls_policy_next_tick_ms(cluster.policy) == INT64_MAX);
    cluster_ended(&cluster, 1, "n0", "", -1, 9);
    assert_state(&cluster, 1, LS_JOB_TIMEOUT);
    assert_reason(&cluster, 1, "its time limit of 60 s is over");
    cluster_stop(&cluster);
}

static void a_time_limit_beyond_all_time_is_none(void **state)
{
    struct ls_request request = request_of(1, 1);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    request.time_limit_ms = UINT64_MAX;
    (void)cluster_submit(&cluster, &request);
    cluster_all_ready(&cluster, 1);
    cluster_tick(&cluster, INT64_MAX);
    assert_state(&cluster, 1, LS_JOB_RUNNING);
    cluster_stop(&cluster);
}

static void reports_of_stale_attempts_are_cleaned_up(void **state)
{
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_all_ended(&cluster, job);
    cluster_ended(&cluster, job, "n0", "", 0, 0);
    assert_true(cluster_told(&cluster, LS_EFFECT_FORGET, "n0"));
    assert_int_equal(cluster.effects.count, 1);
    cluster_ready(&cluster, job, "n0");
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n0"));
    cluster_ready(&cluster, 99, "n1");
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    cluster_rank_failed(&cluster, 99, "n1", 0, 1);
    assert_true(cluster_told(&cluster, LS_EFFECT_KILL, "n1"));
    cluster_ended(&cluster, 99, "n1", "", 0, 0);
    assert_true(cluster_told(&cluster, LS_EFFECT_FORGET, "n1"));
    cluster_ready(&cluster, job, "n7"); /* no such node: nobody to tell */
    assert_int_equal(cluster.effects.count, 0);
    cluster_stop(&cluster);
}

static void a_repeated_ready_gets_its_start_again(void **state)
{
    struct ls_event event = {.kind = LS_EVENT_PART_READY,
                             .node = "n1",
                             .job = 1,
                             .attempt = 1,
                             .address = "n1:9999"};
    struct cluster cluster;
    uint64_t job = start_running_pair(&cluster);

    (void)state;
    cluster_ready(&cluster, job, "n1");
    assert_true(cluster_told(&cluster, LS_EFFECT_START, "n1"));
    assert_int_equal(cluster.effects.count, 1);
    cluster_step(&cluster, &event); /* another step, which the gang cannot know */
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_KILL), 2);
    assert_reason(&cluster, job, "the step on n1 was lost while the gang started");
    cluster_stop(&cluster);
}

static void a_step_prepared_again_before_the_start_brings_its_new_address(void **state)
{
    struct ls_event event = {.kind = LS_EVENT_PART_READY,
                             .node = "n1",
                             .job = 1,
                             .attempt = 1,
                             .address = "n1:9999"};
    struct cluster cluster;
    uint64_t job = start_pair(&cluster);

    (void)state;
    cluster_ready(&cluster, job, "n1");
    cluster_step(&cluster, &event);
    assert_string_equal(cluster_job(&cluster, job)->parts[1].address, "n1:9999");
    cluster_ready(&cluster, job, "n0");
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_START), 2);
    cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_gang_starts_when_the_last_part_is_ready),
        cmocka_unit_test(a_job_is_completed_when_all_its_ranks_exit_with_0),
        cmocka_unit_test(a_failed_rank_ends_the_gang_at_once),
        cmocka_unit_test(a_part_that_ended_badly_ends_the_others),
        cmocka_unit_test(the_cause_is_a_rank_that_was_not_just_swept_away),
        cmocka_unit_test(a_missing_program_fails_the_job_with_its_reason),
        cmocka_unit_test(a_part_that_ends_before_the_start_fails_the_gang),
        cmocka_unit_test(a_part_that_ends_for_another_cause_says_why),
        cmocka_unit_test(a_rank_that_nobody_saw_end_fails_the_job),
        cmocka_unit_test(ends_of_ranks_that_are_not_of_the_part_are_not_believed),
        cmocka_unit_test(cancel_ends_a_running_gang),
        cmocka_unit_test(a_job_ends_at_its_time_limit),
        cmocka_unit_test(a_time_limit_beyond_all_time_is_none),
        cmocka_unit_test(reports_of_stale_attempts_are_cleaned_up),
        cmocka_unit_test(a_repeated_ready_gets_its_start_again),
        cmocka_unit_test(a_step_prepared_again_before_the_start_brings_its_new_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
