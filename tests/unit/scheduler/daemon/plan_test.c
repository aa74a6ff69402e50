/* tests/unit/scheduler/daemon/plan_test.c */
#include "scheduler/daemon/plan.h"

#include <stdio.h>

#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

enum { GPUS = 4, NICS = 3 };

/* A node of 8 cores: GPUs 0, 1 near cores 0-3 and NIC 1; GPUs 2, 3 near 4-7 and NIC 2;
 * NIC 0 is for the network, the others are RDMA. */
struct node {
    Ls__NumaInfo numa[2];
    Ls__NumaInfo *numas[2];
    Ls__GpuInfo gpu[GPUS];
    Ls__GpuInfo *gpus[GPUS];
    Ls__NicInfo nic[NICS];
    Ls__NicInfo *nics[NICS];
    Ls__NodeDigest digest;
    struct ls_cores cores;
    struct ls_member member;
};

static void make_node(struct node *node)
{
    *node = (struct node){.digest = LS__NODE_DIGEST__INIT};
    for (int i = 0; i < 2; i++) {
        ls__numa_info__init(&node->numa[i]);
        node->numa[i].os_index = i;
        node->numa[i].cores = (char *)(i == 0 ? "0-3" : "4-7");
        node->numas[i] = &node->numa[i];
    }
    for (int i = 0; i < GPUS; i++) {
        ls__gpu_info__init(&node->gpu[i]);
        node->gpu[i].nic = 1 + i / 2;
        node->gpu[i].numa = i / 2;
        node->gpu[i].cores = (char *)(i == 0 ? "0-3" : ""); /* else by its NUMA node */
        node->gpus[i] = &node->gpu[i];
    }
    for (int i = 0; i < NICS; i++) {
        ls__nic_info__init(&node->nic[i]);
        node->nic[i].kind = (char *)(i == 0 ? "network" : "rdma");
        node->nics[i] = &node->nic[i];
    }
    node->digest.cores = node->digest.pus = 8;
    node->digest.n_numas = 2;
    node->digest.numas = node->numas;
    node->digest.n_gpus = GPUS;
    node->digest.gpus = node->gpus;
    node->digest.n_nics = NICS;
    node->digest.nics = node->nics;
    node->member.digest = &node->digest;
    node->member.cores = &node->cores;
    ls_cores_init(&node->cores, &node->digest);
}

static void assert_rank(const struct ls_plan *plan, uint32_t rank, uint64_t gpus,
                        int nic, const char *cores)
{
    assert_int_equal(plan->ranks[rank].gpus, gpus);
    assert_int_equal(plan->ranks[rank].nic, nic);
    assert_string_equal(plan->ranks[rank].cores, cores);
}

static void ranks_get_gpus_in_order_and_what_is_near_them(void **state)
{
    struct ls_part parts[] = {
        {.rank_count = 2, .gpus = 0xf, .cores = 4},
        {.first_rank = 2, .rank_count = 1, .gpus = 0xc, .cores = 2}};
    struct ls_job job = {.attempt = 3,
                         .parts = parts,
                         .part_count = 2,
                         .request = {.nodes = 2, .ranks = 3, .gpus_per_rank = 2}};
    struct node nodes[2];
    struct ls_member *members[] = {&nodes[0].member, &nodes[1].member};
    struct ls_plan *plan;

    (void)state;
    make_node(&nodes[0]);
    make_node(&nodes[1]);
    plan = ls_plan_make(&job, members, false);
    assert_int_equal(plan->attempt, 3);
    assert_rank(plan, 0, 0x3, 1, "0-1");
    assert_rank(plan, 1, 0xc, 2, "4-5");
    assert_rank(plan, 2, 0xc, 2, "4-5");
    assert_int_equal(plan->ranks[2].part, 1);
    assert_int_equal(plan->ranks[2].local_rank, 0);
    ls_plan_free(plan);
    ls_cores_free(&nodes[0].cores);
    ls_cores_free(&nodes[1].cores);
}

static void ranks_without_gpus_take_the_rdma_nics_in_turn(void **state)
{
    struct ls_part part = {.rank_count = 3, .cores = 3};
    struct ls_job job = {
        .parts = &part, .part_count = 1, .request = {.nodes = 1, .ranks = 3}};
    struct node node;
    struct ls_member *member = &node.member;
    struct ls_plan *plan;

    (void)state;
    make_node(&node);
    plan = ls_plan_make(&job, &member, false);
    assert_rank(plan, 0, 0, 1, "0");
    assert_rank(plan, 1, 0, 2, "1");
    assert_rank(plan, 2, 0, 1, "2");
    ls_plan_free(plan);
    ls_cores_free(&node.cores);
}

static void gpus_that_ranks_cannot_share_evenly_are_seen_by_all(void **state)
{
    struct ls_part part = {.rank_count = 3, .gpus = 0x6, .cores = 0};
    struct ls_job job = {
        .parts = &part, .part_count = 1, .request = {.nodes = 1, .ranks = 3}};
    struct node node;
    struct ls_member *member = &node.member;
    struct ls_plan *plan;

    (void)state;
    make_node(&node);
    plan = ls_plan_make(&job, &member, false);
    for (uint32_t i = 0; i < 3; i++)
        assert_rank(plan, i, 0x6, i == 1 ? 2 : 1, "");
    ls_plan_free(plan);
    ls_cores_free(&node.cores);
}

static void cores_of_one_job_are_not_given_to_the_next_until_released(void **state)
{
    struct ls_part part = {.rank_count = 2, .cores = 8};
    struct ls_job job = {
        .parts = &part, .part_count = 1, .request = {.nodes = 1, .ranks = 2}};
    struct node node;
    struct ls_member *member = &node.member;
    struct ls_plan *first, *second, *third;

    (void)state;
    make_node(&node);
    first = ls_plan_make(&job, &member, false);
    second = ls_plan_make(&job, &member, false);
    assert_rank(first, 1, 0, 2, "4-7");
    assert_rank(second, 0, 0, 1, ""); /* overcommitted: not bound */
    ls_plan_release(first, 0, member);
    ls_plan_release(first, 0, member);
    third = ls_plan_make(&job, &member, false);
    assert_rank(third, 0, 0, 1, "0-3");
    ls_plan_free(first);
    ls_plan_free(second);
    ls_plan_free(third);
    ls_cores_free(&node.cores);
}

static void a_script_is_one_rank_with_all_of_its_first_node(void **state)
{
    struct ls_part parts[] = {
        {.rank_count = 1, .gpus = 0xf, .cores = 6},
        {.first_rank = 1, .rank_count = 1, .gpus = 0xf, .cores = 6}};
    struct ls_job job = {.parts = parts,
                         .part_count = 2,
                         .request = {.nodes = 2, .ranks = 2, .gpus_per_rank = 4}};
    struct node nodes[2];
    struct ls_member *members[] = {&nodes[0].member, &nodes[1].member};
    struct ls_plan *plan;

    (void)state;
    make_node(&nodes[0]);
    make_node(&nodes[1]);
    plan = ls_plan_make(&job, members, true);
    assert_int_equal(plan->rank_count, 1);
    assert_rank(plan, 0, 0xf, 1, "0-5");
    ls_plan_free(plan);
    ls_cores_free(&nodes[0].cores);
    ls_cores_free(&nodes[1].cores);
}

static void a_node_of_unknown_digest_gives_gpus_only(void **state)
{
    struct ls_part part = {.rank_count = 1, .gpus = 0x1, .cores = 1};
    struct ls_job job = {.parts = &part,
                         .part_count = 1,
                         .request = {.nodes = 1, .ranks = 1, .gpus_per_rank = 1}};
    struct ls_member unknown = {.name = "n0"};
    struct ls_member *member = &unknown;
    struct ls_plan *plan;

    (void)state;
    plan = ls_plan_make(&job, &member, false);
    assert_rank(plan, 0, 0x1, -1, "");
    ls_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_get_gpus_in_order_and_what_is_near_them),
        cmocka_unit_test(ranks_without_gpus_take_the_rdma_nics_in_turn),
        cmocka_unit_test(gpus_that_ranks_cannot_share_evenly_are_seen_by_all),
        cmocka_unit_test(cores_of_one_job_are_not_given_to_the_next_until_released),
        cmocka_unit_test(a_script_is_one_rank_with_all_of_its_first_node),
        cmocka_unit_test(a_node_of_unknown_digest_gives_gpus_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
