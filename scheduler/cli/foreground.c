/* scheduler/cli/foreground.c - watching over a cluster from a terminal or a service. */
#include "scheduler/cli/foreground.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/attach.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/shutdown.h"
#include "scheduler/cli/starter.h"

/* Say that a daemon has ended on its own; true when that ends the cluster. */
static bool report_end(const struct ls_cluster *cluster, const struct ls_daemon *daemon)
{
    char *log = ls_asprintf("%s/log/%s.log", cluster->directory, daemon->name);
    char *line = ls_log_last_line(log, 0);
    struct ls_error err;

    ls_error_set(&err, -ECHILD, "%s has ended: %s (log: %s)", daemon->name, line, log);
    ls_complain(&err);
    ls_free(line);
    ls_free(log);
    return daemon->kind == LS_DAEMON_SCHEDULER;
}

/* Returns true when a signal came, false when the cluster has ended on its own. */
static bool watch(const struct ls_cluster *cluster, int signal_fd)
{
    size_t count = cluster->daemons.count;
    struct pollfd *ready = ls_calloc(count + 1, sizeof(*ready));
    bool ended = false;

    for (size_t i = 0; i < count; i++) {
        if (cluster->daemons.items[i].kind != LS_DAEMON_STEP)
            ready[i] = (struct pollfd){cluster->daemons.items[i].pidfd, POLLIN, 0};
        else
            ready[i].fd = -1;
    }
    ready[count] = (struct pollfd){signal_fd, POLLIN, 0};
    while (!ended && !ready[count].revents) {
        if (poll(ready, count + 1, -1) < 0)
            continue; /* EINTR: revents are as before */
        for (size_t i = 0; i < count; i++) {
            if (!ready[i].revents)
                continue;
            ended |= report_end(cluster, &cluster->daemons.items[i]);
            ready[i].fd = -1;
        }
    }
    ended = ended && !ready[count].revents;
    ls_free(ready);
    return !ended;
}

int ls_foreground(const struct ls_cluster *cluster)
{
    struct ls_error err;
    int lock, rc, signal_fd = ls_attach_signals(&err);
    bool told;

    if (signal_fd < 0)
        return ls_complain(&err);
    printf("\nCtrl-C ends it\n");
    fflush(stdout);
    told = watch(cluster, signal_fd);
    ls_close(signal_fd);
    lock = ls_cluster_lock(cluster->directory, &err);
    if (lock == -EWOULDBLOCK && !told)
        return LS_EXIT_DONE; /* a `lockstep down` is at it */
    rc = lock < 0 ? lock : ls_shutdown(cluster->directory, &cluster->daemons, &err);
    ls_close(lock);
    if (rc < 0)
        return ls_complain(&err);
    return told ? LS_EXIT_DONE : LS_EXIT_FAILED;
}
