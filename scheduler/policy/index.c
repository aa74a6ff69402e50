/* scheduler/policy/index.c - finds a number by name. Pure. */
#include "scheduler/policy/index.h"

#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"

enum { INDEX_CAPACITY_MIN = 16 };

uint64_t ls_fnv(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_of(uint32_t space, const char *name)
{
    uint64_t hash = ls_fnv(LS_FNV_START, &space, sizeof(space));

    return ls_fnv(hash, name, strlen(name));
}

/* The slot of the key, or the empty slot where it would go. */
static size_t slot_of(const struct ls_index *index, uint32_t space, const char *name,
                      uint64_t hash)
{
    size_t mask = index->capacity - 1;
    size_t at = hash & mask;

    ls_assert(index->count < index->capacity); /* an empty slot ends every search */
    while (index->slots[at].name) {
        const struct ls_index_slot *slot = &index->slots[at];

        if (slot->hash == hash && slot->space == space && !strcmp(slot->name, name))
            break;
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(struct ls_index *index)
{
    struct ls_index_slot *old = index->slots;
    size_t old_capacity = index->capacity;

    index->capacity = old_capacity ? old_capacity * 2 : INDEX_CAPACITY_MIN;
    index->slots = ls_calloc(index->capacity, sizeof(*index->slots));
    for (size_t i = 0; i < old_capacity; i++) {
        if (!old[i].name)
            continue;
        index->slots[slot_of(index, old[i].space, old[i].name, old[i].hash)] = old[i];
    }
    ls_free(old);
}

void ls_index_add(struct ls_index *index, uint32_t space, const char *name,
                  uint64_t value)
{
    struct ls_index_slot slot = {
        .name = name, .hash = hash_of(space, name), .value = value, .space = space};
    size_t at;

    if ((index->count + 1) * 2 > index->capacity)
        grow(index);
    at = slot_of(index, space, name, slot.hash);
    ls_assert(!index->slots[at].name);
    index->slots[at] = slot;
    index->count++;
}

bool ls_index_find(const struct ls_index *index, uint32_t space, const char *name,
                   uint64_t *ret_value)
{
    size_t at;

    if (index->count == 0)
        return false;
    at = slot_of(index, space, name, hash_of(space, name));
    if (!index->slots[at].name)
        return false;
    *ret_value = index->slots[at].value;
    return true;
}

void ls_index_remove(struct ls_index *index, uint32_t space, const char *name)
{
    size_t mask = index->capacity - 1;
    size_t hole = slot_of(index, space, name, hash_of(space, name));

    ls_assert(index->slots[hole].name);
    /* Move later entries of the run back, unless they would come before their home. */
    for (size_t at = (hole + 1) & mask; index->slots[at].name; at = (at + 1) & mask) {
        size_t home = index->slots[at].hash & mask;

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        index->slots[hole] = index->slots[at];
        hole = at;
    }
    index->slots[hole] = (struct ls_index_slot){0};
    index->count--;
}

void ls_index_free(struct ls_index *index)
{
    ls_free(index->slots);
    *index = (struct ls_index){0};
}
