/* tests/unit/common/collective/lane_test.c - lanes of several nodes in one process,
 * over loopback TCP: results against a plain reference, and every way to fail. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/collective/lane.h"
#include "common/collective/reduce.h"
#include "common/util/check.h"
#include "common/util/clock.h"

enum { NODES_MAX = 8, BUFFER_BYTES = 8 << 20, PATIENCE_MS = 60000 };

struct node {
    struct ls_lane_ring ring;
    struct ls_lane *lane;
    uint8_t *buffer;
    uint64_t posted;
    int failure; /* of ls_lane_progress() */
    struct ls_error err;
    bool remote; /* lives in a child process */
};

static struct node nodes[NODES_MAX];
static uint8_t hellos[NODES_MAX][LS_LANE_HELLO_MAX];
static uint32_t node_count, lane_index, lane_count;
static uint32_t ranks[NODES_MAX];

/* ---- a gang in one process ----------------------------------------------------------
 */

static void *address(void *context, uint32_t arena, uint64_t offset, uint64_t size)
{
    const struct node *node = context;

    if (arena != 0 || offset > BUFFER_BYTES || size > BUFFER_BYTES - offset)
        return NULL;
    return node->buffer + offset;
}

static void node_open(uint32_t index)
{
    struct node *node = &nodes[index];
    struct ls_lane_config config = {.node_count = node_count,
                                    .node_index = index,
                                    .lane = lane_index,
                                    .lane_count = lane_count,
                                    .ranks_per_node = ranks,
                                    .ring = &node->ring,
                                    .arena_address = address,
                                    .context = node,
                                    .fabric = {.host = "127.0.0.1"}};

    memset(node, 0, sizeof(*node));
    node->buffer = calloc(1, BUFFER_BYTES);
    assert_non_null(node->buffer);
    if (ls_lane_open(&config, &node->lane, &node->err) < 0)
        fail_msg("%s", node->err.text);
    ls_lane_hello(node->lane, hellos[index]);
}

static void gang_shape(uint32_t count, const char *algorithm)
{
    node_count = count;
    lane_index = 0;
    lane_count = 1;
    for (uint32_t i = 0; i < NODES_MAX; i++)
        ranks[i] = 1;
    if (algorithm)
        setenv("LOCKSTEP_ALGORITHM", algorithm, 1);
    else
        unsetenv("LOCKSTEP_ALGORITHM");
}

static void node_connect(uint32_t index)
{
    struct ls_error err;

    if (ls_lane_connect(nodes[index].lane, hellos[0], &err) < 0)
        fail_msg("%s", err.text);
}

static void gang_open(void)
{
    for (uint32_t i = 0; i < node_count; i++)
        node_open(i);
    for (uint32_t i = 0; i < node_count; i++)
        node_connect(i);
}

static void *close_node(void *data)
{
    struct node *node = data;

    ls_lane_close(node->lane);
    node->lane = NULL;
    return NULL;
}

/* At once, as nodes do: a lane that closes lingers until the others do. */
static void gang_close(void)
{
    pthread_t threads[NODES_MAX];

    for (uint32_t i = 0; i < node_count; i++) {
        if (nodes[i].lane)
            assert_int_equal(pthread_create(&threads[i], NULL, close_node, &nodes[i]),
                             0);
        else
            threads[i] = 0;
    }
    for (uint32_t i = 0; i < node_count; i++) {
        if (threads[i])
            pthread_join(threads[i], NULL);
        free(nodes[i].buffer);
        nodes[i].buffer = NULL;
    }
}

static void post(uint32_t index, const struct ls_lane_request *request)
{
    struct node *node = &nodes[index];

    node->ring.requests[node->posted % LS_LANE_DEPTH] = *request;
    atomic_store(&node->ring.posted, ++node->posted);
}

static void progress(uint32_t index)
{
    struct node *node = &nodes[index];
    int rc;

    if (!node->lane || node->remote)
        return;
    rc = ls_lane_progress(node->lane, &node->err);
    if (rc < 0)
        node->failure = rc;
}

static bool is_finished(const struct node *node)
{
    return node->remote || node->failure < 0 ||
           atomic_load(&node->ring.completed) == node->posted;
}

/* Drive all nodes until each has completed what was posted, or failed. */
static void gang_run(void)
{
    uint64_t end = ls_clock_ms() + PATIENCE_MS;
    bool again = true;

    while (again) {
        again = false;
        for (uint32_t i = 0; i < node_count; i++) {
            progress(i);
            again |= !is_finished(&nodes[i]);
        }
        assert_true(ls_clock_ms() < end);
    }
}

static void gang_succeeds(void)
{
    gang_run();
    for (uint32_t i = 0; i < node_count; i++) {
        if (nodes[i].failure < 0)
            fail_msg("node %u: %s", i, nodes[i].err.text);
        assert_int_equal(atomic_load(&nodes[i].ring.status), 0);
        assert_false(ls_lane_busy(nodes[i].lane));
    }
}

static struct ls_lane_request request_of(enum ls_lane_collective collective,
                                         lockstep_type type, lockstep_op op,
                                         uint64_t count)
{
    return (struct ls_lane_request){.collective = (uint8_t)collective,
                                    .type = (uint8_t)type,
                                    .op = (uint8_t)op,
                                    .divisor = op == LOCKSTEP_AVG ? 4 : 1,
                                    .hash = (uint32_t)(count * 31 + type * 7 + op),
                                    .count = count,
                                    .ready = count};
}

/* ---- values
 * -------------------------------------------------------------------------- */

/* Small integers and quarters: exact in every type, so that order does not matter. */
static uint16_t half_of(double value)
{
    int exponent;
    double mantissa;

    if (value == 0)
        return 0;
    mantissa = frexp(fabs(value), &exponent); /* 0.5 <= mantissa < 1 */
    return (uint16_t)((value < 0 ? 0x8000 : 0) | (exponent + 14) << 10 |
                      ((int)(mantissa * 2048) & 0x3ff));
}

static uint16_t bfloat_of(double value)
{
    float single = (float)value;
    uint32_t bits;

    memcpy(&bits, &single, sizeof(bits));
    return (uint16_t)(bits >> 16);
}

static void store(void *buffer, lockstep_type type, uint64_t at, double value)
{
    switch (type) {
    case LOCKSTEP_FLOAT32:
        ((float *)buffer)[at] = (float)value;
        break;
    case LOCKSTEP_FLOAT64:
        ((double *)buffer)[at] = value;
        break;
    case LOCKSTEP_FLOAT16:
        ((uint16_t *)buffer)[at] = half_of(value);
        break;
    case LOCKSTEP_BFLOAT16:
        ((uint16_t *)buffer)[at] = bfloat_of(value);
        break;
    case LOCKSTEP_INT32:
        ((int32_t *)buffer)[at] = (int32_t)value;
        break;
    default:
        ((int64_t *)buffer)[at] = (int64_t)value;
        break;
    }
}

static bool equals(const void *buffer, lockstep_type type, uint64_t at, double value)
{
    uint8_t expected[8] = {0};
    size_t size = ls_type_size(type);

    store(expected, type, 0, value);
    return memcmp(expected, (const uint8_t *)buffer + at * size, size) == 0;
}

/* Node n's element i: -2 … 2, but never 0 so that products say something. */
static double input_of(uint32_t node, uint64_t at)
{
    static const double values[] = {1, -1, 2, -2, 1, 2, -1};

    return values[(node * 3 + at * 5 + at / 7) % 7];
}

static double combined(lockstep_op op, lockstep_type type, uint64_t at)
{
    double value = input_of(0, at);

    for (uint32_t n = 1; n < node_count; n++) {
        double next = input_of(n, at);

        if (op == LOCKSTEP_SUM || op == LOCKSTEP_AVG)
            value += next;
        else if (op == LOCKSTEP_PROD)
            value *= next;
        else
            value = (op == LOCKSTEP_MIN) == (next < value) ? next : value;
    }
    if (op == LOCKSTEP_AVG)
        value /= 4;
    return type == LOCKSTEP_INT32 || type == LOCKSTEP_INT64 ? trunc(value) : value;
}

static void fill(lockstep_type type, uint64_t offset, uint64_t count)
{
    for (uint32_t n = 0; n < node_count; n++) {
        for (uint64_t i = 0; i < count; i++)
            store(nodes[n].buffer + offset, type, i, input_of(n, i));
    }
}

static void check_allreduce(lockstep_type type, lockstep_op op, uint64_t offset,
                            uint64_t count)
{
    for (uint32_t n = 0; n < node_count; n++) {
        for (uint64_t i = 0; i < count; i++) {
            if (!equals(nodes[n].buffer + offset, type, i, combined(op, type, i)))
                fail_msg("node %u of %u: element %lu of %lu, type %d, op %d", n,
                         node_count, i, count, type, op);
        }
    }
}

static void allreduce(lockstep_type type, lockstep_op op, uint64_t count)
{
    struct ls_lane_request request = request_of(LS_LANE_ALLREDUCE, type, op, count);

    fill(type, 0, count);
    for (uint32_t n = 0; n < node_count; n++)
        post(n, &request);
    gang_succeeds();
    check_allreduce(type, op, 0, count);
}

/* ---- collectives
 * --------------------------------------------------------------------- */

static void allreduce_is_right_for_all_types_and_operations(void **state)
{
    static const uint64_t counts[] = {1, 7, 1000};

    (void)state;
    for (uint32_t n = 2; n <= 5; n++) {
        for (int ring = 0; ring < 2; ring++) {
            gang_shape(n, ring ? "ring" : "doubling");
            gang_open();
            for (int type = 0; type < LOCKSTEP_TYPE_COUNT; type++) {
                for (int op = 0; op < LOCKSTEP_OP_COUNT; op++) {
                    for (size_t c = 0; c < LS_ARRAY_SIZE(counts); c++)
                        allreduce((lockstep_type)type, (lockstep_op)op, counts[c]);
                }
            }
            gang_close();
        }
    }
}

static void large_allreduce_goes_in_many_pieces(void **state)
{
    (void)state;
    for (uint32_t n = 2; n <= 5; n++) {
        for (int ring = 0; ring < 2; ring++) {
            gang_shape(n, ring ? "ring" : "doubling");
            gang_open();
            allreduce(LOCKSTEP_FLOAT32, LOCKSTEP_SUM, BUFFER_BYTES / 4);
            allreduce(LOCKSTEP_BFLOAT16, LOCKSTEP_AVG, 777777);
            allreduce(LOCKSTEP_INT64, LOCKSTEP_MAX, 131073);
            gang_close();
        }
    }
}

static void nodes_get_the_same_bits_of_sums_that_depend_on_order(void **state)
{
    static const uint64_t counts[] = {5, 300000};

    (void)state;
    for (uint32_t n = 2; n <= 7; n++) {
        gang_shape(n, NULL);
        gang_open();
        for (size_t c = 0; c < LS_ARRAY_SIZE(counts); c++) {
            struct ls_lane_request request = request_of(
                LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, counts[c]);

            for (uint32_t i = 0; i < n; i++) {
                for (uint64_t k = 0; k < counts[c]; k++)
                    ((float *)nodes[i].buffer)[k] = 1.0f / (float)(1 + i * 7919 + k);
                post(i, &request);
            }
            gang_succeeds();
            for (uint32_t i = 1; i < n; i++)
                assert_memory_equal(nodes[i].buffer, nodes[0].buffer, counts[c] * 4);
        }
        gang_close();
    }
}

static uint64_t block_size(uint32_t node, uint64_t count)
{
    return ls_lane_block(ranks[node], count, lane_index, lane_count);
}

static void reduce_scatter(lockstep_type type, lockstep_op op, uint64_t count)
{
    struct ls_lane_request request =
        request_of(LS_LANE_REDUCE_SCATTER, type, op, count);
    uint64_t start = 0, total = 0;

    for (uint32_t n = 0; n < node_count; n++)
        total += block_size(n, count);
    fill(type, 0, total);
    for (uint32_t n = 0; n < node_count; n++)
        post(n, &request);
    gang_succeeds();
    for (uint32_t n = 0; n < node_count; n++) {
        for (uint64_t i = start; i < start + block_size(n, count); i++) {
            if (!equals(nodes[n].buffer, type, i, combined(op, type, i)))
                fail_msg("node %u of %u: element %lu", n, node_count, i);
        }
        start += block_size(n, count);
    }
}

static void allgather(lockstep_type type, uint64_t count)
{
    struct ls_lane_request request =
        request_of(LS_LANE_ALLGATHER, type, LOCKSTEP_SUM, count);
    uint64_t start = 0;

    for (uint32_t n = 0; n < node_count; n++) {
        memset(nodes[n].buffer, 0xee, BUFFER_BYTES);
        for (uint64_t i = start; i < start + block_size(n, count); i++)
            store(nodes[n].buffer, type, i, input_of(n, i));
        start += block_size(n, count);
        post(n, &request);
    }
    gang_succeeds();
    for (uint32_t at = 0; at < node_count; at++) {
        start = 0;
        for (uint32_t n = 0; n < node_count; n++) {
            for (uint64_t i = start; i < start + block_size(n, count); i++)
                assert_true(equals(nodes[at].buffer, type, i, input_of(n, i)));
            start += block_size(n, count);
        }
    }
}

static void blocks_of_uneven_nodes_are_scattered_and_gathered(void **state)
{
    static const uint32_t uneven[NODES_MAX] = {3, 1, 2, 4, 1};
    static const uint64_t counts[] = {0, 1, 2, 5, 1001, 60000};

    (void)state;
    for (uint32_t n = 2; n <= 5; n++) {
        for (uint32_t lane = 0; lane < 3; lane++) {
            gang_shape(n, NULL);
            memcpy(ranks, uneven, sizeof(ranks));
            lane_index = lane;
            lane_count = 3; /* some blocks of some lanes are empty */
            gang_open();
            for (size_t c = 0; c < LS_ARRAY_SIZE(counts); c++) {
                reduce_scatter(LOCKSTEP_FLOAT32, LOCKSTEP_SUM, counts[c]);
                reduce_scatter(LOCKSTEP_FLOAT16, LOCKSTEP_AVG, counts[c]);
                allgather(LOCKSTEP_INT32, counts[c]);
                allgather(LOCKSTEP_BFLOAT16, counts[c]);
            }
            gang_close();
        }
    }
}

static void large_blocks_go_in_many_pieces(void **state)
{
    (void)state;
    for (uint32_t n = 2; n <= 4; n++) {
        gang_shape(n, NULL);
        ranks[1] = 3;
        gang_open();
        reduce_scatter(LOCKSTEP_FLOAT32, LOCKSTEP_SUM, BUFFER_BYTES / 4 / (n + 2));
        allgather(LOCKSTEP_FLOAT64, BUFFER_BYTES / 8 / (n + 2));
        gang_close();
    }
}

static void broadcast(uint32_t root, uint64_t count)
{
    struct ls_lane_request request =
        request_of(LS_LANE_BROADCAST, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, count);

    request.root = root;
    for (uint32_t n = 0; n < node_count; n++) {
        memset(nodes[n].buffer, 0xee, BUFFER_BYTES);
        request.ready = n == root ? count : 0;
        post(n, &request);
    }
    for (uint64_t i = 0; i < count; i++)
        store(nodes[root].buffer, LOCKSTEP_FLOAT32, i, input_of(root, i));
    gang_succeeds();
    for (uint32_t n = 0; n < node_count; n++)
        assert_memory_equal(nodes[n].buffer, nodes[root].buffer, count * 4);
}

static void broadcast_is_right_from_every_root(void **state)
{
    (void)state;
    for (uint32_t n = 2; n <= 6; n++) {
        gang_shape(n, NULL);
        gang_open();
        for (uint32_t root = 0; root < n; root++) {
            broadcast(root, 0);
            broadcast(root, 1);
            broadcast(root, 20000);
            broadcast(root, 1000001);
        }
        gang_close();
    }
}

static void many_requests_of_all_kinds_are_in_flight_at_once(void **state)
{
    static const uint64_t counts[] = {0, 1, 33, 5000, 40000};

    (void)state;
    for (uint32_t n = 2; n <= 5; n++) {
        gang_shape(n, NULL);
        gang_open();
        for (int round = 0; round < 3; round++) {
            for (uint32_t r = 0; r < LS_LANE_DEPTH; r++) {
                uint64_t count = counts[(r + (uint32_t)round) % LS_ARRAY_SIZE(counts)];
                struct ls_lane_request request =
                    request_of(r % 2 ? LS_LANE_ALLREDUCE : LS_LANE_BROADCAST,
                               LOCKSTEP_FLOAT32, LOCKSTEP_SUM, count);

                request.offset = r * (BUFFER_BYTES / LS_LANE_DEPTH);
                request.root = r % n;
                request.hash += r;
                fill(LOCKSTEP_FLOAT32, request.offset, count);
                for (uint32_t i = 0; i < n; i++)
                    post(i, &request);
            }
            gang_succeeds();
            for (uint32_t r = 1; r < LS_LANE_DEPTH; r += 2)
                check_allreduce(LOCKSTEP_FLOAT32, LOCKSTEP_SUM,
                                r * (BUFFER_BYTES / LS_LANE_DEPTH),
                                counts[(r + (uint32_t)round) % LS_ARRAY_SIZE(counts)]);
        }
        gang_close();
    }
}

static void request_of_nothing_completes_without_a_message(void **state)
{
    struct ls_lane_request request =
        request_of(LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 0);
    struct ls_lane_counters counters;

    (void)state;
    gang_shape(2, NULL);
    gang_open();
    post(0, &request);
    assert_true(ls_lane_busy(nodes[0].lane));
    progress(0);
    assert_int_equal(atomic_load(&nodes[0].ring.completed), 1);
    ls_lane_counters(nodes[0].lane, &counters);
    assert_int_equal(counters.messages_sent, 0);
    gang_close();
}

static void counters_say_what_was_moved(void **state)
{
    struct ls_lane_counters counters;

    (void)state;
    gang_shape(2, NULL);
    gang_open();
    allreduce(LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 10);
    ls_lane_counters(nodes[0].lane, &counters);
    assert_int_equal(counters.messages_sent, 1);
    assert_int_equal(counters.messages_received, 1);
    assert_int_equal(counters.bytes_sent, 40);
    assert_int_equal(counters.bytes_received, 40);
    assert_int_equal(counters.reduced_bytes, 40);
    gang_close();
}

/* ---- data that is not ready
 * ----------------------------------------------------------- */

static void nothing_is_sent_before_it_is_ready_and_done_grows_with_it(void **state)
{
    const uint64_t count = 500000;
    struct ls_lane_request request =
        request_of(LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, count);

    (void)state;
    request.ready = 0;
    for (uint32_t n = 2; n <= 3; n++) {
        gang_shape(n, NULL);
        gang_open();
        for (uint32_t i = 0; i < n; i++)
            post(i, &request);
        for (uint64_t ready = 0; ready < count; ready += count / 10) {
            uint64_t least = 0;
            uint64_t end = ls_clock_ms() + PATIENCE_MS;

            for (uint32_t i = 0; i < n; i++) { /* the data comes just before the word */
                for (uint64_t k = ready; k < ready + count / 10; k++)
                    store(nodes[i].buffer, LOCKSTEP_FLOAT32, k, input_of(i, k));
                for (int spin = 0; spin < 20; spin++)
                    progress((i + 1) % n);
                assert_true(atomic_load(&nodes[i].ring.requests[0].done) <= ready);
                atomic_store(&nodes[i].ring.requests[0].ready, ready + count / 10);
            }
            while (least < ready / 2) { /* what was ready before has come far by now */
                for (uint32_t i = 0; i < n; i++)
                    progress(i);
                least = atomic_load(&nodes[0].ring.requests[0].done);
                assert_true(least <= ready + count / 10);
                assert_true(ls_clock_ms() < end);
            }
        }
        gang_succeeds();
        assert_int_equal(atomic_load(&nodes[0].ring.requests[0].done), count);
        check_allreduce(LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 0, count);
        gang_close();
    }
}

/* ---- failures
 * ------------------------------------------------------------------------ */

static void nodes_in_different_collectives_fail_and_name_one_another(void **state)
{
    struct ls_lane_request request =
        request_of(LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 100);

    (void)state;
    gang_shape(2, NULL);
    gang_open();
    for (uint32_t i = 0; i < 2; i++) {
        request.hash = i;
        post(i, &request);
    }
    gang_run();
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(nodes[i].failure, -EPROTO);
        assert_int_equal(atomic_load(&nodes[i].ring.status), LOCKSTEP_ERR_MISMATCH);
        assert_int_equal(atomic_load(&nodes[i].ring.lost_node), 1 - i);
        assert_int_equal(atomic_load(&nodes[i].ring.completed), 0);
    }
    gang_close();
}

static void mismatch_of_one_node_fails_all(void **state)
{
    struct ls_lane_request request =
        request_of(LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 300000);

    (void)state;
    gang_shape(5, "ring");
    gang_open();
    for (uint32_t i = 0; i < 5; i++) {
        request.hash = i == 3 ? 77 : 1;
        post(i, &request);
    }
    gang_run();
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(atomic_load(&nodes[i].ring.status), LOCKSTEP_ERR_MISMATCH);
    gang_close();
}

static void request_that_makes_no_sense_fails_all(void **state)
{
    struct ls_lane_request request =
        request_of(LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 100);

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        gang_shape(3, NULL);
        gang_open();
        for (uint32_t i = 0; i < 3; i++)
            post(i, &request);
        switch (kind) {
        case 0:
            nodes[0].ring.requests[0].type = 99;
            break;
        case 1:
            nodes[0].ring.requests[0].offset = BUFFER_BYTES - 399;
            break;
        case 2:
            nodes[0].ring.requests[0].count = UINT64_MAX;
            break;
        default:
            nodes[0].ring.requests[0].collective = 200;
            break;
        }
        gang_run();
        assert_int_equal(atomic_load(&nodes[0].ring.status), LOCKSTEP_ERR_ARGUMENT);
        assert_true(nodes[1].failure < 0);
        assert_true(nodes[2].failure < 0);
        assert_int_equal(atomic_load(&nodes[2].ring.lost_node), 0);
        gang_close();
    }
}

static void too_many_requests_are_refused(void **state)
{
    (void)state;
    gang_shape(2, NULL);
    gang_open();
    atomic_store(&nodes[0].ring.posted, LS_LANE_DEPTH + 1);
    progress(0);
    assert_int_equal(atomic_load(&nodes[0].ring.status), LOCKSTEP_ERR_ARGUMENT);
    gang_close();
}

/* Node `index` in a child; hellos cross the socket. The child runs until it is killed.
 */
static pid_t start_child(uint32_t index, const struct ls_lane_request *request)
{
    int pair[2];
    pid_t pid;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        node_open(index);
        if (write(pair[1], hellos[index], sizeof(hellos[0])) != sizeof(hellos[0]) ||
            recv(pair[1], hellos, sizeof(hellos), MSG_WAITALL) != sizeof(hellos))
            _exit(1);
        node_connect(index);
        post(index, request);
        for (;;)
            progress(index);
    }
    for (uint32_t i = 0; i < node_count; i++) {
        if (i != index)
            node_open(i);
    }
    memset(&nodes[index], 0, sizeof(nodes[index]));
    nodes[index].remote = true;
    assert_int_equal(recv(pair[0], hellos[index], sizeof(hellos[0]), MSG_WAITALL),
                     sizeof(hellos[0]));
    assert_int_equal(write(pair[0], hellos, sizeof(hellos)), sizeof(hellos));
    for (uint32_t i = 0; i < node_count; i++) {
        if (i != index)
            node_connect(i);
    }
    close(pair[0]);
    close(pair[1]);
    return pid;
}

static void kill_one_of(uint32_t count, uint32_t victim, const char *algorithm)
{
    struct ls_lane_request request =
        request_of(LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, BUFFER_BYTES / 4);
    uint64_t start;
    pid_t pid;

    gang_shape(count, algorithm);
    request.ready = BUFFER_BYTES / 8; /* half-way, everybody waits */
    pid = start_child(victim, &request);
    for (uint32_t i = 0; i < count; i++) {
        if (i != victim)
            post(i, &request);
    }
    start = ls_clock_ms();
    while (atomic_load(&nodes[(victim + 1) % count].ring.requests[0].done) == 0) {
        for (uint32_t i = 0; i < count; i++)
            progress(i);
        assert_true(ls_clock_ms() < start + PATIENCE_MS);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (uint32_t i = 0; i < count; i++)
        atomic_store(&nodes[i].ring.requests[0].ready, request.count);
    start = ls_clock_ms();
    gang_run();
    assert_true(ls_clock_ms() < start + 5000);
    for (uint32_t i = 0; i < count; i++) {
        if (i == victim)
            continue;
        assert_int_equal(nodes[i].failure, -ECONNRESET);
        assert_int_equal(atomic_load(&nodes[i].ring.status), LOCKSTEP_ERR_PEER_LOST);
        assert_int_equal(atomic_load(&nodes[i].ring.lost_node), victim);
        assert_int_equal(atomic_load(&nodes[i].ring.completed), 0);
        assert_true(ls_lane_progress(nodes[i].lane, &nodes[i].err) < 0); /* for good */
    }
    gang_close();
}

static void killed_node_fails_the_exchange_on_all_survivors(void **state)
{
    (void)state;
    kill_one_of(2, 1, NULL);
    kill_one_of(3, 0, "ring");
    kill_one_of(5, 2, "doubling");
    kill_one_of(8, 3, "ring"); /* some survivors have no connection to node 3 */
}

/* Nodes are done at different times; one that leaves then is not missed. */
static void node_that_leaves_after_its_part_is_not_missed(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct ls_lane_request request =
            request_of(LS_LANE_ALLREDUCE, LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 50000);
        uint64_t end = ls_clock_ms() + PATIENCE_MS;
        pthread_t leaving;

        gang_shape(3, "ring");
        gang_open();
        fill(LOCKSTEP_FLOAT32, 0, request.count);
        for (uint32_t i = 0; i < 3; i++)
            post(i, &request);
        while (atomic_load(&nodes[0].ring.completed) == 0) {
            for (uint32_t i = 0; i < 3; i++)
                progress(i);
            for (int extra = 0; extra < round; extra++)
                progress(0);
            assert_true(ls_clock_ms() < end);
        }
        assert_int_equal(pthread_create(&leaving, NULL, close_node, &nodes[0]), 0);
        while (!is_finished(&nodes[1]) || !is_finished(&nodes[2])) {
            progress(1);
            progress(2);
            assert_true(ls_clock_ms() < end);
        }
        assert_int_equal(nodes[1].failure, 0);
        assert_int_equal(nodes[2].failure, 0);
        check_allreduce(LOCKSTEP_FLOAT32, LOCKSTEP_SUM, 0, request.count);
        for (uint32_t i = 1; i < 3; i++)
            close_node(&nodes[i]);
        pthread_join(leaving, NULL);
        gang_close();
    }
}

static void hello_of_another_gang_is_refused(void **state)
{
    struct ls_error err;

    (void)state;
    gang_shape(2, NULL);
    node_open(0);
    node_open(1);
    hellos[1][4]++; /* it counts one node more */
    assert_int_equal(ls_lane_connect(nodes[0].lane, hellos[0], &err), -EPROTO);
    assert_non_null(strstr(err.text, "counts 3 nodes"));
    gang_close();
}

static void lane_that_cannot_be_is_refused_with_a_sentence(void **state)
{
    struct ls_lane_config config = {
        .node_count = 1, .lane_count = 1, .ranks_per_node = ranks};
    struct ls_lane *lane;
    struct ls_error err;

    (void)state;
    assert_int_equal(ls_lane_open(&config, &lane, &err), -EINVAL);
    assert_non_null(strstr(err.text, "1 nodes"));
    config.node_count = 2;
    setenv("LOCKSTEP_ALGORITHM", "guess", 1);
    assert_int_equal(ls_lane_open(&config, &lane, &err), -EINVAL);
    assert_non_null(strstr(err.text, "guess"));
    unsetenv("LOCKSTEP_ALGORITHM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allreduce_is_right_for_all_types_and_operations),
        cmocka_unit_test(large_allreduce_goes_in_many_pieces),
        cmocka_unit_test(nodes_get_the_same_bits_of_sums_that_depend_on_order),
        cmocka_unit_test(blocks_of_uneven_nodes_are_scattered_and_gathered),
        cmocka_unit_test(large_blocks_go_in_many_pieces),
        cmocka_unit_test(broadcast_is_right_from_every_root),
        cmocka_unit_test(many_requests_of_all_kinds_are_in_flight_at_once),
        cmocka_unit_test(request_of_nothing_completes_without_a_message),
        cmocka_unit_test(counters_say_what_was_moved),
        cmocka_unit_test(nothing_is_sent_before_it_is_ready_and_done_grows_with_it),
        cmocka_unit_test(nodes_in_different_collectives_fail_and_name_one_another),
        cmocka_unit_test(mismatch_of_one_node_fails_all),
        cmocka_unit_test(request_that_makes_no_sense_fails_all),
        cmocka_unit_test(too_many_requests_are_refused),
        cmocka_unit_test(killed_node_fails_the_exchange_on_all_survivors),
        cmocka_unit_test(node_that_leaves_after_its_part_is_not_missed),
        cmocka_unit_test(hello_of_another_gang_is_refused),
        cmocka_unit_test(lane_that_cannot_be_is_refused_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
