/* common/wire/connection.h - connections of the daemons: libuv streams that carry
 * frames.
 *
 * Depends on frame, libuv. One loop, one thread; no locks. A peer can send anything:
 * what is no frame, or stands still for 15 s in the middle of one, closes the
 * connection with the reason, nothing else happens. The greeting is in hello.h. */
#ifndef LS_COMMON_WIRE_CONNECTION_H
#define LS_COMMON_WIRE_CONNECTION_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/util/error.h"
#include "common/wire/frame.h"

enum {
    LS_CONNECTION_QUEUE_MAX = 64 * 1024 * 1024
}; /* unsent bytes, then it is closed */

struct ls_connection;
struct ls_listener;

/* What the owner of a connection hears. All called from the loop. */
struct ls_connection_events {
    /* One frame has come; it is freed after the call, borrow it only during it. */
    void (*received)(struct ls_connection *connection, const Ls__Frame *frame);
    /* The connection is gone (peer closed, error, garbage, or ls_connection_close());
     * called once, last; `why` is for the log. The connection is freed after it. */
    void (*closed)(struct ls_connection *connection, const char *why);
    /* Optional: the send queue has run empty. */
    void (*drained)(struct ls_connection *connection);
};

/* Listen on "unix:PATH" (a stale socket file is replaced when nobody answers on it;
 * -EADDRINUSE when somebody does; mode 0600, or 0666 with `any_user`) or "HOST:PORT"
 * (port 0 = any free one). Each accepted connection is handed to `accepted`, which
 * calls ls_connection_adopt() on it. The hello is not handled here but by the owner. */
int ls_listener_open(uv_loop_t *loop, const char *address, bool any_user,
                     void (*accepted)(struct ls_listener *listener,
                                      struct ls_connection *connection),
                     void *data, struct ls_listener **ret_listener,
                     struct ls_error *err);
void *ls_listener_data(const struct ls_listener *listener);
/* The address with the real port, "unix:PATH" or "HOST:PORT"; borrowed. */
const char *ls_listener_address(const struct ls_listener *listener);
/* Stop listening and free it; its Unix socket file is removed. */
void ls_listener_close(struct ls_listener *listener);

/* Take over an accepted connection: from here events come. Until
 * ls_connection_trust() frames are limited to LS_FRAME_BEFORE_HELLO_MAX and the
 * connection is closed after `hello_ms` without trust. */
void ls_connection_adopt(struct ls_connection *connection,
                         const struct ls_connection_events *events, void *data,
                         unsigned hello_ms);
void ls_connection_trust(struct ls_connection *connection);

/* Connect to an address without blocking; `connected` is called with status 0 or -errno
 * (then `closed` follows and the connection is gone); not at all when the owner closed
 * it before. Send nothing before it. Trusted from the start. */
int ls_connection_open(uv_loop_t *loop, const char *address,
                       const struct ls_connection_events *events, void *data,
                       void (*connected)(struct ls_connection *connection, int status),
                       struct ls_connection **ret_connection, struct ls_error *err);

/* Queue a frame; never blocks. Over LS_CONNECTION_QUEUE_MAX unsent bytes the connection
 * is closed ("reader too slow"). Fine on a closing connection (dropped). */
void ls_connection_send(struct ls_connection *connection, const Ls__Frame *frame);
size_t ls_connection_unsent(const struct ls_connection *connection);

/* Answer `request` with an Error of positive errno `code`. */
void ls_connection_refuse(struct ls_connection *connection, uint64_t request, int code,
                          const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Close after what is queued was sent (at most some seconds); events end with closed().
 */
void ls_connection_close(struct ls_connection *connection, const char *why);

void *ls_connection_data(const struct ls_connection *connection);
void ls_connection_set_data(struct ls_connection *connection, void *data);
/* Peer's uid, gid, pid on a Unix socket; uid (uid_t)-1 over TCP. */
void ls_connection_peer(const struct ls_connection *connection, uid_t *ret_uid,
                        gid_t *ret_gid, pid_t *ret_pid);
/* "unix pid 123 uid 0" or "127.0.0.1:4567"; borrowed. */
const char *ls_connection_name(const struct ls_connection *connection);

#endif
