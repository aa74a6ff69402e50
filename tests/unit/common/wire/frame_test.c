/* tests/unit/common/wire/frame_test.c */
#include <errno.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/wire/frame.h"
#include "common/wire/hello.h"
#include "tests/lib/cmocka.h"

static void feed(struct ls_frame_reader *reader, const void *bytes, size_t size)
{
    memcpy(ls_frame_reader_room(reader, size), bytes, size);
    ls_frame_reader_filled(reader, size);
}

/* A packed hello of a name; the caller frees. */
static uint8_t *packed_hello(const char *name, size_t *ret_size)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Hello hello = ls_hello(LS__ROLE__ROLE_CLIENT, name, NULL);
    uint8_t *bytes;

    frame.request = 7;
    frame.body_case = LS__FRAME__BODY_HELLO;
    frame.hello = &hello;
    assert_int_equal(ls_frame_pack(&frame, &bytes, ret_size, NULL), 0);
    return bytes;
}

static void assert_next_is(struct ls_frame_reader *reader, const char *name)
{
    struct ls_error err = {0};
    Ls__Frame *frame;

    assert_int_equal(ls_frame_reader_next(reader, &frame, &err), 1);
    assert_int_equal(frame->request, 7);
    assert_string_equal(frame->hello->name, name);
    assert_int_equal(ls_hello_check(frame, &err), 0);
    ls__frame__free_unpacked(frame, NULL);
}

static void a_frame_may_come_byte_by_byte(void **state)
{
    struct ls_frame_reader reader = {.frame_max = LS_FRAME_MAX};
    struct ls_error err = {0};
    Ls__Frame *frame;
    size_t size;
    uint8_t *bytes = packed_hello("slow", &size);

    (void)state;
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(ls_frame_reader_next(&reader, &frame, &err), 0);
        feed(&reader, bytes + i, 1);
    }
    assert_next_is(&reader, "slow");
    assert_int_equal(ls_frame_reader_next(&reader, &frame, &err), 0);
    ls_free(bytes);
    ls_frame_reader_free(&reader);
}

static void many_frames_in_any_pieces_come_out_in_order(void **state)
{
    struct ls_frame_reader reader = {.frame_max = LS_FRAME_MAX};
    size_t size;
    uint8_t *bytes = packed_hello("abc", &size);
    uint8_t *many = ls_calloc(100, size);

    (void)state;
    for (size_t i = 0; i < 100; i++)
        memcpy(many + i * size, bytes, size);
    for (size_t piece = 1; piece <= 2 * size; piece++) {
        struct ls_error err = {0};
        Ls__Frame *frame;
        int count = 0;

        for (size_t at = 0; at < 100 * size; at += piece) {
            feed(&reader, many + at, at + piece > 100 * size ? 100 * size - at : piece);
            while (ls_frame_reader_next(&reader, &frame, &err) == 1) {
                ls__frame__free_unpacked(frame, NULL);
                count++;
            }
        }
        assert_int_equal(count, 100);
    }
    ls_free(bytes);
    ls_free(many);
    ls_frame_reader_free(&reader);
}

static void assert_refused(const void *bytes, size_t size, size_t frame_max,
                           const char *expected)
{
    struct ls_frame_reader reader = {.frame_max = frame_max};
    struct ls_error err = {0};
    Ls__Frame *frame = NULL;

    feed(&reader, bytes, size);
    assert_int_equal(ls_frame_reader_next(&reader, &frame, &err), -EPROTO);
    assert_non_null(strstr(err.text, expected));
    assert_null(frame);
    ls_frame_reader_free(&reader);
}

static void what_is_no_frame_is_refused(void **state)
{
    (void)state;
    assert_refused("\0\0\0\0", 4, LS_FRAME_MAX, "frame of 0 bytes");
    assert_refused("\xff\xff\xff\xff", 4, LS_FRAME_MAX, "frame of 4294967295 bytes");
    assert_refused("GET / HTTP/1.1", 14, LS_FRAME_MAX, "expected 1 to");
    assert_refused("\0\0\0\3\xff\xff\xff", 7, LS_FRAME_MAX, "no lockstep message");
    /* A request number alone, and a body of a field this version has not. */
    assert_refused("\0\0\0\2\x08\x01", 6, LS_FRAME_MAX, "without a body");
    assert_refused("\0\0\0\3\xfa\x3e\x00", 7, LS_FRAME_MAX, "without a body");
}

static void the_limit_is_on_the_announced_length(void **state)
{
    (void)state;
    assert_refused("\0\0\x10\x01", 4, LS_FRAME_BEFORE_HELLO_MAX, "expected 1 to 4096");
}

/* Empty messages in a list: two bytes each here, a hundred or so in memory. */
static void a_small_frame_that_unpacks_huge_is_refused(void **state)
{
    size_t count = 7 * 1024 * 1024;
    size_t list = 2 * count;
    uint8_t *bytes = ls_calloc(list + 16, 1);
    const uint8_t head[] = {
        /* frame field 13 (JobsReply) and its length of 4 varint bytes */
        0x6a,
        (uint8_t)((list & 0x7f) | 0x80),
        (uint8_t)((list >> 7 & 0x7f) | 0x80),
        (uint8_t)((list >> 14 & 0x7f) | 0x80),
        (uint8_t)(list >> 21),
    };
    size_t length = sizeof(head) + list;

    (void)state;
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(length >> (24 - 8 * i));
    memcpy(bytes + 4, head, sizeof(head));
    for (size_t i = 0; i < count; i++)
        bytes[4 + sizeof(head) + 2 * i] = 0x0a; /* one empty JobInfo */
    assert_refused(bytes, 4 + length, LS_FRAME_MAX, "no lockstep message");
    ls_free(bytes);
}

static void a_frame_over_the_limit_is_not_packed(void **state)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogChunk chunk = LS__LOG_CHUNK__INIT;
    struct ls_error err = {0};
    uint8_t *bytes = NULL;
    size_t size;

    (void)state;
    chunk.data.len = LS_FRAME_MAX;
    chunk.data.data = ls_calloc(LS_FRAME_MAX, 1);
    frame.body_case = LS__FRAME__BODY_LOG_CHUNK;
    frame.log_chunk = &chunk;
    assert_int_equal(ls_frame_pack(&frame, &bytes, &size, &err), -EMSGSIZE);
    assert_null(bytes);
    ls_free(chunk.data.data);
}

static void another_protocol_is_refused_with_both_numbers(void **state)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Hello hello = ls_hello(LS__ROLE__ROLE_AGENT, "n0", NULL);
    struct ls_error err = {0};

    (void)state;
    hello.protocol = 2;
    frame.body_case = LS__FRAME__BODY_HELLO;
    frame.hello = &hello;
    assert_int_equal(ls_hello_check(&frame, &err), -EPROTONOSUPPORT);
    assert_non_null(strstr(err.text, "protocol 2"));
    assert_non_null(strstr(err.text, "speaks 1"));
    frame.body_case = LS__FRAME__BODY_HEARTBEAT;
    assert_int_equal(ls_hello_check(&frame, &err), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_may_come_byte_by_byte),
        cmocka_unit_test(many_frames_in_any_pieces_come_out_in_order),
        cmocka_unit_test(what_is_no_frame_is_refused),
        cmocka_unit_test(the_limit_is_on_the_announced_length),
        cmocka_unit_test(a_small_frame_that_unpacks_huge_is_refused),
        cmocka_unit_test(a_frame_over_the_limit_is_not_packed),
        cmocka_unit_test(another_protocol_is_refused_with_both_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
