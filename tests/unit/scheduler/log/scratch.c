/* tests/unit/scheduler/log/scratch.c - a log in a directory of its own. */
#include "tests/unit/scheduler/log/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/file.h"
#include "common/util/mem.h"

void scratch_begin(struct scratch *scratch)
{
    *scratch = (struct scratch){.directory = "/tmp/ls_log_test.XXXXXX"};
    assert_non_null(mkdtemp(scratch->directory));
}

void scratch_end(struct scratch *scratch)
{
    scratch_close(scratch);
    assert_int_equal(ls_dir_remove(scratch->directory, &scratch->err), 0);
}

int scratch_open(struct scratch *scratch)
{
    return ls_log_store_open(scratch->directory, &scratch->log, &scratch->err);
}

void scratch_close(struct scratch *scratch)
{
    ls_log_store_close(scratch->log);
    scratch->log = NULL;
}

int scratch_append(struct scratch *scratch, int64_t first, size_t count)
{
    struct ls_event *events = ls_calloc(count, sizeof(*events));
    int rc;

    for (size_t i = 0; i < count; i++) {
        events[i].kind = LS_EVENT_TICK;
        events[i].time_ms = first + (int64_t)i;
        memset(events[i].text, 'x', sizeof(events[i].text) - 1); /* some bytes to hit */
    }
    rc = ls_log_store_append(scratch->log, events, count, &scratch->err);
    ls_free(events);
    return rc;
}

static void expect_next(const struct ls_event *event, void *data)
{
    int64_t *seen = data;

    assert_int_equal(event->kind, LS_EVENT_TICK);
    assert_int_equal(event->time_ms, ++*seen);
    assert_int_equal(strlen(event->text), sizeof(event->text) - 1);
}

int scratch_replay(struct scratch *scratch)
{
    int64_t seen = 0;
    uint64_t count = 0;
    int rc =
        ls_log_store_replay(scratch->log, expect_next, &seen, &count, &scratch->err);

    if (rc < 0)
        return rc;
    assert_int_equal(count, seen);
    return (int)count;
}

const char *scratch_path(const struct scratch *scratch, const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", scratch->directory, name);
    return path;
}
