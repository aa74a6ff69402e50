/* tests/unit/scheduler/log/store_test.c - append, replay, the lock, a full disk,
 * versions. */
#include "tests/unit/scheduler/log/scratch.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void events_come_back_in_order_after_a_restart(void **state)
{
    struct scratch scratch;

    (void)state;
    scratch_begin(&scratch);
    assert_int_equal(scratch_open(&scratch), 0);
    assert_int_equal(scratch_replay(&scratch), 0);
    assert_int_equal(scratch_append(&scratch, 1, 1), 0);
    assert_int_equal(scratch_append(&scratch, 2, 100), 0);
    assert_int_equal(scratch_append(&scratch, 102, 0), 0);
    scratch_close(&scratch);
    assert_int_equal(scratch_open(&scratch), 0);
    assert_int_equal(scratch_append(&scratch, 102, 2), 0);
    assert_int_equal(scratch_replay(&scratch), 103);
    scratch_end(&scratch);
}

/* Nobody closes the log: what append() has confirmed is there for the next process. */
static void what_was_appended_survives_the_death_of_the_process(void **state)
{
    struct scratch scratch;
    pid_t child;
    int status;

    (void)state;
    scratch_begin(&scratch);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (scratch_open(&scratch) < 0 || scratch_append(&scratch, 1, 5) < 0 ||
            scratch_append(&scratch, 6, 5) < 0)
            _exit(1);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(scratch_open(&scratch), 0);
    assert_int_equal(scratch_replay(&scratch), 10);
    scratch_end(&scratch);
}

static void only_one_holder_at_a_time_and_it_is_named(void **state)
{
    struct ls_log_store *second = NULL;
    struct scratch scratch;
    char expected[128];

    (void)state;
    scratch_begin(&scratch);
    assert_int_equal(scratch_open(&scratch), 0);
    assert_int_equal(ls_log_store_open(scratch.directory, &second, &scratch.err),
                     -EWOULDBLOCK);
    (void)snprintf(expected, sizeof(expected), "%s: in use by process %ld",
                   scratch.directory, (long)getpid());
    assert_string_equal(scratch.err.text, expected);
    assert_null(second);
    scratch_close(&scratch);
    assert_int_equal(scratch_open(&scratch), 0);
    scratch_end(&scratch);
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The file size limit stands for the end of the disk. */
static void a_full_disk_refuses_a_batch_and_later_ones_work(void **state)
{
    struct scratch scratch;
    struct stat stat_buffer;
    int appended = 0, rc = 0;

    (void)state;
    scratch_begin(&scratch);
    assert_int_equal(scratch_open(&scratch), 0);
    assert_int_equal(scratch_append(&scratch, 1, 3), 0);
    assert_int_equal(stat(scratch_path(&scratch, "events.db-wal"), &stat_buffer), 0);
    limit_file_size((rlim_t)stat_buffer.st_size + 20000);
    while (rc == 0 && appended < 1000) {
        rc = scratch_append(&scratch, 4 + appended, 2);
        appended += rc == 0 ? 2 : 0;
    }
    assert_int_equal(rc, -ENOSPC);
    assert_non_null(strstr(scratch.err.text, "events.db: no space left on device"));
    assert_int_equal(scratch_append(&scratch, 4 + appended, 50), -ENOSPC);
    assert_int_equal(scratch_replay(&scratch), 3 + appended);

    limit_file_size(RLIM_INFINITY);
    assert_int_equal(scratch_append(&scratch, 4 + appended, 50), 0);
    assert_int_equal(scratch_replay(&scratch), 53 + appended);
    scratch_close(&scratch);
    assert_int_equal(scratch_open(&scratch), 0);
    assert_int_equal(scratch_replay(&scratch), 53 + appended);
    scratch_end(&scratch);
}

static void an_event_that_cannot_be_kept_takes_its_batch_with_it(void **state)
{
    struct ls_event events[2] = {{.kind = LS_EVENT_TICK, .time_ms = 1},
                                 {.kind = LS_EVENT_TICK, .time_ms = 2}};
    struct scratch scratch;

    (void)state;
    scratch_begin(&scratch);
    assert_int_equal(scratch_open(&scratch), 0);
    memset(events[1].text, 'x', sizeof(events[1].text)); /* no NUL */
    assert_int_equal(ls_log_store_append(scratch.log, events, 2, &scratch.err),
                     -EINVAL);
    assert_int_equal(scratch_replay(&scratch), 0);
    assert_int_equal(scratch_append(&scratch, 1, 1), 0);
    assert_int_equal(scratch_replay(&scratch), 1);
    scratch_end(&scratch);
}

/* Change the file behind the log's back. */
static void run_sql(const struct scratch *scratch, const char *sql)
{
    sqlite3 *database = NULL;

    assert_int_equal(sqlite3_open(scratch_path(scratch, "events.db"), &database),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void start_with_ten(struct scratch *scratch)
{
    scratch_begin(scratch);
    assert_int_equal(scratch_open(scratch), 0);
    assert_int_equal(scratch_append(scratch, 1, 10), 0);
    scratch_close(scratch);
}

static void a_log_of_a_newer_version_is_refused(void **state)
{
    struct scratch scratch;

    (void)state;
    start_with_ten(&scratch);
    run_sql(&scratch, "PRAGMA user_version = 7");
    assert_int_equal(scratch_open(&scratch), -EPROTONOSUPPORT);
    assert_non_null(strstr(scratch.err.text, "version 7, this program knows up to 1"));
    run_sql(&scratch, "PRAGMA user_version = 1");
    assert_int_equal(scratch_open(&scratch), 0);
    assert_int_equal(scratch_replay(&scratch), 10);
    scratch_end(&scratch);
}

static void another_programs_database_is_not_taken_for_a_log(void **state)
{
    struct scratch scratch;

    (void)state;
    scratch_begin(&scratch);
    run_sql(&scratch, "CREATE TABLE mine (x)");
    assert_int_equal(scratch_open(&scratch), -EUCLEAN);
    assert_non_null(strstr(scratch.err.text, "not a log of lockstep"));
    scratch_end(&scratch);
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
    struct ls_log_store *log = NULL;
    struct ls_error err;

    (void)state;
    assert_true(ls_log_store_open("/dev/null/log", &log, &err) < 0);
    assert_non_null(strstr(err.text, "/dev/null"));
    assert_null(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_back_in_order_after_a_restart),
        cmocka_unit_test(what_was_appended_survives_the_death_of_the_process),
        cmocka_unit_test(only_one_holder_at_a_time_and_it_is_named),
        cmocka_unit_test(a_full_disk_refuses_a_batch_and_later_ones_work),
        cmocka_unit_test(an_event_that_cannot_be_kept_takes_its_batch_with_it),
        cmocka_unit_test(a_log_of_a_newer_version_is_refused),
        cmocka_unit_test(another_programs_database_is_not_taken_for_a_log),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
    };

    (void)signal(SIGXFSZ, SIG_IGN); /* a write over the limit fails instead */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
