/* Tests of agent/proc/cpulist.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agent/proc/cpulist.h"
#include "tests/lib/cmocka.h"

static bool has(const struct ls_cpus *cpus, unsigned cpu)
{
    return CPU_ISSET_S(cpu, sizeof(cpus->bytes),
                       (const cpu_set_t *)(const void *)cpus->bytes);
}

static void ranges_and_numbers_are_read(void **state)
{
    struct ls_cpus cpus;

    (void)state;
    assert_int_equal(ls_cpus_parse("0-2,5,8191", &cpus, NULL), 0);
    assert_true(has(&cpus, 0) && has(&cpus, 2) && has(&cpus, 5) && has(&cpus, 8191));
    assert_false(has(&cpus, 3) || has(&cpus, 4) || has(&cpus, 6));
    assert_int_equal(ls_cpus_parse("", &cpus, NULL), 0);
    assert_int_equal(ls_cpus_keep_allowed(&cpus, NULL), 0);
}

static void what_is_no_list_is_refused(void **state)
{
    const char *const bad[] = {"x", "1-", "-1", "3-1", "1,,2", "1,", "1 2", "0x1"};
    struct ls_cpus cpus;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ls_cpus_parse(bad[i], &cpus, NULL), -EINVAL);
    assert_int_equal(ls_cpus_parse("8192", &cpus, NULL), -ERANGE);
    assert_int_equal(ls_cpus_parse("99999999999999999999", &cpus, NULL), -ERANGE);
}

static void only_allowed_cpus_are_kept(void **state)
{
    struct ls_cpus cpus, alone = {0};
    int count;

    (void)state;
    assert_int_equal(ls_cpus_parse("0-8191", &cpus, NULL), 0);
    count = ls_cpus_keep_allowed(&cpus, NULL);
    assert_true(count >= 1 && count < 8192);
    for (unsigned cpu = 0; cpu < LS_CPUS_MAX; cpu++) {
        if (!has(&cpus, cpu))
            continue;
        CPU_SET_S(cpu, sizeof(alone.bytes), (cpu_set_t *)(void *)alone.bytes);
        break;
    }
    assert_int_equal(ls_cpus_bind(&alone), 0);
    assert_int_equal(ls_cpus_keep_allowed(&cpus, NULL), 1);
    assert_memory_equal(&cpus, &alone, sizeof(cpus));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_and_numbers_are_read),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(only_allowed_cpus_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
