/* scheduler/daemon/roster.c - the daemon's nodes. Depends on cores, libuv's worker. */
#include "scheduler/daemon/roster.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/util/file.h"
#include "common/util/log.h"
#include "common/util/mem.h"

enum { DIGEST_SIZE_MAX = 4 * 1024 * 1024 };

bool ls_node_name_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    size_t length = strlen(name);

    return length > 0 && length < LS_NODE_NAME_MAX && name[0] != '.' &&
           name[0] != '-' && strspn(name, letters) == length;
}

struct ls_member *ls_roster_find(const struct ls_roster *roster, const char *name)
{
    struct ls_member *member;

    HASH_FIND_STR(roster->members, name, member);
    return member;
}

struct ls_member *ls_roster_member(struct ls_roster *roster, const char *name)
{
    struct ls_member *member = ls_roster_find(roster, name);

    if (member)
        return member;
    member = ls_calloc(1, sizeof(*member));
    snprintf(member->name, sizeof(member->name), "%s", name);
    HASH_ADD_STR(roster->members, name, member);
    return member;
}

/* ---- machines ---------------------------------------------------------------- */

static struct ls_machine *machine_of(struct ls_roster *roster, const char *node,
                                     const Ls__NodeDigest *digest)
{
    char *key = digest->modelled ? ls_asprintf("node %s", node)
                                 : ls_asprintf("host %s", digest->host);
    struct ls_machine *machine;

    HASH_FIND_STR(roster->machines, key, machine);
    if (machine) {
        ls_free(key);
        return machine;
    }
    machine = ls_calloc(1, sizeof(*machine));
    machine->key = key;
    HASH_ADD_KEYPTR(hh, roster->machines, machine->key, strlen(machine->key), machine);
    return machine;
}

static void adopt_digest(struct ls_roster *roster, struct ls_member *member,
                         Ls__NodeDigest *digest)
{
    struct ls_machine *machine = machine_of(roster, member->name, digest);
    struct ls_cores cores = {0};

    if (member->digest)
        ls__node_digest__free_unpacked(member->digest, NULL);
    member->digest = digest;
    member->cores = &machine->cores;
    ls_cores_init(&cores, digest);
    if (ls_cores_same(&cores, &machine->cores)) {
        ls_cores_free(&cores); /* keep what is taken */
        return;
    }
    ls_cores_free(&machine->cores);
    machine->cores = cores;
}

/* ---- digest files ------------------------------------------------------------ */

static void load_digest(struct ls_roster *roster, const char *name)
{
    char *path = ls_asprintf("%s/%s", roster->directory, name);
    Ls__NodeDigest *digest = NULL;
    struct ls_error err = {0};
    char *bytes;
    size_t size;

    if (ls_file_read(path, DIGEST_SIZE_MAX, &bytes, &size, &err) == 0) {
        digest = ls__node_digest__unpack(NULL, size, (uint8_t *)bytes);
        ls_free(bytes);
    }
    if (digest)
        adopt_digest(roster, ls_roster_member(roster, name), digest);
    else
        ls_log_warn("%s: no node digest: %s", path, err.text[0] ? err.text : "damaged");
    ls_free(path);
}

int ls_roster_open(uv_loop_t *loop, const char *directory,
                   struct ls_roster **ret_roster, struct ls_error *err)
{
    struct ls_roster *roster;
    const struct dirent *entry;
    int rc = ls_dir_make(directory, err);
    DIR *dir;

    if (rc < 0)
        return rc;
    dir = opendir(directory);
    if (!dir)
        return ls_error_sys(err, -errno, "%s: cannot be read", directory);
    roster = ls_calloc(1, sizeof(*roster));
    roster->loop = loop;
    roster->directory = ls_strdup(directory);
    while ((entry = readdir(dir)) != NULL) {
        if (ls_node_name_valid(entry->d_name))
            load_digest(roster, entry->d_name);
    }
    closedir(dir);
    *ret_roster = roster;
    return 0;
}

void ls_roster_free(struct ls_roster *roster)
{
    struct ls_machine *machine, *next_machine;
    struct ls_member *member, *next;

    if (!roster)
        return;
    HASH_ITER(hh, roster->members, member, next)
    {
        HASH_DEL(roster->members, member);
        if (member->digest)
            ls__node_digest__free_unpacked(member->digest, NULL);
        ls_free(member);
    }
    HASH_ITER(hh, roster->machines, machine, next_machine)
    {
        HASH_DEL(roster->machines, machine);
        ls_cores_free(&machine->cores);
        ls_free(machine->key);
        ls_free(machine);
    }
    ls_free(roster->directory);
    ls_free(roster);
}

/* A digest on its way to its file; fsync is too slow for the loop. */
struct digest_write {
    uv_work_t work;
    char *path;
    uint8_t *bytes;
    size_t size;
    struct ls_error err;
};

static void write_digest(uv_work_t *work)
{
    struct digest_write *write = work->data;

    ls_file_write_atomic(write->path, write->bytes, write->size, &write->err);
}

static void digest_written(uv_work_t *work, int status)
{
    struct digest_write *write = work->data;

    (void)status;
    if (write->err.code < 0)
        ls_log_warn("node digest not kept: %s", write->err.text);
    ls_free(write->path);
    ls_free(write->bytes);
    ls_free(write);
}

void ls_roster_set_digest(struct ls_roster *roster, struct ls_member *member,
                          const Ls__NodeDigest *digest)
{
    size_t size = ls__node_digest__get_packed_size(digest);
    uint8_t *bytes = ls_calloc(size + 1, 1);
    uint8_t *old = NULL;
    struct digest_write *write;
    bool same = false;

    ls__node_digest__pack(digest, bytes);
    if (member->digest && ls__node_digest__get_packed_size(member->digest) == size) {
        old = ls_calloc(size + 1, 1);
        ls__node_digest__pack(member->digest, old);
        same = memcmp(old, bytes, size) == 0;
        ls_free(old);
    }
    if (same) {
        ls_free(bytes);
        return;
    }
    adopt_digest(roster, member, ls__node_digest__unpack(NULL, size, bytes));
    write = ls_calloc(1, sizeof(*write));
    write->work.data = write;
    write->path = ls_asprintf("%s/%s", roster->directory, member->name);
    write->bytes = bytes;
    write->size = size;
    uv_queue_work(roster->loop, &write->work, write_digest, digest_written);
}
