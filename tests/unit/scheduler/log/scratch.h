/* tests/unit/scheduler/log/scratch.h - a log in a directory of its own, with events
 * that can be told apart. */
#ifndef LS_TESTS_LOG_SCRATCH_H
#define LS_TESTS_LOG_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/log/log.h"

struct scratch {
    char directory[64];
    struct ls_log_store *log;
    struct ls_error err;
};

void scratch_begin(struct scratch *scratch);
void scratch_end(struct scratch *scratch);

int scratch_open(struct scratch *scratch);
void scratch_close(struct scratch *scratch);

/* Append one batch of `count` TICK events with the times first, first + 1, … */
int scratch_append(struct scratch *scratch, int64_t first, size_t count);

/* Replay; checks that the times are 1, 2, … and returns how many, or the error. */
int scratch_replay(struct scratch *scratch);

/* PATH of a file of the log; static memory. */
const char *scratch_path(const struct scratch *scratch, const char *name);

#endif
