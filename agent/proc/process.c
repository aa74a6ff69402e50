/* agent/proc/process.c - finding processes and ending them.
 *
 * Depends on common/util, pidfd. */
#include "agent/proc/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/proc/pidfd.h"
#include "common/util/clock.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

enum {
    SWEEP_LIMIT_MS = 5000,
    SWEEP_QUIET_ROUNDS =
        2,               /* a process in the middle of execve() shows no environment */
    SWEEP_WAIT_MS = 100, /* for one process to end, a round */
    STAT_MAX = 1024,
    READ_SIZE = 16 * 1024,
};

struct process {
    pid_t pid, parent;
    unsigned long long start_time; /* with pid: this process and no later one */
    bool zombie;
    bool chosen;
};

struct processes {
    struct process *items;
    size_t count, capacity;
};

/* ---- reading /proc --------------------------------------------------------- */

/* Fields of proc(5) stat. The name (field 2) may hold anything: look from its end. */
static int read_stat(pid_t pid, struct process *ret_process)
{
    char path[64], text[STAT_MAX];
    const char *after;
    ssize_t size;
    char state;
    int fd, parent;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (size <= 0)
        return -ESRCH;
    text[size] = '\0';
    after = strrchr(text, ')');
    *ret_process = (struct process){.pid = pid};
    if (!after || sscanf(after + 1,
                         " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
                         "%*d %*d %*d %*d %llu",
                         &state, &parent, &ret_process->start_time) != 3)
        return -EPROTO;
    ret_process->parent = parent;
    ret_process->zombie = state == 'Z' || state == 'X';
    return 0;
}

/* All processes of the system. */
static int read_all(struct processes *all, struct ls_error *err)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    all->count = 0;
    if (!proc)
        return ls_error_sys(err, -errno, "/proc");
    while ((entry = readdir(proc)) != NULL) {
        struct process process;

        if (!isdigit((unsigned char)entry->d_name[0]) ||
            read_stat((pid_t)strtol(entry->d_name, NULL, 10), &process) < 0)
            continue;
        LS_GROW(all->items, all->count, all->capacity);
        all->items[all->count++] = process;
    }
    closedir(proc);
    return 0;
}

/* Does the process carry NAME=value in its environment? False when it may not be read.
 */
static bool carries(pid_t pid, const char *line)
{
    struct ls_strbuf text = {0};
    char path[64], bytes[READ_SIZE];
    bool found = false;
    ssize_t size;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ls_strbuf_add_bytes(&text, "", 1); /* so that each line stands between two NULs */
    while ((size = read(fd, bytes, sizeof(bytes))) > 0)
        ls_strbuf_add_bytes(&text, bytes, (size_t)size);
    close(fd);
    for (const char *at = text.text; !found && at;) {
        size_t left = text.length - (size_t)(at - text.text);

        at = memmem(at, left, line, strlen(line) + 1); /* with its NUL */
        found = at && at[-1] == '\0';
        at = at ? at + 1 : NULL;
    }
    ls_strbuf_free(&text);
    return found;
}

/* ---- signalling ------------------------------------------------------------ */

/* A descriptor of exactly this process, or -ESRCH when it has ended since. */
static int open_process(const struct process *process)
{
    int fd = ls_pidfd_open(process->pid);
    struct process now = {0};

    if (fd < 0)
        return fd;
    if (read_stat(process->pid, &now) == 0 && now.start_time == process->start_time)
        return fd;
    close(fd);
    return -ESRCH;
}

static void signal_chosen(const struct processes *all, int signal)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct process *process = &all->items[i];
        int fd = process->chosen && !process->zombie ? open_process(process) : -1;

        if (fd < 0)
            continue;
        ls_pidfd_signal(fd, signal);
        close(fd);
    }
}

/* ---- descendants ----------------------------------------------------------- */

static bool contains(const pid_t *pids, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (pids[i] == pid)
            return true;
    }
    return false;
}

static int compare_pids(const void *left, const void *right)
{
    const struct process *a = left, *b = right;

    return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static const struct process *find_process(const struct processes *all, pid_t pid)
{
    struct process key = {.pid = pid};

    return bsearch(&key, all->items, all->count, sizeof(key), compare_pids);
}

/* Is the process below `root`, with nothing spared on the way? The way up is bounded by
 * the number of processes: a snapshot that is not of one moment may have a ring. */
static bool descends(const struct processes *all, const struct process *process,
                     pid_t root, const pid_t *spared, size_t spared_count)
{
    for (size_t depth = 0; process && depth < all->count; depth++) {
        if (contains(spared, spared_count, process->pid))
            return false;
        if (process->parent == root)
            return true;
        process = find_process(all, process->parent);
    }
    return false;
}

static int choose_descendants(struct processes *all, const pid_t *spared,
                              size_t spared_count, struct ls_error *err)
{
    int rc = read_all(all, err);
    int count = 0;

    if (rc < 0)
        return rc;
    qsort(all->items, all->count, sizeof(*all->items), compare_pids);
    for (size_t i = 0; i < all->count; i++) {
        struct process *process = &all->items[i];

        process->chosen = descends(all, process, getpid(), spared, spared_count);
        count += process->chosen && !process->zombie;
    }
    return count;
}

int ls_process_signal_descendants(int signal, const pid_t *spared, size_t spared_count,
                                  struct ls_error *err)
{
    struct processes all = {0};
    int count = choose_descendants(&all, spared, spared_count, err);

    if (count > 0 && signal == SIGKILL) {
        signal_chosen(&all, SIGSTOP);
        count = choose_descendants(&all, spared, spared_count, err);
    }
    if (count > 0)
        signal_chosen(&all, signal);
    ls_free(all.items);
    return count;
}

/* ---- sweep ----------------------------------------------------------------- */

static int choose_carriers(struct processes *all, const char *line,
                           struct ls_error *err)
{
    int rc = read_all(all, err);
    int count = 0;

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < all->count; i++) {
        struct process *process = &all->items[i];

        process->chosen =
            !process->zombie && process->pid != getpid() && carries(process->pid, line);
        count += process->chosen;
    }
    return count;
}

static void await_chosen(const struct processes *all)
{
    for (size_t i = 0; i < all->count; i++) {
        int fd = all->items[i].chosen ? open_process(&all->items[i]) : -1;

        if (fd < 0)
            continue;
        ls_pidfd_wait(fd, SWEEP_WAIT_MS);
        close(fd);
    }
}

int ls_process_sweep(const char *step_id, struct ls_error *err)
{
    char *line = ls_asprintf(LS_STEP_ID_VARIABLE "=%s", step_id);
    struct processes all = {0};
    uint64_t deadline_ms = ls_clock_ms() + SWEEP_LIMIT_MS;
    int quiet = 0, killed = 0, count = 0;

    while (quiet < SWEEP_QUIET_ROUNDS && ls_clock_ms() < deadline_ms) {
        count = choose_carriers(&all, line, err);
        if (count < 0)
            break;
        quiet = count == 0 ? quiet + 1 : 0;
        if (count == 0)
            continue;
        killed += count;
        signal_chosen(&all, SIGKILL);
        await_chosen(&all);
    }
    if (count > 0)
        killed =
            ls_error_set(err, -ETIMEDOUT, "%d processes of step %s cannot be killed",
                         count, step_id);
    ls_free(all.items);
    ls_free(line);
    return count < 0 ? count : killed;
}
