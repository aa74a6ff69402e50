/* agent/daemon/agent_private.h - the agent's state, for agent.c and orders.c. */
#ifndef LS_AGENT_DAEMON_AGENT_PRIVATE_H
#define LS_AGENT_DAEMON_AGENT_PRIVATE_H

#include <stdbool.h>
#include <utlist.h>
#include <uv.h>

#include "agent/daemon/agent.h"
#include "agent/daemon/logs.h"
#include "agent/daemon/part.h"
#include "agent/daemon/scheduler_link.h"

/* A node has few parts at a time: a list will do. */
struct ls_part_entry {
    struct ls_part_entry *next;
    struct ls_part *part;
};

struct ls_agent {
    const struct ls_agent_options *options;
    uv_loop_t *loop;
    char *node_dir;
    int lock;
    Ls__NodeDigest *digest;
    uint64_t incarnation;
    struct ls_part_owner owner;
    struct ls_part_entry *parts;
    struct ls_scheduler_link *scheduler;
    struct ls_logs *logs;
    uv_signal_t child_signal, term_signal, interrupt_signal;
    uv_timer_t repeat;
    int ready_fd;
    bool closing;
    int exit_code; /* 0 or -errno */
};

/* orders.c: what the scheduler says, and what it hears. */

void ls_agent_add_part(struct ls_agent *agent, struct ls_part *part);
void ls_agent_remove_part(struct ls_agent *agent, const struct ls_part *part);
unsigned ls_agent_count_parts(const struct ls_agent *agent);

/* Say how all parts stand. */
void ls_agent_report_all(struct ls_agent *agent);
/* A timer's: say again what the scheduler has not acted on. */
void ls_agent_repeat_reports(uv_timer_t *timer);

/* For the configurations of parts, logs and the scheduler's link; context: the agent.
 */
void ls_agent_part_reported(void *context, struct ls_part *part);
bool ls_agent_job_is_running(void *context, uint64_t job);
void ls_agent_send(void *context, const Ls__Frame *frame);
void ls_agent_fill_register(void *context, Ls__Register *message,
                            void (*send)(void *link, const Ls__Register *message),
                            void *link);
void ls_agent_order(void *context, const Ls__Frame *frame);

#endif
