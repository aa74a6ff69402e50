/* agent/daemon/step_process.c - the process lockstep-step.
 *
 * Depends on agent/proc, common/util, libuv. */
#include "agent/daemon/step_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/proc/environment.h"
#include "agent/proc/pidfd.h"
#include "agent/proc/process.h"
#include "agent/proc/spawn.h"
#include "common/util/file.h"
#include "common/util/mem.h"

struct ls_step_process {
    pid_t pid;
    int pidfd, ready_fd; /* ready_fd -1 = of a found one */
    uv_poll_t end, ready;
    unsigned holds;
    bool closing;
    const struct ls_step_process_events *events;
    void *context;
};

static void ended(uv_poll_t *poll, int status, int events)
{
    struct ls_step_process *process = poll->data;

    (void)status;
    (void)events;
    uv_poll_stop(poll);
    process->events->ended(process->context);
}

/* A line says ready. The end without one says that it has died: ended() follows. */
static void ready(uv_poll_t *poll, int status, int events)
{
    struct ls_step_process *process = poll->data;
    char byte;
    ssize_t size = read(process->ready_fd, &byte, 1);

    (void)status;
    (void)events;
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    uv_poll_stop(poll);
    if (size == 1)
        process->events->ready(process->context);
}

static void watch(uv_loop_t *loop, struct ls_step_process *process)
{
    uv_poll_init(loop, &process->end, process->pidfd);
    process->end.data = process;
    process->holds = 1;
    uv_poll_start(&process->end, UV_READABLE, ended);
    if (process->ready_fd < 0)
        return;
    uv_poll_init(loop, &process->ready, process->ready_fd);
    process->ready.data = process;
    process->holds = 2;
    uv_poll_start(&process->ready, UV_READABLE, ready);
}

int ls_step_process_watch(uv_loop_t *loop, pid_t pid,
                          const struct ls_step_process_events *events, void *context,
                          struct ls_step_process **ret_process)
{
    struct ls_step_process *process;
    int pidfd = ls_pidfd_open(pid);

    if (pidfd < 0)
        return pidfd;
    process = ls_calloc(1, sizeof(*process));
    process->pid = pid;
    process->pidfd = pidfd;
    process->ready_fd = -1;
    process->events = events;
    process->context = context;
    watch(loop, process);
    *ret_process = process;
    return 0;
}

/* The step carries its id, so that a sweep finds also what it has forked and not yet
 * turned into a rank. */
static int spawn(const struct ls_step_process_start *start, int ready_fd,
                 pid_t *ret_pid, struct ls_error *err)
{
    struct ls_environment environment = {0};
    const char *argv[] = {
        start->program,
        "--host",
        start->host,
        "--lock-fd",
        "3",
        "--ready-fd",
        "4",
        "--log-level",
        start->log_level,
        start->dir,
        start->log_json ? "--log-json" : NULL,
        NULL,
    };
    struct ls_spawn spawn = {
        .argv = (char *const *)argv,
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = STDERR_FILENO, /* our log is its log */
        .keep = {start->lock, ready_fd},
        .keep_count = 2,
        .new_session = true,
    };
    size_t count = 0;
    int exit_code, rc;

    while (environ[count])
        count++;
    ls_environment_load(&environment, environ, count);
    ls_environment_set(&environment, LS_STEP_ID_VARIABLE, "%s", start->id);
    spawn.env = environment.items;
    rc = ls_spawn(&spawn, ret_pid, &exit_code, err);
    ls_environment_free(&environment);
    return rc;
}

int ls_step_process_start(uv_loop_t *loop, const struct ls_step_process_start *start,
                          const struct ls_step_process_events *events, void *context,
                          struct ls_step_process **ret_process, struct ls_error *err)
{
    struct ls_step_process *process;
    int fds[2], pidfd;
    pid_t pid;
    int rc;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return ls_error_sys(err, -errno, "cannot start a step");
    rc = spawn(start, fds[1], &pid, err);
    close(fds[1]);
    if (rc < 0)
        goto close_pipe;
    pidfd = ls_pidfd_open(pid); /* our child, not yet reaped: its pid is its own */
    if (pidfd < 0) {
        rc = ls_error_sys(err, pidfd, "cannot watch a step");
        goto close_pipe;
    }
    process = ls_calloc(1, sizeof(*process));
    process->pid = pid;
    process->pidfd = pidfd;
    process->ready_fd = fds[0];
    process->events = events;
    process->context = context;
    watch(loop, process);
    *ret_process = process;
    return 0;

close_pipe:
    close(fds[0]);
    return rc;
}

pid_t ls_step_process_pid(const struct ls_step_process *process)
{
    return process->closing ? 0 : process->pid;
}

static void poll_closed(uv_handle_t *handle)
{
    struct ls_step_process *process = handle->data;

    if (--process->holds > 0)
        return;
    ls_close(process->pidfd);
    ls_close(process->ready_fd);
    process->events->closed(process->context);
    ls_free(process);
}

void ls_step_process_close(struct ls_step_process *process)
{
    if (!process || process->closing)
        return;
    process->closing = true;
    uv_close((uv_handle_t *)&process->end, poll_closed);
    if (process->ready_fd >= 0)
        uv_close((uv_handle_t *)&process->ready, poll_closed);
}
