/* common/collective/lane_host.c - a thread that drives one lane.
 * Depends on lane, segment, bell, pthreads. */
#include "common/collective/lane_host.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common/util/mem.h"

enum { SLEEP_BUSY_MS = 20, SLEEP_IDLE_MS = 1000 }; /* safety nets: doors and sockets wake */

struct ls_lane_host {
    pthread_t thread;
    struct ls_segment *segment;
    struct ls_lane_door *door;
    struct ls_lane *lane;
    uint32_t index;
    int door_fd, failed_fd;
    _Atomic bool stop;
};

static void signal_fd(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, sizeof(one)) < 0) {
        /* A full counter wakes as well. */
    }
}

/* Say that we are about to sleep, look once more, sleep until the network or the door. */
static int sleep_at_door(struct ls_lane_host *host, struct ls_error *err)
{
    uint64_t rings;
    int moved;

    atomic_store_explicit(&host->door->sleeping, 1, memory_order_seq_cst);
    ls_bell_barrier();
    moved = ls_lane_progress(host->lane, err);
    if (moved == 0 && !atomic_load(&host->stop))
        ls_lane_wait(host->lane, host->door_fd,
                     ls_lane_busy(host->lane) ? SLEEP_BUSY_MS : SLEEP_IDLE_MS);
    atomic_store_explicit(&host->door->sleeping, 0, memory_order_relaxed);
    if (read(host->door_fd, &rings, sizeof(rings)) < 0) {
        /* Non-blocking: nobody rang. */
    }
    return moved;
}

static void *drive(void *data)
{
    struct ls_lane_host *host = data;
    struct ls_bell nobody = {0};
    struct ls_waiter waiter;
    struct ls_error err = {0};

    ls_waiter_init(&waiter, &nobody, host->segment->crowded);
    while (!atomic_load_explicit(&host->stop, memory_order_relaxed)) {
        int moved = ls_lane_progress(host->lane, &err);

        if (moved == 0 && ls_waiter_pause(&waiter)) {
            moved = sleep_at_door(host, &err);
            ls_waiter_end(&waiter);
            ls_waiter_begin(&waiter);
        }
        if (moved < 0) {
            ls_segment_fail_lane(host->segment, host->index, err.text);
            signal_fd(host->failed_fd);
            break;
        }
        if (moved > 0) {
            ls_bell_ring(&host->segment->members[host->index].bell);
            ls_waiter_end(&waiter);
            ls_waiter_begin(&waiter);
        }
    }
    return NULL;
}

int ls_lane_host_start(struct ls_segment *segment, uint32_t lane_index, struct ls_lane *lane,
                       int door_fd, int failed_fd, struct ls_lane_host **ret_host,
                       struct ls_error *err)
{
    struct ls_lane_host *host = ls_calloc(1, sizeof(*host));
    sigset_t all, before;
    int rc;

    host->segment = segment;
    host->door = ls_segment_door(segment, lane_index);
    host->lane = lane;
    host->index = lane_index;
    host->door_fd = door_fd;
    host->failed_fd = failed_fd;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's business */
    rc = pthread_create(&host->thread, NULL, drive, host);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        ls_free(host);
        return ls_error_sys(err, -rc, "thread of lane %u", lane_index);
    }
    *ret_host = host;
    return 0;
}

void ls_lane_host_stop(struct ls_lane_host *host)
{
    if (!host)
        return;
    atomic_store(&host->stop, true);
    signal_fd(host->door_fd);
    pthread_join(host->thread, NULL);
    ls_lane_close(host->lane);
    ls_free(host);
}
