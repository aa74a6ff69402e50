/* render_test.c - the tree and the matrix, character for character. */
#include "sample.h"

#include "common/topology/render.h"

static void assert_renders(const Ls__NodeDigest *digest,
                           void (*render)(const Ls__NodeDigest *, struct ls_strbuf *),
                           const char *expected)
{
    struct ls_strbuf text = {0};

    render(digest, &text);
    assert_string_equal(text.text, expected);
    ls_strbuf_free(&text);
}

static void the_tree_puts_each_device_under_its_numa_node(void **state)
{
    Ls__NodeDigest *digest = sample_digest();

    (void)state;
    assert_renders(
        digest, ls_digest_render_tree,
        "machine  2 packages, 8 cores, 8 threads, 128.0 GiB, Xeon, modelled after "
        "node.xml\n"
        "  package 0\n"
        "    NUMA node 0  64.0 GiB, CPUs 0-3\n"
        "      GPU 0  H100, 80.0 GiB, 0000:1b:00.0, NIC mlx5_0 (PXB), NV18 to 1 GPU, "
        "GPU-aa\n"
        "      NIC 0  mlx5_0, rdma, 0000:18:00.0, 400 Gb/s, up\n"
        "  package 1\n"
        "    NUMA node 1  64.0 GiB, CPUs 4-7\n"
        "      GPU 1  H100, 80.0 GiB, 0000:9d:00.0, NIC mlx5_1 (PIX), NV18 to 1 GPU, "
        "GPU-bb\n"
        "      NIC 1  mlx5_1, rdma, 0000:9a:00.0, 400 Gb/s, down\n");
    ls__node_digest__free_unpacked(digest, NULL);
}

static void devices_of_no_numa_node_are_shown_too(void **state)
{
    Ls__NodeDigest *digest = sample_digest();
    struct ls_strbuf text = {0};

    (void)state;
    digest->gpus[1]->numa = -1;
    ls_digest_render_tree(digest, &text);
    assert_non_null(strstr(text.text, "  NUMA node not known\n    GPU 1  H100"));
    ls_strbuf_free(&text);
    ls__node_digest__free_unpacked(digest, NULL);
}

static void the_matrix_is_that_of_nvidia_smi(void **state)
{
    Ls__NodeDigest *digest = sample_digest();

    (void)state;
    assert_renders(
        digest, ls_digest_render_matrix,
        "        GPU0    GPU1    NIC0    NIC1    CPU Affinity NUMA Affinity\n"
        "GPU0     X      NV18    PXB     SYS     0-3          0\n"
        "GPU1    NV18     X      SYS     PIX     4-7          1\n"
        "NIC0    PXB     SYS      X      SYS\n"
        "NIC1    SYS     PIX     SYS      X\n"
        "\nLegend:\n\n"
        "  X    = Self\n"
        "  SYS  = Connection traversing PCIe as well as the SMP interconnect between "
        "NUMA "
        "nodes (e.g., QPI/UPI)\n"
        "  NODE = Connection traversing PCIe as well as the interconnect between PCIe "
        "Host "
        "Bridges within a NUMA node\n"
        "  PHB  = Connection traversing PCIe as well as a PCIe Host Bridge (typically "
        "the "
        "CPU)\n"
        "  PXB  = Connection traversing multiple PCIe bridges (without traversing the "
        "PCIe "
        "Host Bridge)\n"
        "  PIX  = Connection traversing at most a single PCIe bridge\n"
        "  NV#  = Connection traversing a bonded set of # NVLinks\n"
        "\nNIC Legend:\n\n"
        "  NIC0: mlx5_0\n"
        "  NIC1: mlx5_1\n");
    ls__node_digest__free_unpacked(digest, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_puts_each_device_under_its_numa_node),
        cmocka_unit_test(devices_of_no_numa_node_are_shown_too),
        cmocka_unit_test(the_matrix_is_that_of_nvidia_smi),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
