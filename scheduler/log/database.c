/* scheduler/log/database.c - the SQLite file of the log. Depends on util, SQLite. */
#include "scheduler/log/database.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

/* EXCLUSIVE: only the holder of the lock file opens it, and the index of the WAL then
 * lives in memory, not in one more file that a full disk could break. */
static const char SETTINGS[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;";

/* `checksum` covers the checksum before, the sequence number and the bytes. */
static const char SCHEMA[] = "BEGIN IMMEDIATE;"
                             "CREATE TABLE events ("
                             "  sequence INTEGER PRIMARY KEY,"
                             "  bytes BLOB NOT NULL,"
                             "  checksum INTEGER NOT NULL"
                             ") STRICT;"
                             "PRAGMA application_id = %d;"
                             "PRAGMA user_version = %d;"
                             "COMMIT;";

/* The errno behind SQLITE_IOERR. SQLite keeps it per file, and writes go to the WAL. */
static int system_errno_of(sqlite3 *database)
{
    int number = sqlite3_system_errno(database);
    sqlite3_file *wal = NULL;

    if (number != 0)
        return number;
    (void)sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (wal && wal->pMethods)
        (void)wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &number);
    return number;
}

static int code_of(int status, int system_errno)
{
    switch (status) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (system_errno == EDQUOT || system_errno == EFBIG || system_errno == ENOSPC)
            return -ENOSPC;
        return system_errno > 0 ? -system_errno : -EIO;
    default:
        return -EIO;
    }
}

int ls_database_error(sqlite3 *database, const char *path, struct ls_error *err)
{
    int status = sqlite3_errcode(database) & 0xff;
    int code = code_of(status, system_errno_of(database));

    if (code == -ENOSPC)
        return ls_error_set(err, code, "%s: no space left on device", path);
    if (code == -EUCLEAN)
        return ls_error_set(err, code, "%s: the file is damaged: %s", path,
                            sqlite3_errmsg(database));
    return ls_error_set(err, code, "%s: %s", path, sqlite3_errmsg(database));
}

int ls_database_run(sqlite3 *database, const char *path, const char *sql,
                    struct ls_error *err)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return ls_database_error(database, path, err);
    return 0;
}

/* One number from a statement of one row. */
static int read_number(sqlite3 *database, const char *path, const char *sql,
                       int64_t *ret_number, struct ls_error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        return ls_database_error(database, path, err);
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    else
        rc = ls_database_error(database, path, err);
    sqlite3_finalize(statement);
    return rc;
}

static int create_schema(sqlite3 *database, const char *path, struct ls_error *err)
{
    char sql[512];
    int rc;

    (void)snprintf(sql, sizeof(sql), SCHEMA, LS_LOG_APPLICATION_ID, LS_LOG_VERSION);
    rc = ls_database_run(database, path, sql, err);
    if (rc < 0 && !sqlite3_get_autocommit(database))
        (void)sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* Is it our file, of a version we know? An empty file becomes ours. */
static int check_version(sqlite3 *database, const char *path, struct ls_error *err)
{
    int64_t application = 0, version = 0, objects = 0;
    int rc;

    rc = read_number(database, path, "PRAGMA application_id", &application, err);
    if (rc == 0)
        rc = read_number(database, path, "PRAGMA user_version", &version, err);
    if (rc == 0)
        rc = read_number(database, path, "SELECT count(*) FROM sqlite_schema", &objects,
                         err);
    if (rc < 0)
        return rc;
    if (application == 0 && version == 0 && objects == 0)
        return create_schema(database, path, err);
    if (application != LS_LOG_APPLICATION_ID)
        return ls_error_set(err, -EUCLEAN, "%s: not a log of lockstep", path);
    if (version > LS_LOG_VERSION)
        return ls_error_set(err, -EPROTONOSUPPORT,
                            "%s: log of version %lld, this program knows up to %d",
                            path, (long long)version, LS_LOG_VERSION);
    if (version < 1)
        return ls_error_set(err, -EUCLEAN, "%s: version %lld is none", path,
                            (long long)version);
    return 0;
}

int ls_database_open(const char *path, sqlite3 **ret_database, struct ls_error *err)
{
    sqlite3 *database = NULL;
    int rc;

    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                        NULL) != SQLITE_OK) {
        rc = database ? ls_database_error(database, path, err)
                      : ls_error_set(err, -ENOMEM, "%s: out of memory", path);
        goto close_database;
    }
    rc = ls_database_run(database, path, SETTINGS, err);
    if (rc < 0)
        goto close_database;
    rc = check_version(database, path, err);
    if (rc < 0)
        goto close_database;
    *ret_database = database;
    return 0;

close_database:
    sqlite3_close(database);
    return rc;
}
