/* digest_test.c - what a digest from outside may say, and its JSON. */
#include "sample.h"

#include <errno.h>

static void assert_refused(const Ls__NodeDigest *digest, const char *part)
{
    struct ls_error err = {0};

    assert_int_equal(ls_digest_validate(digest, &err), -EPROTO);
    if (!strstr(err.text, part))
        fail_msg("expected \"%s\" in \"%s\"", part, err.text);
}

static void assert_fine(const Ls__NodeDigest *digest)
{
    struct ls_error err = {0};

    ls_digest_validate(digest, &err);
    assert_string_equal(err.text, "");
}

static int setup(void **state)
{
    *state = sample_digest();
    return 0;
}

static int teardown(void **state)
{
    ls__node_digest__free_unpacked(*state, NULL);
    return 0;
}

static void a_good_digest_passes_also_after_the_wire(void **state)
{
    Ls__NodeDigest *digest = *state, *received;
    size_t size = ls__node_digest__get_packed_size(digest);
    uint8_t *bytes = ls_calloc(size, 1);

    assert_fine(digest);
    ls__node_digest__pack(digest, bytes);
    received = ls__node_digest__unpack(NULL, size, bytes);
    assert_non_null(received);
    assert_fine(received);
    ls__node_digest__free_unpacked(received, NULL);
    ls_free(bytes);
}

static void an_empty_digest_is_refused(void **state)
{
    Ls__NodeDigest digest = LS__NODE_DIGEST__INIT;

    (void)state;
    assert_refused(&digest, "packages");
}

static void a_node_without_devices_passes(void **state)
{
    Ls__NodeDigest digest = LS__NODE_DIGEST__INIT;

    (void)state;
    digest.packages = 1;
    digest.cores = 2;
    digest.pus = 2;
    assert_fine(&digest);
}

static void counts_out_of_bounds_are_refused(void **state)
{
    Ls__NodeDigest *digest = *state;

    digest->n_gpus = LS_DIGEST_GPUS_MAX + 1;
    assert_refused(digest, "65 GPUs, expected at most 64");
    digest->n_gpus = 2;
    digest->n_nics = LS_DIGEST_NICS_MAX + 1;
    assert_refused(digest, "65 NICs, expected at most 64");
    digest->n_nics = 2;
    digest->pus = LS_DIGEST_PUS_MAX + 1;
    assert_refused(digest, "pus: expected 1 to 65536");
    digest->pus = 8;
    digest->cores = 9;
    assert_refused(digest, "cores: expected 1 to the number of hardware threads");
}

static void matrices_of_another_size_are_refused(void **state)
{
    Ls__NodeDigest *digest = *state;

    digest->gpu_gpu.len = 3;
    assert_refused(digest, "gpu_gpu: 3 cells, expected 2 x 2");
    digest->gpu_gpu.len = 4;
    digest->gpu_nic.len = 0;
    assert_refused(digest, "gpu_nic: 0 cells, expected 2 x 2");
    digest->gpu_nic.len = 4;
    digest->n_link_mb_per_s = 1;
    assert_refused(digest, "link_mb_per_s: 1 cells, expected 2 x 2");
    digest->n_link_mb_per_s = 4;
    assert_fine(digest);
}

static void paths_that_do_not_exist_are_refused(void **state)
{
    Ls__NodeDigest *digest = *state;

    digest->gpu_nic.data[1] = 7;
    assert_refused(digest, "gpu_nic: expected paths");
    digest->gpu_nic.data[1] = LS__PATH__PATH_SYS;
    digest->gpu_gpu.data[3] = LS__PATH__PATH_PIX;
    assert_refused(digest, "gpu_gpu: expected paths");
    digest->gpu_gpu.data[3] = LS__PATH__PATH_SELF;
    digest->gpu_gpu.data[1] = LS__PATH__PATH_SELF;
    assert_refused(digest, "gpu_gpu: expected paths");
}

static void indices_out_of_range_are_refused(void **state)
{
    Ls__NodeDigest *digest = *state;

    digest->gpus[1]->nic = 2;
    assert_refused(digest, "gpus.nic: expected -1 or the index of a NIC");
    digest->gpus[1]->nic = -2;
    assert_refused(digest, "gpus.nic");
    digest->gpus[1]->nic = -1;
    assert_fine(digest);
    digest->gpus[1]->numa = 5;
    assert_refused(digest, "gpus.numa: expected -1 or a NUMA node of the digest");
    digest->gpus[1]->numa = -1;
    digest->gpus[1]->index = 0;
    assert_refused(digest, "gpus.index");
    digest->gpus[1]->index = 1;
    digest->numas[0]->package = 2;
    assert_refused(digest, "numas.package");
}

static void texts_that_are_long_or_not_printable_are_refused(void **state)
{
    Ls__NodeDigest *digest = *state;
    char *text = ls_calloc(LS_DIGEST_TEXT_MAX + 2, 1);

    memset(text, 'a', LS_DIGEST_TEXT_MAX);
    sample_set(&digest->host, text);
    assert_fine(digest);
    text[LS_DIGEST_TEXT_MAX] = 'a';
    sample_set(&digest->host, text);
    assert_refused(digest, "host: expected printable text of at most 256 bytes");
    sample_set(&digest->host, "node\033[2J");
    assert_refused(digest, "host");
    sample_set(&digest->host, "n\xc3\xb6"
                              "de");
    assert_fine(digest);
    sample_set(&digest->host, "n\xc3");
    assert_refused(digest, "host");
    sample_set(&digest->host, "");
    sample_set(&digest->gpus[0]->model, "H100\nfake line");
    assert_refused(digest, "gpus.model");
    sample_set(&digest->gpus[0]->model, "H100");
    sample_set(&digest->nics[1]->kind, "smoke");
    assert_refused(digest, "nics.kind: expected rdma or network");
    ls_free(text);
}

static void cpu_lists_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"a",           "1-",   "-1",   "3-1",   "1,",
                                      ",1",          "1,,2", "1 2",  "65536", "0-65536",
                                      "99999999999", "0-",   "1-2-3"};
    static const char *const good[] = {"", "0", "0-3", "0-3,8,10-11", "65535"};
    Ls__NodeDigest *digest = *state;

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        sample_set(&digest->gpus[0]->cores, good[i]);
        assert_fine(digest);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        sample_set(&digest->gpus[0]->cores, bad[i]);
        assert_refused(digest, "gpus.cores: expected a cpu list like 0-3,8");
    }
}

static void links_are_worded_by_vendor_and_generation(void **state)
{
    Ls__NodeDigest *digest = *state;
    char word[16];

    ls_digest_gpu_word(digest, 0, 1, word);
    assert_string_equal(word, "NV18");
    ls_digest_gpu_word(digest, 0, 0, word);
    assert_string_equal(word, "X");
    digest->link_mb_per_s[1] = 900000;
    sample_set(&digest->gpus[0]->model, "NVIDIA B200");
    ls_digest_gpu_word(digest, 0, 1, word);
    assert_string_equal(word, "NV18");
    digest->link_mb_per_s[1] = 80000;
    sample_set(&digest->gpus[0]->model, "Tesla P100-SXM2-16GB");
    ls_digest_gpu_word(digest, 0, 1, word);
    assert_string_equal(word, "NV4");
    sample_set(&digest->gpus[0]->vendor, "AMD");
    ls_digest_gpu_word(digest, 0, 1, word);
    assert_string_equal(word, "XGMI");
}

static void json_has_the_keys_of_the_contract(void **state)
{
    Ls__NodeDigest *digest = *state;
    json_t *json, *gpu, *nic;

    sample_set(&digest->gpus[1]->uuid, "");
    digest->gpus[1]->nic = -1;
    json = ls_digest_to_json(digest);
    gpu = json_array_get(json_object_get(json, "gpus"), 0);
    assert_int_equal(json_integer_value(json_object_get(gpu, "index")), 0);
    assert_string_equal(json_string_value(json_object_get(gpu, "model")), "H100");
    assert_string_equal(json_string_value(json_object_get(gpu, "bus_id")),
                        "0000:1b:00.0");
    assert_string_equal(json_string_value(json_object_get(gpu, "nic")), "mlx5_0");
    gpu = json_array_get(json_object_get(json, "gpus"), 1);
    assert_int_equal(json_integer_value(json_object_get(gpu, "numa")), 1);
    assert_true(json_is_null(json_object_get(gpu, "nic")));
    assert_true(json_is_null(json_object_get(gpu, "uuid")));
    nic = json_array_get(json_object_get(json, "nics"), 1);
    assert_string_equal(json_string_value(json_object_get(nic, "name")), "mlx5_1");
    assert_string_equal(json_string_value(json_object_get(nic, "kind")), "rdma");
    assert_true(json_is_false(json_object_get(nic, "active")));
    assert_int_equal(json_integer_value(json_object_get(json, "cores")), 8);
    assert_int_equal(json_integer_value(json_object_get(json, "memory_bytes")),
                     INT64_C(128) << 30);
    json_decref(json);
}

int main(void)
{
#define WITH_SAMPLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SAMPLE(a_good_digest_passes_also_after_the_wire),
        cmocka_unit_test(an_empty_digest_is_refused),
        cmocka_unit_test(a_node_without_devices_passes),
        WITH_SAMPLE(counts_out_of_bounds_are_refused),
        WITH_SAMPLE(matrices_of_another_size_are_refused),
        WITH_SAMPLE(paths_that_do_not_exist_are_refused),
        WITH_SAMPLE(indices_out_of_range_are_refused),
        WITH_SAMPLE(texts_that_are_long_or_not_printable_are_refused),
        WITH_SAMPLE(cpu_lists_that_are_none_are_refused),
        WITH_SAMPLE(links_are_worded_by_vendor_and_generation),
        WITH_SAMPLE(json_has_the_keys_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
