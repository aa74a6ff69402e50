/* scheduler/policy/index.h - finds a number by name: open addressing, linear probing.
 *
 * Only looked up, never walked, so that the order of the table decides nothing. Pure.
 */
#ifndef LS_SCHEDULER_POLICY_INDEX_H
#define LS_SCHEDULER_POLICY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key is a name within a space, such as a submit key within a user id. */
struct ls_index_slot {
    const char *name; /* borrowed; NULL = empty slot */
    uint64_t hash;
    uint64_t value;
    uint32_t space;
};

/* Start from {0}. */
struct ls_index {
    struct ls_index_slot *slots;
    size_t count, capacity; /* capacity is 0 or a power of two */
};

/* Add a name that is not in the index yet. `name` must live as long as the entry. */
void ls_index_add(struct ls_index *index, uint32_t space, const char *name,
                  uint64_t value);
bool ls_index_find(const struct ls_index *index, uint32_t space, const char *name,
                   uint64_t *ret_value);
void ls_index_remove(struct ls_index *index, uint32_t space, const char *name);
void ls_index_free(struct ls_index *index);

/* FNV-1a, 64 bit, going on from `hash`. */
#define LS_FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t ls_fnv(uint64_t hash, const void *bytes, size_t size);

#endif
