/* agent/step/output_files.c - which files the ranks' output goes to.
 *
 * By default OUTPUT_DIR/RANK.out and .err. With a pattern of the user's, the file is
 * opened with the user's rights, and RANK.out is a symbolic link to it, so that who
 * reads logs has one place to look. Depends on rank, pattern, agent/proc. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/proc/step_dir.h"
#include "agent/step/pattern.h"
#include "agent/step/rank.h"
#include "common/util/file.h"
#include "common/util/mem.h"

/* One file of one rank. */
struct target {
    char *path;         /* absolute */
    bool of_user;       /* named by a pattern */
    bool of_node_alone; /* no other node writes to the same name */
};

/* Files opened so far: the first to open a name truncates it, the others append. */
struct opened {
    char **paths;
    size_t count, capacity;
};

static bool was_opened(const struct opened *opened, const char *path)
{
    for (size_t i = 0; i < opened->count; i++) {
        if (strcmp(opened->paths[i], path) == 0)
            return true;
    }
    return false;
}

static void note_opened(struct opened *opened, const char *path)
{
    LS_GROW(opened->paths, opened->count, opened->capacity);
    opened->paths[opened->count++] = ls_strdup(path);
}

static void forget_opened(struct opened *opened)
{
    for (size_t i = 0; i < opened->count; i++)
        ls_free(opened->paths[i]);
    ls_free(opened->paths);
}

static int expand(const char *pattern, const Ls__Launch *launch,
                  const Ls__RankPlan *plan, struct target *ret_target,
                  struct ls_error *err)
{
    struct ls_pattern_values values = {
        .job = launch->job,
        .rank = plan->rank,
        .node = launch->node_index,
        .job_name = launch->spec->name,
        .node_name = launch->nodes[launch->node_index],
        .user = launch->user,
    };
    struct ls_pattern_values elsewhere = values;
    char *name, *other;
    int rc = ls_pattern_expand(pattern, &values, &name, err);

    if (rc < 0)
        return rc;
    elsewhere.rank++;
    elsewhere.node++;
    elsewhere.node_name = "";
    ls_pattern_expand(pattern, &elsewhere, &other,
                      NULL); /* fine, since the first was */
    ret_target->of_user = true;
    ret_target->of_node_alone = strcmp(name, other) != 0;
    ret_target->path = name[0] == '/' ? ls_strdup(name)
                                      : ls_asprintf("%s/%s", launch->spec->cwd, name);
    ls_free(name);
    ls_free(other);
    return 0;
}

static int find_target(const struct ls_rank *rank,
                       const struct ls_rank_context *context, const char *pattern,
                       const char *suffix, struct target *ret_target,
                       struct ls_error *err)
{
    if (pattern[0])
        return expand(pattern, context->launch, rank->plan, ret_target, err);
    *ret_target = (struct target){
        .path = ls_asprintf("%s/%" PRIu32 ".%s", context->output_dir, rank->plan->rank,
                            suffix),
        .of_node_alone = true,
    };
    return 0;
}

/* The place to look for the output of a rank: a link to where it really is. */
static void link_target(const struct ls_rank *rank,
                        const struct ls_rank_context *context, const char *suffix,
                        const struct target *target)
{
    char *link =
        ls_asprintf("%s/%" PRIu32 ".%s", context->output_dir, rank->plan->rank, suffix);

    const struct ls_identity *identity = context->identity;

    unlink(link);
    if (symlink(target->path, link) < 0 ||
        (identity->change && lchown(link, identity->uid, identity->gid) < 0)) {
        /* Only `logs` misses it: the output itself is where the user wanted it. */
    }
    ls_free(link);
}

/* Never blocks, also on a FIFO that nobody reads. */
static int open_target(const struct target *target, const struct ls_identity *identity,
                       bool truncate, struct ls_error *err)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int rc = target->of_user ? ls_identity_enter(identity) : 0;
    int fd;

    if (rc < 0)
        return ls_error_sys(err, rc, "output file: cannot act as user %u",
                            (unsigned)identity->uid);
    if (!target->of_user)
        unlink(target->path); /* of an earlier attempt, maybe a link */
    fd = open(target->path, truncate ? flags | O_TRUNC : flags, 0644);
    rc = fd < 0 ? -errno : fd;
    if (target->of_user)
        ls_identity_leave(identity);
    if (rc < 0)
        return ls_error_sys(err, rc, "output file %s", target->path);
    if (!target->of_user && identity->change &&
        fchown(fd, identity->uid, identity->gid) < 0) {
        close(fd);
        return ls_error_sys(err, -errno, "output file %s", target->path);
    }
    return fd;
}

static int open_stream(struct ls_rank *rank, const struct ls_rank_context *context,
                       const char *suffix, const struct target *target,
                       struct opened *opened, struct ls_output **ret_output,
                       struct ls_error *err)
{
    bool first = !was_opened(opened, target->path);
    bool ours = target->of_node_alone || context->launch->node_index == 0;
    int fd = open_target(target, context->identity, first && ours, err);

    if (fd < 0)
        return fd;
    note_opened(opened, target->path);
    if (target->of_user)
        link_target(rank, context, suffix, target);
    return ls_output_open(context->loop, fd, ret_output, err);
}

static int open_rank(struct ls_rank *rank, const struct ls_rank_context *context,
                     struct opened *opened, struct ls_error *err)
{
    const Ls__JobSpec *spec = context->launch->spec;
    const char *error_pattern = spec->error[0] ? spec->error : spec->output;
    struct target out = {0}, error = {0};
    int rc = find_target(rank, context, spec->output, "out", &out, err);

    if (rc == 0)
        rc = find_target(rank, context, error_pattern, "err", &error, err);
    if (rc == 0)
        rc = open_stream(rank, context, "out", &out, opened, &rank->out, err);
    if (rc == 0 && strcmp(out.path, error.path) != 0)
        rc = open_stream(rank, context, "err", &error, opened, &rank->err, err);
    ls_free(out.path);
    ls_free(error.path);
    return rc;
}

int ls_ranks_open_output(struct ls_rank *ranks, size_t count,
                         const struct ls_rank_context *context, struct ls_error *err)
{
    struct opened opened = {0};
    int rc = ls_passage_make(context->output_dir, err);

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = open_rank(&ranks[i], context, &opened, err);
    for (size_t i = 0; i < count && rc < 0; i++) {
        ls_output_close(ranks[i].out);
        ls_output_close(ranks[i].err);
        ranks[i].out = ranks[i].err = NULL;
    }
    forget_opened(&opened);
    return rc;
}
