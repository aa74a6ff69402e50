/* scheduler/cli/shutdown.c - ending a cluster, from the jobs down to the last
 * process. */
#include "scheduler/cli/shutdown.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/proc/lock.h"
#include "agent/proc/process.h"
#include "agent/proc/step_dir.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/format.h"

enum {
    JOBS_END_MS = 30000, /* for all cancelled jobs together */
    DAEMON_GRACE_MS = 10000,
    LOOK_MS = 50,
};

int ls_cluster_lock(const char *directory, struct ls_error *err)
{
    char *path = ls_asprintf("%s/up.lock", directory);
    pid_t holder = 0;
    int fd = ls_lock_take(path, &holder, err);

    if (fd == -EWOULDBLOCK)
        ls_error_set(err, fd, "another `lockstep up` or `down` (pid %d) works on %s",
                     (int)holder, directory);
    else if (fd >= 0)
        ls_lock_name_holder(fd, getpid(), NULL);
    ls_free(path);
    return fd;
}

/* ---- jobs ---------------------------------------------------------------------- */

static int cancel_jobs(struct ls_client *client, size_t *ret_count,
                       struct ls_error *err)
{
    Ls__Frame *answer;
    struct ls_error refused; /* it ended just now */
    int rc = ls_client_jobs(client, 0, false, &answer, err);

    if (rc < 0)
        return rc;
    *ret_count = answer->jobs_reply->n_jobs;
    for (size_t i = 0; i < *ret_count; i++)
        ls_client_cancel(client, answer->jobs_reply->jobs[i]->id, 0, &refused);
    ls__frame__free_unpacked(answer, NULL);
    return 0;
}

/* Look until no job is left, or until the time is over: then the daemons' end ends
 * them. */
static int wait_for_jobs(struct ls_client *client, struct ls_error *err)
{
    uint64_t deadline_ms = ls_clock_ms() + JOBS_END_MS;

    for (;;) {
        Ls__Frame *answer;
        size_t left;
        int rc = ls_client_jobs(client, 0, false, &answer, err);

        if (rc < 0)
            return rc;
        left = answer->jobs_reply->n_jobs;
        ls__frame__free_unpacked(answer, NULL);
        if (left == 0)
            return 0;
        if (ls_clock_ms() >= deadline_ms)
            return ls_error_set(err, -ETIMEDOUT,
                                "jobs that do not end: %zu; killing them", left);
        usleep(LOOK_MS * 1000);
    }
}

static void end_jobs(const char *directory)
{
    struct ls_client client;
    struct ls_error err;
    size_t count = 0;
    int rc = ls_client_open(directory, &client, &err);

    if (rc == 0)
        rc = cancel_jobs(&client, &count, &err);
    if (rc == 0 && count) {
        fprintf(stderr, "lockstep: jobs cancelled: %zu; waiting for their end\n",
                count);
        rc = wait_for_jobs(&client, &err);
    }
    ls_client_close(&client);
    if (rc < 0)
        ls_complain(&err);
}

/* ---- what steps may have left --------------------------------------------------- */

/* Kill the processes of a node's attempts whose step did not end in order. */
static void sweep_node(const char *node_dir)
{
    struct ls_step_dir *dirs;
    size_t count;

    if (ls_step_dir_list(node_dir, &dirs, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        char *path = ls_step_dir_file(&dirs[i], "id"), *id;
        struct ls_error err;
        size_t size;

        if (ls_file_read(path, 4096, &id, &size, NULL) == 0) {
            if (size && ls_process_sweep(id, &err) < 0)
                ls_complain(&err);
            ls_free(id);
        }
        ls_free(path);
        ls_step_dir_free(&dirs[i]);
    }
    ls_free(dirs);
}

static void sweep(const char *directory)
{
    char *nodes = ls_asprintf("%s/nodes", directory);
    DIR *list = opendir(nodes);

    for (struct dirent *entry = list ? readdir(list) : NULL; entry;
         entry = readdir(list)) {
        char *node = ls_asprintf("%s/%s", nodes, entry->d_name);

        if (entry->d_name[0] != '.')
            sweep_node(node);
        ls_free(node);
    }
    if (list)
        closedir(list);
    ls_free(nodes);
}

/* ---- all of it ------------------------------------------------------------------ */

static void remove_file(const char *directory, const char *name)
{
    char *path = ls_asprintf("%s/%s", directory, name);

    unlink(path);
    ls_free(path);
}

/* Steps may have been started since the first look. */
static int end_steps(const char *directory, struct ls_error *err)
{
    struct ls_daemons daemons;
    int rc = ls_daemons_find(directory, &daemons, err);

    if (rc < 0)
        return rc;
    rc = ls_daemons_stop(&daemons, LS_DAEMON_STEP, DAEMON_GRACE_MS, err);
    ls_daemons_free(&daemons);
    return rc;
}

int ls_shutdown(const char *directory, const struct ls_daemons *daemons,
                struct ls_error *err)
{
    int rc;

    if (ls_daemons_get(daemons, LS_DAEMON_SCHEDULER, NULL))
        end_jobs(directory);
    /* The scheduler first: the end of its agents is no news for its history. */
    rc = ls_daemons_stop(daemons, LS_DAEMON_SCHEDULER, DAEMON_GRACE_MS, err);
    if (rc == 0)
        rc = ls_daemons_stop(daemons, LS_DAEMON_AGENT, DAEMON_GRACE_MS, err);
    if (rc == 0)
        rc = end_steps(directory, err);
    if (rc < 0)
        return rc;
    sweep(directory);
    remove_file(directory, "scheduler.sock");
    remove_file(directory, "scheduler.pid");
    return 0;
}
