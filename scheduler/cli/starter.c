/* scheduler/cli/starter.c - spawning daemons and their ready pipes. */
#include "scheduler/cli/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/pidfd.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

enum {
    ARGUMENTS_MAX = 24,
    READY_FD = 3, /* the pipe's number in the daemon */
    STOP_GRACE_MS = 10000,
    LAST_WORDS_MS = 5000,
    LOG_TAIL_BYTES = 4096,
};

/* ---- what to start ------------------------------------------------------------- */

/* The program beside this one if it is there, else its bare name, for PATH. */
static char *program_path(const char *program)
{
    char here[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);
    char *path;

    if (length <= 0)
        return ls_strdup(program);
    here[length] = '\0';
    path = ls_asprintf("%s/%s", dirname(here), program);
    if (access(path, X_OK) == 0)
        return path;
    ls_free(path);
    return ls_strdup(program);
}

/* This environment without what marks a job's processes: a cluster that is started
 * within a job does not belong to it. The array is the caller's, its strings are
 * not. */
static char **daemon_environment(void)
{
    static const char private[] = "LOCKSTEP_STEP_ID=";
    size_t count = 0, kept = 0;
    char **variables;

    while (environ[count])
        count++;
    variables = ls_calloc(count + 1, sizeof(*variables));
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], private, strlen(private)) != 0)
            variables[kept++] = environ[i];
    }
    return variables;
}

/* ---- spawning ------------------------------------------------------------------ */

/* posix_spawn() of a session leader with default signals. Returns 0 or -errno. */
static int spawn(const char *program, char *const *argv, int log_fd, int ready_fd,
                 pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **variables = daemon_environment();
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, log_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, log_fd, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ready_fd, READY_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, READY_FD + 1);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    rc = posix_spawnp(ret_pid, program, &actions, &attributes, argv, variables);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    ls_free(variables);
    return -rc;
}

static int spawn_daemon(const char *program, const char *const *arguments, int log_fd,
                        int ready_fd, pid_t *ret_pid, struct ls_error *err)
{
    char ready[16], option[] = "--ready-fd", *path = program_path(program);
    char *argv[ARGUMENTS_MAX + 4] = {path};
    size_t count = 1;
    int rc;

    while (arguments[count - 1] && count <= ARGUMENTS_MAX) {
        argv[count] = (char *)arguments[count - 1];
        count++;
    }
    snprintf(ready, sizeof(ready), "%d", READY_FD);
    argv[count++] = option;
    argv[count] = ready;
    rc = spawn(path, argv, log_fd, ready_fd, ret_pid);
    if (rc < 0)
        ls_error_sys(err, rc, "cannot start %s", path);
    ls_free(path);
    return rc;
}

static int open_log(const char *path, struct ls_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    return fd < 0 ? ls_error_sys(err, -errno, "cannot open %s", path) : fd;
}

int ls_starter_add(struct ls_starter *starter, enum ls_daemon_kind kind,
                   const char *name, const char *program, const char *const *arguments,
                   struct ls_error *err)
{
    char *log_path = ls_asprintf("%s/log/%s.log", starter->directory, name);
    int log_fd = open_log(log_path, err), ready[2], pidfd, rc = log_fd;
    struct stat status;
    pid_t pid;

    if (log_fd < 0)
        goto free_path;
    if (fstat(log_fd, &status) < 0 || pipe2(ready, O_CLOEXEC) < 0) {
        rc = ls_error_sys(err, -errno, "cannot start %s", program);
        goto close_log;
    }
    rc = spawn_daemon(program, arguments, log_fd, ready[1], &pid, err);
    close(ready[1]);
    if (rc < 0) {
        close(ready[0]);
        goto close_log;
    }
    pidfd = ls_pidfd_open(pid); /* our child: not reaped, so its pid is not reused */
    ls_daemons_add(&starter->started, kind, name, pid, pidfd);
    LS_GROW(starter->items, starter->count, starter->capacity);
    starter->items[starter->count++] =
        (struct ls_starting){ls_strdup(name), log_path, (long)status.st_size, ready[0]};
    close(log_fd);
    return 0;

close_log:
    close(log_fd);
free_path:
    ls_free(log_path);
    return rc;
}

/* ---- waiting ------------------------------------------------------------------- */

char *ls_log_last_line(const char *path, long start)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char tail[LOG_TAIL_BYTES + 1];
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    off_t from = end - start > LOG_TAIL_BYTES ? end - LOG_TAIL_BYTES : start;
    ssize_t size = fd < 0 ? 0 : pread(fd, tail, LOG_TAIL_BYTES, from);
    char *newline;

    ls_close(fd);
    while (size > 0 && (tail[size - 1] == '\n' || !tail[size - 1]))
        size--;
    tail[size > 0 ? size : 0] = '\0';
    newline = strrchr(tail, '\n');
    return ls_strdup(newline ? newline + 1 : tail);
}

/* A daemon that closes its pipe is about to end; its last words may still be to
 * come. */
static int failed(const struct ls_starting *item, const struct ls_daemon *daemon,
                  struct ls_error *err)
{
    char *line;
    int rc;

    ls_pidfd_wait(daemon->pidfd, LAST_WORDS_MS);
    line = ls_log_last_line(item->log_path, item->log_start);
    rc = ls_error_set(err, -ECHILD, "%s did not start: %s (log: %s)", item->name,
                      *line ? line : "it ended without a word", item->log_path);

    ls_free(line);
    return rc;
}

static int late(const struct ls_starting *item, int timeout_ms, struct ls_error *err)
{
    char *line = ls_log_last_line(item->log_path, item->log_start);
    int rc = ls_error_set(
        err, -ETIMEDOUT, "%s is not ready after %d s; its last words: %s (log: %s)",
        item->name, timeout_ms / 1000, *line ? line : "none", item->log_path);

    ls_free(line);
    return rc;
}

/* Take what a pipe says: a byte when its daemon is ready, its end when it has died. */
static int hear(struct ls_starting *item, const struct ls_daemon *daemon,
                struct ls_error *err)
{
    char byte;
    ssize_t size = read(item->ready_fd, &byte, 1);

    if (size < 0 && errno == EINTR)
        return 0;
    close(item->ready_fd);
    item->ready_fd = -1;
    return size == 1 ? 0 : failed(item, daemon, err);
}

static struct ls_starting *first_unready(struct ls_starter *starter)
{
    for (size_t i = 0; i < starter->count; i++) {
        if (starter->items[i].ready_fd >= 0)
            return &starter->items[i];
    }
    return NULL;
}

/* One round of listening to all pipes. */
static int wait_some(struct ls_starter *starter, struct pollfd *pipes,
                     uint64_t deadline_ms)
{
    uint64_t now_ms = ls_clock_ms();

    for (size_t i = 0; i < starter->count; i++)
        pipes[i] = (struct pollfd){.fd = starter->items[i].ready_fd, .events = POLLIN};
    if (now_ms >= deadline_ms)
        return 0;
    return poll(pipes, starter->count, (int)(deadline_ms - now_ms));
}

int ls_starter_wait(struct ls_starter *starter, int timeout_ms, struct ls_error *err)
{
    uint64_t deadline_ms = ls_clock_ms() + (uint64_t)timeout_ms;
    struct pollfd *pipes = ls_calloc(starter->count, sizeof(*pipes));
    int rc = 0;

    while (rc == 0 && first_unready(starter)) {
        int heard = wait_some(starter, pipes, deadline_ms);

        if (heard == 0)
            rc = late(first_unready(starter), timeout_ms, err);
        for (size_t i = 0; i < starter->count && heard > 0 && rc == 0; i++) {
            if (pipes[i].revents)
                rc = hear(&starter->items[i], &starter->started.items[i], err);
        }
    }
    ls_free(pipes);
    return rc;
}

void ls_starter_stop(struct ls_starter *starter)
{
    ls_daemons_stop(&starter->started, LS_DAEMON_AGENT, STOP_GRACE_MS, NULL);
    ls_daemons_stop(&starter->started, LS_DAEMON_SCHEDULER, STOP_GRACE_MS, NULL);
}

void ls_starter_free(struct ls_starter *starter)
{
    for (size_t i = 0; i < starter->count; i++) {
        ls_free(starter->items[i].name);
        ls_free(starter->items[i].log_path);
        ls_close(starter->items[i].ready_fd);
    }
    ls_free(starter->items);
    ls_daemons_free(&starter->started);
}
