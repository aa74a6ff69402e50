/* common/fabric/fabric_backend.h - what a backend of the fabric provides.
 *
 * Private to common/fabric. A backend's endpoint and memory structs begin with the
 * structs below; fabric.c has the table of backends and dispatches. */
#ifndef LS_COMMON_FABRIC_FABRIC_BACKEND_H
#define LS_COMMON_FABRIC_FABRIC_BACKEND_H

#include "common/fabric/fabric.h"

/* Each function as the ls_fabric_ function of its name in fabric.h. */
struct ls_fabric_ops {
    const char *name;
    int (*open)(const struct ls_fabric_config *config, struct ls_fabric **ret_fabric,
                struct ls_error *err);
    void (*close)(struct ls_fabric *fabric);
    int (*address)(const struct ls_fabric *fabric, void *address, size_t *ret_size,
                   struct ls_error *err);
    int (*connect)(struct ls_fabric *fabric, uint32_t peer, const void *address,
                   size_t size, struct ls_error *err);
    int (*memory_register)(struct ls_fabric *fabric, void *memory, size_t size,
                           struct ls_fabric_memory **ret_memory, struct ls_error *err);
    void (*memory_unregister)(struct ls_fabric_memory *memory);
    void (*memory_export)(const struct ls_fabric_memory *memory, void *key,
                          size_t *ret_size);
    int (*put)(struct ls_fabric *fabric, uint32_t peer, struct ls_fabric_memory *memory,
               const void *source, size_t size, const void *key, uint64_t offset,
               uint32_t signal, void *context);
    size_t (*inline_max)(const struct ls_fabric *fabric);
    bool (*any_source)(const struct ls_fabric *fabric);
    int (*poll)(struct ls_fabric *fabric, struct ls_fabric_event *events, int max);
    int (*wait)(struct ls_fabric *fabric, int wake_fd, int timeout_ms);
    const char *(*why)(const struct ls_fabric *fabric, uint32_t peer);
    const char *(*describe)(const struct ls_fabric *fabric);
};

struct ls_fabric {
    const struct ls_fabric_ops *ops;
};

struct ls_fabric_memory {
    struct ls_fabric *fabric;
};

extern const struct ls_fabric_ops ls_fabric_ofi_ops;

#endif
