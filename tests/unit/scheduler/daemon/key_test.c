/* tests/unit/scheduler/daemon/key_test.c */
#include "scheduler/daemon/key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

/* From the reference implementation: key 00 … 0f, input 00 … n-1. */
static void siphash_gives_the_reference_values(void **state)
{
    uint8_t key[16], input[15];

    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        input[i] = i;
    assert_int_equal(ls_siphash(key, input, 0), UINT64_C(0x726fdb47dd0e0e31));
    assert_int_equal(ls_siphash(key, input, 15), UINT64_C(0xa129ca6149be45e5));
}

static void secrets_of_attempts_differ_and_repeat(void **state)
{
    const uint8_t key[LS_CLUSTER_KEY_SIZE] = "0123456789abcdefghijklmnopqrstu";
    uint8_t first[LS_GANG_KEY_SIZE], again[LS_GANG_KEY_SIZE], other[LS_GANG_KEY_SIZE];

    (void)state;
    ls_key_of_gang(key, 1, 1, first);
    ls_key_of_gang(key, 1, 1, again);
    assert_memory_equal(first, again, sizeof(first));
    ls_key_of_gang(key, 1, 2, other);
    assert_memory_not_equal(first, other, sizeof(first));
    ls_key_of_gang(key, 2, 1, other);
    assert_memory_not_equal(first, other, sizeof(first));
}

static void the_file_is_made_once_and_read_again(void **state)
{
    char directory[] = "/tmp/ls-key-XXXXXX";
    uint8_t key[LS_CLUSTER_KEY_SIZE], again[LS_CLUSTER_KEY_SIZE];
    struct ls_error err = {0};
    struct stat st;
    char *path, *text;
    size_t size;

    (void)state;
    assert_non_null(mkdtemp(directory));
    path = ls_asprintf("%s/cluster.key", directory);
    assert_int_equal(ls_key_open(path, key, &err), 0);
    assert_int_equal(ls_key_open(path, again, &err), 0);
    assert_memory_equal(key, again, sizeof(key));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ls_file_read(path, 1000, &text, &size, &err), 0);
    assert_true(ls_key_equal(key, text));
    text[63] = text[63] == '0' ? '1' : '0';
    assert_false(ls_key_equal(key, text));
    text[63] = '\0';
    assert_false(ls_key_equal(key, text));
    ls_free(text);

    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(ls_key_open(path, again, &err), -EPERM);
    assert_int_equal(ls_file_write_atomic(path, "short", 5, &err), 0);
    assert_int_equal(ls_key_open(path, again, &err), -EUCLEAN);
    assert_int_equal(ls_dir_remove(directory, &err), 0);
    ls_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_the_reference_values),
        cmocka_unit_test(secrets_of_attempts_differ_and_repeat),
        cmocka_unit_test(the_file_is_made_once_and_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
