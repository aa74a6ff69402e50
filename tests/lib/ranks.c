/* tests/lib/ranks.c - forked ranks with an all-gather in shared memory. */
#include "tests/lib/ranks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

enum { CARD_MAX = 4096, RANKS_MAX = 64 };

struct board {
    pthread_barrier_t barrier;
    int size;
    unsigned char cards[RANKS_MAX][CARD_MAX];
};

struct context {
    struct board *board;
    int rank;
};

static int allgather(void *data, const void *in, size_t size, void *out)
{
    struct context *context = data;
    struct board *board = context->board;

    if (size > CARD_MAX)
        return -1;
    memcpy(board->cards[context->rank], in, size);
    pthread_barrier_wait(&board->barrier);
    for (int i = 0; i < board->size; i++)
        memcpy((char *)out + (size_t)i * size, board->cards[i], size);
    pthread_barrier_wait(&board->barrier);
    return 0;
}

static struct board *new_board(int size)
{
    struct board *board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_t attributes;

    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&board->barrier, &attributes, (unsigned)size);
    board->size = size;
    return board;
}

static int (*joined_body)(lockstep_comm *comm);

static int join_and_run(const lockstep_bootstrap *bootstrap)
{
    lockstep_comm *comm;
    int failed;

    if (lockstep_init_with(bootstrap, &comm) != LOCKSTEP_OK) {
        fprintf(stderr, "rank %d cannot join: %s\n", bootstrap->rank, lockstep_error_text());
        return 1;
    }
    failed = joined_body(comm);
    if (lockstep_finalize(comm) != LOCKSTEP_OK && !failed) {
        fprintf(stderr, "rank %d: finalize: %s\n", bootstrap->rank, lockstep_error_text());
        return 1;
    }
    return failed;
}

int ranks_run(int nodes, const int *ranks_per_node, int (*body)(lockstep_comm *comm))
{
    joined_body = body;
    return ranks_run_raw(nodes, ranks_per_node, join_and_run);
}

int ranks_run_raw(int nodes, const int *ranks_per_node,
                  int (*body)(const lockstep_bootstrap *bootstrap))
{
    int size = 0, failed = 0, rank = 0;
    struct board *board;

    for (int n = 0; n < nodes; n++)
        size += ranks_per_node[n];
    board = new_board(size);
    for (int n = 0; n < nodes; n++) {
        for (int i = 0; i < ranks_per_node[n]; i++, rank++) {
            pid_t pid = fork();

            if (pid == 0) {
                struct context context = {board, rank};
                char node[32];
                lockstep_bootstrap bootstrap = {rank, size, node, allgather, &context};

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                alarm(240); /* a hang becomes a failure */
                snprintf(node, sizeof(node), "node%d", n);
                exit(body(&bootstrap));
            }
        }
    }
    for (int i = 0; i < size; i++) {
        int status;

        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            failed++;
    }
    munmap(board, sizeof(*board));
    return failed;
}
