/* agent/discover/links.c - direct links between GPUs: NVLink, XGMI, Xe Link.
 *
 * hwloc has them as bandwidth matrices in MB/s, one direction. Behind NVSwitches a GPU
 * is linked to the switches only; the transitive closure gives GPU to GPU. */
#include <string.h>

#include "agent/discover/inventory.h"
#include "common/util/check.h"
#include "common/util/mem.h"

static const char *const matrix_names[] = {"NVLinkBandwidth", "XGMIBandwidth",
                                           "XeLinkBandwidth"};

/* Which GPU an object of a matrix is: the GPU's device, another backend's view of it,
 * or a part of it; -1 for switches and CPUs. */
static int gpu_of(const struct ls_inventory *inventory, hwloc_obj_t object)
{
    for (; object; object = object->parent) {
        for (size_t i = 0; i < inventory->gpu_count; i++) {
            const struct ls_gpu *gpu = &inventory->gpus[i];

            if (object == gpu->device || (object == gpu->carrier && !gpu->partition))
                return (int)i;
        }
        if (object->type == HWLOC_OBJ_PCI_DEVICE || object->cpuset)
            return -1;
    }
    return -1;
}

static void add_link(Ls__NodeDigest *digest, size_t from, size_t to, uint64_t mb_per_s)
{
    size_t cell = from * digest->n_gpus + to;
    uint32_t value = mb_per_s > UINT32_MAX ? UINT32_MAX : (uint32_t)mb_per_s;

    if (value <= digest->link_mb_per_s[cell])
        return;
    digest->link_mb_per_s[cell] = value;
    digest->gpu_gpu.data[cell] = LS__PATH__PATH_NVLINK;
}

static void add_matrix(const struct ls_inventory *inventory,
                       const struct hwloc_distances_s *distances,
                       Ls__NodeDigest *digest)
{
    int *gpus = ls_calloc(distances->nbobjs, sizeof(*gpus));

    for (unsigned i = 0; i < distances->nbobjs; i++)
        gpus[i] = distances->objs[i] ? gpu_of(inventory, distances->objs[i]) : -1;
    for (unsigned i = 0; i < distances->nbobjs; i++) {
        for (unsigned j = 0; j < distances->nbobjs; j++) {
            if (gpus[i] >= 0 && gpus[j] >= 0 && gpus[i] != gpus[j])
                add_link(digest, (size_t)gpus[i], (size_t)gpus[j],
                         distances->values[(size_t)i * distances->nbobjs + j]);
        }
    }
    ls_free(gpus);
}

static bool has_switch(const struct hwloc_distances_s *distances)
{
    for (unsigned i = 0; i < distances->nbobjs; i++) {
        const char *subtype = distances->objs[i] ? distances->objs[i]->subtype : NULL;

        if (subtype && strcmp(subtype, "NVSwitch") == 0)
            return true;
    }
    return false;
}

static void add_matrix_by_name(const struct ls_inventory *inventory, const char *name,
                               Ls__NodeDigest *digest)
{
    struct hwloc_distances_s *distances = NULL;
    unsigned count = 1;

    if (hwloc_distances_get_by_name(inventory->topology, name, &count, &distances, 0) <
            0 ||
        count == 0)
        return;
    add_matrix(inventory, distances, digest);
    /* The closure replaces direct links, so it comes after them, and only for switches.
     */
    if (has_switch(distances) &&
        hwloc_distances_transform(inventory->topology, distances,
                                  HWLOC_DISTANCES_TRANSFORM_TRANSITIVE_CLOSURE, NULL,
                                  0) == 0)
        add_matrix(inventory, distances, digest);
    hwloc_distances_release(inventory->topology, distances);
}

void ls_inventory_fill_links(const struct ls_inventory *inventory,
                             Ls__NodeDigest *digest)
{
    digest->n_link_mb_per_s = digest->n_gpus * digest->n_gpus;
    digest->link_mb_per_s =
        ls_calloc(digest->n_link_mb_per_s, sizeof(*digest->link_mb_per_s));
    for (size_t i = 0; i < LS_ARRAY_SIZE(matrix_names); i++)
        add_matrix_by_name(inventory, matrix_names[i], digest);
}
