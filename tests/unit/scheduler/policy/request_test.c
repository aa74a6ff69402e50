/* tests/unit/scheduler/policy/request_test.c - submit and cancel: keys, rights, limits.
 */
#include "tests/unit/scheduler/policy/cluster.h"

#include <errno.h>

#include "scheduler/policy/effects.h"

static void the_same_key_is_the_same_job_even_when_it_has_ended(void **state)
{
    struct ls_request request = request_of(1, 1);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, "k"), 1);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, "k"), 1);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_LAUNCH), 0);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1001, "k"), 2);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, "other"), 3);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, ""), 4);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, ""), 5);
    cluster_all_ready(&cluster, 1);
    cluster_all_ended(&cluster, 1);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, "k"), 1);
    assert_int_equal(ls_policy_job_count(cluster.policy), 5);
    assert_int_equal(ls_policy_job_by_key(cluster.policy, 1001, "k")->id, 2);
    assert_null(ls_policy_job_by_key(cluster.policy, 1002, "k"));
    cluster_stop(&cluster);
}

static void the_core_keeps_its_own_copy_of_a_request(void **state)
{
    char first[] = "n1", second[] = "n0", spec[] = "spec";
    const char *list[] = {first}, *exclude[] = {second};
    struct ls_request request = request_of(1, 1);
    const struct ls_job *job;
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 2);
    request.nodelist = list;
    request.nodelist_count = 1;
    request.exclude = exclude;
    request.exclude_count = 1;
    job = cluster_job(&cluster, cluster_submit(&cluster, &request));
    first[0] = second[0] = spec[0] = 'x';
    list[0] = exclude[0] = NULL;
    assert_string_equal(job->request.nodelist[0], "n1");
    assert_string_equal(job->request.exclude[0], "n0");
    assert_int_equal(job->spec_size, 4);
    assert_memory_equal(job->spec, "spec", 4);
    cluster_stop(&cluster);
}

static void a_waiting_job_is_cancelled_at_once(void **state)
{
    struct ls_request request = request_of(1, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    (void)cluster_submit(&cluster, &request);
    (void)cluster_submit(&cluster, &request);
    cluster.now_ms = 5000;
    cluster_cancel(&cluster, 2, 1000);
    assert_state(&cluster, 2, LS_JOB_CANCELLED);
    assert_reason(&cluster, 2, "cancelled");
    assert_int_equal(cluster_job(&cluster, 2)->end_ms, 5000);
    assert_int_equal(cluster_job(&cluster, 2)->exit_code, 1);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_JOB_CHANGED), 1);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_KILL), 0);
    cluster_stop(&cluster);
}

static void only_its_owner_and_root_may_cancel_a_job(void **state)
{
    struct ls_request request = request_of(1, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    (void)cluster_submit(&cluster, &request);
    cluster_cancel(&cluster, 1, 1001);
    assert_refused(&cluster, EPERM, "job 1 belongs to another user");
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_KILL), 0);
    assert_state(&cluster, 1, LS_JOB_PENDING);
    cluster_cancel(&cluster, 1, 0);
    assert_int_equal(cluster_effects(&cluster, LS_EFFECT_KILL), 1);
    assert_state(&cluster, 1, LS_JOB_COMPLETING);
    cluster_stop(&cluster);
}

static void what_has_ended_or_never_was_cannot_be_cancelled(void **state)
{
    struct ls_request request = request_of(1, 8);
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    cluster_cancel(&cluster, 1, 0);
    assert_refused(&cluster, ESRCH, "job 1 is not known");
    (void)cluster_submit(&cluster, &request);
    cluster_all_ready(&cluster, 1);
    cluster_all_ended(&cluster, 1);
    cluster_cancel(&cluster, 1, 1000);
    assert_refused(&cluster, EALREADY, "job 1 has already ended");
    assert_state(&cluster, 1, LS_JOB_COMPLETED);
    cluster_stop(&cluster);
}

static void the_errno_values_are_those_of_the_system(void **state)
{
    (void)state;
    assert_int_equal(LS_POLICY_EPERM, EPERM);
    assert_int_equal(LS_POLICY_ENOENT, ENOENT);
    assert_int_equal(LS_POLICY_ESRCH, ESRCH);
    assert_int_equal(LS_POLICY_EAGAIN, EAGAIN);
    assert_int_equal(LS_POLICY_EINVAL, EINVAL);
    assert_int_equal(LS_POLICY_EALREADY, EALREADY);
}

static void only_so_many_ended_jobs_are_kept(void **state)
{
    struct ls_policy_config config = {.node_timeout_ms = 1000, .ended_jobs_max = 3};
    struct ls_request request = request_of(1, 1);
    struct cluster cluster = {.now_ms = 1};

    (void)state;
    cluster.policy = ls_policy_new(&config);
    cluster_nodes(&cluster, 1);
    (void)cluster_submit_as(&cluster, &request, 1000, "first"); /* runs on */
    for (int i = 0; i < 5; i++) {
        uint64_t job = cluster_submit_as(&cluster, &request, 1000, i ? "" : "second");

        cluster_all_ready(&cluster, job);
        cluster_all_ended(&cluster, job);
        assert_state(&cluster, job, LS_JOB_COMPLETED);
    }
    assert_int_equal(ls_policy_job_count(cluster.policy), 4);
    assert_int_equal(ls_policy_job_at(cluster.policy, 0)->id, 1);
    assert_int_equal(ls_policy_job_at(cluster.policy, 1)->id, 4);
    assert_null(ls_policy_job(cluster.policy, 3));
    assert_null(ls_policy_job_by_key(cluster.policy, 1000, "second"));
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, "second"), 7);
    assert_int_equal(cluster_submit_as(&cluster, &request, 1000, "first"), 1);
    cluster_stop(&cluster);
}

static void an_event_of_an_unknown_kind_changes_nothing(void **state)
{
    struct ls_request request = request_of(1, 8);
    struct ls_event event = {.kind = (enum ls_event_kind)77, .job = 1, .node = "n0"};
    struct cluster cluster;
    uint64_t hash;

    (void)state;
    cluster_start(&cluster);
    cluster_nodes(&cluster, 1);
    (void)cluster_submit(&cluster, &request);
    hash = ls_policy_hash(cluster.policy);
    cluster_step(&cluster, &event);
    assert_int_equal(cluster.effects.count, 0);
    assert_true(ls_policy_hash(cluster.policy) == hash);
    cluster_tick(&cluster, cluster.now_ms + 1);
    assert_true(ls_policy_hash(cluster.policy) != hash);
    cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_key_is_the_same_job_even_when_it_has_ended),
        cmocka_unit_test(the_core_keeps_its_own_copy_of_a_request),
        cmocka_unit_test(a_waiting_job_is_cancelled_at_once),
        cmocka_unit_test(only_its_owner_and_root_may_cancel_a_job),
        cmocka_unit_test(what_has_ended_or_never_was_cannot_be_cancelled),
        cmocka_unit_test(the_errno_values_are_those_of_the_system),
        cmocka_unit_test(only_so_many_ended_jobs_are_kept),
        cmocka_unit_test(an_event_of_an_unknown_kind_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
