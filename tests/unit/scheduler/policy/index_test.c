/* tests/unit/scheduler/policy/index_test.c */
#include "tests/unit/scheduler/policy/cluster.h"

#include <stdio.h>

#include "scheduler/policy/index.h"
#include "scheduler/policy/job_list.h"

enum { NAMES = 300, ROUNDS = 20000 };

static void a_name_is_found_in_its_own_space_only(void **state)
{
    struct ls_index index = {0};
    uint64_t value = 0;

    (void)state;
    assert_false(ls_index_find(&index, 0, "n1", &value));
    ls_index_add(&index, 0, "n1", 7);
    ls_index_add(&index, 1000, "n1", 8);
    assert_true(ls_index_find(&index, 0, "n1", &value));
    assert_int_equal(value, 7);
    assert_true(ls_index_find(&index, 1000, "n1", &value));
    assert_int_equal(value, 8);
    assert_false(ls_index_find(&index, 1001, "n1", &value));
    ls_index_free(&index);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Against an array of flags, with so many removals that runs are cut everywhere. */
static void names_come_and_go_as_in_a_plain_array(void **state)
{
    static char names[NAMES][8];
    bool present[NAMES] = {false};
    struct ls_index index = {0};
    uint32_t seed = 1;

    (void)state;
    for (uint32_t i = 0; i < NAMES; i++)
        (void)snprintf(names[i], sizeof(names[i]), "n%u", i);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t i = next_random(&seed) % NAMES;
        uint64_t value = 0;

        if (present[i])
            ls_index_remove(&index, 0, names[i]);
        else
            ls_index_add(&index, 0, names[i], i);
        present[i] = !present[i];
        i = next_random(&seed) % NAMES;
        assert_int_equal(ls_index_find(&index, 0, names[i], &value), present[i]);
        if (present[i])
            assert_int_equal(value, i);
    }
    for (uint32_t i = 0; i < NAMES; i++) {
        uint64_t value = 0;

        assert_int_equal(ls_index_find(&index, 0, names[i], &value), present[i]);
    }
    ls_index_free(&index);
}

static void a_list_of_jobs_keeps_its_order_through_removals(void **state)
{
    static struct ls_job jobs[NAMES];
    bool present[NAMES] = {false};
    struct ls_job_list list = {0};
    uint32_t seed = 2;
    size_t count = 0;

    (void)state;
    for (uint32_t i = 0; i < NAMES; i++) {
        jobs[i].id = i * 3 + 1;
        ls_job_list_push(&list, &jobs[i]);
        present[i] = true;
        if (next_random(&seed) % 3 == 0) {
            uint32_t gone = next_random(&seed) % (i + 1);

            if (present[gone])
                ls_job_list_remove(&list, &jobs[gone]);
            present[gone] = false;
        }
    }
    for (uint32_t i = 0; i < NAMES; i++) {
        assert_ptr_equal(ls_job_list_find(&list, jobs[i].id),
                         present[i] ? &jobs[i] : NULL);
        if (present[i])
            assert_ptr_equal(ls_job_list_at(&list, count++), &jobs[i]);
    }
    assert_int_equal(list.count, count);
    assert_null(ls_job_list_find(&list, 2));
    while (list.count > 0)
        count -= ls_job_list_pop(&list) != NULL;
    assert_int_equal(count, 0);
    ls_job_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_in_its_own_space_only),
        cmocka_unit_test(names_come_and_go_as_in_a_plain_array),
        cmocka_unit_test(a_list_of_jobs_keeps_its_order_through_removals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
