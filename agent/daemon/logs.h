/* agent/daemon/logs.h - output of ranks, sent to who asked for it.
 *
 * Reads the files of DIR/nodes/NAME/output/JOB (RANK.out, RANK.err, or links to where
 * the user wanted them). At most LS_LOGS_WINDOW bytes are under way unacknowledged.
 * Depends on wire, common/util, libuv. */
#ifndef LS_AGENT_DAEMON_LOGS_H
#define LS_AGENT_DAEMON_LOGS_H

#include <stdbool.h>
#include <uv.h>

#include "common/wire/lockstep.pb-c.h"

enum {
    LS_LOGS_WINDOW = 256 * 1024,
    LS_LOGS_CHUNK = 64 * 1024,
    LS_LOGS_MAX = 1024, /* requests at once */
};

struct ls_logs;

struct ls_logs_config {
    uv_loop_t *loop;
    const char *node_dir, *node; /* borrowed */
    void (*send)(void *context, const Ls__Frame *frame);
    /* Is the job still to write on this node? */
    bool (*is_running)(void *context, uint64_t job);
    void *context;
};

struct ls_logs *ls_logs_new(const struct ls_logs_config *config);

/* A LogsRequest; `number` is its frame's request, which all answers carry. */
void ls_logs_request(struct ls_logs *logs, uint64_t number,
                     const Ls__LogsRequest *message);
/* LogAck: so many bytes more may be sent. */
void ls_logs_ack(struct ls_logs *logs, uint64_t number, uint64_t bytes);
/* The asker has gone. */
void ls_logs_cancel(struct ls_logs *logs, uint64_t number);
void ls_logs_cancel_all(struct ls_logs *logs);

/* Something of the job has changed: it is ready, runs, has ended. */
void ls_logs_job_changed(struct ls_logs *logs, uint64_t job);

/* Frees itself once the loop lets go. */
void ls_logs_close(struct ls_logs *logs);

#endif
