/* scheduler/log/log.h - the durable log of events: four calls, engines behind them.
 *
 * append a batch, replay, snapshot (not needed by the embedded engine yet), and
 * leadership: only one process holds a log at a time. Engine: SQLite, WAL,
 * synchronous=FULL; one transaction a batch (group commit).
 * Not thread-safe: one call at a time, from whichever thread. */
#ifndef LS_SCHEDULER_LOG_LOG_H
#define LS_SCHEDULER_LOG_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"
#include "scheduler/policy/policy.h"

struct ls_log_store;

/* Open or create the log in a directory and take its lock. -EWOULDBLOCK when another
 * process has it (its pid in the text), -EUCLEAN when the file is damaged (what, where),
 * -EPROTONOSUPPORT for a log of a newer version. */
int ls_log_store_open(const char *directory, struct ls_log_store **ret_log,
                      struct ls_error *err);

/* Hand every event, oldest first, to `apply`. Events borrow memory during the call. */
int ls_log_store_replay(struct ls_log_store *log,
                        void (*apply)(const struct ls_event *event, void *data),
                        void *data, uint64_t *ret_count, struct ls_error *err);

/* Make a batch durable, all or nothing. -ENOSPC when the disk is full: nothing was
 * written and a later append may succeed. */
int ls_log_store_append(struct ls_log_store *log, const struct ls_event *events,
                        size_t count, struct ls_error *err);

void ls_log_store_close(struct ls_log_store *log);

#endif
