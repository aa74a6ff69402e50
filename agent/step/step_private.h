/* agent/step/step_private.h - the step's state, for step.c, step_end.c, report.c and
 * gradients.c. */
#ifndef LS_AGENT_STEP_STEP_PRIVATE_H
#define LS_AGENT_STEP_STEP_PRIVATE_H

#include <stdbool.h>
#include <uv.h>

#include "agent/proc/identity.h"
#include "agent/proc/step_dir.h"
#include "agent/step/agent_link.h"
#include "agent/step/gang.h"
#include "agent/step/rank.h"
#include "agent/step/script.h"
#include "agent/step/step.h"
#include "common/collective/exchange.h"

enum step_state {
    STATE_READY,   /* prepared; waits for the start */
    STATE_RUNNING, /* ranks run, or the others of the gang do */
    STATE_ENDING,  /* SIGTERM was sent */
    STATE_KILLING, /* SIGKILL was sent, until no process is left */
    STATE_ENDED,   /* no process is left; the result is being written and told */
    STATE_COUNT,
};

struct ls_step {
    uv_loop_t *loop;
    const struct ls_step_dir *dir;
    const char *host;
    Ls__Launch *launch;
    char *id;
    int state; /* enum step_state */
    struct ls_identity identity;
    struct ls_script script; /* path NULL = none */
    char *output_dir;
    char *exchange_path;
    struct ls_rank *ranks; /* those that run here */
    size_t rank_count;
    uint32_t world_size; /* of all nodes */
    char *reason;        /* of the end, when it is not the ranks' own; else NULL */
    bool result_written;
    struct ls_gang *gang;
    struct ls_exchange *exchange; /* NULL where nothing runs */
    struct ls_agent_link *agent;
    uv_signal_t child_signal, term_signal;
    uv_timer_t timer;        /* grace, then what SIGKILL leaves, then the result */
    uv_poll_t exchange_poll; /* valid with `exchange` */
};

/* step_end.c: the ways to the end. */

/* Change the state, along the table of legal moves. */
void ls_step_move(struct ls_step *step, enum step_state to);
/* Note why; the first reason stays. */
void ls_step_set_reason(struct ls_step *step, const char *why);
/* End it: SIGTERM to all processes, a grace, SIGKILL. Safe in any state. */
void ls_step_end(struct ls_step *step);
/* A rank has ended: in order, or the gang is over. */
void ls_step_rank_ended(struct ls_step *step, struct ls_rank *rank);
/* Something has ended: reap, and go on to the next state if that was the last. */
void ls_step_advance(struct ls_step *step);
/* The scheduler knows the end: no need to keep it. */
void ls_step_forgotten(struct ls_step *step);

/* report.c */

/* Tell the agent how things stand. */
void ls_step_report(struct ls_step *step);
int ls_step_write_result(struct ls_step *step, struct ls_error *err);

/* gradients.c: the exchange and its way through the gang. */
int ls_gradients_open(struct ls_step *step, struct ls_error *err);
void ls_gradients_close(struct ls_step *step);

#endif
