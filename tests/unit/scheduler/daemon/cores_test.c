/* tests/unit/scheduler/daemon/cores_test.c */
#include "scheduler/daemon/cores.h"

#include <string.h>

#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

/* A node of two NUMA nodes; the digest borrows from here. */
struct node {
    Ls__NumaInfo numa[2];
    Ls__NumaInfo *list[2];
    Ls__NodeDigest digest;
    struct ls_cores cores;
};

static void make_node(struct node *node, uint32_t core_count, uint32_t pus,
                      const char *first, const char *second)
{
    *node = (struct node){.digest = LS__NODE_DIGEST__INIT};
    for (int i = 0; i < 2; i++) {
        ls__numa_info__init(&node->numa[i]);
        node->numa[i].cores = (char *)(i == 0 ? first : second);
        node->list[i] = &node->numa[i];
    }
    node->digest.cores = core_count;
    node->digest.pus = pus;
    node->digest.n_numas = 2;
    node->digest.numas = node->list;
    ls_cores_init(&node->cores, &node->digest);
}

/* Take and return the cpu list; "none" when there are not enough. Caller frees. */
static char *take(struct node *node, const char *near, uint32_t want)
{
    uint32_t ids[64];

    if (!ls_cores_take(&node->cores, near, want, ids))
        return ls_strdup("none");
    return ls_cores_text(&node->cores, ids, want);
}

static void assert_takes(struct node *node, const char *near, uint32_t want,
                         const char *expected)
{
    char *text = take(node, near, want);

    assert_string_equal(text, expected);
    ls_free(text);
}

static void near_cores_are_taken_first_then_others(void **state)
{
    struct node node;

    (void)state;
    make_node(&node, 8, 8, "0-3", "4-7");
    assert_takes(&node, "4-7", 3, "4-6");
    assert_takes(&node, "4-7", 2, "0,7");
    assert_takes(&node, "", 3, "1-3");
    assert_takes(&node, "", 1, "none");
    ls_cores_free(&node.cores);
}

static void a_core_comes_with_all_its_threads(void **state)
{
    struct node node;

    (void)state;
    make_node(&node, 8, 16, "0-3,8-11", "4-7,12-15");
    assert_int_equal(node.cores.count, 8);
    assert_takes(&node, "4-7,12-15", 2, "4-5,12-13");
    assert_takes(&node, "", 1, "0,8");
    ls_cores_free(&node.cores);
}

static void cores_given_back_are_free_again(void **state)
{
    struct node node;
    uint32_t ids[8];

    (void)state;
    make_node(&node, 4, 4, "0-1", "2-3");
    assert_true(ls_cores_take(&node.cores, "", 4, ids));
    assert_takes(&node, "", 1, "none");
    ls_cores_give_back(&node.cores, ids + 2, 2);
    ls_cores_give_back(&node.cores, ids + 2, 2); /* again is harmless */
    assert_takes(&node, "", 2, "2-3");
    ls_cores_free(&node.cores);
}

static void failing_to_take_takes_nothing(void **state)
{
    struct node node;

    (void)state;
    make_node(&node, 4, 4, "0-1", "2-3");
    assert_takes(&node, "", 5, "none");
    assert_takes(&node, "", 4, "0-3");
    ls_cores_free(&node.cores);
}

static void a_node_without_cpu_lists_has_no_cores_to_take(void **state)
{
    struct node node;

    (void)state;
    make_node(&node, 4, 4, "", "");
    assert_int_equal(node.cores.count, 0);
    assert_takes(&node, "", 1, "none");
    ls_cores_free(&node.cores);
}

static void sameness_is_of_the_cores_not_of_what_is_taken(void **state)
{
    struct node one, two;
    uint32_t ids[2];

    (void)state;
    make_node(&one, 4, 4, "0-1", "2-3");
    make_node(&two, 4, 4, "0-1", "2-3");
    assert_true(ls_cores_take(&one.cores, "", 2, ids));
    assert_true(ls_cores_same(&one.cores, &two.cores));
    ls_cores_free(&two.cores);
    make_node(&two, 4, 4, "0-1", "4-5");
    assert_false(ls_cores_same(&one.cores, &two.cores));
    ls_cores_free(&two.cores);
    make_node(&two, 2, 2, "0", "1");
    assert_false(ls_cores_same(&one.cores, &two.cores));
    ls_cores_free(&one.cores);
    ls_cores_free(&two.cores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_cores_are_taken_first_then_others),
        cmocka_unit_test(a_core_comes_with_all_its_threads),
        cmocka_unit_test(cores_given_back_are_free_again),
        cmocka_unit_test(failing_to_take_takes_nothing),
        cmocka_unit_test(sameness_is_of_the_cores_not_of_what_is_taken),
        cmocka_unit_test(a_node_without_cpu_lists_has_no_cores_to_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
