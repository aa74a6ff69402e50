/* scheduler/log/log.c - append and replay of events. Depends on SQLite, the codec.
 *
 * Each row carries a checksum over the one before, its number and its bytes: a row that
 * was changed, moved or taken out is found at the next replay, with its number. */
#include "scheduler/log/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "scheduler/log/database.h"
#include "scheduler/log/event_codec.h"
#include "scheduler/log/lock.h"

struct ls_log_store {
    char path[PATH_MAX];
    int lock_fd;
    sqlite3 *database;
    sqlite3_stmt *insert;
    uint64_t last;     /* sequence number of the last event; 0 = none */
    uint64_t checksum; /* of the last event */
};

/* FNV-1a, 64 bit: against damage, not against an enemy. */
static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t checksum_of(uint64_t before, uint64_t sequence, const void *bytes,
                            size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    hash = add_bytes(hash, &before, sizeof(before));
    hash = add_bytes(hash, &sequence, sizeof(sequence));
    return add_bytes(hash, bytes, size);
}

/* ---- open, close --------------------------------------------------------------------
 */

static int prepare(struct ls_log_store *log, const char *sql,
                   sqlite3_stmt **ret_statement, struct ls_error *err)
{
    if (sqlite3_prepare_v2(log->database, sql, -1, ret_statement, NULL) != SQLITE_OK)
        return ls_database_error(log->database, log->path, err);
    return 0;
}

static int read_last(struct ls_log_store *log, struct ls_error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc, status;

    rc = prepare(log,
                 "SELECT sequence, checksum FROM events ORDER BY sequence DESC LIMIT 1",
                 &statement, err);
    if (rc < 0)
        return rc;
    status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
        log->last = (uint64_t)sqlite3_column_int64(statement, 0);
        log->checksum = (uint64_t)sqlite3_column_int64(statement, 1);
    } else if (status != SQLITE_DONE)
        rc = ls_database_error(log->database, log->path, err);
    sqlite3_finalize(statement);
    return rc;
}

int ls_log_store_open(const char *directory, struct ls_log_store **ret_log,
                      struct ls_error *err)
{
    struct ls_log_store *log;
    int rc;

    rc = ls_dir_make(directory, err);
    if (rc < 0)
        return rc;
    log = ls_calloc(1, sizeof(*log));
    rc = ls_lock_take(directory, &log->lock_fd, err);
    if (rc < 0)
        goto free_log;
    (void)snprintf(log->path, sizeof(log->path), "%s/events.db", directory);
    rc = ls_database_open(log->path, &log->database, err);
    if (rc < 0)
        goto release_lock;
    rc = read_last(log, err);
    if (rc < 0)
        goto close_database;
    rc = prepare(log,
                 "INSERT INTO events (sequence, bytes, checksum) VALUES (?1, ?2, ?3)",
                 &log->insert, err);
    if (rc < 0)
        goto close_database;
    *ret_log = log;
    return 0;

close_database:
    sqlite3_close(log->database);
release_lock:
    ls_close(log->lock_fd);
free_log:
    ls_free(log);
    return rc;
}

void ls_log_store_close(struct ls_log_store *log)
{
    if (!log)
        return;
    sqlite3_finalize(log->insert);
    sqlite3_close(log->database);
    ls_close(log->lock_fd);
    ls_free(log);
}

/* ---- replay
 * --------------------------------------------------------------------------- */

/* Where a replay is: what the next row must continue. */
struct position {
    uint64_t sequence;
    uint64_t checksum;
};

static int damaged(const struct ls_log_store *log, uint64_t sequence, const char *why,
                   struct ls_error *err)
{
    return ls_error_set(err, -EUCLEAN, "%s: event %llu is damaged: %s", log->path,
                        (unsigned long long)sequence, why);
}

static int replay_row(const struct ls_log_store *log, sqlite3_stmt *row,
                      struct position *at,
                      void (*apply)(const struct ls_event *event, void *data),
                      void *data, struct ls_error *err)
{
    uint64_t sequence = (uint64_t)sqlite3_column_int64(row, 0);
    const void *bytes = sqlite3_column_blob(row, 1);
    size_t size = (size_t)sqlite3_column_bytes(row, 1);
    struct ls_event_memory *memory = NULL;
    struct ls_event event;
    struct ls_error why;

    if (sequence != at->sequence + 1)
        return damaged(log, at->sequence + 1, "it is missing", err);
    at->sequence = sequence;
    at->checksum = checksum_of(at->checksum, sequence, bytes, size);
    if (at->checksum != (uint64_t)sqlite3_column_int64(row, 2))
        return damaged(log, sequence, "its checksum is wrong", err);
    if (ls_event_decode(bytes, size, &event, &memory, &why) < 0)
        return damaged(log, sequence, why.text, err);
    apply(&event, data);
    ls_event_memory_free(memory);
    return 0;
}

int ls_log_store_replay(struct ls_log_store *log,
                        void (*apply)(const struct ls_event *event, void *data),
                        void *data, uint64_t *ret_count, struct ls_error *err)
{
    struct position at = {0};
    sqlite3_stmt *rows = NULL;
    int rc, status;

    rc = prepare(log, "SELECT sequence, bytes, checksum FROM events ORDER BY sequence",
                 &rows, err);
    if (rc < 0)
        return rc;
    while ((status = sqlite3_step(rows)) == SQLITE_ROW) {
        rc = replay_row(log, rows, &at, apply, data, err);
        if (rc < 0)
            goto finalize;
    }
    if (status != SQLITE_DONE)
        rc = ls_database_error(log->database, log->path, err);
    else if (at.sequence != log->last)
        rc = damaged(log, at.sequence + 1, "it is missing", err);
    else
        *ret_count = at.sequence;

finalize:
    sqlite3_finalize(rows);
    return rc;
}

/* ---- append
 * ---------------------------------------------------------------------------- */

static int insert_event(struct ls_log_store *log, const struct ls_event *event,
                        struct position *at, struct ls_error *err)
{
    void *bytes = NULL;
    size_t size = 0;
    int rc;

    rc = ls_event_encode(event, &bytes, &size, err);
    if (rc < 0)
        return rc;
    at->sequence++;
    at->checksum = checksum_of(at->checksum, at->sequence, bytes, size);
    sqlite3_bind_int64(log->insert, 1, (sqlite3_int64)at->sequence);
    sqlite3_bind_blob(log->insert, 2, bytes, (int)size, SQLITE_STATIC);
    sqlite3_bind_int64(log->insert, 3, (sqlite3_int64)at->checksum);
    if (sqlite3_step(log->insert) != SQLITE_DONE)
        rc = ls_database_error(log->database, log->path, err);
    sqlite3_reset(log->insert);
    sqlite3_clear_bindings(log->insert);
    ls_free(bytes);
    return rc;
}

int ls_log_store_append(struct ls_log_store *log, const struct ls_event *events,
                        size_t count, struct ls_error *err)
{
    struct position at = {.sequence = log->last, .checksum = log->checksum};
    int rc;

    if (count == 0)
        return 0;
    ls_assert(sqlite3_get_autocommit(log->database));
    rc = ls_database_run(log->database, log->path, "BEGIN IMMEDIATE", err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = insert_event(log, &events[i], &at, err);
    if (rc == 0)
        rc = ls_database_run(log->database, log->path, "COMMIT", err);
    if (rc < 0) {
        /* SQLite has rolled back on its own after some errors. */
        if (!sqlite3_get_autocommit(log->database))
            (void)sqlite3_exec(log->database, "ROLLBACK", NULL, NULL, NULL);
        return rc;
    }
    log->last = at.sequence;
    log->checksum = at.checksum;
    return 0;
}
