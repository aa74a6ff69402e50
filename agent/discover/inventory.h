/* agent/discover/inventory.h - the devices of a loaded hwloc topology, before they
 * become a digest. Private to this directory. */
#ifndef LS_AGENT_DISCOVER_INVENTORY_H
#define LS_AGENT_DISCOVER_INVENTORY_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

/* A GPU is one OS device of its best backend, or a PCI device no backend knows. */
struct ls_gpu {
    hwloc_obj_t carrier; /* the PCI device it is on (or what else it hangs from) */
    hwloc_obj_t device;  /* its OS device; NULL = known by its PCI class alone */
    const char *backend; /* "NVML" … "PCI" */
    bool partition;      /* one of several GPUs on this carrier */
};

struct ls_nic {
    hwloc_obj_t device; /* its OS device */
    hwloc_obj_t pci;    /* its PCI device, or NULL */
    bool rdma;          /* seen through OpenFabrics */
    bool fabric;        /* made for traffic between GPUs: RDMA or Slingshot */
};

struct ls_inventory {
    hwloc_topology_t topology;
    bool modelled; /* from XML: ask the running system nothing about it */
    struct ls_gpu *gpus;
    size_t gpu_count, gpu_capacity;
    struct ls_nic *nics;
    size_t nic_count, nic_capacity;
};

/* gpus.c: find the GPUs, in order of PCI address; and describe one. */
void ls_inventory_find_gpus(struct ls_inventory *inventory);
void ls_gpu_describe(const struct ls_gpu *gpu, Ls__GpuInfo *info);

/* nics.c: find the NICs: RDMA, then Slingshot, then others, each in natural order of
 * names. */
void ls_inventory_find_nics(struct ls_inventory *inventory);
void ls_nic_describe(const struct ls_inventory *inventory, const struct ls_nic *nic,
                     Ls__NicInfo *info);

/* paths.c: how two places in the I/O tree reach one another; the path matrices; and
 * for each GPU the NIC to use. */
Ls__Path ls_path_between(hwloc_obj_t a, hwloc_obj_t b);
void ls_inventory_fill_paths(const struct ls_inventory *inventory,
                             Ls__NodeDigest *digest);
void ls_inventory_assign_nics(const struct ls_inventory *inventory,
                              Ls__NodeDigest *digest);

/* links.c: NVLink, XGMI, Xe Link: fill link_mb_per_s, and PATH_NVLINK into gpu_gpu. */
void ls_inventory_fill_links(const struct ls_inventory *inventory,
                             Ls__NodeDigest *digest);

/* objects.c: helpers over hwloc objects. Texts are copies in printable ASCII of at most
 * LS_DIGEST_TEXT_MAX bytes; NULL gives "". */
char *ls_object_text(const char *text);
const char *ls_object_info(hwloc_obj_t object, const char *name);
hwloc_obj_t ls_object_pci(hwloc_obj_t object);
char *ls_object_bus_id(hwloc_obj_t pci);
uint64_t ls_object_bus_key(hwloc_obj_t pci);
char *ls_object_cores(hwloc_obj_t object);
int ls_object_numa(hwloc_topology_t topology, hwloc_obj_t object);
hwloc_obj_t ls_object_package(hwloc_obj_t object);
bool ls_object_id_known(const char *id);

/* node.c: the digest of a loaded topology. The caller frees it. */
Ls__NodeDigest *ls_node_digest_build(hwloc_topology_t topology, const char *xml_path);

#endif
