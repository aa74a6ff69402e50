/* bench/collectives/local.c - see local.h. */
#include "bench/collectives/local.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/mem.h"

enum { SLOT_BYTES = 4096 };

/* Shared by all ranks. */
struct meeting {
    pthread_barrier_t barrier;
    unsigned char slots[]; /* SLOT_BYTES per rank */
};

struct ls_local {
    struct meeting *meeting;
    int rank, count;
};

static size_t meeting_bytes(int count)
{
    return sizeof(struct meeting) + (size_t)count * SLOT_BYTES;
}

static int open_meeting(int count, struct meeting **ret_meeting, struct ls_error *err)
{
    struct meeting *meeting = mmap(NULL, meeting_bytes(count), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_t shared;

    if (meeting == MAP_FAILED)
        return ls_error_sys(err, -errno, "cannot map shared memory");
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&meeting->barrier, &shared, (unsigned)count);
    pthread_barrierattr_destroy(&shared);
    *ret_meeting = meeting;
    return 0;
}

/* Bind rank r to the r-th CPU that we may use, if there are enough for all. */
static void bind_rank(int rank, int count)
{
    cpu_set_t usable, one;

    if (sched_getaffinity(0, sizeof(usable), &usable) < 0 || CPU_COUNT(&usable) < count)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &usable) || rank-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        (void)sched_setaffinity(0, sizeof(one), &one);
        return;
    }
}

static void kill_all(const pid_t *pids, int count)
{
    for (int rank = 0; rank < count; rank++)
        if (pids[rank] > 0)
            kill(pids[rank], SIGKILL);
}

/* Wait for all children; kill the rest when one fails. Returns the exit code. */
static int supervise(pid_t *pids, int count)
{
    int exit_code = 0;

    for (int left = count; left > 0;) {
        int status, rank = 0;
        pid_t pid = wait(&status);

        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return 1;
        while (rank < count && pids[rank] != pid)
            rank++;
        if (rank == count)
            continue;
        pids[rank] = 0;
        left--;
        if (exit_code == 0 && status != 0) {
            exit_code =
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            kill_all(pids, count);
        }
    }
    return exit_code;
}

/* In a new child: live no longer than the parent, take a core. */
static void become_rank(struct ls_local *local, int rank, int count, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    bind_rank(rank, count);
    local->rank = rank;
    local->count = count;
}

int ls_local_start(int count, struct ls_local **ret_local, int *ret_rank,
                   int *ret_exit_code, struct ls_error *err)
{
    struct ls_local *local = ls_calloc(1, sizeof(*local));
    pid_t *pids = ls_calloc((size_t)count, sizeof(*pids));
    pid_t parent = getpid();
    int rc = open_meeting(count, &local->meeting, err);

    for (int rank = 0; rank < count && rc == 0; rank++) {
        pids[rank] = fork();
        if (pids[rank] == 0) {
            ls_free(pids);
            become_rank(local, rank, count, parent);
            *ret_local = local;
            *ret_rank = rank;
            return 0;
        }
        if (pids[rank] < 0) {
            rc = ls_error_sys(err, -errno, "cannot fork");
            kill_all(pids, rank);
        }
    }
    if (rc == 0) {
        *ret_exit_code = supervise(pids, count);
        *ret_rank = LS_LOCAL_PARENT;
    }
    ls_free(pids);
    ls_free(local);
    return rc;
}

void ls_local_end(struct ls_local *local)
{
    if (local)
        munmap(local->meeting, meeting_bytes(local->count));
    ls_free(local);
}

int ls_local_allgather(void *context, const void *in, size_t size, void *out)
{
    struct ls_local *local = context;
    struct meeting *meeting = local->meeting;

    for (size_t done = 0; done < size; done += SLOT_BYTES) {
        size_t part = size - done < SLOT_BYTES ? size - done : SLOT_BYTES;

        memcpy(meeting->slots + (size_t)local->rank * SLOT_BYTES,
               (const char *)in + done, part);
        pthread_barrier_wait(&meeting->barrier);
        for (int rank = 0; rank < local->count; rank++)
            memcpy((char *)out + (size_t)rank * size + done,
                   meeting->slots + (size_t)rank * SLOT_BYTES, part);
        pthread_barrier_wait(&meeting->barrier);
    }
    return 0;
}
