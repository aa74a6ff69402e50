/* scheduler/cli/daemons.c - finding and ending the programs of a cluster. */
#include "scheduler/cli/daemons.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/pidfd.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum { CMDLINE_BYTES_MAX = 64 * 1024, KILL_WAIT_MS = 5000 };

static const struct {
    const char *program;
    enum ls_daemon_kind kind;
} programs[] = {
    {"lockstep-scheduler", LS_DAEMON_SCHEDULER},
    {"lockstep-agent", LS_DAEMON_AGENT},
    {"lockstep-step", LS_DAEMON_STEP},
};

void ls_daemons_add(struct ls_daemons *daemons, enum ls_daemon_kind kind,
                    const char *name, pid_t pid, int pidfd)
{
    LS_GROW(daemons->items, daemons->count, daemons->capacity);
    daemons->items[daemons->count++] =
        (struct ls_daemon){kind, ls_strdup(name), pid, pidfd};
}

void ls_daemons_free(struct ls_daemons *daemons)
{
    for (size_t i = 0; i < daemons->count; i++) {
        ls_free(daemons->items[i].name);
        ls_close(daemons->items[i].pidfd);
    }
    ls_free(daemons->items);
    *daemons = (struct ls_daemons){0};
}

/* ---- command lines: words, each ended by a NUL --------------------------------- */

struct words {
    const char *bytes;
    size_t size;
};

static const char *next_word(const struct words *words, const char *word)
{
    const char *next = word + strlen(word) + 1;

    return next < words->bytes + words->size ? next : NULL;
}

/* The value of "--name VALUE". */
static const char *value_of(const struct words *words, const char *option)
{
    for (const char *word = words->bytes; word; word = next_word(words, word)) {
        if (!strcmp(word, option))
            return next_word(words, word);
    }
    return NULL;
}

static bool is_inside(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return !strncmp(path, directory, length) && path[length] == '/';
}

/* Is it a daemon of this directory? Its kind and name (borrowed) if so. */
static bool recognise(const struct words *words, const char *directory,
                      enum ls_daemon_kind *ret_kind, const char **ret_name)
{
    const char *slash = strrchr(words->bytes, '/');
    const char *program = slash ? slash + 1 : words->bytes;
    const char *dir = value_of(words, "--dir"), *first = next_word(words, words->bytes);
    size_t i = 0;

    while (i < sizeof(programs) / sizeof(programs[0]) &&
           strcmp(program, programs[i].program) != 0)
        i++;
    if (i == sizeof(programs) / sizeof(programs[0]))
        return false;
    *ret_kind = programs[i].kind;
    *ret_name = *ret_kind == LS_DAEMON_SCHEDULER ? "scheduler"
                : *ret_kind == LS_DAEMON_AGENT   ? value_of(words, "--node")
                                                 : first;
    if (*ret_kind == LS_DAEMON_STEP)
        return first && is_inside(first, directory);
    return dir && !strcmp(dir, directory) && *ret_name;
}

/* A process's command line; ended by a NUL in any case. False when it has none: it has
 * ended, or is a thread of the kernel. */
static bool read_words(pid_t pid, char **ret_bytes, struct words *ret_words)
{
    char *path = ls_asprintf("/proc/%d/cmdline", (int)pid);
    size_t size;
    int rc = ls_file_read(path, CMDLINE_BYTES_MAX, ret_bytes, &size, NULL);

    ls_free(path);
    if (rc < 0)
        return false;
    if (size == 0) {
        ls_free(*ret_bytes);
        return false;
    }
    *ret_words = (struct words){*ret_bytes, size};
    return true;
}

static bool is_ours(pid_t pid)
{
    char *path = ls_asprintf("/proc/%d", (int)pid);
    struct stat status;
    bool ours = stat(path, &status) == 0 && status.st_uid == geteuid();

    ls_free(path);
    return ours;
}

static void consider(pid_t pid, const char *directory, struct ls_daemons *daemons)
{
    enum ls_daemon_kind kind;
    const char *name;
    struct words words;
    char *bytes;
    int pidfd = ls_pidfd_open(pid);

    if (pidfd < 0)
        return;
    if (!is_ours(pid) || !read_words(pid, &bytes, &words))
        goto close_pidfd;
    if (recognise(&words, directory, &kind, &name)) {
        ls_daemons_add(daemons, kind, name, pid, pidfd);
        pidfd = -1;
    }
    ls_free(bytes);
close_pidfd:
    ls_close(pidfd);
}

int ls_daemons_find(const char *directory, struct ls_daemons *ret_daemons,
                    struct ls_error *err)
{
    struct ls_daemons daemons = {0};
    DIR *proc = opendir("/proc");

    if (!proc)
        return ls_error_sys(err, -errno, "cannot read /proc");
    for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc)) {
        if (isdigit((unsigned char)entry->d_name[0]))
            consider((pid_t)strtol(entry->d_name, NULL, 10), directory, &daemons);
    }
    closedir(proc);
    *ret_daemons = daemons;
    return 0;
}

const struct ls_daemon *ls_daemons_get(const struct ls_daemons *daemons,
                                       enum ls_daemon_kind kind, const char *name)
{
    for (size_t i = 0; i < daemons->count; i++) {
        const struct ls_daemon *daemon = &daemons->items[i];

        if (daemon->kind == kind && (!name || !strcmp(daemon->name, name)))
            return daemon;
    }
    return NULL;
}

/* ---- ending -------------------------------------------------------------------- */

static void signal_all(const struct ls_daemons *daemons, enum ls_daemon_kind kind,
                       int signal)
{
    for (size_t i = 0; i < daemons->count; i++) {
        if (daemons->items[i].kind == kind)
            ls_pidfd_signal(daemons->items[i].pidfd, signal);
    }
}

/* Wait until none of the kind is left; the first that is, or NULL. */
static const struct ls_daemon *wait_all(const struct ls_daemons *daemons,
                                        enum ls_daemon_kind kind, int timeout_ms)
{
    uint64_t deadline_ms = ls_clock_ms() + (uint64_t)timeout_ms;

    for (size_t i = 0; i < daemons->count; i++) {
        uint64_t now_ms = ls_clock_ms();
        int left_ms = now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0;

        if (daemons->items[i].kind == kind &&
            ls_pidfd_wait(daemons->items[i].pidfd, left_ms) == 0)
            return &daemons->items[i];
    }
    return NULL;
}

int ls_daemons_stop(const struct ls_daemons *daemons, enum ls_daemon_kind kind,
                    int grace_ms, struct ls_error *err)
{
    const struct ls_daemon *left;

    signal_all(daemons, kind, SIGTERM);
    if (!wait_all(daemons, kind, grace_ms))
        return 0;
    signal_all(daemons, kind, SIGKILL);
    left = wait_all(daemons, kind, KILL_WAIT_MS);
    if (!left)
        return 0;
    return ls_error_set(err, -ETIMEDOUT,
                        "%s: process %d does not end, not even by SIGKILL", left->name,
                        (int)left->pid);
}
