/* scheduler/log/database.h - the SQLite file of the log: opening, versions, errors.
 *
 * Depends on util, SQLite. Private to this folder. */
#ifndef LS_SCHEDULER_LOG_DATABASE_H
#define LS_SCHEDULER_LOG_DATABASE_H

#include <sqlite3.h>

#include "common/util/error.h"

enum {
    LS_LOG_APPLICATION_ID = 0x6c6f636b, /* "lock": this file is a log of lockstep */
    LS_LOG_VERSION = 1,                 /* of the table and of event.proto's meaning */
};

/* Open or create the file, durable (WAL, synchronous=FULL) and of our version. The
 * caller ends it with sqlite3_close(). Errors as ls_log_store_open(). */
int ls_database_open(const char *path, sqlite3 **ret_database, struct ls_error *err);

/* Describe SQLite's last error as "PATH: what" and return its errno: -ENOSPC for a full
 * disk, -EUCLEAN for a damaged file, else -EIO. */
int ls_database_error(sqlite3 *database, const char *path, struct ls_error *err);

/* Run statements that give no rows. */
int ls_database_run(sqlite3 *database, const char *path, const char *sql,
                    struct ls_error *err);

#endif
