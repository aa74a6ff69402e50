/* agent/discover/gpus.c - which devices are GPUs, counted once each.
 *
 * One GPU can be several OS devices (nvml0, cuda0, opencl0d0): those that hang from
 * one PCI device are one GPU, seen by its best backend. But one PCI device in several
 * partitions (MI300A in CPX mode) is as many GPUs as that backend has devices on it.
 * Without any vendor library in hwloc, PCI class and vendor decide. */
#include <stdlib.h>
#include <string.h>

#include "agent/discover/inventory.h"
#include "common/util/check.h"
#include "common/util/mem.h"

enum { VENDOR_NVIDIA = 0x10DE, VENDOR_AMD = 0x1002, VENDOR_INTEL = 0x8086 };
enum {
    CLASS_VGA = 0x0300,
    CLASS_3D = 0x0302,
    CLASS_DISPLAY = 0x0380,
    CLASS_ACCEL = 0x1200
};

/* Best first: one that knows serials, links and partitions before one that does not. */
static const struct backend {
    const char *subtype;
    const char *prefix; /* of names: dumps before hwloc 2.3 have no subtype */
    bool partitions;    /* several devices on one carrier are several GPUs */
} backends[] = {
    {"NVML", "nvml", true}, {"RSMI", "rsmi", true},      {"LevelZero", "ze", true},
    {"CUDA", "cuda", true}, {"OpenCL", "opencl", false},
};

static bool is_named(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);

    return name && strncmp(name, prefix, length) == 0 && name[length] >= '0' &&
           name[length] <= '9';
}

/* The index in backends[] of an OS device, or -1 when it is no GPU. */
static int backend_of(hwloc_obj_t device)
{
    const char *opencl_type = ls_object_info(device, "OpenCLDeviceType");

    if (device->attr->osdev.type != HWLOC_OBJ_OSDEV_GPU &&
        device->attr->osdev.type != HWLOC_OBJ_OSDEV_COPROC)
        return -1;
    if (opencl_type && strcmp(opencl_type, "CPU") == 0)
        return -1;
    for (size_t i = 0; i < LS_ARRAY_SIZE(backends); i++) {
        if (device->subtype ? strcmp(device->subtype, backends[i].subtype) == 0
                            : is_named(device->name, backends[i].prefix))
            return (int)i;
    }
    return -1;
}

static void add_gpu(struct ls_inventory *inventory, struct ls_gpu gpu)
{
    LS_GROW(inventory->gpus, inventory->gpu_count, inventory->gpu_capacity);
    inventory->gpus[inventory->gpu_count++] = gpu;
}

static int best_backend_on(hwloc_obj_t carrier)
{
    int best = -1;

    for (hwloc_obj_t child = carrier->io_first_child; child;
         child = child->next_sibling) {
        int backend = child->type == HWLOC_OBJ_OS_DEVICE ? backend_of(child) : -1;

        if (backend >= 0 && (best < 0 || backend < best))
            best = backend;
    }
    return best;
}

/* Add the GPUs that hang from a carrier. */
static void add_carrier(struct ls_inventory *inventory, hwloc_obj_t carrier)
{
    int best = best_backend_on(carrier);
    size_t first = inventory->gpu_count;

    for (hwloc_obj_t child = carrier->io_first_child; child;
         child = child->next_sibling) {
        if (child->type != HWLOC_OBJ_OS_DEVICE || backend_of(child) != best)
            continue;
        add_gpu(inventory, (struct ls_gpu){.carrier = carrier,
                                           .device = child,
                                           .backend = backends[best].subtype});
        if (!backends[best].partitions)
            break;
    }
    for (size_t i = first; i < inventory->gpu_count; i++)
        inventory->gpus[i].partition = inventory->gpu_count - first > 1;
}

/* The GPUs some backend knows. Sub-devices (ze0.0) hang from an OS device: skipped. */
static void find_by_backend(struct ls_inventory *inventory)
{
    hwloc_obj_t device = NULL;

    while ((device = hwloc_get_next_osdev(inventory->topology, device))) {
        hwloc_obj_t carrier = device->parent;
        bool seen = false;

        if (backend_of(device) < 0 || carrier->type == HWLOC_OBJ_OS_DEVICE)
            continue;
        for (size_t i = 0; i < inventory->gpu_count; i++)
            seen = seen || inventory->gpus[i].carrier == carrier;
        if (!seen)
            add_carrier(inventory, carrier);
    }
}

/* Class and vendor of a compute GPU. Other vendors' VGA devices are the board's
 * management controller; Intel VGA on bus 0 is the CPU's own graphics. */
static bool is_gpu_class(const struct hwloc_pcidev_attr_s *attr)
{
    bool known = attr->vendor_id == VENDOR_NVIDIA || attr->vendor_id == VENDOR_AMD ||
                 attr->vendor_id == VENDOR_INTEL;

    switch (attr->class_id) {
    case CLASS_VGA:
        return known && (attr->vendor_id != VENDOR_INTEL || attr->bus != 0);
    case CLASS_3D:
    case CLASS_DISPLAY:
    case CLASS_ACCEL:
        return known;
    default:
        return false;
    }
}

/* A device its vendor's library does not list cannot be used, and would shift the
 * numbers that CUDA and ROCm give: it counts only where no library saw that vendor. */
static bool vendor_has_backend(const struct ls_inventory *inventory, size_t known_count,
                               unsigned vendor)
{
    for (size_t i = 0; i < known_count; i++) {
        hwloc_obj_t carrier = inventory->gpus[i].carrier;

        if (carrier->type == HWLOC_OBJ_PCI_DEVICE &&
            carrier->attr->pcidev.vendor_id == vendor)
            return true;
    }
    return false;
}

static void find_by_class(struct ls_inventory *inventory)
{
    size_t known_count = inventory->gpu_count;
    hwloc_obj_t pci = NULL;

    while ((pci = hwloc_get_next_pcidev(inventory->topology, pci))) {
        const struct hwloc_pcidev_attr_s *attr = &pci->attr->pcidev;

        if (is_gpu_class(attr) &&
            !vendor_has_backend(inventory, known_count, attr->vendor_id))
            add_gpu(inventory, (struct ls_gpu){.carrier = pci, .backend = "PCI"});
    }
}

static int compare_gpus(const void *left, const void *right)
{
    const struct ls_gpu *a = left, *b = right;
    uint64_t key_a = ls_object_bus_key(a->carrier);
    uint64_t key_b = ls_object_bus_key(b->carrier);

    if (key_a != key_b)
        return key_a < key_b ? -1 : 1;
    if (a->device && b->device)
        return strverscmp(a->device->name, b->device->name);
    return 0;
}

void ls_inventory_find_gpus(struct ls_inventory *inventory)
{
    find_by_backend(inventory);
    find_by_class(inventory);
    if (inventory->gpu_count > 1)
        qsort(inventory->gpus, inventory->gpu_count, sizeof(*inventory->gpus),
              compare_gpus);
}

/* ---- what is known of one ------------------------------------------------------- */

/* An info of the GPU: from its own device, else from its siblings by other backends. */
static const char *gpu_info(const struct ls_gpu *gpu, const char *name)
{
    const char *value = ls_object_info(gpu->device, name);
    hwloc_obj_t child = gpu->partition ? NULL : gpu->carrier->io_first_child;

    for (; !value && child; child = child->next_sibling)
        value = child->type == HWLOC_OBJ_OS_DEVICE && backend_of(child) >= 0
                    ? ls_object_info(child, name)
                    : NULL;
    return value;
}

static const char *vendor_of(const struct ls_gpu *gpu)
{
    unsigned id = gpu->carrier->type == HWLOC_OBJ_PCI_DEVICE
                      ? gpu->carrier->attr->pcidev.vendor_id
                      : 0;

    switch (id) {
    case VENDOR_NVIDIA:
        return "NVIDIA";
    case VENDOR_AMD:
        return "AMD";
    case VENDOR_INTEL:
        return "Intel";
    default:
        return gpu_info(gpu, "GPUVendor");
    }
}

static char *model_of(const struct ls_gpu *gpu)
{
    const char *model = gpu_info(gpu, "GPUModel");

    if (!model)
        model = gpu_info(gpu, "LevelZeroModel");
    if (!model)
        model = ls_object_info(gpu->carrier, "PCIDevice");
    if (!model && gpu->carrier->type == HWLOC_OBJ_PCI_DEVICE)
        return ls_asprintf("%s device %04x:%04x", vendor_of(gpu),
                           gpu->carrier->attr->pcidev.vendor_id,
                           gpu->carrier->attr->pcidev.device_id);
    return ls_object_text(model);
}

/* The id that stays with the board whatever slot or number it gets: UUID, else serial.
 */
static char *id_of(const struct ls_gpu *gpu)
{
    static const char *const names[] = {"NVIDIAUUID",    "AMDUUID",
                                        "LevelZeroUUID", "NVIDIASerial",
                                        "AMDSerial",     "LevelZeroSerialNumber"};

    for (size_t i = 0; i < LS_ARRAY_SIZE(names); i++) {
        const char *id = gpu_info(gpu, names[i]);

        if (ls_object_id_known(id))
            return ls_object_text(id);
    }
    return ls_strdup("");
}

static uint64_t memory_of(const struct ls_gpu *gpu)
{
    static const char *const names[] = {"CUDAGlobalMemorySize", "RSMIVRAMSize",
                                        "LevelZeroHBMSize", "LevelZeroDDRSize",
                                        "OpenCLGlobalMemorySize"}; /* all in KiB */

    for (size_t i = 0; i < LS_ARRAY_SIZE(names); i++) {
        const char *size = gpu_info(gpu, names[i]);
        uint64_t kib = size ? strtoull(size, NULL, 10) : 0;

        if (kib > 0 && kib < UINT64_MAX / 1024)
            return kib * 1024;
    }
    return 0;
}

void ls_gpu_describe(const struct ls_gpu *gpu, Ls__GpuInfo *info)
{
    info->model = model_of(gpu);
    info->vendor = ls_object_text(vendor_of(gpu));
    info->uuid = id_of(gpu);
    info->bus_id = ls_object_bus_id(gpu->carrier);
    info->memory_bytes = memory_of(gpu);
    info->cores = ls_object_cores(gpu->carrier);
    info->subtype = ls_strdup(gpu->backend);
}
