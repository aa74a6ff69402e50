/* tests/unit/common/wire/address_test.c */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/wire/address.h"
#include "tests/lib/cmocka.h"

static void paths_and_hosts_are_told_apart(void **state)
{
    struct ls_address address;

    (void)state;
    assert_int_equal(ls_address_parse("unix:/run/a.sock", &address, NULL), 0);
    assert_true(address.is_unix);
    assert_string_equal(address.path, "/run/a.sock");
    assert_int_equal(ls_address_parse("node1:7000", &address, NULL), 0);
    assert_false(address.is_unix);
    assert_string_equal(address.host, "node1");
    assert_string_equal(address.port, "7000");
}

static void ipv6_hosts_stand_in_brackets(void **state)
{
    struct ls_address address;

    (void)state;
    assert_int_equal(ls_address_parse("[::1]:0", &address, NULL), 0);
    assert_string_equal(address.host, "::1");
    assert_string_equal(address.port, "0");
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const wrong[] = {"",       "host",      "host:",      ":7000",
                                        "host:x", "unix:",     "host:65536", "host:-1",
                                        "a: 1",   "host:7000 "};
    struct ls_address address;
    struct ls_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ls_address_parse(wrong[i], &address, &err), -EINVAL);
}

static void a_path_that_no_socket_can_have_is_refused(void **state)
{
    char *text = ls_calloc(200, 1);
    struct ls_address address;
    struct ls_error err;

    (void)state;
    snprintf(text, 200, "unix:/");
    memset(text + 6, 'a', LS_ADDRESS_PATH_MAX - 2);
    assert_int_equal(ls_address_parse(text, &address, &err), 0);
    text[strlen(text)] = 'a';
    assert_int_equal(ls_address_parse(text, &address, &err), -ENAMETOOLONG);
    assert_non_null(strstr(err.text, "107"));
    ls_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_hosts_are_told_apart),
        cmocka_unit_test(ipv6_hosts_stand_in_brackets),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_path_that_no_socket_can_have_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
