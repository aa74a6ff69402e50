/* common/topology/render_matrix.c - GPUs and NICs as `nvidia-smi topo -m` shows them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/topology/render.h"

enum { CELL = 7, AFFINITY_MIN = 12 };

static const char legend[] =
    "\nLegend:\n\n"
    "  X    = Self\n"
    "  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA "
    "nodes (e.g., QPI/UPI)\n"
    "  NODE = Connection traversing PCIe as well as the interconnect between PCIe Host "
    "Bridges within a NUMA node\n"
    "  PHB  = Connection traversing PCIe as well as a PCIe Host Bridge (typically the "
    "CPU)\n"
    "  PXB  = Connection traversing multiple PCIe bridges (without traversing the PCIe "
    "Host Bridge)\n"
    "  PIX  = Connection traversing at most a single PCIe bridge\n"
    "  NV#  = Connection traversing a bonded set of # NVLinks\n";

static void add_cell(struct ls_strbuf *out, const char *text, size_t width)
{
    ls_strbuf_printf(out, "%-*s ", (int)width, text);
}

/* "GPU3", "NIC12" */
static void add_label(struct ls_strbuf *out, const char *kind, size_t index)
{
    char label[32];

    (void)snprintf(label, sizeof(label), "%s%zu", kind, index);
    add_cell(out, label, CELL);
}

static void add_path(struct ls_strbuf *out, Ls__Path path)
{
    add_cell(out, path == LS__PATH__PATH_SELF ? " X" : ls_path_name(path), CELL);
}

static size_t affinity_width(const Ls__NodeDigest *digest)
{
    size_t width = AFFINITY_MIN;

    for (size_t i = 0; i < digest->n_gpus; i++) {
        size_t length = strlen(digest->gpus[i]->cores);

        width = length > width ? length : width;
    }
    return width;
}

static void end_line(struct ls_strbuf *out)
{
    while (out->length > 0 && out->text[out->length - 1] == ' ')
        out->text[--out->length] = '\0';
    ls_strbuf_add(out, "\n");
}

static void add_header(const Ls__NodeDigest *digest, size_t width,
                       struct ls_strbuf *out)
{
    add_cell(out, "", CELL);
    for (size_t i = 0; i < digest->n_gpus; i++)
        add_label(out, "GPU", i);
    for (size_t i = 0; i < digest->n_nics; i++)
        add_label(out, "NIC", i);
    if (digest->n_gpus > 0) {
        add_cell(out, "CPU Affinity", width);
        add_cell(out, "NUMA Affinity", 0);
    }
    end_line(out);
}

static void add_gpu_row(const Ls__NodeDigest *digest, size_t gpu, size_t width,
                        struct ls_strbuf *out)
{
    const Ls__GpuInfo *info = digest->gpus[gpu];
    char text[16];

    add_label(out, "GPU", gpu);
    for (size_t i = 0; i < digest->n_gpus; i++) {
        ls_digest_gpu_word(digest, gpu, i, text);
        add_cell(out, i == gpu ? " X" : text, CELL);
    }
    for (size_t i = 0; i < digest->n_nics; i++)
        add_path(out, ls_digest_gpu_nic(digest, gpu, i));
    add_cell(out, info->cores, width);
    if (info->numa >= 0)
        ls_strbuf_printf(out, "%d", info->numa);
    else
        ls_strbuf_add(out, "N/A");
    end_line(out);
}

static void add_nic_row(const Ls__NodeDigest *digest, size_t nic, struct ls_strbuf *out)
{
    add_label(out, "NIC", nic);
    for (size_t i = 0; i < digest->n_gpus; i++)
        add_path(out, ls_digest_gpu_nic(digest, i, nic));
    for (size_t i = 0; i < digest->n_nics; i++)
        add_path(out, ls_digest_nic_nic(digest, nic, i));
    end_line(out);
}

static bool has_vendor(const Ls__NodeDigest *digest, const char *vendor)
{
    for (size_t i = 0; i < digest->n_gpus; i++) {
        if (strcmp(digest->gpus[i]->vendor, vendor) == 0)
            return true;
    }
    return false;
}

static void add_legend(const Ls__NodeDigest *digest, struct ls_strbuf *out)
{
    ls_strbuf_add(out, legend);
    if (has_vendor(digest, "AMD"))
        ls_strbuf_add(out,
                      "  XGMI = Connection traversing AMD Infinity Fabric links\n");
    if (has_vendor(digest, "Intel"))
        ls_strbuf_add(out, "  XeL  = Connection traversing Intel Xe Links\n");
    if (digest->n_nics == 0)
        return;
    ls_strbuf_add(out, "\nNIC Legend:\n\n");
    for (size_t i = 0; i < digest->n_nics; i++) {
        ls_strbuf_printf(out, "  NIC%zu: ", i);
        ls_strbuf_add_printable(out, digest->nics[i]->name);
        ls_strbuf_add(out, "\n");
    }
}

void ls_digest_render_matrix(const Ls__NodeDigest *digest, struct ls_strbuf *out)
{
    size_t width = affinity_width(digest);

    add_header(digest, width, out);
    for (size_t i = 0; i < digest->n_gpus; i++)
        add_gpu_row(digest, i, width, out);
    for (size_t i = 0; i < digest->n_nics; i++)
        add_nic_row(digest, i, out);
    add_legend(digest, out);
}
