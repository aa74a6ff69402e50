/* agent/proc/step_dir.c - the directory that agent and step share.
 *
 * Depends on wire (the messages), common/util, lock. */
#include "agent/proc/step_dir.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/lock.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum {
    FILE_BYTES_MAX = 64 * 1024 * 1024,
    ID_BYTES_MAX = 512,
    SOCKET_PATH_MAX = 108, /* sun_path with its NUL */
    LONGEST_SOCKET = sizeof("/exchange.sock"),
};

/* ---- names ----------------------------------------------------------------- */

/* FNV-1a. The name need not be secret: the directory is checked to be ours. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static char *find_sockets(const char *path)
{
    if (strlen(path) + LONGEST_SOCKET <= SOCKET_PATH_MAX)
        return ls_strdup(path);
    return ls_asprintf("/tmp/lockstep-%u/%016" PRIx64, (unsigned)geteuid(),
                       hash_text(path));
}

static char *parent_of(const char *path)
{
    char *copy = ls_strdup(path);
    char *parent = ls_strdup(dirname(copy));

    ls_free(copy);
    return parent;
}

int ls_step_dir_at(const char *path, struct ls_step_dir *ret_dir, struct ls_error *err)
{
    struct ls_step_dir dir = {0};
    char *copy = ls_strdup(path);
    char *steps;
    int used = 0;
    int matched = sscanf(basename(copy), "%" SCNu64 ".%" SCNu32 "%n", &dir.job,
                         &dir.attempt, &used);
    bool whole = matched == 2 && basename(copy)[used] == '\0';

    ls_free(copy);
    if (!whole)
        return ls_error_set(err, -EINVAL, "%s: expected a step directory, JOB.ATTEMPT",
                            path);
    dir.path = ls_strdup(path);
    steps = parent_of(path);
    dir.node_dir = parent_of(steps);
    dir.sockets = find_sockets(path);
    ls_free(steps);
    *ret_dir = dir;
    return 0;
}

int ls_step_dir_of(const char *node_dir, uint64_t job, uint32_t attempt,
                   struct ls_step_dir *ret_dir, struct ls_error *err)
{
    char *path = ls_asprintf("%s/steps/%" PRIu64 ".%" PRIu32, node_dir, job, attempt);
    int rc = ls_step_dir_at(path, ret_dir, err);

    ls_free(path);
    return rc;
}

void ls_step_dir_free(struct ls_step_dir *dir)
{
    ls_free(dir->path);
    ls_free(dir->node_dir);
    ls_free(dir->sockets);
    *dir = (struct ls_step_dir){0};
}

char *ls_step_dir_file(const struct ls_step_dir *dir, const char *name)
{
    return ls_asprintf("%s/%s", dir->path, name);
}

char *ls_step_dir_socket(const struct ls_step_dir *dir, const char *name)
{
    return ls_asprintf("%s/%s", dir->sockets, name);
}

char *ls_output_dir(const char *node_dir, uint64_t job)
{
    return ls_asprintf("%s/output/%" PRIu64, node_dir, job);
}

/* ---- making and removing --------------------------------------------------- */

int ls_passage_make(const char *path, struct ls_error *err)
{
    int rc = ls_dir_make(path, err);

    if (rc == 0 && chmod(path, 0711) < 0)
        return ls_error_sys(err, -errno, "%s", path);
    return rc;
}

/* In /tmp anybody may have been there before: only a directory of ours will do. */
static int make_own(const char *path, struct ls_error *err)
{
    struct stat status;

    if (mkdir(path, 0711) < 0 && errno != EEXIST)
        return ls_error_sys(err, -errno, "%s", path);
    if (lstat(path, &status) < 0)
        return ls_error_sys(err, -errno, "%s", path);
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() ||
        (status.st_mode & (S_IWGRP | S_IWOTH)))
        return ls_error_set(err, -EPERM, "%s: is there and is not our directory", path);
    return 0;
}

static int make_sockets(const struct ls_step_dir *dir, struct ls_error *err)
{
    char *parent;
    int rc;

    if (strcmp(dir->sockets, dir->path) == 0)
        return 0;
    parent = parent_of(dir->sockets);
    rc = make_own(parent, err);
    ls_free(parent);
    return rc < 0 ? rc : make_own(dir->sockets, err);
}

int ls_step_dir_make(const struct ls_step_dir *dir, struct ls_error *err)
{
    char *steps = parent_of(dir->path);
    int rc = ls_passage_make(steps, err);

    if (rc == 0)
        rc = ls_passage_make(dir->path, err);
    ls_free(steps);
    return rc < 0 ? rc : make_sockets(dir, err);
}

int ls_step_dir_remove(const struct ls_step_dir *dir, struct ls_error *err)
{
    char *launch = ls_step_dir_file(dir, "launch.pb");
    int rc = 0;

    unlink(launch); /* first: a directory half removed is never launched again */
    ls_free(launch);
    if (strcmp(dir->sockets, dir->path) != 0)
        rc = ls_dir_remove(dir->sockets, err);
    return rc < 0 ? rc : ls_dir_remove(dir->path, err);
}

/* ---- files ----------------------------------------------------------------- */

static int write_file(const struct ls_step_dir *dir, const char *name,
                      const void *bytes, size_t size, struct ls_error *err)
{
    char *path = ls_step_dir_file(dir, name);
    int rc = ls_file_write_atomic(path, bytes, size, err);

    ls_free(path);
    return rc;
}

static int read_file(const struct ls_step_dir *dir, const char *name, size_t bytes_max,
                     char **ret_bytes, size_t *ret_size, struct ls_error *err)
{
    char *path = ls_step_dir_file(dir, name);
    int rc = ls_file_read(path, bytes_max, ret_bytes, ret_size, err);

    ls_free(path);
    return rc;
}

static int write_message(const struct ls_step_dir *dir, const char *name,
                         const ProtobufCMessage *message, struct ls_error *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = ls_calloc(size + 1, 1);
    int rc;

    protobuf_c_message_pack(message, bytes);
    rc = write_file(dir, name, bytes, size, err);
    ls_free(bytes);
    return rc;
}

static int read_message(const struct ls_step_dir *dir, const char *name,
                        const ProtobufCMessageDescriptor *descriptor,
                        ProtobufCMessage **ret_message, struct ls_error *err)
{
    ProtobufCMessage *message;
    size_t size;
    char *bytes;
    int rc = read_file(dir, name, FILE_BYTES_MAX, &bytes, &size, err);

    if (rc < 0)
        return rc;
    message = protobuf_c_message_unpack(descriptor, NULL, size, (uint8_t *)bytes);
    ls_free(bytes);
    if (!message)
        return ls_error_set(err, -EPROTO, "%s/%s: damaged", dir->path, name);
    *ret_message = message;
    return 0;
}

static bool has_file(const struct ls_step_dir *dir, const char *name)
{
    char *path = ls_step_dir_file(dir, name);
    bool there = access(path, F_OK) == 0;

    ls_free(path);
    return there;
}

int ls_step_dir_lock(const struct ls_step_dir *dir, struct ls_error *err)
{
    char *path = ls_step_dir_file(dir, "lock");
    int rc = ls_lock_take(path, NULL, err);

    ls_free(path);
    return rc;
}

enum ls_step_fate ls_step_dir_fate(const struct ls_step_dir *dir)
{
    if (has_file(dir, "result.pb"))
        return LS_STEP_FINISHED;
    if (has_file(dir, "started"))
        return LS_STEP_KILLED;
    return has_file(dir, "launch.pb") ? LS_STEP_LAUNCHABLE : LS_STEP_UNLAUNCHED;
}

int ls_step_dir_id(const struct ls_step_dir *dir, const char *node, char **ret_id,
                   struct ls_error *err)
{
    uint64_t chance;
    size_t size;
    char *id;
    int rc;

    if (has_file(dir, "id"))
        return read_file(dir, "id", ID_BYTES_MAX, ret_id, &size, err);
    if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
        return ls_error_sys(err, -errno, "no random numbers");
    id = ls_asprintf("%" PRIu64 ".%" PRIu32 ".%s.%016" PRIx64, dir->job, dir->attempt,
                     node, chance);
    rc = write_file(dir, "id", id, strlen(id), err);
    if (rc < 0) {
        ls_free(id);
        return rc;
    }
    *ret_id = id;
    return 0;
}

int ls_step_dir_write_launch(const struct ls_step_dir *dir, const Ls__Launch *launch,
                             struct ls_error *err)
{
    return write_message(dir, "launch.pb", &launch->base, err);
}

int ls_step_dir_read_launch(const struct ls_step_dir *dir, Ls__Launch **ret_launch,
                            struct ls_error *err)
{
    return read_message(dir, "launch.pb", &ls__launch__descriptor,
                        (ProtobufCMessage **)ret_launch, err);
}

int ls_step_dir_mark_started(const struct ls_step_dir *dir, struct ls_error *err)
{
    return write_file(dir, "started", "", 0, err);
}

int ls_step_dir_write_result(const struct ls_step_dir *dir,
                             const Ls__StepReport *report, struct ls_error *err)
{
    return write_message(dir, "result.pb", &report->base, err);
}

int ls_step_dir_read_result(const struct ls_step_dir *dir, Ls__StepReport **ret_report,
                            struct ls_error *err)
{
    return read_message(dir, "result.pb", &ls__step_report__descriptor,
                        (ProtobufCMessage **)ret_report, err);
}

/* ---- listing --------------------------------------------------------------- */

int ls_step_dir_list(const char *node_dir, struct ls_step_dir **ret_dirs,
                     size_t *ret_count, struct ls_error *err)
{
    char *steps = ls_asprintf("%s/steps", node_dir);
    struct ls_step_dir *dirs = NULL;
    size_t count = 0, capacity = 0;
    const struct dirent *entry;
    DIR *stream = opendir(steps);
    int rc = 0;

    if (!stream && errno != ENOENT)
        rc = ls_error_sys(err, -errno, "%s", steps);
    while (stream && (entry = readdir(stream)) != NULL) {
        char *path = ls_asprintf("%s/%s", steps, entry->d_name);
        struct ls_step_dir dir;

        if (ls_step_dir_at(path, &dir, NULL) == 0) {
            LS_GROW(dirs, count, capacity);
            dirs[count++] = dir;
        }
        ls_free(path);
    }
    if (stream)
        closedir(stream);
    ls_free(steps);
    if (rc < 0)
        return rc;
    *ret_dirs = dirs;
    *ret_count = count;
    return 0;
}
