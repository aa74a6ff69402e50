/* common/wire/frame.h - frames: how messages are cut out of a byte stream.
 *
 * A frame is a length of 4 bytes (big endian, 1 … LS_FRAME_MAX) and that many
 * bytes of a protobuf `Frame` (lockstep.proto). Pure bytes, no I/O: sockets are in
 * connection.h (daemons, libuv) and call.h (commands, blocking). Not thread-safe. */
#ifndef LS_COMMON_WIRE_FRAME_H
#define LS_COMMON_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

enum {
    LS_PROTOCOL = 1, /* refused when it differs */
    LS_FRAME_HEADER = 4,
    LS_FRAME_MAX = 16 * 1024 * 1024,
    LS_FRAME_BEFORE_HELLO_MAX = 4096, /* what a stranger may send */
};

/* Bytes received and not yet consumed. Start from {0}, set `frame_max`. */
struct ls_frame_reader {
    uint8_t *bytes;
    size_t begin, end, capacity;
    size_t frame_max;
};

/* Room for at least `size` more bytes; the caller writes there and calls _filled(). */
uint8_t *ls_frame_reader_room(struct ls_frame_reader *reader, size_t size);
void ls_frame_reader_filled(struct ls_frame_reader *reader, size_t size);

/* Take the next whole frame. Returns 1 and *ret_frame (caller frees with
 * ls__frame__free_unpacked(frame, NULL)), 0 when more bytes are needed, or -EPROTO
 * with the reason: length out of bounds, or no valid Frame. */
int ls_frame_reader_next(struct ls_frame_reader *reader, Ls__Frame **ret_frame,
                         struct ls_error *err);

void ls_frame_reader_free(struct ls_frame_reader *reader);

/* Pack header and frame; the caller frees *ret_bytes with ls_free(). -EMSGSIZE when it
 * is over LS_FRAME_MAX. */
int ls_frame_pack(const Ls__Frame *frame, uint8_t **ret_bytes, size_t *ret_size,
                  struct ls_error *err);

#endif
