/* tests/unit/common/collective/schedule_test.c - all schedules are proved by the
 * checker, and the checker notices broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/collective/schedule.h"
#include "common/collective/schedule_check.h"
#include "common/util/check.h"
#include "common/util/mem.h"

/* A set whose steps a test may spoil. */
struct fixture {
    struct ls_schedule_set set;
    struct ls_schedule_step **steps;
    uint32_t *counts;
};

static enum ls_schedule_goal goal_of(enum ls_schedule_algorithm algorithm)
{
    switch (algorithm) {
    case LS_RING_REDUCE_SCATTER:
        return LS_GOAL_REDUCE_SCATTER;
    case LS_RING_ALLGATHER:
        return LS_GOAL_ALLGATHER;
    case LS_TREE_BROADCAST:
    case LS_CHAIN_BROADCAST:
        return LS_GOAL_BROADCAST;
    default:
        return LS_GOAL_ALLREDUCE;
    }
}

static struct fixture build(enum ls_schedule_algorithm algorithm, uint32_t n,
                            uint32_t root)
{
    struct fixture fixture = {.steps = ls_calloc(n, sizeof(struct ls_schedule_step *)),
                              .counts = ls_calloc(n, sizeof(*fixture.counts))};

    for (uint32_t i = 0; i < n; i++) {
        fixture.steps[i] = ls_calloc(ls_schedule_steps_max(algorithm, n) + 1,
                                     sizeof(struct ls_schedule_step));
        fixture.counts[i] = ls_schedule_build(algorithm, n, i, root, fixture.steps[i]);
    }
    fixture.set = (struct ls_schedule_set){
        .goal = goal_of(algorithm),
        .node_count = n,
        .block_count = ls_schedule_block_count(algorithm, n),
        .root = root,
        .steps = (const struct ls_schedule_step *const *)fixture.steps,
        .step_counts = fixture.counts};
    return fixture;
}

static void release(struct fixture *fixture)
{
    for (uint32_t i = 0; i < fixture->set.node_count; i++)
        ls_free(fixture->steps[i]);
    ls_free(fixture->steps);
    ls_free(fixture->counts);
}

static void prove(enum ls_schedule_algorithm algorithm, uint32_t n, uint32_t root)
{
    struct fixture fixture = build(algorithm, n, root);
    struct ls_error err = {0};

    if (ls_schedule_check(&fixture.set, &err) < 0)
        fail_msg("algorithm %d, %u nodes, root %u: %s", algorithm, n, root, err.text);
    release(&fixture);
}

static void every_algorithm_is_right_for_1_to_64_nodes(void **state)
{
    (void)state;
    for (int a = 0; a < LS_SCHEDULE_ALGORITHM_COUNT; a++) {
        for (uint32_t n = 1; n <= 64; n++)
            prove((enum ls_schedule_algorithm)a, n, 0);
    }
}

static void broadcasts_are_right_from_every_root(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 40; n++) {
        for (uint32_t root = 0; root < n; root++) {
            prove(LS_TREE_BROADCAST, n, root);
            prove(LS_CHAIN_BROADCAST, n, root);
        }
    }
}

static void every_algorithm_is_right_for_samples_up_to_1024_nodes(void **state)
{
    static const uint32_t samples[] = {65, 96, 100, 127, 128, 129, 200, 255, 256};
    static const uint32_t large[] = {511, 512, 513, 768, 1000, 1023, 1024};

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(samples); i++) {
        for (int a = 0; a < LS_SCHEDULE_ALGORITHM_COUNT; a++)
            prove((enum ls_schedule_algorithm)a, samples[i], samples[i] / 3);
    }
    for (size_t i = 0; i < LS_ARRAY_SIZE(large); i++) {
        prove(LS_DOUBLING_ALLREDUCE, large[i], 0);
        prove(LS_TREE_BROADCAST, large[i], large[i] - 1);
        prove(LS_CHAIN_BROADCAST, large[i], 1);
    }
    prove(LS_RING_ALLREDUCE, 1024, 0);
}

static bool is_peer(const struct ls_schedule_peer *peers, uint32_t count, uint32_t node)
{
    for (uint32_t i = 0; i < count; i++) {
        if (peers[i].node == node)
            return true;
    }
    return false;
}

static void check_peers(uint32_t n, uint32_t me)
{
    struct ls_schedule_peer peers[LS_SCHEDULE_PEERS_MAX], others[LS_SCHEDULE_PEERS_MAX];
    uint32_t count = ls_schedule_peers(n, me, peers), steps, other_count;
    struct ls_schedule_step *list =
        ls_calloc(ls_schedule_steps_max(LS_RING_ALLREDUCE, n) + 40, sizeof(*list));

    for (int a = 0; a < LS_SCHEDULE_ALGORITHM_COUNT; a++) {
        for (uint32_t root = 0; root < n; root++) {
            if (root > 0 && goal_of((enum ls_schedule_algorithm)a) != LS_GOAL_BROADCAST)
                break;
            steps = ls_schedule_build((enum ls_schedule_algorithm)a, n, me, root, list);
            for (uint32_t i = 0; i < steps; i++)
                assert_true(is_peer(peers, count, list[i].peer));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_true(i == 0 || peers[i - 1].node < peers[i].node);
        other_count = ls_schedule_peers(n, peers[i].node, others);
        assert_true(is_peer(others, other_count, me));
    }
    ls_free(list);
}

static void peers_are_all_that_schedules_use_and_symmetric(void **state)
{
    static const uint32_t samples[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 31, 32, 33, 63, 100};

    (void)state;
    for (size_t i = 0; i < LS_ARRAY_SIZE(samples); i++) {
        for (uint32_t me = 0; me < samples[i]; me++)
            check_peers(samples[i], me);
    }
    check_peers(4096, 0);
    check_peers(4095, 2048);
}

/* Spoil one step of a ring or doubling over 6 nodes, and expect the checker to say why.
 */
static void expect_refusal(struct fixture *fixture, const char *why)
{
    struct ls_error err = {0};

    assert_true(ls_schedule_check(&fixture->set, &err) < 0);
    if (!strstr(err.text, why))
        fail_msg("expected '%s', got '%s'", why, err.text);
    release(fixture);
}

static void checker_notices_a_wrong_block(void **state)
{
    struct fixture fixture = build(LS_RING_ALLREDUCE, 6, 0);

    (void)state;
    fixture.steps[2][2].block = (fixture.steps[2][2].block + 1) % 6;
    expect_refusal(&fixture, "receives another block");
}

static void checker_notices_a_missing_send(void **state)
{
    struct fixture fixture = build(LS_RING_ALLREDUCE, 6, 0);

    (void)state;
    memmove(&fixture.steps[1][4], &fixture.steps[1][5],
            (fixture.counts[1]-- - 5) * sizeof(struct ls_schedule_step));
    expect_refusal(&fixture, "receives another block");
}

static void checker_notices_a_missing_last_receive(void **state)
{
    struct fixture fixture = build(LS_RING_ALLGATHER, 6, 0);

    (void)state;
    fixture.counts[3]--;
    expect_refusal(&fixture, "leaves a message unread");
}

static void checker_notices_a_deadlock(void **state)
{
    struct fixture fixture = build(LS_DOUBLING_ALLREDUCE, 4, 0);

    (void)state;
    for (uint32_t i = 0; i < 4; i++) { /* everybody receives before sending */
        struct ls_schedule_step send = fixture.steps[i][0];

        fixture.steps[i][0] = fixture.steps[i][1];
        fixture.steps[i][1] = send;
    }
    expect_refusal(&fixture, "waits for ever");
}

static void checker_notices_a_contribution_that_arrives_twice(void **state)
{
    struct fixture fixture = build(LS_DOUBLING_ALLREDUCE, 4, 0);

    (void)state;
    for (uint32_t i = 0; i < 4;
         i++) { /* the second round with the first partner again */
        fixture.steps[i][2].peer = fixture.steps[i][0].peer;
        fixture.steps[i][3].peer = fixture.steps[i][0].peer;
    }
    expect_refusal(&fixture, "arrives twice");
}

static void checker_notices_an_early_divisor(void **state)
{
    struct fixture fixture = build(LS_DOUBLING_ALLREDUCE, 4, 0);

    (void)state;
    fixture.steps[2][1].final = true;
    expect_refusal(&fixture, "lacks contributions");
}

static void checker_notices_a_divisor_that_is_never_applied(void **state)
{
    struct fixture fixture = build(LS_RING_REDUCE_SCATTER, 5, 0);

    (void)state;
    fixture.steps[4][fixture.counts[4] - 1].final = false;
    expect_refusal(&fixture, "without the divisor");
}

static void checker_notices_a_block_overwritten_while_it_is_sent(void **state)
{
    struct fixture fixture = build(LS_DOUBLING_ALLREDUCE, 4, 0);

    (void)state;
    fixture.steps[0][1].sends_done = 0;
    expect_refusal(&fixture, "still being sent");
}

static void checker_notices_a_block_that_nobody_gave(void **state)
{
    struct fixture fixture = build(LS_RING_ALLGATHER, 4, 0);

    (void)state;
    fixture.steps[0][0].block = 1;
    expect_refusal(&fixture, "does not hold");
}

static void checker_notices_a_node_left_out(void **state)
{
    struct fixture fixture = build(LS_TREE_BROADCAST, 4, 0);

    (void)state;
    fixture.counts[0]--; /* the root leaves out its last child, a leaf */
    fixture.counts[1] = 0;
    expect_refusal(&fixture, "without the sender's block");
}

static void small_messages_double_and_large_ones_go_round(void **state)
{
    struct ls_schedule_model model = LS_SCHEDULE_MODEL_DEFAULT;

    (void)state;
    for (uint32_t n = 4; n <= 1024; n *= 4) {
        assert_int_equal(ls_schedule_choose_allreduce(&model, 8, n),
                         LS_DOUBLING_ALLREDUCE);
        assert_int_equal(ls_schedule_choose_allreduce(&model, UINT64_C(1) << 32, n),
                         LS_RING_ALLREDUCE);
        assert_int_equal(ls_schedule_choose_broadcast(&model, 8, n), LS_TREE_BROADCAST);
        assert_int_equal(ls_schedule_choose_broadcast(&model, UINT64_C(1) << 32, n),
                         LS_CHAIN_BROADCAST);
    }
    assert_int_equal(ls_schedule_choose_allreduce(&model, UINT64_C(1) << 28, 2),
                     LS_DOUBLING_ALLREDUCE); /* one exchange against two */
    model.force = LS_CHOOSE_RING;
    assert_int_equal(ls_schedule_choose_allreduce(&model, 8, 4), LS_RING_ALLREDUCE);
    model.force = LS_CHOOSE_DOUBLING;
    assert_int_equal(ls_schedule_choose_allreduce(&model, UINT64_C(1) << 32, 4),
                     LS_DOUBLING_ALLREDUCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm_is_right_for_1_to_64_nodes),
        cmocka_unit_test(broadcasts_are_right_from_every_root),
        cmocka_unit_test(every_algorithm_is_right_for_samples_up_to_1024_nodes),
        cmocka_unit_test(peers_are_all_that_schedules_use_and_symmetric),
        cmocka_unit_test(checker_notices_a_wrong_block),
        cmocka_unit_test(checker_notices_a_missing_send),
        cmocka_unit_test(checker_notices_a_missing_last_receive),
        cmocka_unit_test(checker_notices_a_deadlock),
        cmocka_unit_test(checker_notices_a_contribution_that_arrives_twice),
        cmocka_unit_test(checker_notices_an_early_divisor),
        cmocka_unit_test(checker_notices_a_divisor_that_is_never_applied),
        cmocka_unit_test(checker_notices_a_block_overwritten_while_it_is_sent),
        cmocka_unit_test(checker_notices_a_block_that_nobody_gave),
        cmocka_unit_test(checker_notices_a_node_left_out),
        cmocka_unit_test(small_messages_double_and_large_ones_go_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
