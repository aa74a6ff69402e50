/* digest_fuzz.c - any bytes as a digest: refused, or safe to show in every form. */
#include <stdlib.h>

#include "common/topology/render.h"
#include "common/util/mem.h"
#include "edits.h"

static uint8_t *example;
static size_t example_size;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A digest of two GPUs and a NIC, packed. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char cores[] = "0-3,8", rdma[] = "rdma", model[] = "H100",
                vendor[] = "NVIDIA";
    static uint8_t gpu_gpu[] = {0, 6, 6, 0}, gpu_nic[] = {2, 5}, nic_nic[] = {0};
    static uint32_t links[] = {0, 450000, 450000, 0};
    Ls__NodeDigest digest = LS__NODE_DIGEST__INIT;
    Ls__NumaInfo numa = LS__NUMA_INFO__INIT, *numas[] = {&numa};
    Ls__GpuInfo gpu = LS__GPU_INFO__INIT, other, *gpus[] = {&gpu, &other};
    Ls__NicInfo nic = LS__NIC_INFO__INIT, *nics[] = {&nic};

    (void)argc;
    (void)argv;
    numa.cores = gpu.cores = nic.cores = cores;
    gpu.model = model;
    gpu.vendor = vendor;
    nic.kind = rdma;
    nic.name = model;
    other = gpu;
    other.index = 1;
    other.numa = -1;
    digest.packages = 1;
    digest.cores = digest.pus = 9;
    digest.n_numas = digest.n_nics = 1;
    digest.n_gpus = 2;
    digest.numas = numas;
    digest.gpus = gpus;
    digest.nics = nics;
    digest.gpu_gpu = (ProtobufCBinaryData){sizeof(gpu_gpu), gpu_gpu};
    digest.gpu_nic = (ProtobufCBinaryData){sizeof(gpu_nic), gpu_nic};
    digest.nic_nic = (ProtobufCBinaryData){sizeof(nic_nic), nic_nic};
    digest.n_link_mb_per_s = 4;
    digest.link_mb_per_s = links;
    if (ls_digest_validate(&digest, NULL) < 0)
        abort();
    example_size = ls__node_digest__get_packed_size(&digest);
    example = ls_calloc(example_size, 1);
    ls__node_digest__pack(&digest, example);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t packed_size;
    uint8_t *packed = edits_apply(data, size, example, example_size, &packed_size);
    Ls__NodeDigest *digest = ls__node_digest__unpack(NULL, packed_size, packed);

    if (digest && ls_digest_validate(digest, NULL) == 0) {
        struct ls_strbuf text = {0};
        json_t *json = ls_digest_to_json(digest);
        char *dump = json_dumps(json, 0);

        if (!dump)
            abort();
        ls_digest_render_tree(digest, &text);
        ls_digest_render_matrix(digest, &text);
        ls_strbuf_free(&text);
        ls_free(dump);
        json_decref(json);
    }
    if (digest)
        ls__node_digest__free_unpacked(digest, NULL);
    ls_free(packed);
    return 0;
}
