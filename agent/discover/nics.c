/* agent/discover/nics.c - which devices are NICs, counted once each.
 *
 * RDMA devices first; a network interface on the PCI device of an RDMA device is the
 * same NIC. Interfaces with no PCI device (bridges, loopback, USB) count only where
 * there is nothing else, loopback never. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/discover/inventory.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum { VENDOR_CRAY = 0x17DB };
enum { IB_PORTS_MAX = 8, IB_PORT_ACTIVE = 4 };

static void add_nic(struct ls_inventory *inventory, hwloc_obj_t device, bool rdma)
{
    hwloc_obj_t pci = ls_object_pci(device);
    bool slingshot = (device->subtype && strcmp(device->subtype, "Slingshot") == 0) ||
                     (pci && pci->attr->pcidev.vendor_id == VENDOR_CRAY);

    LS_GROW(inventory->nics, inventory->nic_count, inventory->nic_capacity);
    inventory->nics[inventory->nic_count++] = (struct ls_nic){
        .device = device, .pci = pci, .rdma = rdma, .fabric = rdma || slingshot};
}

static bool is_on_known_nic(const struct ls_inventory *inventory, hwloc_obj_t pci)
{
    for (size_t i = 0; i < inventory->nic_count; i++) {
        if (inventory->nics[i].rdma && inventory->nics[i].pci == pci)
            return true;
    }
    return false;
}

static void find_rdma(struct ls_inventory *inventory)
{
    hwloc_obj_t device = NULL;

    while ((device = hwloc_get_next_osdev(inventory->topology, device))) {
        if (device->attr->osdev.type == HWLOC_OBJ_OSDEV_OPENFABRICS && device->name)
            add_nic(inventory, device, true);
    }
}

static void find_interfaces(struct ls_inventory *inventory, bool on_pci)
{
    hwloc_obj_t device = NULL;

    while ((device = hwloc_get_next_osdev(inventory->topology, device))) {
        hwloc_obj_t pci = ls_object_pci(device);

        if (device->attr->osdev.type != HWLOC_OBJ_OSDEV_NETWORK || !device->name ||
            strcmp(device->name, "lo") == 0 || (pci != NULL) != on_pci)
            continue;
        if (!pci || !is_on_known_nic(inventory, pci))
            add_nic(inventory, device, false);
    }
}

static int compare_nics(const void *left, const void *right)
{
    const struct ls_nic *a = left, *b = right;

    if (a->rdma != b->rdma)
        return a->rdma ? -1 : 1;
    if (a->fabric != b->fabric)
        return a->fabric ? -1 : 1;
    return strverscmp(a->device->name, b->device->name);
}

void ls_inventory_find_nics(struct ls_inventory *inventory)
{
    find_rdma(inventory);
    find_interfaces(inventory, true);
    if (inventory->nic_count == 0)
        find_interfaces(inventory, false);
    if (inventory->nic_count > 1)
        qsort(inventory->nics, inventory->nic_count, sizeof(*inventory->nics),
              compare_nics);
}

/* ---- what is known of one ------------------------------------------------------- */

/* The first line of /sys/class/CLASS/NAME/FILE of the running system; "" if none. */
static void read_sys(const char *class_name, const char *name, const char *file,
                     char line[64])
{
    char *path = ls_asprintf("/sys/class/%s/%s/%s", class_name, name, file);
    FILE *stream = fopen(path, "re");

    if (!stream || !fgets(line, 64, stream))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (stream)
        (void)fclose(stream);
    ls_free(path);
}

static bool rdma_active(hwloc_obj_t device)
{
    char name[] = "Port0State";

    for (int port = 1; port <= IB_PORTS_MAX; port++) {
        const char *state;

        name[4] = (char)('0' + port);
        state = ls_object_info(device, name);
        if (state && atoi(state) == IB_PORT_ACTIVE)
            return true;
    }
    return false;
}

static void describe_rdma(const struct ls_inventory *inventory, hwloc_obj_t device,
                          Ls__NicInfo *info)
{
    char line[64];

    info->active = rdma_active(device);
    if (!inventory->modelled) {
        read_sys("infiniband", device->name, "ports/1/rate",
                 line); /* "400 Gb/sec (…" */
        info->bits_per_s = (uint64_t)(strtod(line, NULL) * 1e9);
    }
}

/* XML does not say whether an interface is up: then we believe it is. */
static void describe_interface(const struct ls_inventory *inventory, hwloc_obj_t device,
                               Ls__NicInfo *info)
{
    char line[64];
    long mbit_per_s;

    info->active = true;
    if (inventory->modelled)
        return;
    read_sys("net", device->name, "operstate", line);
    info->active = strcmp(line, "up") == 0 || strcmp(line, "unknown") == 0;
    read_sys("net", device->name, "speed", line);
    mbit_per_s = strtol(line, NULL, 10);
    info->bits_per_s = mbit_per_s > 0 ? (uint64_t)mbit_per_s * 1000000 : 0;
}

void ls_nic_describe(const struct ls_inventory *inventory, const struct ls_nic *nic,
                     Ls__NicInfo *info)
{
    const char *guid = ls_object_info(nic->device, nic->rdma ? "NodeGUID" : "Address");

    info->name = ls_object_text(nic->device->name);
    info->kind = ls_strdup(nic->rdma ? "rdma" : "network");
    info->bus_id = ls_object_bus_id(nic->pci);
    info->guid = ls_object_text(ls_object_id_known(guid) ? guid : NULL);
    info->cores = ls_object_cores(nic->device);
    if (nic->rdma)
        describe_rdma(inventory, nic->device, info);
    else
        describe_interface(inventory, nic->device, info);
}
