/* sample.c - a small digest in memory. */
#include "sample.h"

void sample_set(char **field, const char *text)
{
    if (*field != protobuf_c_empty_string)
        ls_free(*field);
    *field = ls_strdup(text);
}

static void add_numas(Ls__NodeDigest *digest)
{
    static const char *const cores[] = {"0-3", "4-7"};

    digest->n_numas = 2;
    digest->numas = ls_calloc(2, sizeof(Ls__NumaInfo *));
    for (int i = 0; i < 2; i++) {
        Ls__NumaInfo *numa = ls_calloc(1, sizeof(*numa));

        ls__numa_info__init(numa);
        numa->os_index = i;
        numa->package = (uint32_t)i;
        numa->memory_bytes = UINT64_C(64) << 30;
        sample_set(&numa->cores, cores[i]);
        digest->numas[i] = numa;
    }
}

static void add_gpus(Ls__NodeDigest *digest)
{
    static const char *const bus_ids[] = {"0000:1b:00.0", "0000:9d:00.0"};

    digest->n_gpus = 2;
    digest->gpus = ls_calloc(2, sizeof(Ls__GpuInfo *));
    for (int i = 0; i < 2; i++) {
        Ls__GpuInfo *gpu = ls_calloc(1, sizeof(*gpu));

        ls__gpu_info__init(gpu);
        gpu->index = (uint32_t)i;
        gpu->numa = i;
        gpu->nic = i;
        gpu->memory_bytes = UINT64_C(80) << 30;
        sample_set(&gpu->model, "H100");
        sample_set(&gpu->vendor, "NVIDIA");
        sample_set(&gpu->uuid, i == 0 ? "GPU-aa" : "GPU-bb");
        sample_set(&gpu->bus_id, bus_ids[i]);
        sample_set(&gpu->cores, digest->numas[i]->cores);
        sample_set(&gpu->subtype, "NVML");
        digest->gpus[i] = gpu;
    }
}

static void add_nics(Ls__NodeDigest *digest)
{
    digest->n_nics = 2;
    digest->nics = ls_calloc(2, sizeof(Ls__NicInfo *));
    for (int i = 0; i < 2; i++) {
        Ls__NicInfo *nic = ls_calloc(1, sizeof(*nic));

        ls__nic_info__init(nic);
        nic->index = (uint32_t)i;
        nic->numa = i;
        nic->active = i == 0;
        nic->bits_per_s = UINT64_C(400000000000);
        sample_set(&nic->name, i == 0 ? "mlx5_0" : "mlx5_1");
        sample_set(&nic->kind, "rdma");
        sample_set(&nic->bus_id, i == 0 ? "0000:18:00.0" : "0000:9a:00.0");
        sample_set(&nic->cores, digest->numas[i]->cores);
        digest->nics[i] = nic;
    }
}

static ProtobufCBinaryData matrix(const uint8_t cells[4])
{
    return (ProtobufCBinaryData){.len = 4, .data = ls_memdup(cells, 4)};
}

Ls__NodeDigest *sample_digest(void)
{
    static const uint8_t linked[] = {LS__PATH__PATH_SELF, LS__PATH__PATH_NVLINK,
                                     LS__PATH__PATH_NVLINK, LS__PATH__PATH_SELF};
    static const uint8_t paired[] = {LS__PATH__PATH_PXB, LS__PATH__PATH_SYS,
                                     LS__PATH__PATH_SYS, LS__PATH__PATH_PIX};
    static const uint8_t apart[] = {LS__PATH__PATH_SELF, LS__PATH__PATH_SYS,
                                    LS__PATH__PATH_SYS, LS__PATH__PATH_SELF};
    static const uint32_t links[] = {0, 450000, 450000, 0};
    Ls__NodeDigest *digest = ls_calloc(1, sizeof(*digest));

    ls__node_digest__init(digest);
    digest->packages = 2;
    digest->cores = 8;
    digest->pus = 8;
    digest->memory_bytes = UINT64_C(128) << 30;
    digest->modelled = 1;
    sample_set(&digest->host, "node-0");
    sample_set(&digest->source, "node.xml");
    sample_set(&digest->cpu_model, "Xeon");
    add_numas(digest);
    add_gpus(digest);
    add_nics(digest);
    digest->gpu_gpu = matrix(linked);
    digest->gpu_nic = matrix(paired);
    digest->nic_nic = matrix(apart);
    digest->n_link_mb_per_s = 4;
    digest->link_mb_per_s = ls_memdup(links, sizeof(links));
    return digest;
}
