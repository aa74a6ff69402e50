/* common/collective/arena.h - a rank's shared memory: one sparse memfd, an allocator over it.
 *
 * The memfd is as large as the machine's memory but takes pages only when touched, so it
 * never grows or moves: peers map it once and read gradients in place.
 * Depends on util. One thread at a time. */
#ifndef LS_COMMON_COLLECTIVE_ARENA_H
#define LS_COMMON_COLLECTIVE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"

struct ls_arena;

enum { LS_ARENA_ALIGN = 4096 };

/* Make an arena of `size` bytes; 0 = LOCKSTEP_ARENA_SIZE of the environment (bytes), else
 * the machine's memory. The size is sealed: no peer can shrink it under us. */
int ls_arena_create(uint64_t size, struct ls_arena **ret_arena, struct ls_error *err);
void ls_arena_destroy(struct ls_arena *arena);

int ls_arena_fd(const struct ls_arena *arena);
uint64_t ls_arena_size(const struct ls_arena *arena);
void *ls_arena_base(const struct ls_arena *arena);

/* `bytes` at LS_ARENA_ALIGN; first fit. NULL when there is no room. Zeroed with `zero`.
 * Memory that was freed keeps its pages: the next use does not fault. */
void *ls_arena_alloc(struct ls_arena *arena, size_t bytes, bool zero);

/* False when `memory` is not the start of an allocation. */
bool ls_arena_free(struct ls_arena *arena, void *memory);

/* Is [memory, memory + size) inside the arena? Then *ret_offset is its place. */
bool ls_arena_offset(const struct ls_arena *arena, const void *memory, uint64_t size,
                     uint64_t *ret_offset);

/* Map a peer's arena, read and write; checks that the descriptor is sealed and of the
 * size. NULL and err on failure; unmap with munmap(). */
void *ls_arena_map(int fd, uint64_t size, struct ls_error *err);

#endif
