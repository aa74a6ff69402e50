/* tests/unit/common/fabric/fabric_test.c - endpoints over loopback TCP: what is put
 * arrives, in order, and who is lost is named. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fabric/fabric.h"
#include "common/util/clock.h"

enum { NODES_MAX = 5, PATIENCE_MS = 20000, WINDOW = 16 << 20 };

struct node {
    struct ls_fabric *fabric;
    struct ls_fabric_memory *memory;
    uint8_t *window;
    uint8_t address[LS_FABRIC_ADDRESS_MAX];
    size_t address_size;
    uint8_t key[LS_FABRIC_KEY_MAX];
    uint32_t signals[NODES_MAX][4096];
    unsigned signal_count[NODES_MAX];
    unsigned done_count;
    bool lost[NODES_MAX];
};

static struct ls_error err;

static void node_open(struct node *node)
{
    struct ls_fabric_config config = {.host = "127.0.0.1"};
    size_t size;

    memset(node, 0, sizeof(*node));
    if (ls_fabric_open(&config, &node->fabric, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(
        ls_fabric_address(node->fabric, node->address, &node->address_size, &err), 0);
    node->window = calloc(1, WINDOW);
    assert_non_null(node->window);
    assert_int_equal(
        ls_fabric_register(node->fabric, node->window, WINDOW, &node->memory, &err), 0);
    ls_fabric_export(node->memory, node->key, &size);
    assert_true(size <= LS_FABRIC_KEY_MAX);
}

static void node_close(struct node *node)
{
    ls_fabric_unregister(node->memory);
    ls_fabric_close(node->fabric);
    free(node->window);
}

static void node_poll(struct node *node)
{
    struct ls_fabric_event events[8];
    int count = ls_fabric_poll(node->fabric, events, 8);

    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        uint32_t peer = events[i].peer;

        if (events[i].kind == LS_FABRIC_SIGNAL)
            node->signals[peer][node->signal_count[peer]++ % 4096] = events[i].signal;
        else if (events[i].kind == LS_FABRIC_PUT_DONE)
            node->done_count++;
        else
            node->lost[peer] = true;
    }
}

static void nodes_connect(struct node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            if (i != j && ls_fabric_connect(nodes[i].fabric, j, nodes[j].address,
                                            nodes[j].address_size, &err) < 0)
                fail_msg("%s", err.text);
        }
    }
}

static void nodes_open(struct node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        node_open(&nodes[i]);
    nodes_connect(nodes, count);
}

static void nodes_poll(struct node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        node_poll(&nodes[i]);
}

/* Put, polling everybody while there is no room. */
static void put(struct node *nodes, uint32_t count, uint32_t from, uint32_t to,
                const void *source, size_t size, uint64_t offset, uint32_t signal)
{
    bool small = size <= ls_fabric_inline_max(nodes[from].fabric);
    uint64_t end = ls_clock_ms() + PATIENCE_MS;
    int rc;

    while ((rc = ls_fabric_put(nodes[from].fabric, to, NULL, source, size,
                               nodes[to].key, offset, signal, small ? NULL : nodes)) ==
           -EAGAIN) {
        nodes_poll(nodes, count);
        assert_true(ls_clock_ms() < end);
    }
    assert_int_equal(rc, 0);
}

static void await_signals(struct node *nodes, uint32_t count, uint32_t at,
                          uint32_t from, unsigned expected)
{
    uint64_t end = ls_clock_ms() + PATIENCE_MS;

    while (nodes[at].signal_count[from] < expected) {
        nodes_poll(nodes, count);
        assert_true(ls_clock_ms() < end);
    }
    assert_int_equal(nodes[at].signal_count[from], expected);
}

static struct node nodes[NODES_MAX];

static void small_put_is_copied_at_once_and_signals_after_its_data(void **state)
{
    char text[16] = "gradient";

    (void)state;
    nodes_open(nodes, 2);
    put(nodes, 2, 0, 1, text, sizeof(text), 100, 0xfedcba98);
    memset(text, 'x', sizeof(text));
    await_signals(nodes, 2, 1, 0, 1);
    assert_int_equal(nodes[1].signals[0][0], 0xfedcba98);
    assert_string_equal((char *)nodes[1].window + 100, "gradient");
    assert_int_equal(nodes[0].done_count, 0);
    node_close(&nodes[0]);
    node_close(&nodes[1]);
}

static void large_put_arrives_whole_from_memory_that_was_not_registered(void **state)
{
    uint8_t *source = malloc(WINDOW);

    (void)state;
    assert_non_null(source);
    nodes_open(nodes, 2);
    assert_true(ls_fabric_any_source(nodes[0].fabric));
    for (size_t i = 0; i < WINDOW; i++)
        source[i] = (uint8_t)(i * 2654435761u >> 24);
    put(nodes, 2, 0, 1, source, WINDOW, 0, 7);
    await_signals(nodes, 2, 1, 0, 1);
    assert_memory_equal(nodes[1].window, source, WINDOW);
    while (nodes[0].done_count == 0)
        nodes_poll(nodes, 2);
    assert_int_equal(nodes[0].done_count, 1);
    node_close(&nodes[0]);
    node_close(&nodes[1]);
    free(source);
}

static void signals_of_many_puts_come_in_order(void **state)
{
    static uint8_t source[1000];

    (void)state;
    nodes_open(nodes, 2);
    for (uint32_t i = 0; i < 3000; i++)
        put(nodes, 2, 0, 1, source, i % 3 * 500, 0, i);
    await_signals(nodes, 2, 1, 0, 3000);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(nodes[1].signals[0][i], i);
    node_close(&nodes[0]);
    node_close(&nodes[1]);
}

static void all_endpoints_connect_to_one_another_at_once(void **state)
{
    (void)state;
    nodes_open(nodes, NODES_MAX);
    for (uint32_t i = 0; i < NODES_MAX; i++) {
        for (uint32_t j = 0; j < NODES_MAX; j++) {
            if (i != j)
                put(nodes, NODES_MAX, i, j, NULL, 0, 0, i * 100 + j);
        }
    }
    for (uint32_t i = 0; i < NODES_MAX; i++) {
        for (uint32_t j = 0; j < NODES_MAX; j++) {
            if (i == j)
                continue;
            await_signals(nodes, NODES_MAX, j, i, 1);
            assert_int_equal(nodes[j].signals[i][0], i * 100 + j);
        }
    }
    for (uint32_t i = 0; i < NODES_MAX; i++)
        node_close(&nodes[i]);
}

static void closed_peer_is_lost_after_its_last_signal(void **state)
{
    uint64_t end = ls_clock_ms() + PATIENCE_MS;

    (void)state;
    nodes_open(nodes, 2);
    put(nodes, 2, 0, 1, "last", 4, 0, 1);
    node_close(&nodes[0]);
    while (!nodes[1].lost[0]) {
        node_poll(&nodes[1]);
        assert_true(ls_clock_ms() < end);
    }
    assert_int_equal(nodes[1].signal_count[0], 1);
    assert_memory_equal(nodes[1].window, "last", 4);
    assert_non_null(strstr(ls_fabric_why(nodes[1].fabric, 0), "closed its end"));
    assert_int_equal(
        ls_fabric_put(nodes[1].fabric, 0, NULL, "x", 1, nodes[0].key, 0, 1, NULL),
        -EPIPE);
    node_close(&nodes[1]);
}

/* A child that is peer 1 of nodes[0]; addresses and keys cross a socket pair. */
static pid_t start_child(int *ret_socket)
{
    int pair[2];
    pid_t pid;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        close(pair[1]);
        *ret_socket = pair[0];
        return pid;
    }
    node_open(&nodes[1]);
    if (write(pair[1], &nodes[1], sizeof(nodes[1])) != sizeof(nodes[1]) ||
        recv(pair[1], &nodes[0], sizeof(nodes[0]), MSG_WAITALL) != sizeof(nodes[0]) ||
        ls_fabric_connect(nodes[1].fabric, 0, nodes[0].address, nodes[0].address_size,
                          &err) < 0)
        _exit(1);
    for (;;)
        node_poll(&nodes[1]);
}

static void killed_peer_is_lost_quickly_and_named(void **state)
{
    uint64_t end = ls_clock_ms() + PATIENCE_MS, killed;
    int socket;
    pid_t pid = start_child(&socket);
    int rc = -EAGAIN;

    (void)state;
    node_open(&nodes[0]);
    assert_int_equal(recv(socket, &nodes[1], sizeof(nodes[1]), MSG_WAITALL),
                     sizeof(nodes[1]));
    assert_int_equal(write(socket, &nodes[0], sizeof(nodes[0])), sizeof(nodes[0]));
    assert_int_equal(ls_fabric_connect(nodes[0].fabric, 1, nodes[1].address,
                                       nodes[1].address_size, &err),
                     0);
    while (rc == -EAGAIN && ls_clock_ms() < end) {
        rc = ls_fabric_put(nodes[0].fabric, 1, NULL, "x", 1, nodes[1].key, 0, 1, NULL);
        node_poll(&nodes[0]);
    }
    assert_int_equal(rc, 0);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    killed = ls_clock_ms();
    while (!nodes[0].lost[1]) { /* although nothing is put */
        ls_fabric_wait(nodes[0].fabric, -1, 1000);
        node_poll(&nodes[0]);
        assert_true(ls_clock_ms() < end);
    }
    assert_true(ls_clock_ms() - killed < 2000);
    assert_non_null(
        strstr(ls_fabric_why(nodes[0].fabric, 1), "peer 1 (127.0.0.1 port"));
    assert_int_equal(
        ls_fabric_put(nodes[0].fabric, 1, NULL, "x", 1, nodes[1].key, 0, 1, NULL),
        -EPIPE);
    node_close(&nodes[0]);
    close(socket);
}

static void put_under_way_to_a_killed_peer_is_done_all_the_same(void **state)
{
    uint64_t end = ls_clock_ms() + PATIENCE_MS;
    uint8_t *source = calloc(1, WINDOW);
    int socket, rc = -EAGAIN;
    unsigned accepted = 0;
    pid_t pid = start_child(&socket);

    (void)state;
    node_open(&nodes[0]);
    assert_int_equal(recv(socket, &nodes[1], sizeof(nodes[1]), MSG_WAITALL),
                     sizeof(nodes[1]));
    assert_int_equal(write(socket, &nodes[0], sizeof(nodes[0])), sizeof(nodes[0]));
    assert_int_equal(ls_fabric_connect(nodes[0].fabric, 1, nodes[1].address,
                                       nodes[1].address_size, &err),
                     0);
    while (rc == -EAGAIN && ls_clock_ms() < end) {
        rc = ls_fabric_put(nodes[0].fabric, 1, NULL, "x", 1, nodes[1].key, 0, 1, NULL);
        node_poll(&nodes[0]);
    }
    assert_int_equal(rc, 0);
    kill(pid, SIGSTOP); /* so that the puts stay under way */
    for (int i = 0; i < 8; i++)
        accepted += ls_fabric_put(nodes[0].fabric, 1, NULL, source, WINDOW,
                                  nodes[1].key, 0, 1, &nodes[0]) == 0;
    assert_true(accepted > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    while (!nodes[0].lost[1] || nodes[0].done_count < accepted) {
        node_poll(&nodes[0]);
        assert_true(ls_clock_ms() < end);
    }
    node_close(&nodes[0]);
    close(socket);
    free(source);
}

/* The smaller of two endpoints connects; its address begins with what is compared. */
static uint64_t nonce_of(const struct node *node)
{
    uint64_t nonce;

    memcpy(&nonce, node->address, sizeof(nonce));
    return nonce;
}

static void endpoint_that_is_not_there_any_more_is_lost(void **state)
{
    uint64_t end = ls_clock_ms() + PATIENCE_MS;

    (void)state;
    node_open(&nodes[0]);
    node_open(&nodes[1]);
    while (nonce_of(&nodes[0]) > nonce_of(&nodes[1])) { /* until it is we who connect */
        node_close(&nodes[0]);
        node_close(&nodes[1]);
        node_open(&nodes[0]);
        node_open(&nodes[1]);
    }
    node_close(&nodes[1]);
    assert_int_equal(ls_fabric_connect(nodes[0].fabric, 1, nodes[1].address,
                                       nodes[1].address_size, &err),
                     0);
    while (!nodes[0].lost[1]) {
        node_poll(&nodes[0]);
        assert_true(ls_clock_ms() < end);
    }
    node_close(&nodes[0]);
}

static void wait_ends_with_a_signal_and_with_the_wake_descriptor(void **state)
{
    uint64_t end = ls_clock_ms() + PATIENCE_MS;
    int wake = eventfd(1, 0);

    (void)state;
    nodes_open(nodes, 2);
    put(nodes, 2, 0, 1, "x", 1, 0, 1);
    await_signals(nodes, 2, 1, 0, 1);
    put(nodes, 2, 0, 1, "y", 1, 0, 2);
    while (nodes[1].signal_count[0] < 2) {
        ls_fabric_wait(nodes[1].fabric, -1, PATIENCE_MS);
        node_poll(&nodes[1]);
    }
    assert_int_equal(ls_fabric_wait(nodes[1].fabric, wake, PATIENCE_MS), 0);
    assert_true(ls_clock_ms() < end);
    close(wake);
    node_close(&nodes[0]);
    node_close(&nodes[1]);
}

static void unknown_backend_and_provider_are_refused_with_a_sentence(void **state)
{
    struct ls_fabric_config config = {.backend = "carrier-pigeon"};
    struct ls_fabric *fabric;

    (void)state;
    assert_int_equal(ls_fabric_open(&config, &fabric, &err), -EINVAL);
    assert_non_null(strstr(err.text, "carrier-pigeon"));
    config = (struct ls_fabric_config){.backend = "ofi", .provider = "semaphore"};
    assert_int_equal(ls_fabric_open(&config, &fabric, &err), -ENODEV);
    assert_non_null(strstr(err.text, "semaphore"));
}

static void own_address_and_half_an_address_are_refused(void **state)
{
    (void)state;
    node_open(&nodes[0]);
    assert_int_equal(ls_fabric_connect(nodes[0].fabric, 0, nodes[0].address,
                                       nodes[0].address_size, &err),
                     -EINVAL);
    assert_int_equal(ls_fabric_connect(nodes[0].fabric, 0, nodes[0].address, 9, &err),
                     -EINVAL);
    assert_int_equal(ls_fabric_connect(nodes[0].fabric, LS_FABRIC_PEERS_MAX,
                                       nodes[0].address, nodes[0].address_size, &err),
                     -EINVAL);
    node_close(&nodes[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_put_is_copied_at_once_and_signals_after_its_data),
        cmocka_unit_test(large_put_arrives_whole_from_memory_that_was_not_registered),
        cmocka_unit_test(signals_of_many_puts_come_in_order),
        cmocka_unit_test(all_endpoints_connect_to_one_another_at_once),
        cmocka_unit_test(closed_peer_is_lost_after_its_last_signal),
        cmocka_unit_test(killed_peer_is_lost_quickly_and_named),
        cmocka_unit_test(put_under_way_to_a_killed_peer_is_done_all_the_same),
        cmocka_unit_test(endpoint_that_is_not_there_any_more_is_lost),
        cmocka_unit_test(wait_ends_with_a_signal_and_with_the_wake_descriptor),
        cmocka_unit_test(unknown_backend_and_provider_are_refused_with_a_sentence),
        cmocka_unit_test(own_address_and_half_an_address_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
