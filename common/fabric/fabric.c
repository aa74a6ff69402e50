/* common/fabric/fabric.c - choice of a backend and dispatch to it.
 *
 * The backends are a static table; nothing is loaded at run time. */
#include "common/fabric/fabric.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/fabric/fabric_backend.h"
#include "common/util/check.h"

/* The first is the default. */
static const struct ls_fabric_ops *const backends[] = {
    &ls_fabric_ofi_ops,
};

static const struct ls_fabric_ops *find_backend(const char *name)
{
    if (!name || !*name)
        return backends[0];
    for (size_t i = 0; i < LS_ARRAY_SIZE(backends); i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    return NULL;
}

int ls_fabric_open(const struct ls_fabric_config *config, struct ls_fabric **ret_fabric,
                   struct ls_error *err)
{
    const char *name = config->backend ? config->backend : getenv("LOCKSTEP_FABRIC");
    const struct ls_fabric_ops *ops = find_backend(name);

    if (!ops)
        return ls_error_set(err, -EINVAL, "fabric '%s': no such backend (there is: %s)",
                            name, ls_fabric_ofi_ops.name);
    return ops->open(config, ret_fabric, err);
}

void ls_fabric_close(struct ls_fabric *fabric)
{
    if (fabric)
        fabric->ops->close(fabric);
}

int ls_fabric_address(const struct ls_fabric *fabric, void *address, size_t *ret_size,
                      struct ls_error *err)
{
    return fabric->ops->address(fabric, address, ret_size, err);
}

int ls_fabric_connect(struct ls_fabric *fabric, uint32_t peer, const void *address,
                      size_t size, struct ls_error *err)
{
    if (peer >= LS_FABRIC_PEERS_MAX)
        return ls_error_set(err, -EINVAL, "peer %u: an endpoint has at most %d peers",
                            peer, LS_FABRIC_PEERS_MAX);
    return fabric->ops->connect(fabric, peer, address, size, err);
}

int ls_fabric_register(struct ls_fabric *fabric, void *memory, size_t size,
                       struct ls_fabric_memory **ret_memory, struct ls_error *err)
{
    return fabric->ops->memory_register(fabric, memory, size, ret_memory, err);
}

void ls_fabric_unregister(struct ls_fabric_memory *memory)
{
    if (memory)
        memory->fabric->ops->memory_unregister(memory);
}

void ls_fabric_export(const struct ls_fabric_memory *memory, void *key,
                      size_t *ret_size)
{
    memory->fabric->ops->memory_export(memory, key, ret_size);
}

int ls_fabric_put(struct ls_fabric *fabric, uint32_t peer,
                  struct ls_fabric_memory *memory, const void *source, size_t size,
                  const void *key, uint64_t offset, uint32_t signal, void *context)
{
    return fabric->ops->put(fabric, peer, memory, source, size, key, offset, signal,
                            context);
}

size_t ls_fabric_inline_max(const struct ls_fabric *fabric)
{
    return fabric->ops->inline_max(fabric);
}

bool ls_fabric_any_source(const struct ls_fabric *fabric)
{
    return fabric->ops->any_source(fabric);
}

int ls_fabric_poll(struct ls_fabric *fabric, struct ls_fabric_event *events, int max)
{
    return fabric->ops->poll(fabric, events, max);
}

int ls_fabric_wait(struct ls_fabric *fabric, int wake_fd, int timeout_ms)
{
    return fabric->ops->wait(fabric, wake_fd, timeout_ms);
}

const char *ls_fabric_why(const struct ls_fabric *fabric, uint32_t peer)
{
    return fabric->ops->why(fabric, peer);
}

const char *ls_fabric_name(const struct ls_fabric *fabric)
{
    return fabric->ops->describe(fabric);
}
