/* scheduler/cli/follow.h - a job's output and end, as they come from the scheduler.
 *
 * One connection carries both: the request for the logs and the wait for the end.
 * After a lost connection the same follow goes on over a new one. */
#ifndef LS_SCHEDULER_CLI_FOLLOW_H
#define LS_SCHEDULER_CLI_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/util/error.h"
#include "scheduler/cli/client.h"
#include "scheduler/cli/output.h"

struct ls_follow {
    /* What is wanted; set before the first call. */
    uint64_t job;
    struct ls_output *output; /* the logs go here; NULL: no logs; borrowed */
    bool live;                /* logs until the job has ended, not only what is there */
    bool one_rank;
    uint32_t rank;
    bool to_end; /* the job's end */
    /* What has come; free with ls_follow_clear(). */
    bool logs_done;
    Ls__Frame *end; /* its jobs_reply has the ended job */
};

/* Send the requests for what has not come yet. */
int ls_follow_start(struct ls_follow *follow, struct ls_call *call,
                    struct ls_error *err);

/* Take what has arrived, without waiting. Returns 1 when all that was wanted has come,
 * 0 when more is to come, -errno when the connection is lost, the scheduler refused or
 * the output cannot be written (ls_output_failed() tells). */
int ls_follow_step(struct ls_follow *follow, struct ls_call *call,
                   struct ls_error *err);

/* Start, and wait until all has come; over a lost connection too, for as long as
 * LS_FOLLOW_AWAY_MS. 0 or -errno. */
enum { LS_FOLLOW_AWAY_MS = 5 * 60 * 1000 };
int ls_follow_wait(struct ls_follow *follow, struct ls_client *client,
                   struct ls_error *err);

void ls_follow_clear(struct ls_follow *follow);

#endif
