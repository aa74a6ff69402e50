/* tests/unit/bench/collectives/size_test.c */
#include "bench/collectives/size.h"
#include "tests/lib/cmocka.h"

static void assert_size(const char *text, uint64_t expected)
{
    uint64_t bytes = 0;

    assert_true(ls_size_parse(text, &bytes));
    assert_int_equal(bytes, expected);
}

static void units_are_powers_of_1024(void **state)
{
    (void)state;
    assert_size("0", 0);
    assert_size("8", 8);
    assert_size("8B", 8);
    assert_size("4K", 4096);
    assert_size("4k", 4096);
    assert_size("4KB", 4096);
    assert_size("256M", UINT64_C(256) << 20);
    assert_size("1GiB", UINT64_C(1) << 30);
    assert_size("18446744073709551615", UINT64_MAX);
}

static void garbage_is_refused(void **state)
{
    static const char *const garbage[] = {"",
                                          "K",
                                          "-1",
                                          "1.5M",
                                          "4 K",
                                          "4Q",
                                          "4KK",
                                          "0x8",
                                          "8iB",
                                          " 8",
                                          "8\n",
                                          "99999999999999999999",
                                          "99999999999999999G"};
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
        assert_false(ls_size_parse(garbage[i], &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_powers_of_1024),
        cmocka_unit_test(garbage_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
