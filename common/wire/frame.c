/* common/wire/frame.c - frames cut out of bytes. Depends on util, protobuf-c. */
#include "common/wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"

uint8_t *ls_frame_reader_room(struct ls_frame_reader *reader, size_t size)
{
    size_t held = reader->end - reader->begin;

    if (reader->capacity - reader->end >= size)
        return reader->bytes + reader->end;
    if (held > 0 && reader->begin > 0)
        memmove(reader->bytes, reader->bytes + reader->begin, held);
    reader->begin = 0;
    reader->end = held;
    if (reader->capacity - held < size) {
        reader->capacity = held + size < 4096 ? 4096 : 2 * (held + size);
        reader->bytes = ls_realloc(reader->bytes, reader->capacity, 1);
    }
    return reader->bytes + reader->end;
}

void ls_frame_reader_filled(struct ls_frame_reader *reader, size_t size)
{
    ls_assert(size <= reader->capacity - reader->end);
    reader->end += size;
}

static uint32_t read_length(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Unpacking a few bytes may ask for much memory: each empty message in a list is two
 * bytes on the wire and a whole struct here. So it gets a budget. */
struct budget {
    size_t bytes;
};

enum { BUDGET_BASE = 32 * 1024 * 1024, BUDGET_FACTOR = 8, MALLOC_OVERHEAD = 16 };

static void *budget_alloc(void *data, size_t size)
{
    struct budget *budget = data;

    if (size + MALLOC_OVERHEAD > budget->bytes)
        return NULL;
    budget->bytes -= size + MALLOC_OVERHEAD;
    return malloc(size); /* as the default allocator, which frees it later */
}

static void budget_free(void *data, void *memory)
{
    (void)data;
    free(memory);
}

static Ls__Frame *unpack(const uint8_t *bytes, size_t size)
{
    struct budget budget = {BUDGET_BASE + BUDGET_FACTOR * size};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};

    return ls__frame__unpack(&allocator, size, bytes);
}

int ls_frame_reader_next(struct ls_frame_reader *reader, Ls__Frame **ret_frame,
                         struct ls_error *err)
{
    size_t held = reader->end - reader->begin;
    uint32_t length;

    if (held < LS_FRAME_HEADER)
        return 0;
    length = read_length(reader->bytes + reader->begin);
    if (length == 0 || length > reader->frame_max)
        return ls_error_set(err, -EPROTO, "frame of %u bytes, expected 1 to %zu",
                            length, reader->frame_max);
    if (held < LS_FRAME_HEADER + (size_t)length)
        return 0;
    *ret_frame = unpack(reader->bytes + reader->begin + LS_FRAME_HEADER, length);
    if (!*ret_frame)
        return ls_error_set(err, -EPROTO, "%u bytes that are no lockstep message",
                            length);
    if ((*ret_frame)->body_case == LS__FRAME__BODY__NOT_SET) {
        ls__frame__free_unpacked(*ret_frame, NULL);
        *ret_frame = NULL;
        return ls_error_set(err, -EPROTO, "message without a body this version knows");
    }
    reader->begin += LS_FRAME_HEADER + (size_t)length;
    return 1;
}

void ls_frame_reader_free(struct ls_frame_reader *reader)
{
    ls_free(reader->bytes);
    *reader = (struct ls_frame_reader){0};
}

int ls_frame_pack(const Ls__Frame *frame, uint8_t **ret_bytes, size_t *ret_size,
                  struct ls_error *err)
{
    size_t length = ls__frame__get_packed_size(frame);
    uint8_t *bytes;

    if (length > LS_FRAME_MAX)
        return ls_error_set(err, -EMSGSIZE, "message of %zu bytes, expected at most %d",
                            length, LS_FRAME_MAX);
    bytes = ls_calloc(LS_FRAME_HEADER + length, 1);
    bytes[0] = (uint8_t)(length >> 24);
    bytes[1] = (uint8_t)(length >> 16);
    bytes[2] = (uint8_t)(length >> 8);
    bytes[3] = (uint8_t)length;
    ls__frame__pack(frame, bytes + LS_FRAME_HEADER);
    *ret_bytes = bytes;
    *ret_size = LS_FRAME_HEADER + length;
    return 0;
}
