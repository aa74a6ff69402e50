/* Tests of agent/step/gang.h: several nodes' sides on one loop, over loopback. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/step/gang.h"
#include "agent/step/gang_address.h"
#include "agent/step/gang_rounds.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

enum { NODES = 3 };

struct node {
    Ls__Launch launch;
    struct ls_gang *gang;
    char tables[256]; /* what gathered() gave, as text */
    uint32_t aborted_rank;
    char aborted[128];
    unsigned left;
};

struct fixture {
    uv_loop_t loop;
    struct node nodes[NODES];
    Ls__JobSpec spec;
    Ls__RankPlan plans[NODES];
    Ls__RankPlan *plan_pointers[NODES];
    char *names[NODES];
    uint8_t key[4];
};

static void gathered(void *context, uint32_t round, const void *const *data,
                     const size_t *sizes)
{
    struct node *node = context;
    size_t used = strlen(node->tables);

    used += (size_t)snprintf(node->tables + used, sizeof(node->tables) - used,
                             "%u:", round);
    for (int i = 0; i < NODES; i++)
        used += (size_t)snprintf(node->tables + used, sizeof(node->tables) - used,
                                 "%.*s,", (int)sizes[i], (const char *)data[i]);
}

static void aborted(void *context, uint32_t rank, const char *why)
{
    struct node *node = context;

    assert_string_equal(node->aborted, ""); /* called once */
    node->aborted_rank = rank;
    snprintf(node->aborted, sizeof(node->aborted), "%s", why);
}

static void left(void *context)
{
    struct node *node = context;

    node->left++;
}

static const struct ls_gang_events events = {
    .gathered = gathered, .aborted = aborted, .left = left};

static int set_up(void **state)
{
    struct fixture *fixture = ls_calloc(1, sizeof(*fixture));

    uv_loop_init(&fixture->loop);
    ls__job_spec__init(&fixture->spec);
    memcpy(fixture->key, "key!", 4);
    for (uint32_t i = 0; i < NODES; i++) {
        ls__rank_plan__init(&fixture->plans[i]);
        fixture->plans[i].rank = 10 + i;
        fixture->plans[i].node = i;
        fixture->plan_pointers[i] = &fixture->plans[i];
        fixture->names[i] = ls_asprintf("n%u", i);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        Ls__Launch *launch = &fixture->nodes[i].launch;

        ls__launch__init(launch);
        launch->job = 1;
        launch->attempt = 1;
        launch->spec = &fixture->spec;
        launch->nodes = fixture->names;
        launch->n_nodes = NODES;
        launch->node_index = i;
        launch->ranks = fixture->plan_pointers;
        launch->n_ranks = NODES;
        launch->key.data = fixture->key;
        launch->key.len = sizeof(fixture->key);
        assert_int_equal(ls_gang_open(&fixture->loop, launch, "127.0.0.1", &events,
                                      &fixture->nodes[i], &fixture->nodes[i].gang,
                                      NULL),
                         0);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < NODES; i++)
        ls_gang_close(fixture->nodes[i].gang);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < NODES; i++)
        ls_free(fixture->names[i]);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    ls_free(fixture);
    return 0;
}

static void start(struct fixture *fixture, int node)
{
    const char *address = ls_gang_address(fixture->nodes[0].gang);

    assert_int_equal(ls_gang_start(fixture->nodes[node].gang, address, NULL), 0);
}

static void start_all(struct fixture *fixture)
{
    for (int i = 0; i < NODES; i++)
        start(fixture, i);
}

static void gather(struct fixture *fixture, int node, uint32_t round, const char *text)
{
    ls_gang_gather(fixture->nodes[node].gang, round, text, strlen(text));
}

/* The loop runs until `condition` is true; it always has something that will happen. */
#define RUN_UNTIL(fixture, condition)                                                  \
    do {                                                                               \
        while (!(condition))                                                           \
            uv_run(&(fixture)->loop, UV_RUN_ONCE);                                     \
    } while (0)

static void data_of_all_nodes_comes_to_all_in_order(void **state)
{
    struct fixture *fixture = *state;

    gather(fixture, 2, 1, "c"); /* before it is connected */
    start_all(fixture);
    gather(fixture, 0, 1, "a");
    gather(fixture, 1, 2, "y");
    gather(fixture, 1, 1, "");
    for (int i = 0; i < NODES; i++)
        RUN_UNTIL(fixture, fixture->nodes[i].tables[0]);
    gather(fixture, 2, 2, "z");
    gather(fixture, 0, 2, "x");
    for (int i = 0; i < NODES; i++) {
        RUN_UNTIL(fixture, strchr(fixture->nodes[i].tables, '2'));
        assert_string_equal(fixture->nodes[i].tables, "1:a,,c,2:x,y,z,");
    }
}

static void an_abort_reaches_all_but_its_source(void **state)
{
    struct fixture *fixture = *state;

    start_all(fixture);
    ls_gang_abort(fixture->nodes[1].gang, 11,
                  "rank 11 is lost"); /* not yet connected */
    RUN_UNTIL(fixture, fixture->nodes[0].aborted[0] && fixture->nodes[2].aborted[0]);
    assert_string_equal(fixture->nodes[0].aborted, "rank 11 is lost");
    assert_string_equal(fixture->nodes[2].aborted, "rank 11 is lost");
    assert_int_equal(fixture->nodes[2].aborted_rank, 11);
    assert_string_equal(fixture->nodes[1].aborted, "");
}

static void a_node_that_goes_without_leaving_is_lost(void **state)
{
    struct fixture *fixture = *state;

    start_all(fixture);
    for (int i = 0; i < NODES; i++)
        gather(fixture, i, 1, "x");
    for (int i = 0; i < NODES; i++)
        RUN_UNTIL(fixture, fixture->nodes[i].tables[0]); /* all are connected */
    ls_gang_close(fixture->nodes[2].gang);
    fixture->nodes[2].gang = NULL;
    RUN_UNTIL(fixture, fixture->nodes[0].aborted[0] && fixture->nodes[1].aborted[0]);
    assert_string_equal(fixture->nodes[1].aborted,
                        "node n2 lost: closed by the other side");
    assert_int_equal(fixture->nodes[0].aborted_rank, 12);
}

static void leaving_in_order_is_no_loss(void **state)
{
    struct fixture *fixture = *state;

    start_all(fixture);
    for (int i = 1; i < NODES; i++)
        ls_gang_leave(fixture->nodes[i].gang);
    assert_false(ls_gang_all_left(fixture->nodes[0].gang));
    RUN_UNTIL(fixture, fixture->nodes[0].left == NODES - 1);
    assert_true(ls_gang_all_left(fixture->nodes[0].gang));
    ls_gang_leave(fixture->nodes[0].gang);
    RUN_UNTIL(fixture, fixture->nodes[1].left == 1);
    assert_true(ls_gang_all_left(fixture->nodes[1].gang));
    ls_gang_close(fixture->nodes[0].gang);
    fixture->nodes[0].gang = NULL;
    RUN_UNTIL(fixture, fixture->nodes[2].left == 1);
    for (int i = 0; i < NODES; i++)
        assert_string_equal(fixture->nodes[i].aborted, "");
}

static void a_node_with_another_key_is_not_let_in(void **state)
{
    struct fixture *fixture = *state;
    uint8_t other[4] = {'k', 'e', 'y', '?'};

    fixture->nodes[2].launch.key.data = other;
    start_all(fixture);
    RUN_UNTIL(fixture, fixture->nodes[2].aborted[0]);
    assert_string_equal(fixture->nodes[2].aborted,
                        "node n0 lost: closed by the other side");
    assert_string_equal(fixture->nodes[0].aborted, "");
}

static void data_out_of_bounds_ends_the_gang(void **state)
{
    struct fixture *fixture = *state;

    start_all(fixture);
    for (uint32_t round = 2; round <= LS_ROUNDS_MAX + 2; round++)
        gather(fixture, 1, round, "too many");
    RUN_UNTIL(fixture, fixture->nodes[0].aborted[0]);
    assert_non_null(strstr(fixture->nodes[0].aborted, "out of bounds"));
}

static void addresses_are_cut_from_the_right(void **state)
{
    struct ls_gang_address address;

    (void)state;
    assert_int_equal(ls_gang_address_parse("[::1]:70:8000", &address, NULL), 0);
    assert_string_equal(address.host, "[::1]");
    assert_string_equal(address.port, "70");
    assert_string_equal(address.master_port, "8000");
    assert_int_equal(ls_gang_address_parse("host:70", &address, NULL), -EINVAL);
    assert_int_equal(ls_gang_address_parse("", &address, NULL), -EINVAL);
    assert_int_equal(ls_gang_address_parse(":1:2", &address, NULL), -EINVAL);
    assert_int_equal(ls_gang_address_parse("h:1:123456789", &address, NULL), -EINVAL);
}

#define GANG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GANG_TEST(data_of_all_nodes_comes_to_all_in_order),
        GANG_TEST(an_abort_reaches_all_but_its_source),
        GANG_TEST(a_node_that_goes_without_leaving_is_lost),
        GANG_TEST(leaving_in_order_is_no_loss),
        GANG_TEST(a_node_with_another_key_is_not_let_in),
        GANG_TEST(data_out_of_bounds_ends_the_gang),
        cmocka_unit_test(addresses_are_cut_from_the_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
