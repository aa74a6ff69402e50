/* Tests of agent/step/rank_environment.h. */
#include <stdbool.h>

#include "agent/step/rank_environment.h"
#include "tests/lib/cmocka.h"

/* Rank 2 of 3: the only one on the second of two nodes. */
struct fixture {
    Ls__JobSpec spec;
    Ls__Launch launch;
    Ls__RankPlan plans[3];
    Ls__RankPlan *plan_pointers[3];
    char *nodes[2];
    char *env[4];
    uint32_t gpus[2];
    struct ls_rank_place place;
};

/* Messages are made for texts that may be freed; these are never. */
static char *text(const char *literal)
{
    return (char *)literal;
}

static void fill(struct fixture *fixture)
{
    static const uint32_t nodes[] = {0, 0, 1};

    *fixture = (struct fixture){
        .spec = LS__JOB_SPEC__INIT,
        .launch = LS__LAUNCH__INIT,
        .nodes = {text("n1"), text("n2")},
        .env = {text("KEPT=yes"), text("RANK=99"), text("OMP_NUM_THREADS=5"),
                text("UCX_NET_DEVICES=mine")},
        .gpus = {4, 6},
    };
    for (uint32_t i = 0; i < 3; i++) {
        ls__rank_plan__init(&fixture->plans[i]);
        fixture->plans[i].rank = i;
        fixture->plans[i].node = nodes[i];
        fixture->plan_pointers[i] = &fixture->plans[i];
    }
    fixture->plans[2].gpus = fixture->gpus;
    fixture->plans[2].n_gpus = 2;
    fixture->plans[2].gpu_vendor = text("NVIDIA Corporation");
    fixture->plans[2].nic_name = text("mlx5_3");
    fixture->plans[2].nic_kind = text("rdma");
    fixture->plans[2].cores = text("8-15");
    fixture->spec.env = fixture->env;
    fixture->spec.n_env = 4;
    fixture->spec.name = text("train");
    fixture->spec.cwd = text("/data");
    fixture->launch.spec = &fixture->spec;
    fixture->launch.job = 31;
    fixture->launch.attempt = 3;
    fixture->launch.nodes = fixture->nodes;
    fixture->launch.n_nodes = 2;
    fixture->launch.node_index = 1;
    fixture->launch.ranks = fixture->plan_pointers;
    fixture->launch.n_ranks = 3;
    fixture->launch.user = text("ada");
    fixture->launch.uid = 54321; /* no account */
    fixture->place = (struct ls_rank_place){
        .launch = &fixture->launch,
        .plan = &fixture->plans[2],
        .world_size = 3,
        .local_size = 1,
        .step_id = "31.3.n2.abc",
        .step_socket = "/run/x.sock",
        .master_host = "10.0.0.1",
        .master_port = "12345",
    };
}

static void assert_variable(const struct ls_environment *environment, const char *name,
                            const char *wanted)
{
    const char *value = ls_environment_get(environment, name);

    if (!wanted) {
        assert_null(value);
        return;
    }
    if (!value)
        fail_msg("%s is not set", name);
    assert_string_equal(value, wanted);
}

static void places_and_sizes_are_set(void **state)
{
    static const char *const wanted[][2] = {
        {"KEPT", "yes"},
        {"RANK", "2"},
        {"WORLD_SIZE", "3"},
        {"LOCAL_RANK", "0"},
        {"LOCKSTEP_NODE_RANK", "1"},
        {"LOCKSTEP_ATTEMPT", "3"},
        {"LOCKSTEP_CORES", "8-15"},
        {"LOCKSTEP_STEP_ID", "31.3.n2.abc"},
        {"LOCKSTEP_STEP_SOCKET", "/run/x.sock"},
        {"MASTER_ADDR", "10.0.0.1"},
        {"MASTER_PORT", "12345"},
        {"SLURM_JOB_NODELIST", "n[1-2]"},
        {"SLURM_TASKS_PER_NODE", "2,1"},
        {"SLURM_RESTART_COUNT", "2"},
        {"SLURM_STEP_ID", NULL},
        {"SLURM_CPUS_PER_TASK", NULL},
        {"OMP_NUM_THREADS", "5"},
        {"USER", "ada"},
        {"PWD", "/data"},
    };
    struct ls_environment environment;
    struct fixture fixture;

    (void)state;
    fill(&fixture);
    ls_rank_environment(&fixture.place, &environment);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_variable(&environment, wanted[i][0], wanted[i][1]);
    ls_environment_free(&environment);
}

static void devices_are_named_for_their_vendor(void **state)
{
    struct ls_environment environment;
    struct fixture fixture;

    (void)state;
    fill(&fixture);
    ls_rank_environment(&fixture.place, &environment);
    assert_variable(&environment, "CUDA_VISIBLE_DEVICES", "4,6");
    assert_variable(&environment, "CUDA_DEVICE_ORDER", "PCI_BUS_ID");
    assert_variable(&environment, "LOCKSTEP_GPUS", "4,6");
    assert_variable(&environment, "NCCL_IB_HCA", "mlx5_3");
    assert_variable(&environment, "UCX_NET_DEVICES", "mine"); /* the user's wins */
    ls_environment_free(&environment);

    fixture.plans[2].gpu_vendor = text("Advanced Micro Devices");
    fixture.plans[2].n_gpus = 0;
    fixture.plans[2].nic_kind = text("network");
    fixture.plans[2].nic_name = text("eth0");
    ls_rank_environment(&fixture.place, &environment);
    assert_variable(&environment, "ROCR_VISIBLE_DEVICES", ""); /* none is its */
    assert_variable(&environment, "CUDA_VISIBLE_DEVICES", NULL);
    assert_variable(&environment, "NCCL_SOCKET_IFNAME", "eth0");
    assert_variable(&environment, "NCCL_IB_HCA", NULL);
    ls_environment_free(&environment);
}

static void nics_of_a_modelled_node_are_not_given_to_libraries(void **state)
{
    struct ls_environment environment;
    struct fixture fixture;

    (void)state;
    fill(&fixture);
    fixture.launch.modelled = true;
    ls_rank_environment(&fixture.place, &environment);
    assert_variable(&environment, "LOCKSTEP_NIC", "mlx5_3");
    assert_variable(&environment, "NCCL_IB_HCA", NULL);
    ls_environment_free(&environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_and_sizes_are_set),
        cmocka_unit_test(devices_are_named_for_their_vendor),
        cmocka_unit_test(nics_of_a_modelled_node_are_not_given_to_libraries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
