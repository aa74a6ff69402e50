/* agent/daemon/part.h - one job attempt on this node, as the agent sees it.
 *
 * The truth is the step directory (agent/proc/step_dir.h) and its lock; a part looks at
 * it whenever something may have changed, starts the step, keeps a connection to it,
 * and knows its newest report. Depends on agent/proc, wire, libuv. */
#ifndef LS_AGENT_DAEMON_PART_H
#define LS_AGENT_DAEMON_PART_H

#include <stdbool.h>
#include <uv.h>

#include "agent/proc/step_dir.h"
#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

struct ls_part;

/* What parts need of their owner; outlives them. */
struct ls_part_owner {
    uv_loop_t *loop;
    const char *node_dir, *node, *host;
    char *program; /* path of lockstep-step */
    const char *log_level;
    bool log_json;
    void *context;
    /* The report is new (borrowed by the call: see ls_part_report()). */
    void (*reported)(void *context, struct ls_part *part);
    /* The step was killed: kill what it has left to us, the agent's own children. */
    void (*orphans)(void *context);
    /* The part is nothing but memory now; free it with ls_part_free(). */
    void (*gone)(void *context, struct ls_part *part);
};

/* Start an attempt that has no directory yet, or only one that was never launched.
 * Whatever goes wrong becomes its report. */
struct ls_part *ls_part_launch(const struct ls_part_owner *owner,
                               const Ls__Launch *launch);

/* Take over a directory that was found: connect to its step, start it, or report how it
 * ended. `dir` is taken over. NULL when it was never launched: it is removed. */
struct ls_part *ls_part_adopt(const struct ls_part_owner *owner,
                              struct ls_step_dir dir);

uint64_t ls_part_job(const struct ls_part *part);
uint32_t ls_part_attempt(const struct ls_part *part);

/* The newest report; in state NONE while the step has not yet said anything. Borrowed.
 */
const Ls__StepReport *ls_part_report(const struct ls_part *part);
bool ls_part_ended(const struct ls_part *part);

/* The step's process, 0 when it is not alive or not yet known. */
pid_t ls_part_pid(const struct ls_part *part);

/* Pass an order on; it waits until the step is connected. */
void ls_part_start(struct ls_part *part, const Ls__StepStart *start);
void ls_part_kill(struct ls_part *part, const Ls__StepKill *kill);

/* The scheduler knows its end: remove the directory. gone() follows. */
void ls_part_forget(struct ls_part *part);

/* The agent ends, the step goes on. gone() follows. */
void ls_part_leave(struct ls_part *part);

void ls_part_free(struct ls_part *part);

#endif
