/* tests/unit/common/collective/arena_test.c */
#include <string.h>
#include <sys/mman.h>

#include "common/collective/arena.h"
#include "tests/lib/cmocka.h"

enum { SIZE = 64 * LS_ARENA_ALIGN };

static struct ls_arena *new_arena(void)
{
    struct ls_arena *arena;

    assert_int_equal(ls_arena_create(SIZE, &arena, NULL), 0);
    return arena;
}

static void memory_is_aligned_zeroed_and_used_again(void **state)
{
    struct ls_arena *arena = new_arena();
    char *a, *b;

    (void)state;
    a = ls_arena_alloc(arena, 1000, true);
    assert_int_equal((uintptr_t)a % LS_ARENA_ALIGN, 0);
    memset(a, 0xFF, 1000);
    assert_true(ls_arena_free(arena, a));
    b = ls_arena_alloc(arena, 1000, true);
    assert_ptr_equal(a, b);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(b[i], 0);
    ls_arena_destroy(arena);
}

static void freed_neighbours_join(void **state)
{
    struct ls_arena *arena = new_arena();
    char *parts[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        parts[i] = ls_arena_alloc(arena, 16 * LS_ARENA_ALIGN, false);
    assert_non_null(parts[3]);
    assert_null(ls_arena_alloc(arena, 1, false)); /* full */
    assert_true(ls_arena_free(arena, parts[1]));
    assert_true(ls_arena_free(arena, parts[2]));
    assert_null(ls_arena_alloc(arena, 33 * LS_ARENA_ALIGN, false));
    assert_ptr_equal(ls_arena_alloc(arena, 32 * LS_ARENA_ALIGN, false), parts[1]);
    ls_arena_destroy(arena);
}

static void only_allocations_can_be_freed_once(void **state)
{
    struct ls_arena *arena = new_arena();
    char *a = ls_arena_alloc(arena, 10, false);
    char other[10];

    (void)state;
    assert_false(ls_arena_free(arena, a + 1));
    assert_false(ls_arena_free(arena, other));
    assert_true(ls_arena_free(arena, a));
    assert_false(ls_arena_free(arena, a));
    ls_arena_destroy(arena);
}

static void sizes_out_of_range_are_refused(void **state)
{
    struct ls_arena *arena = new_arena();
    uint64_t offset;

    (void)state;
    assert_null(ls_arena_alloc(arena, SIZE + 1, false));
    assert_null(ls_arena_alloc(arena, SIZE_MAX, false));
    assert_true(ls_arena_offset(arena, (char *)ls_arena_base(arena) + 100, SIZE - 100, &offset));
    assert_int_equal(offset, 100);
    assert_false(ls_arena_offset(arena, (char *)ls_arena_base(arena) + 100, SIZE, &offset));
    assert_false(ls_arena_offset(arena, &offset, 8, &offset));
    ls_arena_destroy(arena);
}

static void a_peer_maps_the_same_bytes(void **state)
{
    struct ls_arena *arena = new_arena();
    char *mine = ls_arena_alloc(arena, 100, true), *theirs;
    struct ls_error err = {0};

    (void)state;
    theirs = ls_arena_map(ls_arena_fd(arena), SIZE, &err);
    assert_non_null(theirs);
    strcpy(mine, "gradient");
    assert_string_equal(theirs + (mine - (char *)ls_arena_base(arena)), "gradient");
    assert_null(ls_arena_map(ls_arena_fd(arena), SIZE * 2, &err));
    assert_null(ls_arena_map(0, SIZE, &err));
    munmap(theirs, SIZE);
    ls_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_zeroed_and_used_again),
        cmocka_unit_test(freed_neighbours_join),
        cmocka_unit_test(only_allocations_can_be_freed_once),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(a_peer_maps_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
