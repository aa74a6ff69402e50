/* scheduler/log/event_codec.h - struct ls_event <-> bytes of the log (event.proto).
 *
 * Depends on the policy's types and protobuf-c. */
#ifndef LS_SCHEDULER_LOG_EVENT_CODEC_H
#define LS_SCHEDULER_LOG_EVENT_CODEC_H

#include <stddef.h>

#include "common/util/error.h"
#include "scheduler/policy/policy.h"

enum { LS_EVENT_BYTES_MAX = 64 * 1024 * 1024 }; /* one event, encoded */

/* Encode an event. The caller frees *ret_bytes with ls_free(). -EMSGSIZE when it is
 * over LS_EVENT_BYTES_MAX, -EINVAL when a text in it is not terminated. */
int ls_event_encode(const struct ls_event *event, void **ret_bytes, size_t *ret_size,
                    struct ls_error *err);

/* What a decoded event borrows from. */
struct ls_event_memory;

/* Decode bytes that may be damaged. On success the event borrows from *ret_memory,
 * which the caller frees. -EBADMSG with what is wrong. */
int ls_event_decode(const void *bytes, size_t size, struct ls_event *ret_event,
                    struct ls_event_memory **ret_memory, struct ls_error *err);
void ls_event_memory_free(struct ls_event_memory *memory);

#endif
