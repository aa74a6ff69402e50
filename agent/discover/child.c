/* agent/discover/child.c - one function, run in a forked child with limits. */
#include "agent/discover/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

/* The first byte of an answer. */
enum { ANSWER_BYTES = 'B', ANSWER_ERROR = 'E' };

enum { MESSAGES_BYTES_MAX = 1 << 20 };

struct child {
    pid_t pid;
    int pidfd;    /* readable when the child has ended */
    int answer;   /* read end of its pipe */
    int messages; /* its stderr, a memfd */
    uint64_t deadline_ms;
};

/* ---- in the child ------------------------------------------------------------- */

static void limit(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit value = {.rlim_cur = soft, .rlim_max = hard};

    /* Fails only above the parent's own hard limit, which then holds. */
    (void)setrlimit((__rlimit_resource_t)resource, &value);
}

static uint64_t address_space_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file) {
        if (fscanf(file, "%llu", &pages) != 1)
            pages = 0;
        (void)fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void set_limits(const struct ls_child_limits *limits)
{
    rlim_t cpu_s = (limits->time_ms + 999) / 1000;

    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, MESSAGES_BYTES_MAX, MESSAGES_BYTES_MAX);
    limit(RLIMIT_CPU, cpu_s, cpu_s + 1);
    if (limits->memory_bytes > 0) {
        /* On top of what is mapped: under a sanitizer that is terabytes. */
        rlim_t bytes = address_space_bytes() + limits->memory_bytes;

        limit(RLIMIT_AS, bytes, bytes);
    }
}

/* Handlers are the parent's; a crash has to end this process with its signal, also
 * where a sanitizer would catch it. */
static void reset_signals(void)
{
    sigset_t none;

    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        (void)signal(signal_number, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Keep stdin, stdout (both empty), stderr (the memfd) and the answer, as number 3. */
static void keep_descriptors(int answer, int messages)
{
    int empty = open("/dev/null", O_RDWR);
    int kept = fcntl(answer, F_DUPFD, 10);
    int caught = fcntl(messages, F_DUPFD, 10);

    if (empty < 0 || kept < 0 || caught < 0)
        _exit(EXIT_FAILURE);
    dup2(empty, STDIN_FILENO);
    dup2(empty, STDOUT_FILENO);
    dup2(caught, STDERR_FILENO);
    dup2(kept, STDERR_FILENO + 1);
    close_range(STDERR_FILENO + 2, ~0U, 0);
}

static void send_answer(char kind, const void *bytes, size_t size)
{
    int fd = STDERR_FILENO + 1;

    if (ls_write_all(fd, &kind, 1) < 0 || ls_write_all(fd, bytes, size) < 0)
        _exit(EXIT_FAILURE);
}

_Noreturn static void run_child(ls_child_function *function, const void *argument,
                                const struct ls_child_limits *limits, int answer,
                                int messages, pid_t parent)
{
    struct ls_error err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    int rc;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    reset_signals();
    keep_descriptors(answer, messages);
    set_limits(limits);
    rc = function(argument, &bytes, &size, &err);
    if (rc < 0)
        send_answer(ANSWER_ERROR, &err, sizeof(err));
    else
        send_answer(ANSWER_BYTES, bytes, size);
    _exit(EXIT_SUCCESS);
}

/* ---- in the parent ------------------------------------------------------------ */

static int start(ls_child_function *function, const void *argument,
                 const struct ls_child_limits *limits, struct child *child,
                 struct ls_error *err)
{
    pid_t self = getpid();
    int ends[2];
    int rc;

    child->messages = memfd_create("messages", MFD_CLOEXEC);
    if (child->messages < 0)
        return ls_error_sys(err, -errno, "memfd_create");
    if (pipe2(ends, O_CLOEXEC) < 0) {
        rc = ls_error_sys(err, -errno, "pipe");
        goto close_messages;
    }
    child->pid = fork();
    if (child->pid < 0) {
        rc = ls_error_sys(err, -errno, "fork");
        goto close_pipe;
    }
    if (child->pid == 0)
        run_child(function, argument, limits, ends[1], child->messages, self);
    close(ends[1]);
    child->answer = ends[0];
    child->pidfd = pidfd_open(child->pid, 0);
    child->deadline_ms = ls_clock_ms() + limits->time_ms;
    return 0;

close_pipe:
    close(ends[0]);
    close(ends[1]);
close_messages:
    close(child->messages);
    return rc;
}

/* 1 when `fd` can be read, 0 when the child's time is over. */
static int wait_readable(const struct child *child, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    for (;;) {
        uint64_t now = ls_clock_ms();
        int left = child->deadline_ms > now ? (int)(child->deadline_ms - now) : 0;
        int ready = poll(&poll_fd, 1, left);

        if (ready > 0)
            return 1;
        if (ready == 0 || errno != EINTR)
            return 0;
    }
}

/* Read until the child closes its end. Returns 1, or 0 when its time is over or it
 * sends more than it may. */
static int read_answer(const struct child *child, uint8_t *bytes, size_t *ret_size)
{
    size_t size = 0;

    for (;;) {
        ssize_t part;

        if (size > LS_CHILD_ANSWER_MAX || !wait_readable(child, child->answer))
            return 0;
        part = read(child->answer, bytes + size, LS_CHILD_ANSWER_MAX + 1 - size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            break;
        size += (size_t)part;
    }
    *ret_size = size;
    return 1;
}

/* Wait for the end, killing what does not come by itself. */
static int reap(const struct child *child, int in_time)
{
    int status = 0;

    if (!in_time || child->pidfd < 0 || !wait_readable(child, child->pidfd))
        kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0) {
        if (errno != EINTR)
            return 0; /* SIGCHLD is ignored: the kernel reaped it, the answer decides */
    }
    return status;
}

/* ": " and the first line the child wrote to stderr, without control characters. */
static void first_message(const struct child *child, char text[LS_CHILD_MESSAGE_MAX])
{
    char line[LS_CHILD_MESSAGE_MAX - 2];
    ssize_t size = pread(child->messages, line, sizeof(line) - 1, 0);
    size_t begin, length;

    text[0] = '\0';
    if (size <= 0)
        return;
    line[size] = '\0';
    begin = strspn(line, "\r\n\t =*");
    length = strcspn(line + begin, "\r\n");
    line[begin + length] = '\0';
    for (char *c = line + begin; *c; c++)
        *c = (*c < 0x20 || *c > 0x7E) ? '?' : *c;
    if (length > 0)
        (void)snprintf(text, LS_CHILD_MESSAGE_MAX, ": %s", line + begin);
}

static int describe_end(const struct child *child, const struct ls_child_limits *limits,
                        int in_time, int status, struct ls_error *err)
{
    char message[LS_CHILD_MESSAGE_MAX];

    first_message(child, message);
    if (!in_time || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
        return ls_error_set(err, -ETIMEDOUT, "%s gave no answer within %g s%s",
                            limits->what, limits->time_ms / 1000.0, message);
    if (WIFSIGNALED(status))
        return ls_error_set(err, -EFAULT, "%s crashed (SIG%s)%s", limits->what,
                            sigabbrev_np(WTERMSIG(status)), message);
    return ls_error_set(err, -EIO, "%s ended without an answer (exit code %d)%s",
                        limits->what, WEXITSTATUS(status), message);
}

/* The child's own error, which is text from a process that may have gone wild. */
static int take_error(const uint8_t *bytes, size_t size, struct ls_error *err)
{
    struct ls_strbuf text = {0};
    struct ls_error sent;
    int rc;

    if (size != sizeof(sent))
        return ls_error_set(err, -EIO, "ended with half an answer");
    memcpy(&sent, bytes, sizeof(sent));
    sent.text[sizeof(sent.text) - 1] = '\0';
    ls_strbuf_add_printable(&text, sent.text);
    rc = ls_error_set(err, sent.code < 0 ? sent.code : -EIO, "%s", text.text);
    ls_strbuf_free(&text);
    return rc;
}

int ls_child_run(ls_child_function *function, const void *argument,
                 const struct ls_child_limits *limits, uint8_t **ret_bytes,
                 size_t *ret_size, struct ls_error *err)
{
    struct child child = {.pid = -1};
    uint8_t *bytes;
    size_t size = 0;
    int in_time, status;
    int rc = start(function, argument, limits, &child, err);

    if (rc < 0)
        return rc;
    bytes = ls_calloc(LS_CHILD_ANSWER_MAX + 1, 1);
    in_time = read_answer(&child, bytes, &size);
    status = reap(&child, in_time);
    if (!in_time || status != 0 || size == 0) {
        rc = describe_end(&child, limits, in_time, status, err);
        ls_free(bytes);
    } else if (bytes[0] != ANSWER_BYTES) {
        rc = take_error(bytes + 1, size - 1, err);
        ls_free(bytes);
    } else {
        memmove(bytes, bytes + 1, size - 1);
        *ret_bytes = bytes;
        *ret_size = size - 1;
    }
    ls_close(child.pidfd);
    close(child.answer);
    close(child.messages);
    return rc;
}
