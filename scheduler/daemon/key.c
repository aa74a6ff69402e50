/* scheduler/daemon/key.c - the cluster's secret. Depends on util. */
#include "scheduler/daemon/key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/util/file.h"
#include "common/util/mem.h"

enum { HEX_SIZE = 2 * LS_CLUSTER_KEY_SIZE };

/* ---- the file -------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Reads exactly HEX_SIZE digits. */
static bool hex_decode(const char *text, uint8_t ret_key[LS_CLUSTER_KEY_SIZE])
{
    for (size_t i = 0; i < LS_CLUSTER_KEY_SIZE; i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);

        if (low < 0)
            return false;
        ret_key[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void hex_encode(const uint8_t key[LS_CLUSTER_KEY_SIZE], char text[HEX_SIZE + 1])
{
    for (size_t i = 0; i < LS_CLUSTER_KEY_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", key[i]);
}

static int make_key(const char *path, uint8_t ret_key[LS_CLUSTER_KEY_SIZE],
                    struct ls_error *err)
{
    char text[HEX_SIZE + 1];
    int rc;

    if (getrandom(ret_key, LS_CLUSTER_KEY_SIZE, 0) != LS_CLUSTER_KEY_SIZE)
        return ls_error_sys(err, -errno, "%s: no random bytes", path);
    hex_encode(ret_key, text);
    rc = ls_file_write_atomic(path, text, HEX_SIZE, err);
    memset(text, 0, sizeof(text));
    return rc;
}

int ls_key_open(const char *path, uint8_t ret_key[LS_CLUSTER_KEY_SIZE],
                struct ls_error *err)
{
    struct stat st;
    char *text;
    size_t size;
    bool valid;
    int rc;

    if (stat(path, &st) < 0)
        return errno == ENOENT ? make_key(path, ret_key, err)
                               : ls_error_sys(err, -errno, "%s", path);
    if (st.st_mode & 0077)
        return ls_error_set(err, -EPERM,
                            "%s: other users may read or change it (mode %03o); "
                            "expected 600",
                            path, (unsigned)st.st_mode & 0777);
    rc = ls_file_read(path, HEX_SIZE + 1, &text, &size, err);
    if (rc < 0)
        return rc;
    valid = size >= HEX_SIZE && hex_decode(text, ret_key);
    ls_free(text);
    if (!valid)
        return ls_error_set(err, -EUCLEAN, "%s: no cluster key; expected %d hex digits",
                            path, HEX_SIZE);
    return 0;
}

bool ls_key_equal(const uint8_t key[LS_CLUSTER_KEY_SIZE], const char *text)
{
    char expected[HEX_SIZE + 1];
    unsigned difference = 0;

    if (strlen(text) != HEX_SIZE)
        return false;
    hex_encode(key, expected);
    for (size_t i = 0; i < HEX_SIZE; i++)
        difference |= (unsigned)(expected[i] ^ text[i]);
    return difference == 0;
}

/* ---- derived secrets ----------------------------------------------------------------
 */

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_rounds(struct sip *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static uint64_t read_le64(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_rounds(s, 2);
    s->v0 ^= word;
}

uint64_t ls_siphash(const uint8_t key[16], const uint8_t *bytes, size_t size)
{
    uint64_t k0 = read_le64(key, 8), k1 = read_le64(key + 8, 8);
    struct sip s = {
        k0 ^ UINT64_C(0x736f6d6570736575),
        k1 ^ UINT64_C(0x646f72616e646f6d),
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };
    size_t at = 0;

    for (; at + 8 <= size; at += 8)
        sip_word(&s, read_le64(bytes + at, 8));
    sip_word(&s, read_le64(bytes + at, size - at) | (uint64_t)size << 56);
    s.v2 ^= 0xff;
    sip_rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void ls_key_of_gang(const uint8_t key[LS_CLUSTER_KEY_SIZE], uint64_t job,
                    uint32_t attempt, uint8_t ret_key[LS_GANG_KEY_SIZE])
{
    /* Each half of the cluster key gives half of the secret. */
    for (uint32_t i = 0; i < LS_GANG_KEY_SIZE / 8; i++) {
        uint64_t input[2] = {job, (uint64_t)i << 32 | attempt};
        uint64_t word =
            ls_siphash(key + 16 * (i / 2), (const uint8_t *)input, sizeof(input));

        memcpy(ret_key + 8 * (size_t)i, &word, sizeof(word));
    }
}
