/* agent/step/rank.h - one rank on this node: its process, its output, its end.
 *
 * Depends on wire, agent/proc, output, rank_environment, script. */
#ifndef LS_AGENT_STEP_RANK_H
#define LS_AGENT_STEP_RANK_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "agent/proc/identity.h"
#include "agent/step/output.h"
#include "agent/step/rank_environment.h"
#include "agent/step/script.h"
#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

enum ls_rank_state { LS_RANK_WAITING, LS_RANK_RUNNING, LS_RANK_ENDED };

struct ls_rank {
    const Ls__RankPlan *plan; /* borrowed from the Launch */
    enum ls_rank_state state;
    pid_t pid;
    int exit_code; /* -1 with a signal */
    int signal;
    char *text;                  /* why it could not start, or what its output lost */
    struct ls_output *out, *err; /* err is NULL when it goes where out goes */
};

/* What all ranks of the step share; borrowed. */
struct ls_rank_context {
    uv_loop_t *loop;
    const Ls__Launch *launch;
    const struct ls_identity *identity;
    const char *output_dir;         /* …/output/JOB */
    const struct ls_script *script; /* NULL = run spec.argv */
};

/* Open the output files of all ranks, so that one that cannot be written is known
 * before anything runs. On failure nothing is open. */
int ls_ranks_open_output(struct ls_rank *ranks, size_t count,
                         const struct ls_rank_context *context, struct ls_error *err);

/* Start the rank's process. On failure the rank is ENDED with what a shell would exit
 * with and the reason in `text`. */
int ls_rank_start(struct ls_rank *rank, const struct ls_rank_context *context,
                  const struct ls_rank_place *place);

/* Its process was reaped with this status of waitpid(2). */
void ls_rank_reaped(struct ls_rank *rank, int status);

/* All its processes are gone: finish its output, note what of it was lost. */
void ls_rank_finish_output(struct ls_rank *rank);

bool ls_rank_failed(const struct ls_rank *rank);

/* "exited with code 7", "was ended by signal 9 (Killed)", or its text. Caller frees. */
char *ls_rank_describe_end(const struct ls_rank *rank);

/* Release what the rank holds, not the struct. */
void ls_rank_free(struct ls_rank *rank);

#endif
