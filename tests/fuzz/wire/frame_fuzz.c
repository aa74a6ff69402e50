/* frame_fuzz.c - any bytes in any pieces: frames that can be sent on, or one error. */
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be written, and says the same when it is read again. Only fields that
 * this version does not know may make that second reading fail, with a reason: protobuf-c
 * keeps their bytes but writes their tags anew. */
static void check_round_trip(const Ls__Frame *frame)
{
    struct ls_frame_reader reader = {.frame_max = LS_FRAME_MAX};
    struct ls_error err = {0};
    Ls__Frame *again;
    uint8_t *bytes, *bytes_again;
    size_t size, size_again;

    if (ls_frame_pack(frame, &bytes, &size, &err) < 0)
        abort();
    memcpy(ls_frame_reader_room(&reader, size), bytes, size);
    ls_frame_reader_filled(&reader, size);
    if (ls_frame_reader_next(&reader, &again, &err) == 1) {
        if (ls_frame_pack(again, &bytes_again, &size_again, &err) < 0 ||
            size_again != size || memcmp(bytes, bytes_again, size) != 0)
            abort();
        ls__frame__free_unpacked(again, NULL);
        ls_free(bytes_again);
    } else if (err.text[0] == '\0') {
        abort();
    }
    ls_frame_reader_free(&reader);
    ls_free(bytes);
}

/* The first byte says in which pieces the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ls_frame_reader reader = {.frame_max = LS_FRAME_BEFORE_HELLO_MAX};
    size_t piece = size > 0 ? data[0] + (size_t)1 : 1;
    struct ls_error err = {0};
    Ls__Frame *frame;
    int rc = 0;

    for (size_t at = 1; at < size && rc >= 0; at += piece) {
        size_t count = size - at < piece ? size - at : piece;

        memcpy(ls_frame_reader_room(&reader, count), data + at, count);
        ls_frame_reader_filled(&reader, count);
        while ((rc = ls_frame_reader_next(&reader, &frame, &err)) == 1) {
            check_round_trip(frame);
            ls__frame__free_unpacked(frame, NULL);
        }
    }
    if (rc < 0 && err.text[0] == '\0')
        abort();
    ls_frame_reader_free(&reader);
    return 0;
}
