/* agent/discover/paths.c - PCIe paths between devices, and the NIC for each GPU. */
#include <limits.h>
#include <string.h>

#include "agent/discover/inventory.h"
#include "common/util/mem.h"

/* Is `object` a PCI-to-PCI bridge? Host bridges are none. */
static bool is_pci_bridge(hwloc_obj_t object)
{
    return object->type == HWLOC_OBJ_BRIDGE &&
           object->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI;
}

static bool is_above(hwloc_obj_t object, hwloc_obj_t below)
{
    while (below && below != object)
        below = below->parent;
    return below != NULL;
}

static unsigned bridges_below(hwloc_obj_t from, hwloc_obj_t top)
{
    unsigned count = 0;

    for (; from != top; from = from->parent)
        count += is_pci_bridge(from);
    return count;
}

/* Both are outside one another's host bridge: NODE if the same NUMA nodes are next to
 * them. */
static Ls__Path path_between_hosts(hwloc_obj_t a, hwloc_obj_t b)
{
    while (!a->nodeset)
        a = a->parent;
    while (!b->nodeset)
        b = b->parent;
    return hwloc_bitmap_isequal(a->nodeset, b->nodeset) ? LS__PATH__PATH_NODE
                                                        : LS__PATH__PATH_SYS;
}

Ls__Path ls_path_between(hwloc_obj_t a, hwloc_obj_t b)
{
    hwloc_obj_t common = a;
    unsigned bridges;

    while (!is_above(common, b))
        common = common->parent;
    if (common->cpuset)
        return path_between_hosts(a, b);
    if (common->type == HWLOC_OBJ_BRIDGE && !is_pci_bridge(common))
        return LS__PATH__PATH_PHB;
    bridges =
        bridges_below(a, common) + bridges_below(b, common) + is_pci_bridge(common);
    return bridges > 1 ? LS__PATH__PATH_PXB : LS__PATH__PATH_PIX;
}

static hwloc_obj_t nic_place(const struct ls_nic *nic)
{
    return nic->pci ? nic->pci : nic->device->parent;
}

static uint8_t path_or_self(hwloc_obj_t a, hwloc_obj_t b, bool same)
{
    return (uint8_t)(same ? LS__PATH__PATH_SELF : ls_path_between(a, b));
}

static ProtobufCBinaryData matrix(size_t rows, size_t columns)
{
    return (ProtobufCBinaryData){.len = rows * columns,
                                 .data = ls_calloc(rows * columns, 1)};
}

void ls_inventory_fill_paths(const struct ls_inventory *inventory,
                             Ls__NodeDigest *digest)
{
    const struct ls_gpu *gpus = inventory->gpus;
    const struct ls_nic *nics = inventory->nics;
    size_t gpu_count = inventory->gpu_count, nic_count = inventory->nic_count;

    digest->gpu_gpu = matrix(gpu_count, gpu_count);
    digest->gpu_nic = matrix(gpu_count, nic_count);
    digest->nic_nic = matrix(nic_count, nic_count);
    for (size_t i = 0; i < gpu_count; i++) {
        for (size_t j = 0; j < gpu_count; j++)
            digest->gpu_gpu.data[i * gpu_count + j] =
                path_or_self(gpus[i].carrier, gpus[j].carrier, i == j);
        for (size_t j = 0; j < nic_count; j++)
            digest->gpu_nic.data[i * nic_count + j] =
                path_or_self(gpus[i].carrier, nic_place(&nics[j]), false);
    }
    for (size_t i = 0; i < nic_count; i++) {
        for (size_t j = 0; j < nic_count; j++)
            digest->nic_nic.data[i * nic_count + j] =
                path_or_self(nic_place(&nics[i]), nic_place(&nics[j]), i == j);
    }
}

/* ---- the NIC for each GPU ------------------------------------------------------- */

/* May this NIC carry a GPU's traffic? Only the best kind present may: working NICs
 * before those whose link is down, fabric NICs before plain Ethernet. */
static int nic_grade(const struct ls_inventory *inventory, const Ls__NodeDigest *digest,
                     size_t nic)
{
    return (digest->nics[nic]->active ? 2 : 0) + (inventory->nics[nic].fabric ? 1 : 0);
}

/* How far a NIC is from a GPU: the path, and within it another package is farther. */
static int nic_distance(const struct ls_inventory *inventory,
                        const Ls__NodeDigest *digest, size_t gpu, size_t nic)
{
    hwloc_obj_t gpu_package = ls_object_package(inventory->gpus[gpu].carrier);
    hwloc_obj_t nic_package = ls_object_package(nic_place(&inventory->nics[nic]));
    int path = digest->gpu_nic.data[gpu * inventory->nic_count + nic];

    return 2 * path + (gpu_package != nic_package);
}

struct choice {
    int nic; /* -1: no NIC may carry it */
    int distance;
};

/* Of the NICs that are nearest to a GPU, the one with the fewest GPUs so far. */
static struct choice choose_nic(const struct ls_inventory *inventory,
                                const Ls__NodeDigest *digest, size_t gpu, int grade,
                                const unsigned *load)
{
    struct choice best = {.nic = -1, .distance = INT_MAX};

    for (size_t nic = 0; nic < inventory->nic_count; nic++) {
        int distance;

        if (nic_grade(inventory, digest, nic) != grade)
            continue;
        distance = nic_distance(inventory, digest, gpu, nic);
        if (distance < best.distance ||
            (distance == best.distance && load[nic] < load[best.nic]))
            best = (struct choice){.nic = (int)nic, .distance = distance};
    }
    return best;
}

/* The GPUs that have a near NIC choose first, so that the others see its load: the next
 * GPU without one, or -1 when all have. */
static int next_gpu(const struct ls_inventory *inventory, const Ls__NodeDigest *digest,
                    int grade, const unsigned *load, struct choice *ret_choice)
{
    int next = -1;

    ret_choice->distance = INT_MAX;
    for (size_t gpu = 0; gpu < inventory->gpu_count; gpu++) {
        struct choice choice;

        if (digest->gpus[gpu]->nic >= 0)
            continue;
        choice = choose_nic(inventory, digest, gpu, grade, load);
        if (choice.nic >= 0 && choice.distance < ret_choice->distance) {
            *ret_choice = choice;
            next = (int)gpu;
        }
    }
    return next;
}

void ls_inventory_assign_nics(const struct ls_inventory *inventory,
                              Ls__NodeDigest *digest)
{
    unsigned *load = ls_calloc(inventory->nic_count, sizeof(*load));
    struct choice choice;
    int grade = 0, gpu;

    for (size_t nic = 0; nic < inventory->nic_count; nic++) {
        int this_grade = nic_grade(inventory, digest, nic);

        grade = this_grade > grade ? this_grade : grade;
    }
    for (size_t i = 0; i < inventory->gpu_count; i++)
        digest->gpus[i]->nic = -1;
    while ((gpu = next_gpu(inventory, digest, grade, load, &choice)) >= 0) {
        digest->gpus[gpu]->nic = choice.nic;
        load[choice.nic]++;
    }
    ls_free(load);
}
