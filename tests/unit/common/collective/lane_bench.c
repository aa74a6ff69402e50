/* tests/unit/common/collective/lane_bench.c - a developer's measurement of one lane.
 *
 * Not a test: two or more processes on this machine, one lane, all-reduce of float32.
 *   lane_bench [NODES [BYTES_MIN [BYTES_MAX]]] */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/collective/lane.h"
#include "common/util/clock.h"

enum { NODES_MAX = 8, BUFFER_BYTES = 256 << 20 };

struct shared {
    _Atomic unsigned published;
    uint8_t hellos[NODES_MAX][LS_LANE_HELLO_MAX];
};

static struct ls_lane_ring ring;
static char *buffer;

static void *address(void *context, uint32_t arena, uint64_t offset, uint64_t size)
{
    (void)context;
    (void)arena;
    return offset + size <= BUFFER_BYTES ? buffer + offset : NULL;
}

static void die(const struct ls_error *err)
{
    fprintf(stderr, "lane_bench: %s\n", err->text);
    exit(1);
}

static void allreduce(struct ls_lane *lane, uint64_t bytes)
{
    static uint64_t number;
    struct ls_lane_request *request = &ring.requests[number % LS_LANE_DEPTH];
    struct ls_error err;

    memset(request, 0, sizeof(*request));
    request->count = bytes / 4;
    atomic_store(&request->ready, request->count);
    request->hash = (uint32_t)number;
    request->divisor = 1;
    atomic_store(&ring.posted, ++number);
    while (atomic_load_explicit(&ring.completed, memory_order_acquire) < number) {
        if (ls_lane_progress(lane, &err) < 0)
            die(&err);
    }
}

static void measure(struct ls_lane *lane, uint32_t node, uint64_t bytes)
{
    int rounds = (int)((UINT64_C(1) << 30) / (bytes + 65536));
    uint64_t start, best = UINT64_MAX;

    allreduce(lane, bytes);
    for (int batch = 0; batch < 5; batch++) {
        uint64_t ns;

        start = ls_clock_ns();
        for (int i = 0; i < rounds / 5 + 1; i++)
            allreduce(lane, bytes);
        ns = (ls_clock_ns() - start) / (uint64_t)(rounds / 5 + 1);
        best = ns < best ? ns : best;
    }
    if (node == 0)
        printf("%10lu B %10.2f us %8.3f GB/s\n", bytes, (double)best / 1e3,
               (double)bytes / (double)best);
}

static void run(struct shared *shared, uint32_t nodes, uint32_t node, uint64_t min,
                uint64_t max)
{
    uint32_t ranks[NODES_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct ls_lane_config config = {.node_count = nodes,
                                    .node_index = node,
                                    .lane_count = 1,
                                    .ranks_per_node = ranks,
                                    .ring = &ring,
                                    .arena_address = address,
                                    .fabric = {.host = "127.0.0.1"}};
    struct ls_lane *lane;
    struct ls_error err;
    cpu_set_t cpu;

    CPU_ZERO(&cpu);
    CPU_SET(node % 2, &cpu);
    sched_setaffinity(0, sizeof(cpu), &cpu);
    buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(buffer, 0, BUFFER_BYTES);
    if (ls_lane_open(&config, &lane, &err) < 0)
        die(&err);
    ls_lane_hello(lane, shared->hellos[node]);
    atomic_fetch_add(&shared->published, 1);
    while (atomic_load(&shared->published) < nodes)
        sched_yield();
    if (ls_lane_connect(lane, shared->hellos[0], &err) < 0)
        die(&err);
    for (uint64_t bytes = min; bytes <= max; bytes *= 4)
        measure(lane, node, bytes);
    ls_lane_close(lane);
}

int main(int argc, char **argv)
{
    uint32_t nodes = argc > 1 ? (uint32_t)atoi(argv[1]) : 2;
    uint64_t min = argc > 2 ? strtoull(argv[2], NULL, 0) : 8;
    uint64_t max = argc > 3 ? strtoull(argv[3], NULL, 0) : 64 << 20;
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED || nodes < 2 || nodes > NODES_MAX)
        return 1;
    for (uint32_t node = 1; node < nodes; node++) {
        if (fork() == 0) {
            run(shared, nodes, node, min, max);
            return 0;
        }
    }
    run(shared, nodes, 0, min, max);
    while (wait(NULL) > 0)
        continue;
    return 0;
}
