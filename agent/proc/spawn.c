/* agent/proc/spawn.c - fork and exec. Depends on common/util, identity, cpulist. */
#include "agent/proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum stage { STAGE_SETUP, STAGE_IDENTITY, STAGE_CPUS, STAGE_CWD, STAGE_EXEC };

enum { FD_FIRST_FREE = 64 }; /* above every number that a child is given */

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

/* What the child tells through the pipe when it cannot go on. */
struct failure {
    int32_t stage;
    int32_t code; /* positive errno */
};

/* All that the child needs, made before the fork. */
struct child {
    const struct ls_spawn *spawn;
    char **candidates; /* paths to try, in order; ends with NULL */
    int null_fd;
    int failure_fd;
    pid_t parent;
};

/* ---- before the fork ------------------------------------------------------- */

static const char *search_path(char *const *env)
{
    for (; *env; env++) {
        if (strncmp(*env, "PATH=", 5) == 0 && (*env)[5])
            return *env + 5;
    }
    return default_path;
}

static char **find_candidates(const struct ls_spawn *spawn)
{
    const char *name = spawn->argv[0];
    const char *at = search_path(spawn->env);
    size_t count = 0, capacity = 0;
    char **paths = NULL;

    if (strchr(name, '/')) {
        paths = ls_calloc(2, sizeof(*paths));
        paths[0] = ls_strdup(name);
        return paths;
    }
    for (;;) {
        size_t size = strcspn(at, ":");

        LS_GROW(paths, count, capacity);
        paths[count++] = size ? ls_asprintf("%.*s/%s", (int)size, at, name)
                              : ls_asprintf("./%s", name);
        at += size;
        if (!*at++)
            break;
    }
    LS_GROW(paths, count, capacity);
    paths[count] = NULL;
    return paths;
}

static void free_candidates(char **paths)
{
    for (size_t i = 0; paths[i]; i++)
        ls_free(paths[i]);
    ls_free(paths);
}

/* ---- in the child: system calls only --------------------------------------- */

static _Noreturn void fail(int fd, enum stage stage, int code)
{
    struct failure failure = {.stage = stage, .code = code};

    if (write(fd, &failure, sizeof(failure)) < 0) {
        /* The parent is gone: nobody to tell. */
    }
    _exit(LS_SPAWN_FAILED);
}

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Put the descriptors to their numbers and close all others. First everything moves out
 * of the way, so that no number is overwritten before it was copied. */
static int place_descriptors(struct child *child)
{
    const struct ls_spawn *spawn = child->spawn;
    int from[3 + LS_SPAWN_KEEP_MAX] = {spawn->stdin_fd, spawn->stdout_fd,
                                       spawn->stderr_fd};
    int count = 3 + (int)spawn->keep_count;
    int failure_fd = fcntl(child->failure_fd, F_DUPFD_CLOEXEC, FD_FIRST_FREE);

    if (failure_fd < 0)
        return -errno;
    child->failure_fd = failure_fd;
    for (size_t i = 0; i < spawn->keep_count; i++)
        from[3 + i] = spawn->keep[i];
    for (int i = 0; i < count; i++) {
        from[i] = fcntl(from[i] < 0 ? child->null_fd : from[i], F_DUPFD_CLOEXEC,
                        FD_FIRST_FREE);
        if (from[i] < 0)
            return -errno;
    }
    for (int i = 0; i < count; i++) {
        if (dup2(from[i], i) < 0)
            return -errno;
    }
    if (dup3(child->failure_fd, count, O_CLOEXEC) < 0)
        return -errno;
    child->failure_fd = count;
    return syscall(SYS_close_range, count + 1, UINT_MAX, 0) < 0 ? -errno : 0;
}

static int leave_group(const struct ls_spawn *spawn)
{
    if (spawn->new_session)
        return setsid() < 0 ? -errno : 0;
    return setpgid(0, 0) < 0 ? -errno : 0;
}

/* Last of all setup: a change of identity clears the death signal. */
static void tie_to_parent(const struct child *child)
{
    if (!child->spawn->die_with_parent)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != child->parent)
        _exit(LS_SPAWN_FAILED); /* it ended before the call */
}

/* As a shell: what is not there is passed over, what may not be run is remembered. */
static _Noreturn void run(const struct child *child)
{
    int code = ENOENT;

    for (char **path = child->candidates; *path; path++) {
        execve(*path, child->spawn->argv, child->spawn->env);
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            fail(child->failure_fd, STAGE_EXEC, errno);
        if (errno == EACCES || !child->candidates[1])
            code = errno;
    }
    fail(child->failure_fd, STAGE_EXEC, code);
}

static _Noreturn void child_main(struct child *child)
{
    const struct ls_spawn *spawn = child->spawn;
    int rc = place_descriptors(child);

    if (rc == 0)
        rc = leave_group(spawn);
    if (rc < 0)
        fail(child->failure_fd, STAGE_SETUP, -rc);
    if (spawn->cpus && (rc = ls_cpus_bind(spawn->cpus)) < 0)
        fail(child->failure_fd, STAGE_CPUS, -rc);
    if (spawn->identity && (rc = ls_identity_become(spawn->identity)) < 0)
        fail(child->failure_fd, STAGE_IDENTITY, -rc);
    tie_to_parent(child);
    if (spawn->cwd && chdir(spawn->cwd) < 0)
        fail(child->failure_fd, STAGE_CWD, errno);
    reset_signals();
    run(child);
}

/* ---- in the parent --------------------------------------------------------- */

/* Signals stay blocked from before the fork until the child has reset its handlers, so
 * that none of the parent's handlers runs in the child. */
static pid_t fork_child(struct child *child)
{
    sigset_t all, old;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = fork();
    if (pid == 0)
        child_main(child);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return pid;
}

static int describe(const struct ls_spawn *spawn, const struct failure *failure,
                    int *ret_exit_code, struct ls_error *err)
{
    int code = -failure->code;

    *ret_exit_code = LS_SPAWN_FAILED;
    switch ((enum stage)failure->stage) {
    case STAGE_EXEC:
        *ret_exit_code = code == -ENOENT || code == -ENOTDIR ? LS_SPAWN_NOT_FOUND
                                                             : LS_SPAWN_NOT_RUNNABLE;
        return ls_error_sys(err, code, "cannot run '%s'", spawn->argv[0]);
    case STAGE_CWD:
        return ls_error_sys(err, code, "cannot enter '%s'", spawn->cwd);
    case STAGE_CPUS:
        return ls_error_sys(err, code, "cannot bind to cores");
    case STAGE_IDENTITY:
        return ls_error_sys(err, code, "cannot become user %u",
                            (unsigned)spawn->identity->uid);
    case STAGE_SETUP:
        break;
    }
    return ls_error_sys(err, code, "cannot prepare the process");
}

/* Wait until the program runs (the pipe closes unread) or the child says why not. */
static int read_failure(int fd, struct failure *ret_failure)
{
    ssize_t size;

    do
        size = read(fd, ret_failure, sizeof(*ret_failure));
    while (size < 0 && errno == EINTR);
    return size == sizeof(*ret_failure);
}

static int start(struct child *child, int pipe_fds[2], pid_t *ret_pid,
                 int *ret_exit_code, struct ls_error *err)
{
    struct failure failure;
    bool failed;
    pid_t pid;

    child->failure_fd = pipe_fds[1];
    pid = fork_child(child);
    if (pid < 0) {
        *ret_exit_code = LS_SPAWN_FAILED;
        return ls_error_sys(err, -errno, "cannot start a process");
    }
    close(pipe_fds[1]);
    pipe_fds[1] = -1;
    failed = read_failure(pipe_fds[0], &failure);
    if (!failed) {
        *ret_pid = pid;
        return 0;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return describe(child->spawn, &failure, ret_exit_code, err);
}

int ls_spawn(const struct ls_spawn *spawn, pid_t *ret_pid, int *ret_exit_code,
             struct ls_error *err)
{
    struct child child = {.spawn = spawn, .parent = getpid()};
    int pipe_fds[2] = {-1, -1};
    int rc;

    ls_assert(spawn->argv[0] && spawn->keep_count <= LS_SPAWN_KEEP_MAX);
    *ret_exit_code = LS_SPAWN_FAILED;
    child.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (child.null_fd < 0)
        return ls_error_sys(err, -errno, "/dev/null");
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        rc = ls_error_sys(err, -errno, "cannot start a process");
        goto close_null;
    }
    child.candidates = find_candidates(spawn);
    rc = start(&child, pipe_fds, ret_pid, ret_exit_code, err);
    free_candidates(child.candidates);
    ls_close(pipe_fds[0]);
    ls_close(pipe_fds[1]);
close_null:
    close(child.null_fd);
    return rc;
}
