/* common/wire/call.h - the blocking side of a connection, for commands.
 *
 * Depends on frame. One thread at a time per connection. */
#ifndef LS_COMMON_WIRE_CALL_H
#define LS_COMMON_WIRE_CALL_H

#include "common/util/error.h"
#include "common/wire/frame.h"

struct ls_call;

/* Connect and say hello. `address` is "unix:PATH" or "HOST:PORT"; `role` and `name`
 * go into Hello; `key` is the cluster key for TCP or NULL. Waits at most
 * `timeout_ms` (0 = 10 s) for the welcome. Errors: -ECONNREFUSED/-ENOENT when nobody
 * listens, -EPROTO, -ETIMEDOUT, or what the other side refused with.
 * The caller ends it with ls_call_close(). */
int ls_call_open(const char *address, Ls__Role role, const char *name, const char *key,
                 int timeout_ms, struct ls_call **ret_call, struct ls_error *err);

/* Send one frame. */
int ls_call_send(struct ls_call *call, const Ls__Frame *frame, struct ls_error *err);

/* Receive one frame; waits at most `timeout_ms` (-1 = for ever). Returns 1 and the
 * frame (caller frees with ls__frame__free_unpacked), 0 at the timeout, -ECONNRESET
 * when the other side closed, -EPROTO, -EINTR when a signal came. */
int ls_call_receive(struct ls_call *call, int timeout_ms, Ls__Frame **ret_frame,
                    struct ls_error *err);

/* Send a request (its number is set here) and wait for its answer. An Error answer
 * becomes the returned -code with its text. */
int ls_call_ask(struct ls_call *call, Ls__Frame *request, Ls__Frame **ret_answer,
                struct ls_error *err);

/* The socket, for poll(2); still owned by `call`. */
int ls_call_fd(const struct ls_call *call);

void ls_call_close(struct ls_call *call);

#endif
