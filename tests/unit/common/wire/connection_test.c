/* tests/unit/common/wire/connection_test.c - two ends of a connection on one loop. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "common/wire/connection.h"
#include "common/wire/hello.h"
#include "tests/lib/cmocka.h"

/* What one end has heard. */
struct end {
    struct ls_connection *connection;
    int frames, drained;
    bool closed;
    int status; /* of the connect */
    char why[256];
    char last_name[64];
};

struct pair {
    uv_loop_t loop;
    char directory[64];
    char address[128];
    struct ls_listener *listener;
    struct end server, client;
    unsigned hello_ms;
    bool trust, close_on_frame;
};

static struct pair *pair_of(struct ls_connection *connection)
{
    return ls_connection_data(connection);
}

static struct end *end_of(struct ls_connection *connection)
{
    struct pair *pair = pair_of(connection);

    return connection == pair->server.connection ? &pair->server : &pair->client;
}

static void received(struct ls_connection *connection, const Ls__Frame *frame)
{
    struct end *end = end_of(connection);

    end->frames++;
    if (frame->body_case == LS__FRAME__BODY_HELLO)
        snprintf(end->last_name, sizeof(end->last_name), "%s", frame->hello->name);
    if (pair_of(connection)->close_on_frame)
        ls_connection_close(connection, "one was enough");
}

static void closed(struct ls_connection *connection, const char *why)
{
    struct end *end = end_of(connection);

    assert_false(end->closed);
    end->closed = true;
    snprintf(end->why, sizeof(end->why), "%s", why);
}

static void drained(struct ls_connection *connection)
{
    end_of(connection)->drained++;
}

static const struct ls_connection_events events = {received, closed, drained};

static void accepted(struct ls_listener *listener, struct ls_connection *connection)
{
    struct pair *pair = ls_listener_data(listener);

    pair->server.connection = connection;
    ls_connection_adopt(connection, &events, pair, pair->hello_ms);
    if (pair->trust)
        ls_connection_trust(connection);
}

static void connected(struct ls_connection *connection, int status)
{
    pair_of(connection)->client.status = status;
}

static int set_up(void **state)
{
    struct pair *pair = ls_calloc(1, sizeof(*pair));

    *state = pair;
    pair->hello_ms = 5000;
    pair->trust = true;
    pair->client.status = 1;
    snprintf(pair->directory, sizeof(pair->directory), "/tmp/ls-wire-XXXXXX");
    assert_non_null(mkdtemp(pair->directory));
    snprintf(pair->address, sizeof(pair->address), "unix:%s/s", pair->directory);
    return uv_loop_init(&pair->loop);
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    ls_listener_close(pair->listener);
    if (pair->client.connection && !pair->client.closed)
        ls_connection_close(pair->client.connection, "test ends");
    if (pair->server.connection && !pair->server.closed)
        ls_connection_close(pair->server.connection, "test ends");
    uv_run(&pair->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&pair->loop), 0);
    assert_int_equal(rmdir(pair->directory), 0); /* the socket file is gone */
    ls_free(pair);
    return 0;
}

static void listen_on(struct pair *pair, const char *address)
{
    struct ls_error err = {0};

    assert_int_equal(ls_listener_open(&pair->loop, address, false, accepted, pair,
                                      &pair->listener, &err),
                     0);
}

static void connect_to(struct pair *pair, const char *address)
{
    struct ls_error err = {0};

    assert_int_equal(ls_connection_open(&pair->loop, address, &events, pair, connected,
                                        &pair->client.connection, &err),
                     0);
}

/* Run the loop until something holds; the loop sleeps in between. */
#define run_until(pair, condition)                                                     \
    do {                                                                               \
        while (!(condition))                                                           \
            assert_true(uv_run(&(pair)->loop, UV_RUN_ONCE) || (condition));            \
    } while (0)

static void connect_both(struct pair *pair, const char *address)
{
    listen_on(pair, address);
    connect_to(pair, ls_listener_address(pair->listener));
    run_until(pair, pair->server.connection && pair->client.status <= 0);
    assert_int_equal(pair->client.status, 0);
}

static void send_hello(struct ls_connection *connection, const char *name)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Hello hello = ls_hello(LS__ROLE__ROLE_CLIENT, name, NULL);

    frame.body_case = LS__FRAME__BODY_HELLO;
    frame.hello = &hello;
    ls_connection_send(connection, &frame);
}

static void send_chunk(struct ls_connection *connection, size_t size)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogChunk chunk = LS__LOG_CHUNK__INIT;

    chunk.data.data = ls_calloc(size, 1);
    chunk.data.len = size;
    frame.body_case = LS__FRAME__BODY_LOG_CHUNK;
    frame.log_chunk = &chunk;
    ls_connection_send(connection, &frame);
    ls_free(chunk.data.data);
}

static void frames_go_both_ways_and_the_peer_is_known(void **state)
{
    struct pair *pair = *state;
    uid_t uid;
    gid_t gid;
    pid_t pid;

    connect_both(pair, pair->address);
    send_hello(pair->client.connection, "up");
    send_hello(pair->server.connection, "down");
    run_until(pair, pair->client.frames == 1 && pair->server.frames == 1);
    assert_string_equal(pair->server.last_name, "up");
    assert_string_equal(pair->client.last_name, "down");
    ls_connection_peer(pair->server.connection, &uid, &gid, &pid);
    assert_int_equal(uid, getuid());
    assert_int_equal(pid, getpid());
}

static void tcp_takes_a_free_port(void **state)
{
    struct pair *pair = *state;
    uid_t uid;
    gid_t gid;
    pid_t pid;

    connect_both(pair, "127.0.0.1:0");
    send_hello(pair->client.connection, "tcp");
    run_until(pair, pair->server.frames == 1);
    ls_connection_peer(pair->server.connection, &uid, &gid, &pid);
    assert_int_equal(uid, (uid_t)-1);
    assert_non_null(strstr(ls_connection_name(pair->server.connection), "127.0.0.1:"));
}

static void what_is_queued_is_sent_before_closing(void **state)
{
    struct pair *pair = *state;

    connect_both(pair, pair->address);
    for (int i = 0; i < 64; i++)
        send_chunk(pair->server.connection, 100000);
    assert_true(ls_connection_unsent(pair->server.connection) > 0);
    ls_connection_close(pair->server.connection, "said all");
    run_until(pair, pair->client.closed && pair->server.closed);
    assert_int_equal(pair->client.frames, 64);
    assert_string_equal(pair->client.why, "closed by the other side");
    assert_string_equal(pair->server.why, "said all");
}

static void an_empty_queue_is_told(void **state)
{
    struct pair *pair = *state;

    connect_both(pair, pair->address);
    for (int i = 0; i < 64; i++)
        send_chunk(pair->client.connection, 100000);
    run_until(pair, pair->server.frames == 64 && pair->client.drained > 0);
    assert_int_equal(ls_connection_unsent(pair->client.connection), 0);
}

static void a_stranger_may_send_little_and_must_say_hello(void **state)
{
    struct pair *pair = *state;

    pair->trust = false;
    connect_both(pair, pair->address);
    send_chunk(pair->client.connection, LS_FRAME_BEFORE_HELLO_MAX);
    run_until(pair, pair->server.closed);
    assert_non_null(strstr(pair->server.why, "expected 1 to 4096"));
    assert_int_equal(pair->server.frames, 0);
}

static void a_silent_stranger_is_closed(void **state)
{
    struct pair *pair = *state;

    pair->trust = false;
    pair->hello_ms = 20;
    connect_both(pair, pair->address);
    run_until(pair, pair->server.closed && pair->client.closed);
    assert_string_equal(pair->server.why, "silent: no hello in time");
}

static void a_reader_that_does_not_read_is_closed_at_the_bound(void **state)
{
    struct pair *pair = *state;

    connect_both(pair, pair->address);
    for (int i = 0; i < 10; i++) /* the loop does not run: nothing is read */
        send_chunk(pair->server.connection, 8 * 1024 * 1024);
    run_until(pair, pair->server.closed);
    assert_string_equal(pair->server.why, "reader too slow: its queue is full");
}

static void after_close_nothing_is_received(void **state)
{
    struct pair *pair = *state;

    pair->close_on_frame = true;
    connect_both(pair, pair->address);
    for (int i = 0; i < 10; i++)
        send_hello(pair->client.connection, "again");
    run_until(pair, pair->server.closed);
    assert_int_equal(pair->server.frames, 1);
    assert_string_equal(pair->server.why, "one was enough");
}

static void nobody_listening_is_an_error_of_the_connect(void **state)
{
    struct pair *pair = *state;

    connect_to(pair, pair->address);
    run_until(pair, pair->client.closed);
    assert_int_equal(pair->client.status, -ENOENT);
}

static void a_connect_can_be_given_up(void **state)
{
    struct pair *pair = *state;

    connect_to(pair, "localhost:1");
    ls_connection_close(pair->client.connection, "changed my mind");
    run_until(pair, pair->client.closed);
    assert_int_equal(pair->client.status, 1); /* connected() was not called */
    assert_string_equal(pair->client.why, "changed my mind");
}

static void a_stale_socket_is_replaced_a_live_one_is_not(void **state)
{
    struct pair *pair = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ls_listener *second = NULL;
    struct ls_error err = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", pair->directory);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd); /* the file stays, as after kill -9 */
    listen_on(pair, pair->address);
    assert_int_equal(ls_listener_open(&pair->loop, pair->address, false, accepted, pair,
                                      &second, &err),
                     -EADDRINUSE);
    assert_null(second);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    struct pair *pair = *state;
    char path[128];
    struct ls_error err = {0};
    struct stat st;
    FILE *file;

    snprintf(path, sizeof(path), "%s/s", pair->directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(ls_listener_open(&pair->loop, pair->address, false, accepted, pair,
                                      &pair->listener, &err),
                     -ENOTSOCK);
    assert_int_equal(stat(path, &st), 0);
    unlink(path);
}

#define wire_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        wire_test(frames_go_both_ways_and_the_peer_is_known),
        wire_test(tcp_takes_a_free_port),
        wire_test(what_is_queued_is_sent_before_closing),
        wire_test(an_empty_queue_is_told),
        wire_test(a_stranger_may_send_little_and_must_say_hello),
        wire_test(a_silent_stranger_is_closed),
        wire_test(a_reader_that_does_not_read_is_closed_at_the_bound),
        wire_test(after_close_nothing_is_received),
        wire_test(nobody_listening_is_an_error_of_the_connect),
        wire_test(a_connect_can_be_given_up),
        wire_test(a_stale_socket_is_replaced_a_live_one_is_not),
        wire_test(a_file_that_is_no_socket_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
