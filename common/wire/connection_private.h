/* common/wire/connection_private.h - what listener.c needs of connections. */
#ifndef LS_COMMON_WIRE_CONNECTION_PRIVATE_H
#define LS_COMMON_WIRE_CONNECTION_PRIVATE_H

#include "common/wire/address.h"
#include "common/wire/connection.h"

/* A socket of either family; `handle` and `stream` are views of the same memory. */
union ls_socket {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

void ls_socket_init(uv_loop_t *loop, bool is_unix, union ls_socket *socket);

/* "HOST:PORT" of a TCP socket's own or other end. */
void ls_socket_name(const uv_tcp_t *tcp, bool peer, char text[LS_ADDRESS_TEXT_MAX]);

/* Take the next connection of a listening stream. NULL when it is gone already. */
struct ls_connection *ls_connection_accept(uv_stream_t *listening, bool is_unix);

#endif
