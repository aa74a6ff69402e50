/* common/collective/arena.c - a sparse memfd and a first-fit allocator. Depends on util. */
#include "common/collective/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"

enum { ARENA_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

/* Blocks cover the arena from 0 to `touched`, in order; neighbours that are free join. */
struct block {
    uint64_t offset, size;
    bool used;
};

struct ls_arena {
    int fd;
    char *base;
    uint64_t size;
    uint64_t touched;       /* everything beyond is untouched, so it is zero */
    struct block *blocks;
    size_t count, capacity;
};

static uint64_t default_size(void)
{
    const char *text = getenv("LOCKSTEP_ARENA_SIZE");
    uint64_t size = text ? strtoull(text, NULL, 10) : 0;

    if (size == 0)
        size = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return (size + LS_ARENA_ALIGN - 1) & ~(uint64_t)(LS_ARENA_ALIGN - 1);
}

int ls_arena_create(uint64_t size, struct ls_arena **ret_arena, struct ls_error *err)
{
    struct ls_arena *arena = ls_calloc(1, sizeof(*arena));
    int rc;

    arena->size = size ? size : default_size();
    arena->fd = memfd_create("lockstep-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (arena->fd < 0 || ftruncate(arena->fd, (off_t)arena->size) < 0 ||
        fcntl(arena->fd, F_ADD_SEALS, ARENA_SEALS) < 0) {
        rc = ls_error_sys(err, -errno, "shared memory of %llu bytes",
                          (unsigned long long)arena->size);
        goto free_arena;
    }
    arena->base = ls_arena_map(arena->fd, arena->size, err);
    if (!arena->base) {
        rc = err ? err->code : -ENOMEM;
        goto free_arena;
    }
    *ret_arena = arena;
    return 0;

free_arena:
    ls_close(arena->fd);
    ls_free(arena);
    return rc;
}

void ls_arena_destroy(struct ls_arena *arena)
{
    if (!arena)
        return;
    munmap(arena->base, arena->size);
    close(arena->fd);
    ls_free(arena->blocks);
    ls_free(arena);
}

int ls_arena_fd(const struct ls_arena *arena)
{
    return arena->fd;
}

uint64_t ls_arena_size(const struct ls_arena *arena)
{
    return arena->size;
}

void *ls_arena_base(const struct ls_arena *arena)
{
    return arena->base;
}

void *ls_arena_map(int fd, uint64_t size, struct ls_error *err)
{
    struct stat status;
    void *base;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & ARENA_SEALS) != ARENA_SEALS || fstat(fd, &status) < 0 ||
        (uint64_t)status.st_size != size) {
        ls_error_set(err, -EINVAL, "shared memory of a peer: not sealed or not of %llu bytes",
                     (unsigned long long)size);
        return NULL;
    }
    base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED) {
        ls_error_sys(err, -errno, "map shared memory of %llu bytes", (unsigned long long)size);
        return NULL;
    }
    madvise(base, size, MADV_DONTDUMP);
    return base;
}

/* Cut `size` bytes off the front of free block `i`. */
static void *take(struct ls_arena *arena, size_t i, uint64_t size)
{
    struct block *block = &arena->blocks[i];
    uint64_t rest = block->size - size;

    block->used = true;
    if (rest > 0) {
        LS_GROW(arena->blocks, arena->count, arena->capacity);
        block = &arena->blocks[i];
        memmove(block + 1, block, (arena->count - i) * sizeof(*block));
        arena->count++;
        block[0].size = size;
        block[1] = (struct block){block->offset + size, rest, false};
    }
    return arena->base + block->offset;
}

/* Extend the covered part by one block at its end. */
static void *extend(struct ls_arena *arena, uint64_t size)
{
    struct block *last = arena->count ? &arena->blocks[arena->count - 1] : NULL;
    uint64_t from = last && !last->used ? last->offset : arena->touched;

    if (size > arena->size - from)
        return NULL;
    if (last && !last->used) {
        last->size = size;
        last->used = true;
    } else {
        LS_GROW(arena->blocks, arena->count, arena->capacity);
        arena->blocks[arena->count++] = (struct block){from, size, true};
    }
    arena->touched = from + size;
    return arena->base + from;
}

void *ls_arena_alloc(struct ls_arena *arena, size_t bytes, bool zero)
{
    uint64_t size = ((uint64_t)bytes + LS_ARENA_ALIGN - 1) & ~(uint64_t)(LS_ARENA_ALIGN - 1);
    uint64_t dirty_end = arena->touched;
    char *memory = NULL;

    if (size < bytes || size > arena->size)
        return NULL;
    if (size == 0)
        size = LS_ARENA_ALIGN;
    for (size_t i = 0; i < arena->count && !memory; i++) {
        if (!arena->blocks[i].used && arena->blocks[i].size >= size)
            memory = take(arena, i, size);
    }
    if (!memory)
        memory = extend(arena, size);
    if (memory && zero && memory < arena->base + dirty_end) {
        uint64_t dirty = (uint64_t)(arena->base + dirty_end - memory);

        memset(memory, 0, dirty < size ? dirty : size);
    }
    return memory;
}

static void join_with_next(struct ls_arena *arena, size_t i)
{
    struct block *block = &arena->blocks[i];

    if (i + 1 >= arena->count || block->used || block[1].used)
        return;
    block->size += block[1].size;
    memmove(block + 1, block + 2, (arena->count - i - 2) * sizeof(*block));
    arena->count--;
}

bool ls_arena_free(struct ls_arena *arena, void *memory)
{
    uint64_t offset = (uint64_t)((char *)memory - arena->base);

    for (size_t i = 0; i < arena->count; i++) {
        if (arena->blocks[i].offset != offset || !arena->blocks[i].used)
            continue;
        arena->blocks[i].used = false;
        join_with_next(arena, i);
        if (i > 0)
            join_with_next(arena, i - 1);
        return true;
    }
    return false;
}

bool ls_arena_offset(const struct ls_arena *arena, const void *memory, uint64_t size,
                     uint64_t *ret_offset)
{
    const char *at = memory;

    if (at < arena->base || at > arena->base + arena->size ||
        size > (uint64_t)(arena->base + arena->size - at))
        return false;
    *ret_offset = (uint64_t)(at - arena->base);
    return true;
}
