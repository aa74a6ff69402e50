/* discover_test.c - digests of known machines: what is counted, where it is, and what
 * is near what. */
#include "fixture.h"

#define FIXTURE(name) "tests/fixtures/topology/" name ".xml"

/* What a digest of a fixture has to say. */
struct machine {
    const char *file;
    uint32_t packages, numas, cores, pus;
    size_t gpus, nics;
    const char *backend; /* which one saw the GPUs */
    const char *model;   /* of GPU 0 */
    const char *word;    /* GPU 0 to GPU 1 */
    uint32_t mb_per_s;   /* of that link */
    const char *near;    /* nearest NIC of each GPU */
};

static const struct machine machines[] = {
    {HGX, 2, 2, 112, 224, 8, 8, "NVML", "NVIDIA H100 80GB HBM3", "NV18", 450000,
     "mlx5_0 mlx5_1 mlx5_2 mlx5_3 mlx5_4 mlx5_5 mlx5_6 mlx5_7 "},
    {"agent/discover/topologies/colossus-node.xml", 2, 2, 112, 224, 8, 9, "NVML",
     "NVIDIA H100 80GB HBM3", "NV18", 450000,
     "mlx5_0 mlx5_1 mlx5_2 mlx5_3 mlx5_4 mlx5_5 mlx5_6 mlx5_7 "},
    {FIXTURE("hgx-h100-debian-view"), 2, 2, 112, 224, 8, 8, "PCI",
     "NVIDIA device 10de:2330", "NODE", 0,
     "mlx5_0 mlx5_1 mlx5_2 mlx5_3 mlx5_4 mlx5_5 mlx5_6 mlx5_7 "},
    {FIXTURE("hgx-h100-degraded"), 2, 2, 112, 224, 7, 7, "NVML",
     "NVIDIA H100 80GB HBM3", "NV18", 450000,
     "mlx5_0 mlx5_1 mlx5_0 mlx5_3 mlx5_4 mlx5_6 mlx5_7 "},
    {FIXTURE("h100-4gpu-xe8640"), 2, 8, 112, 224, 4, 6, "NVML", "NVIDIA H100 80GB HBM3",
     "NV6", 150000, "mlx5_0 mlx5_0 mlx5_0 mlx5_0 "},
    {FIXTURE("mi250x-8gcd-tioga"), 1, 4, 64, 128, 8, 5, "RSMI",
     "AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2", "XGMI", 100000,
     "hsi0 hsi0 hsi1 hsi1 hsi2 hsi2 hsi3 hsi3 "},
    {FIXTURE("mi300a-4apu-tuolumne"), 4, 4, 96, 192, 4, 5, "RSMI",
     "Aqua Vanjaram [Instinct MI300A]", "XGMI", 100000, "hsi0 hsi1 hsi2 hsi3 "},
    {FIXTURE("dgx2-16xV100-nvswitch"), 2, 2, 4, 4, 16, 0, "NVML",
     "Tesla V100-SXM3-32GB-H", "NV6", 150000, "- - - - - - - - - - - - - - - - "},
    {FIXTURE("power9-4xV100-lassen"), 2, 2, 40, 160, 4, 6, "NVML",
     "Tesla V100-SXM2-16GB", "PXB", 0, "mlx5_0 mlx5_1 mlx5_2 mlx5_3 "},
    {FIXTURE("power8-4xP100-nvlink"), 2, 2, 8, 16, 4, 0, "NVML", "Tesla P100-SXM2-16GB",
     "NV2", 40000, "- - - - "},
    {FIXTURE("max1550-levelzero"), 2, 2, 8, 8, 4, 0, "LevelZero",
     "Intel(R) Data Center GPU Max 1550", "NODE", 0, "- - - - "},
    {FIXTURE("8xT4-efa-g4dnmetal"), 2, 2, 48, 96, 8, 2, "NVML", "Tesla T4", "PHB", 0,
     "rdmap197s0 rdmap197s0 rdmap197s0 rdmap197s0 rdmap197s0 rdmap197s0 rdmap197s0 "
     "rdmap197s0 "},
};

static char *near_nics(const Ls__NodeDigest *digest)
{
    struct ls_strbuf text = {0};

    for (size_t i = 0; i < digest->n_gpus; i++) {
        int32_t nic = digest->gpus[i]->nic;

        ls_strbuf_printf(&text, "%s ", nic < 0 ? "-" : digest->nics[nic]->name);
    }
    return ls_strbuf_take(&text);
}

static void check_machine(const struct machine *machine)
{
    Ls__NodeDigest *digest = fixture_digest(fixture_text(machine->file));
    char *near = near_nics(digest);
    char word[16];

    print_message("  %s\n", machine->file);
    assert_int_equal(digest->packages, machine->packages);
    assert_int_equal(digest->n_numas, machine->numas);
    assert_int_equal(digest->cores, machine->cores);
    assert_int_equal(digest->pus, machine->pus);
    assert_int_equal(digest->n_gpus, machine->gpus);
    assert_int_equal(digest->n_nics, machine->nics);
    for (size_t i = 0; i < digest->n_gpus; i++)
        assert_string_equal(digest->gpus[i]->subtype, machine->backend);
    assert_string_equal(digest->gpus[0]->model, machine->model);
    ls_digest_gpu_word(digest, 0, 1, word);
    assert_string_equal(word, machine->word);
    assert_int_equal(ls_digest_link_mb_per_s(digest, 0, 1), machine->mb_per_s);
    assert_int_equal(ls_digest_link_mb_per_s(digest, 0, 0), 0);
    assert_string_equal(near, machine->near);
    assert_true(digest->modelled);
    ls_free(near);
    ls__node_digest__free_unpacked(digest, NULL);
}

static void known_machines_are_counted_and_paired_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++)
        check_machine(&machines[i]);
}

static void gpus_come_in_order_of_their_pci_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
        Ls__NodeDigest *digest = fixture_digest(fixture_text(machines[i].file));

        for (size_t gpu = 1; gpu < digest->n_gpus; gpu++)
            assert_true(
                strcmp(digest->gpus[gpu - 1]->bus_id, digest->gpus[gpu]->bus_id) < 0);
        ls__node_digest__free_unpacked(digest, NULL);
    }
}

static void an_hgx_node_has_one_gpu_and_nic_per_switch(void **state)
{
    Ls__NodeDigest *digest = fixture_digest(fixture_text(HGX));
    const Ls__GpuInfo *gpu = digest->gpus[5];

    (void)state;
    assert_string_equal(gpu->bus_id, "0000:c3:00.0");
    assert_string_equal(gpu->uuid, "GPU-00000005-0000-4000-8000-000000000005");
    assert_string_equal(gpu->vendor, "NVIDIA");
    assert_string_equal(gpu->cores, "56-111,168-223");
    assert_int_equal(gpu->numa, 1);
    assert_int_equal(gpu->memory_bytes >> 30, 79);
    for (size_t i = 0; i < 8; i++) {
        for (size_t j = 0; j < 8; j++) {
            Ls__Path expected = i == j           ? LS__PATH__PATH_PXB
                                : i / 4 == j / 4 ? LS__PATH__PATH_NODE
                                                 : LS__PATH__PATH_SYS;

            assert_int_equal(ls_digest_gpu_nic(digest, i, j), expected);
        }
    }
    assert_string_equal(digest->nics[3]->kind, "rdma");
    assert_string_equal(digest->nics[3]->bus_id, "0000:5e:00.0");
    assert_string_equal(digest->nics[3]->guid, "a088:c200:0000:0003");
    assert_true(digest->nics[3]->active);
    ls__node_digest__free_unpacked(digest, NULL);
}

static void a_network_interface_of_an_rdma_device_is_the_same_nic(void **state)
{
    Ls__NodeDigest *digest =
        fixture_digest(fixture_text(FIXTURE("power9-4xV100-lassen")));

    (void)state;
    assert_int_equal(digest->n_nics, 6); /* 4 mlx5, 2 Ethernet; not their hsi0-3 */
    assert_string_equal(digest->nics[3]->name, "mlx5_3");
    assert_string_equal(digest->nics[4]->name, "enP5p1s0f0");
    assert_string_equal(digest->nics[4]->kind, "network");
    ls__node_digest__free_unpacked(digest, NULL);
}

static void a_management_controllers_vga_is_no_gpu(void **state)
{
    /* Matrox VGA at 03:00.0; here without any vendor library beside it. */
    char *text = fixture_text(FIXTURE("h100-4gpu-xe8640"));
    Ls__NodeDigest *digest;

    (void)state;
    assert_non_null(strstr(text, "0300 [102b:0536]"));
    for (int i = 0; i < 4; i++) {
        text = fixture_edit(text, "", "name=\"nvml", "name=\"gone");
        text = fixture_edit(text, "", "subtype=\"NVML\"", "subtype=\"Gone\"");
        text = fixture_edit(text, "", "subtype=\"CUDA\"", "subtype=\"Gone\"");
        text = fixture_edit(text, "", "subtype=\"OpenCL\"", "subtype=\"Gone\"");
    }
    digest = fixture_digest(text);
    assert_int_equal(digest->n_gpus, 4);
    assert_string_equal(digest->gpus[0]->subtype, "PCI");
    ls__node_digest__free_unpacked(digest, NULL);
}

static void a_gpu_its_vendors_library_does_not_list_is_not_counted(void **state)
{
    char *text = fixture_text(HGX);
    Ls__NodeDigest *digest;

    (void)state;
    text = fixture_edit(text, "0000:9d:00.0", "subtype=\"NVML\"", "subtype=\"Gone\"");
    text = fixture_edit(text, "0000:9d:00.0", "subtype=\"CUDA\"", "subtype=\"Gone\"");
    digest = fixture_digest(text);
    assert_int_equal(digest->n_gpus, 7);
    assert_string_equal(digest->gpus[4]->bus_id, "0000:c3:00.0");
    ls__node_digest__free_unpacked(digest, NULL);
}

static void partitions_of_one_pci_device_are_gpus_of_their_own(void **state)
{
    char *text = fixture_text(FIXTURE("mi300a-4apu-tuolumne"));
    Ls__NodeDigest *digest;

    (void)state;
    text = fixture_edit(text, "name=\"rsmi3\"", "</object>",
                        "</object><object type=\"OSDev\" gp_index=\"90001\" "
                        "name=\"rsmi4\" subtype=\"RSMI\" osdev_type=\"1\"></object>"
                        "<object type=\"OSDev\" gp_index=\"90002\" name=\"rsmi10\" "
                        "subtype=\"RSMI\" osdev_type=\"1\"></object>");
    digest = fixture_digest(text);
    assert_int_equal(digest->n_gpus, 6);
    for (size_t i = 3; i < 6; i++) {
        assert_string_equal(digest->gpus[i]->bus_id, "0003:02:00.0");
        assert_string_equal(digest->nics[digest->gpus[i]->nic]->name, "hsi3");
    }
    assert_int_equal(ls_digest_gpu_gpu(digest, 3, 4), LS__PATH__PATH_PIX);
    assert_int_equal(ls_digest_gpu_gpu(digest, 0, 3), LS__PATH__PATH_NVLINK);
    assert_int_equal(ls_digest_gpu_gpu(digest, 0, 4), LS__PATH__PATH_SYS);
    ls__node_digest__free_unpacked(digest, NULL);
}

static void a_nic_whose_port_is_down_gets_no_gpu(void **state)
{
    char *text = fixture_text(HGX);
    Ls__NodeDigest *digest;

    (void)state;
    text = fixture_edit(text, "name=\"mlx5_2\"", "name=\"Port1State\" value=\"4\"",
                        "name=\"Port1State\" value=\"1\"");
    digest = fixture_digest(text);
    assert_false(digest->nics[2]->active);
    assert_int_equal(digest->gpus[2]->nic, 0); /* still on its own socket */
    assert_int_equal(digest->gpus[3]->nic, 3);
    ls__node_digest__free_unpacked(digest, NULL);
}

static void gpus_without_a_nic_of_their_own_spread_over_the_near_ones(void **state)
{
    char *text = fixture_text(HGX);
    Ls__NodeDigest *digest;

    (void)state;
    text = fixture_edit(text, "name=\"mlx5_0\"", "name=\"Port1State\" value=\"4\"",
                        "name=\"Port1State\" value=\"1\"");
    text = fixture_edit(text, "name=\"mlx5_1\"", "name=\"Port1State\" value=\"4\"",
                        "name=\"Port1State\" value=\"1\"");
    digest = fixture_digest(text);
    assert_int_equal(digest->gpus[0]->nic, 2);
    assert_int_equal(digest->gpus[1]->nic, 3);
    assert_int_equal(digest->gpus[2]->nic, 2);
    assert_int_equal(digest->gpus[3]->nic, 3);
    ls__node_digest__free_unpacked(digest, NULL);
}

static void hostile_names_are_made_inert(void **state)
{
    char *text = fixture_text(HGX);
    Ls__NodeDigest *digest;

    (void)state;
    text = fixture_edit(text, "name=\"HostName\"", "node-0000", "a&#10;b&#9;../c");
    digest = fixture_digest(text);
    assert_string_equal(digest->host, "a?b?../c");
    ls__node_digest__free_unpacked(digest, NULL);
}

static void this_machine_has_a_package_cores_and_memory(void **state)
{
    struct ls_discover_config config = {0};
    struct ls_error err = {0};
    Ls__NodeDigest *digest = NULL;

    (void)state;
    /* What tests use to fool hwloc must not fool an agent. */
    setenv("HWLOC_XMLFILE", "/nowhere.xml", 1);
    setenv("HWLOC_SYNTHETIC", "package:4 core:8 pu:2", 1);
    ls_discover_node(&config, &digest, &err);
    unsetenv("HWLOC_XMLFILE");
    unsetenv("HWLOC_SYNTHETIC");
    assert_string_equal(err.text, "");
    assert_false(digest->modelled);
    assert_string_equal(digest->source, "this machine");
    assert_in_range(digest->pus, 1, sysconf(_SC_NPROCESSORS_CONF));
    assert_true(digest->memory_bytes > 64 << 20);
    assert_true(digest->n_numas >= 1);
    ls__node_digest__free_unpacked(digest, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_machines_are_counted_and_paired_right),
        cmocka_unit_test(gpus_come_in_order_of_their_pci_address),
        cmocka_unit_test(an_hgx_node_has_one_gpu_and_nic_per_switch),
        cmocka_unit_test(a_network_interface_of_an_rdma_device_is_the_same_nic),
        cmocka_unit_test(a_management_controllers_vga_is_no_gpu),
        cmocka_unit_test(a_gpu_its_vendors_library_does_not_list_is_not_counted),
        cmocka_unit_test(partitions_of_one_pci_device_are_gpus_of_their_own),
        cmocka_unit_test(a_nic_whose_port_is_down_gets_no_gpu),
        cmocka_unit_test(gpus_without_a_nic_of_their_own_spread_over_the_near_ones),
        cmocka_unit_test(hostile_names_are_made_inert),
        cmocka_unit_test(this_machine_has_a_package_cores_and_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
