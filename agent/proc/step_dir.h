/* agent/proc/step_dir.h - the directory that agent and step of one attempt share.
 *
 * NODE_DIR/steps/JOB.ATTEMPT/ with
 *   lock       held (flock) by the agent while it launches, then by the step until it
 * ends id         LOCKSTEP_STEP_ID of the attempt's processes launch.pb  what to do
 * (Launch) started    there once ranks may have been started: from then on never start
 * again result.pb  how it ended (StepReport in state ENDED) agent.sock, exchange.sock
 * in `sockets`, see ls_step_dir_at() The files tell every survivor of any crash what
 * the state is, see ls_step_dir_fate(). Depends on wire (the messages), common/util,
 * lock. */
#ifndef LS_AGENT_PROC_STEP_DIR_H
#define LS_AGENT_PROC_STEP_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

struct ls_step_dir {
    uint64_t job;
    uint32_t attempt;
    char *path;
    char *node_dir;
    char *sockets; /* directory of the sockets */
};

/* What is true of an attempt whose lock was found free. */
enum ls_step_fate {
    LS_STEP_UNLAUNCHED, /* no launch.pb: it was never told what to do */
    LS_STEP_LAUNCHABLE, /* may be started (again) */
    LS_STEP_KILLED,     /* ranks were started, and there is no result */
    LS_STEP_FINISHED,   /* there is a result */
};

/* Describe the directory at `path` (…/NODE_DIR/steps/JOB.ATTEMPT, absolute: agent and
 * step have to write it alike), which need not exist. Its sockets are in it, or, when
 * their paths would be too long for a socket, in /tmp/lockstep-UID/HASH. -EINVAL for
 * another name. Free with ls_step_dir_free(). */
int ls_step_dir_at(const char *path, struct ls_step_dir *ret_dir, struct ls_error *err);
int ls_step_dir_of(const char *node_dir, uint64_t job, uint32_t attempt,
                   struct ls_step_dir *ret_dir, struct ls_error *err);
void ls_step_dir_free(struct ls_step_dir *dir);

/* Make the directories; others than the owner may pass through them (ranks of another
 * user reach their socket and script) but not list or read them. */
int ls_step_dir_make(const struct ls_step_dir *dir, struct ls_error *err);

/* Remove all of it. */
int ls_step_dir_remove(const struct ls_step_dir *dir, struct ls_error *err);

/* Make a directory and its parents that others may pass through (mode 0711). */
int ls_passage_make(const char *path, struct ls_error *err);

/* A file's path in it, or of the job's output; the caller frees with ls_free(). */
char *ls_step_dir_file(const struct ls_step_dir *dir, const char *name);
char *ls_step_dir_socket(const struct ls_step_dir *dir, const char *name);
char *ls_output_dir(const char *node_dir, uint64_t job);

/* As ls_lock_take(). */
int ls_step_dir_lock(const struct ls_step_dir *dir, struct ls_error *err);

enum ls_step_fate ls_step_dir_fate(const struct ls_step_dir *dir);

/* The id; made from `node` and chance when there is none yet. The caller frees with
 * ls_free(). */
int ls_step_dir_id(const struct ls_step_dir *dir, const char *node, char **ret_id,
                   struct ls_error *err);

int ls_step_dir_write_launch(const struct ls_step_dir *dir, const Ls__Launch *launch,
                             struct ls_error *err);
/* The caller frees with ls__launch__free_unpacked(). */
int ls_step_dir_read_launch(const struct ls_step_dir *dir, Ls__Launch **ret_launch,
                            struct ls_error *err);

int ls_step_dir_mark_started(const struct ls_step_dir *dir, struct ls_error *err);

int ls_step_dir_write_result(const struct ls_step_dir *dir,
                             const Ls__StepReport *report, struct ls_error *err);
/* The caller frees with ls__step_report__free_unpacked(). */
int ls_step_dir_read_result(const struct ls_step_dir *dir, Ls__StepReport **ret_report,
                            struct ls_error *err);

/* All attempts of a node directory: an array of *ret_count, the caller frees each with
 * ls_step_dir_free() and the array with ls_free(). Other names are passed over. */
int ls_step_dir_list(const char *node_dir, struct ls_step_dir **ret_dirs,
                     size_t *ret_count, struct ls_error *err);

#endif
