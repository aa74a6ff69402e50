/* common/topology/digest.c - checks of a node's digest from outside, and its matrices.
 */
#include "common/topology/digest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/util/check.h"
#include "common/util/strbuf.h"

/* ---- checks ------------------------------------------------------------------- */

static int refuse(struct ls_error *err, const char *field, const char *expected)
{
    return ls_error_set(err, -EPROTO, "node digest: %s: expected %s", field, expected);
}

/* Printable is what comes out of the escaping as it went in. */
static bool is_text(const char *text, size_t bytes_max)
{
    struct ls_strbuf printable = {0};
    bool same;

    if (!text || strnlen(text, bytes_max + 1) > bytes_max)
        return false;
    ls_strbuf_add_printable(&printable, text);
    same = strcmp(printable.text, text) == 0;
    ls_strbuf_free(&printable);
    return same;
}

static int check_text(const char *field, const char *text, struct ls_error *err)
{
    if (is_text(text, LS_DIGEST_TEXT_MAX))
        return 0;
    return refuse(err, field, "printable text of at most 256 bytes");
}

/* Read a number below LS_DIGEST_PUS_MAX; NULL when there is none. */
static const char *read_pu(const char *text, uint32_t *ret_value)
{
    uint32_t value = 0;
    const char *at = text;

    while (*at >= '0' && *at <= '9' && value < LS_DIGEST_PUS_MAX)
        value = value * 10 + (uint32_t)(*at++ - '0');
    *ret_value = value;
    return at == text || value >= LS_DIGEST_PUS_MAX ? NULL : at;
}

/* "" or "0-3,8,10-11" with each range upwards. */
static bool is_cpu_list(const char *text)
{
    if (!text || strnlen(text, LS_DIGEST_CORES_MAX + 1) > LS_DIGEST_CORES_MAX)
        return false;
    for (const char *at = text; *at;) {
        uint32_t first, last;

        at = read_pu(at, &first);
        last = first;
        if (at && *at == '-')
            at = read_pu(at + 1, &last);
        if (!at || last < first || (*at == ',' && at[1] == '\0'))
            return false;
        if (*at != ',' && *at != '\0')
            return false;
        at += *at == ',';
    }
    return true;
}

static int check_cores(const char *field, const char *text, struct ls_error *err)
{
    if (is_cpu_list(text))
        return 0;
    return refuse(err, field, "a cpu list like 0-3,8");
}

static int check_counts(const Ls__NodeDigest *digest, struct ls_error *err)
{
    if (digest->n_gpus > LS_DIGEST_GPUS_MAX)
        return ls_error_set(err, -EPROTO, "node digest: %zu GPUs, expected at most %d",
                            digest->n_gpus, LS_DIGEST_GPUS_MAX);
    if (digest->n_nics > LS_DIGEST_NICS_MAX)
        return ls_error_set(err, -EPROTO, "node digest: %zu NICs, expected at most %d",
                            digest->n_nics, LS_DIGEST_NICS_MAX);
    if (digest->n_numas > LS_DIGEST_NUMAS_MAX)
        return ls_error_set(err, -EPROTO,
                            "node digest: %zu NUMA nodes, expected at most %d",
                            digest->n_numas, LS_DIGEST_NUMAS_MAX);
    if (digest->packages < 1 || digest->packages > LS_DIGEST_PACKAGES_MAX)
        return refuse(err, "packages", "1 to 256");
    if (digest->pus < 1 || digest->pus > LS_DIGEST_PUS_MAX)
        return refuse(err, "pus", "1 to 65536");
    if (digest->cores < 1 || digest->cores > digest->pus)
        return refuse(err, "cores", "1 to the number of hardware threads");
    return 0;
}

/* A path matrix: right size, known values, self exactly where it is square. */
static int check_matrix(const char *field, const ProtobufCBinaryData *matrix,
                        size_t rows, size_t columns, bool square, struct ls_error *err)
{
    if (matrix->len != rows * columns)
        return ls_error_set(err, -EPROTO,
                            "node digest: %s: %zu cells, expected %zu x %zu", field,
                            matrix->len, rows, columns);
    for (size_t i = 0; i < matrix->len; i++) {
        bool self = square && i / columns == i % columns;

        if (matrix->data[i] > LS__PATH__PATH_NVLINK ||
            (matrix->data[i] == LS__PATH__PATH_SELF) != self)
            return refuse(err, field, "paths PIX to NVLINK, self on the diagonal");
    }
    return 0;
}

static int check_matrices(const Ls__NodeDigest *digest, struct ls_error *err)
{
    size_t gpus = digest->n_gpus, nics = digest->n_nics;
    int rc = check_matrix("gpu_gpu", &digest->gpu_gpu, gpus, gpus, true, err);

    if (rc == 0)
        rc = check_matrix("gpu_nic", &digest->gpu_nic, gpus, nics, false, err);
    if (rc == 0)
        rc = check_matrix("nic_nic", &digest->nic_nic, nics, nics, true, err);
    if (rc == 0 && digest->n_link_mb_per_s != gpus * gpus)
        rc = ls_error_set(err, -EPROTO,
                          "node digest: link_mb_per_s: %zu cells, expected %zu x %zu",
                          digest->n_link_mb_per_s, gpus, gpus);
    return rc;
}

static int check_numa(const Ls__NodeDigest *digest, const Ls__NumaInfo *numa,
                      struct ls_error *err)
{
    if (numa->os_index < 0 || numa->os_index >= LS_DIGEST_PUS_MAX)
        return refuse(err, "numas.os_index", "0 to 65535");
    if (numa->package >= digest->packages)
        return refuse(err, "numas.package", "less than packages");
    return check_cores("numas.cores", numa->cores, err);
}

static bool is_numa(const Ls__NodeDigest *digest, int32_t os_index)
{
    for (size_t i = 0; i < digest->n_numas; i++) {
        if (digest->numas[i]->os_index == os_index)
            return true;
    }
    return os_index == -1;
}

static int check_gpu(const Ls__NodeDigest *digest, size_t index, struct ls_error *err)
{
    const Ls__GpuInfo *gpu = digest->gpus[index];
    int rc;

    if (gpu->index != index)
        return refuse(err, "gpus.index", "0, 1, 2 … in order");
    if (gpu->nic < -1 || gpu->nic >= (int64_t)digest->n_nics)
        return refuse(err, "gpus.nic", "-1 or the index of a NIC");
    if (!is_numa(digest, gpu->numa))
        return refuse(err, "gpus.numa", "-1 or a NUMA node of the digest");
    if ((rc = check_text("gpus.model", gpu->model, err)) < 0 ||
        (rc = check_text("gpus.vendor", gpu->vendor, err)) < 0 ||
        (rc = check_text("gpus.uuid", gpu->uuid, err)) < 0 ||
        (rc = check_text("gpus.bus_id", gpu->bus_id, err)) < 0 ||
        (rc = check_text("gpus.subtype", gpu->subtype, err)) < 0)
        return rc;
    return check_cores("gpus.cores", gpu->cores, err);
}

static int check_nic(const Ls__NodeDigest *digest, size_t index, struct ls_error *err)
{
    const Ls__NicInfo *nic = digest->nics[index];
    int rc;

    if (nic->index != index)
        return refuse(err, "nics.index", "0, 1, 2 … in order");
    if (!is_numa(digest, nic->numa))
        return refuse(err, "nics.numa", "-1 or a NUMA node of the digest");
    if (strcmp(nic->kind, "rdma") != 0 && strcmp(nic->kind, "network") != 0)
        return refuse(err, "nics.kind", "rdma or network");
    if ((rc = check_text("nics.name", nic->name, err)) < 0 ||
        (rc = check_text("nics.bus_id", nic->bus_id, err)) < 0 ||
        (rc = check_text("nics.guid", nic->guid, err)) < 0)
        return rc;
    return check_cores("nics.cores", nic->cores, err);
}

int ls_digest_validate(const Ls__NodeDigest *digest, struct ls_error *err)
{
    int rc = check_counts(digest, err);

    if (rc == 0)
        rc = check_text("host", digest->host, err);
    if (rc == 0)
        rc = check_text("cpu_model", digest->cpu_model, err);
    if (rc == 0 && !is_text(digest->source, LS_DIGEST_PATH_MAX))
        rc = refuse(err, "source", "printable text of at most 4096 bytes");
    for (size_t i = 0; rc == 0 && i < digest->n_numas; i++)
        rc = check_numa(digest, digest->numas[i], err);
    for (size_t i = 0; rc == 0 && i < digest->n_gpus; i++)
        rc = check_gpu(digest, i, err);
    for (size_t i = 0; rc == 0 && i < digest->n_nics; i++)
        rc = check_nic(digest, i, err);
    return rc < 0 ? rc : check_matrices(digest, err);
}

/* ---- reading ------------------------------------------------------------------ */

Ls__Path ls_digest_gpu_gpu(const Ls__NodeDigest *digest, size_t gpu, size_t other)
{
    ls_assert(gpu < digest->n_gpus && other < digest->n_gpus);
    return (Ls__Path)digest->gpu_gpu.data[gpu * digest->n_gpus + other];
}

Ls__Path ls_digest_gpu_nic(const Ls__NodeDigest *digest, size_t gpu, size_t nic)
{
    ls_assert(gpu < digest->n_gpus && nic < digest->n_nics);
    return (Ls__Path)digest->gpu_nic.data[gpu * digest->n_nics + nic];
}

Ls__Path ls_digest_nic_nic(const Ls__NodeDigest *digest, size_t nic, size_t other)
{
    ls_assert(nic < digest->n_nics && other < digest->n_nics);
    return (Ls__Path)digest->nic_nic.data[nic * digest->n_nics + other];
}

uint32_t ls_digest_link_mb_per_s(const Ls__NodeDigest *digest, size_t gpu, size_t other)
{
    ls_assert(gpu < digest->n_gpus && other < digest->n_gpus);
    return digest->link_mb_per_s[gpu * digest->n_gpus + other];
}

const char *ls_path_name(Ls__Path path)
{
    static const char *const names[] = {"X",    "PIX", "PXB", "PHB",
                                        "NODE", "SYS", "LINK"};

    return (size_t)path < LS_ARRAY_SIZE(names) ? names[path] : "?";
}

/* MB/s in one direction of one NVLink: generation 1 (Pascal), 5 (Blackwell), between.
 */
static uint32_t nvlink_mb_per_s(const char *model)
{
    if (strstr(model, "P100"))
        return 20000;
    if (strstr(model, "B100") || strstr(model, "B200") || strstr(model, "B300"))
        return 50000;
    return 25000;
}

void ls_digest_gpu_word(const Ls__NodeDigest *digest, size_t gpu, size_t other,
                        char text[16])
{
    Ls__Path path = ls_digest_gpu_gpu(digest, gpu, other);
    const Ls__GpuInfo *info = digest->gpus[gpu];
    uint32_t mb_per_s = ls_digest_link_mb_per_s(digest, gpu, other);

    if (path != LS__PATH__PATH_NVLINK)
        (void)snprintf(text, 16, "%s", ls_path_name(path));
    else if (strcmp(info->vendor, "AMD") == 0)
        (void)snprintf(text, 16, "XGMI");
    else if (strcmp(info->vendor, "Intel") == 0)
        (void)snprintf(text, 16, "XeL");
    else
        (void)snprintf(text, 16, "NV%u", mb_per_s / nvlink_mb_per_s(info->model));
}
