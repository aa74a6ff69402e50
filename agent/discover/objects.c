/* agent/discover/objects.c - helpers over hwloc objects: ids, places, texts. */
#include <stdlib.h>
#include <string.h>

#include "agent/discover/inventory.h"
#include "common/topology/digest.h"
#include "common/util/mem.h"

char *ls_object_text(const char *text)
{
    const char *begin = text ? text + strspn(text, " \t") : "";
    size_t length = strnlen(begin, LS_DIGEST_TEXT_MAX);
    char *copy = ls_calloc(length + 1, 1);

    for (size_t i = 0; i < length; i++)
        copy[i] = begin[i] < 0x20 || begin[i] > 0x7E ? '?' : begin[i];
    while (length > 0 && copy[length - 1] == ' ')
        copy[--length] = '\0';
    return copy;
}

const char *ls_object_info(hwloc_obj_t object, const char *name)
{
    const char *value = object ? hwloc_obj_get_info_by_name(object, name) : NULL;

    return value && *value ? value : NULL;
}

/* The nearest PCI device at or above an object, or NULL. */
hwloc_obj_t ls_object_pci(hwloc_obj_t object)
{
    while (object && object->type != HWLOC_OBJ_PCI_DEVICE)
        object = object->parent;
    return object;
}

char *ls_object_bus_id(hwloc_obj_t pci)
{
    const struct hwloc_pcidev_attr_s *attr;

    if (!pci || pci->type != HWLOC_OBJ_PCI_DEVICE)
        return ls_strdup("");
    attr = &pci->attr->pcidev;
    return ls_asprintf("%04x:%02x:%02x.%x", attr->domain, attr->bus, attr->dev,
                       attr->func);
}

/* Orders PCI devices by address; what is none comes last. */
uint64_t ls_object_bus_key(hwloc_obj_t pci)
{
    const struct hwloc_pcidev_attr_s *attr;

    if (!pci || pci->type != HWLOC_OBJ_PCI_DEVICE)
        return UINT64_MAX;
    attr = &pci->attr->pcidev;
    return (uint64_t)attr->domain << 32 | (uint64_t)attr->bus << 16 |
           (uint64_t)attr->dev << 8 | attr->func;
}

/* The cpu list next to an object, "0-55,112-167". */
char *ls_object_cores(hwloc_obj_t object)
{
    char *list = NULL;

    while (object && !object->cpuset)
        object = object->parent;
    if (!object || hwloc_bitmap_list_asprintf(&list, object->cpuset) < 0)
        return ls_strdup("");
    return list;
}

/* The OS index of the NUMA node an object is in. When several have the same cores
 * (DRAM and HBM), the first; -1 when it is in no single one. */
int ls_object_numa(hwloc_topology_t topology, hwloc_obj_t object)
{
    hwloc_obj_t numa = NULL;

    while (object && !object->cpuset)
        object = object->parent;
    if (!object)
        return -1;
    while ((numa = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, numa))) {
        if (hwloc_bitmap_isset(object->nodeset, numa->os_index) &&
            hwloc_bitmap_isincluded(object->cpuset, numa->cpuset))
            return (int)numa->os_index;
    }
    return -1;
}

/* The package an object is in, or NULL. */
hwloc_obj_t ls_object_package(hwloc_obj_t object)
{
    while (object && object->type != HWLOC_OBJ_PACKAGE)
        object = object->parent;
    return object;
}

/* Anonymised dumps and some drivers have ids of zeros only: those name nothing. */
bool ls_object_id_known(const char *id)
{
    if (id && strncmp(id, "GPU-", 4) == 0)
        id += 4;
    return id && id[strspn(id, "0-:x ")] != '\0';
}
