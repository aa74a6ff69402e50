/* common/topology/render_tree.c - a node as an indented tree. */
#include <stdbool.h>
#include <string.h>

#include "common/topology/render.h"

static void add_size(struct ls_strbuf *out, uint64_t bytes)
{
    double gib = (double)bytes / (1 << 30);

    if (gib < 10240)
        ls_strbuf_printf(out, "%.1f GiB", gib);
    else
        ls_strbuf_printf(out, "%.1f TiB", gib / 1024);
}

/* Digests are checked when they come in; the texts are printed inert all the same. */
static void add_text(struct ls_strbuf *out, const char *before, const char *text)
{
    if (!*text)
        return;
    ls_strbuf_add(out, before);
    ls_strbuf_add_printable(out, text);
}

/* ", NV18 to 7 GPUs": the links of one GPU, those of a kind together. */
static void add_links(const Ls__NodeDigest *digest, size_t gpu, struct ls_strbuf *out)
{
    char seen[16] = "";
    size_t count = 0;

    for (size_t other = 0; other <= digest->n_gpus; other++) {
        char word[16] = "";

        if (other < digest->n_gpus &&
            ls_digest_gpu_gpu(digest, gpu, other) != LS__PATH__PATH_NVLINK)
            continue;
        if (other < digest->n_gpus)
            ls_digest_gpu_word(digest, gpu, other, word);
        if (count > 0 && strcmp(word, seen) != 0) {
            ls_strbuf_printf(out, ", %s to %zu GPU%s", seen, count,
                             count > 1 ? "s" : "");
            count = 0;
        }
        memcpy(seen, word, sizeof(seen));
        count++;
    }
}

static void add_gpu(const Ls__NodeDigest *digest, size_t index, const char *indent,
                    struct ls_strbuf *out)
{
    const Ls__GpuInfo *gpu = digest->gpus[index];

    ls_strbuf_printf(out, "%sGPU %zu  ", indent, index);
    ls_strbuf_add_printable(out, gpu->model);
    if (gpu->memory_bytes > 0) {
        ls_strbuf_add(out, ", ");
        add_size(out, gpu->memory_bytes);
    }
    add_text(out, ", ", gpu->bus_id);
    if (gpu->nic >= 0) {
        add_text(out, ", NIC ", digest->nics[gpu->nic]->name);
        ls_strbuf_printf(
            out, " (%s)",
            ls_path_name(ls_digest_gpu_nic(digest, index, (size_t)gpu->nic)));
    }
    add_links(digest, index, out);
    add_text(out, ", ", gpu->uuid);
    ls_strbuf_add(out, "\n");
}

static void add_nic(const Ls__NicInfo *nic, const char *indent, struct ls_strbuf *out)
{
    ls_strbuf_printf(out, "%sNIC %u  ", indent, nic->index);
    ls_strbuf_add_printable(out, nic->name);
    add_text(out, ", ", nic->kind);
    add_text(out, ", ", nic->bus_id);
    if (nic->bits_per_s > 0)
        ls_strbuf_printf(out, ", %g Gb/s", (double)nic->bits_per_s / 1e9);
    ls_strbuf_add(out, nic->active ? ", up" : ", down");
    add_text(out, ", ", nic->guid);
    ls_strbuf_add(out, "\n");
}

/* The devices next to a NUMA node; numa -1: those next to none in particular. */
static void add_devices(const Ls__NodeDigest *digest, int32_t numa, const char *indent,
                        struct ls_strbuf *out)
{
    for (size_t i = 0; i < digest->n_gpus; i++) {
        if (digest->gpus[i]->numa == numa)
            add_gpu(digest, i, indent, out);
    }
    for (size_t i = 0; i < digest->n_nics; i++) {
        if (digest->nics[i]->numa == numa)
            add_nic(digest->nics[i], indent, out);
    }
}

static void add_package(const Ls__NodeDigest *digest, uint32_t package,
                        struct ls_strbuf *out)
{
    ls_strbuf_printf(out, "  package %u\n", package);
    for (size_t i = 0; i < digest->n_numas; i++) {
        const Ls__NumaInfo *numa = digest->numas[i];

        if (numa->package != package)
            continue;
        ls_strbuf_printf(out, "    NUMA node %d  ", numa->os_index);
        add_size(out, numa->memory_bytes);
        add_text(out, ", CPUs ", numa->cores);
        ls_strbuf_add(out, "\n");
        add_devices(digest, numa->os_index, "      ", out);
    }
}

static bool has_unplaced(const Ls__NodeDigest *digest)
{
    bool found = false;

    for (size_t i = 0; i < digest->n_gpus; i++)
        found = found || digest->gpus[i]->numa < 0;
    for (size_t i = 0; i < digest->n_nics; i++)
        found = found || digest->nics[i]->numa < 0;
    return found;
}

void ls_digest_render_tree(const Ls__NodeDigest *digest, struct ls_strbuf *out)
{
    ls_strbuf_printf(out, "machine  %u package%s, %u cores, %u threads, ",
                     digest->packages, digest->packages > 1 ? "s" : "", digest->cores,
                     digest->pus);
    add_size(out, digest->memory_bytes);
    add_text(out, ", ", digest->cpu_model);
    add_text(out, digest->modelled ? ", modelled after " : ", ", digest->source);
    ls_strbuf_add(out, "\n");
    for (uint32_t package = 0; package < digest->packages; package++)
        add_package(digest, package, out);
    if (has_unplaced(digest)) { /* virtual machines and firmware may hide it */
        ls_strbuf_add(out, "  NUMA node not known\n");
        add_devices(digest, -1, "    ", out);
    }
}
