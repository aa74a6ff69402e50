/* agent/discover/node.c - the digest of a loaded topology. */
#include <string.h>
#include <unistd.h>

#include "agent/discover/inventory.h"
#include "common/topology/digest.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

static uint32_t count_of(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    int count = hwloc_get_nbobjs_by_type(topology, type);

    return count > 0 ? (uint32_t)count : 0;
}

static char *source_text(const char *xml_path)
{
    struct ls_strbuf text = {0};

    ls_strbuf_add_printable(&text, xml_path ? xml_path : "this machine");
    return ls_strbuf_take(&text);
}

/* What the kernel counts may be more than its NUMA files say (hot-plugged memory of
 * virtual machines); what is not allowed to us does not count. */
static uint64_t memory_of(hwloc_topology_t topology, bool modelled)
{
    uint64_t bytes = hwloc_get_root_obj(topology)->total_memory;
    uint64_t system;

    if (modelled ||
        !hwloc_bitmap_isequal(hwloc_topology_get_allowed_nodeset(topology),
                              hwloc_topology_get_complete_nodeset(topology)))
        return bytes;
    system = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return system > bytes ? system : bytes;
}

static void fill_cpus(hwloc_topology_t topology, Ls__NodeDigest *digest)
{
    hwloc_obj_t root = hwloc_get_root_obj(topology);
    hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    const char *model = ls_object_info(package, "CPUModel");

    digest->host = ls_object_text(ls_object_info(root, "HostName"));
    digest->cpu_model =
        ls_object_text(model ? model : ls_object_info(root, "CPUModel"));
    digest->packages = count_of(topology, HWLOC_OBJ_PACKAGE);
    digest->pus = count_of(topology, HWLOC_OBJ_PU);
    digest->cores = count_of(topology, HWLOC_OBJ_CORE);
    if (digest->packages == 0) /* some virtual machines have neither */
        digest->packages = 1;
    if (digest->cores == 0)
        digest->cores = digest->pus;
}

/* The package of a NUMA node; of one that spans several, the first. */
static uint32_t package_index(hwloc_topology_t topology, hwloc_obj_t numa)
{
    hwloc_obj_t package = NULL;

    while (
        (package = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PACKAGE, package))) {
        if (hwloc_bitmap_isset(package->nodeset, numa->os_index))
            return package->logical_index;
    }
    return 0;
}

static void fill_numas(hwloc_topology_t topology, Ls__NodeDigest *digest)
{
    hwloc_obj_t numa = NULL;

    digest->numas =
        ls_calloc(count_of(topology, HWLOC_OBJ_NUMANODE), sizeof(Ls__NumaInfo *));
    while ((numa = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, numa))) {
        Ls__NumaInfo *info = ls_calloc(1, sizeof(*info));

        ls__numa_info__init(info);
        info->os_index = (int32_t)numa->os_index;
        info->memory_bytes = numa->attr->numanode.local_memory;
        info->cores = ls_object_cores(numa);
        info->package = package_index(topology, numa);
        digest->numas[digest->n_numas++] = info;
    }
}

static void fill_gpus(const struct ls_inventory *inventory, Ls__NodeDigest *digest)
{
    digest->gpus = ls_calloc(inventory->gpu_count, sizeof(Ls__GpuInfo *));
    for (size_t i = 0; i < inventory->gpu_count; i++) {
        Ls__GpuInfo *info = ls_calloc(1, sizeof(*info));

        ls__gpu_info__init(info);
        info->index = (uint32_t)i;
        info->numa = ls_object_numa(inventory->topology, inventory->gpus[i].carrier);
        ls_gpu_describe(&inventory->gpus[i], info);
        digest->gpus[digest->n_gpus++] = info;
    }
}

static void fill_nics(const struct ls_inventory *inventory, Ls__NodeDigest *digest)
{
    digest->nics = ls_calloc(inventory->nic_count, sizeof(Ls__NicInfo *));
    for (size_t i = 0; i < inventory->nic_count; i++) {
        Ls__NicInfo *info = ls_calloc(1, sizeof(*info));

        ls__nic_info__init(info);
        info->index = (uint32_t)i;
        info->numa = ls_object_numa(inventory->topology, inventory->nics[i].device);
        ls_nic_describe(inventory, &inventory->nics[i], info);
        digest->nics[digest->n_nics++] = info;
    }
}

Ls__NodeDigest *ls_node_digest_build(hwloc_topology_t topology, const char *xml_path)
{
    struct ls_inventory inventory = {.topology = topology,
                                     .modelled = xml_path != NULL};
    Ls__NodeDigest *digest = ls_calloc(1, sizeof(*digest));

    ls__node_digest__init(digest);
    digest->modelled = inventory.modelled;
    digest->source = source_text(xml_path);
    digest->memory_bytes = memory_of(topology, inventory.modelled);
    fill_cpus(topology, digest);
    fill_numas(topology, digest);
    ls_inventory_find_gpus(&inventory);
    ls_inventory_find_nics(&inventory);
    fill_gpus(&inventory, digest);
    fill_nics(&inventory, digest);
    ls_inventory_fill_paths(&inventory, digest);
    ls_inventory_fill_links(&inventory, digest);
    ls_inventory_assign_nics(&inventory, digest);
    ls_free(inventory.gpus);
    ls_free(inventory.nics);
    return digest;
}
