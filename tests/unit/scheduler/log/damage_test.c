/* tests/unit/scheduler/log/damage_test.c - files that are not as we left them: refused
 * with what and where, or a prefix of the events; never a crash, never a wrong event.
 */
#include "tests/unit/scheduler/log/scratch.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"

enum { EVENTS = 40, BYTES_MAX = 1 << 22 };

static void start_with_events(struct scratch *scratch)
{
    scratch_begin(scratch);
    assert_int_equal(scratch_open(scratch), 0);
    for (int i = 0; i < EVENTS; i += 4)
        assert_int_equal(scratch_append(scratch, i + 1, 4), 0);
}

static void run_sql(const struct scratch *scratch, const char *sql)
{
    sqlite3 *database = NULL;

    assert_int_equal(sqlite3_open(scratch_path(scratch, "events.db"), &database),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* Open, replay, and expect this complaint. */
static void assert_damaged(struct scratch *scratch, const char *complaint)
{
    assert_int_equal(scratch_open(scratch), 0);
    assert_int_equal(scratch_replay(scratch), -EUCLEAN);
    assert_non_null(strstr(scratch->err.text, complaint));
    scratch_close(scratch);
}

static void a_changed_event_is_refused_with_its_number(void **state)
{
    struct scratch scratch;

    (void)state;
    start_with_events(&scratch);
    scratch_close(&scratch);
    run_sql(&scratch, "UPDATE events SET bytes = CAST(substr(bytes, 1, 9) || 'y' || "
                      "substr(bytes, 11) AS BLOB) WHERE sequence = 17");
    assert_damaged(&scratch, "event 17 is damaged: its checksum is wrong");
    scratch_end(&scratch);
}

static void an_event_taken_out_or_moved_is_refused(void **state)
{
    struct scratch scratch;

    (void)state;
    start_with_events(&scratch);
    scratch_close(&scratch);
    run_sql(&scratch, "UPDATE events SET sequence = -1 WHERE sequence = 5;"
                      "UPDATE events SET sequence = 5 WHERE sequence = 6;"
                      "UPDATE events SET sequence = 6 WHERE sequence = -1");
    assert_damaged(&scratch, "event 5 is damaged: its checksum is wrong");
    run_sql(&scratch, "DELETE FROM events WHERE sequence = 3");
    assert_damaged(&scratch, "event 3 is damaged: it is missing");
    run_sql(&scratch, "DELETE FROM events WHERE sequence < 3");
    assert_damaged(&scratch, "event 1 is damaged: it is missing");
    scratch_end(&scratch);
}

/* Overwrite a range of a file with a byte. */
static void overwrite(const char *path, size_t from, size_t size, char byte)
{
    struct ls_error err;
    char *bytes;
    size_t total;

    assert_int_equal(ls_file_read(path, BYTES_MAX, &bytes, &total, &err), 0);
    assert_true(from + size <= total);
    memset(bytes + from, byte, size);
    assert_int_equal(ls_file_write_atomic(path, bytes, total, &err), 0);
    ls_free(bytes);
}

static void a_file_of_garbage_is_refused(void **state)
{
    struct scratch scratch;

    (void)state;
    start_with_events(&scratch);
    scratch_close(&scratch);
    overwrite(scratch_path(&scratch, "events.db"), 0, 4096, '?');
    assert_int_equal(scratch_open(&scratch), -EUCLEAN);
    assert_non_null(strstr(scratch.err.text, "events.db: the file is damaged"));
    scratch_end(&scratch);
}

/* Every page in turn: the replay ends with an error or all events, which are right. */
static void a_page_of_garbage_is_refused(void **state)
{
    struct scratch scratch;
    struct ls_error err;
    char *bytes;
    size_t total;
    int refused = 0;

    (void)state;
    start_with_events(&scratch);
    scratch_close(&scratch);
    assert_int_equal(ls_file_read(scratch_path(&scratch, "events.db"), BYTES_MAX,
                                  &bytes, &total, &err),
                     0);
    assert_true(total >= (size_t)3 * 4096);
    for (size_t page = 1; page < total / 4096; page++) {
        int rc;

        assert_int_equal(ls_file_write_atomic(scratch_path(&scratch, "events.db"),
                                              bytes, total, &err),
                         0);
        overwrite(scratch_path(&scratch, "events.db"), page * 4096, 4096, (char)0xa5);
        rc = scratch_open(&scratch);
        if (rc == 0)
            rc = scratch_replay(&scratch);
        assert_true(rc == -EUCLEAN || rc == EVENTS);
        refused += rc == -EUCLEAN;
        scratch_close(&scratch);
    }
    assert_true(refused > 0);
    ls_free(bytes);
    scratch_end(&scratch);
}

/* ---- the write-ahead log
 * ---------------------------------------------------------------- */

/* Leave the files as a process that was killed leaves them: with a WAL. */
static void start_with_wal(struct scratch *scratch)
{
    pid_t child;
    int status;

    scratch_begin(scratch);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (scratch_open(scratch) < 0)
            _exit(1);
        for (int i = 0; i < EVENTS; i += 4) {
            if (scratch_append(scratch, i + 1, 4) < 0)
                _exit(1);
        }
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* A copy of both files, to damage them again and again. */
struct image {
    char *database, *wal;
    size_t database_size, wal_size;
};

static void image_take(struct image *image, const struct scratch *scratch)
{
    struct ls_error err;

    assert_int_equal(ls_file_read(scratch_path(scratch, "events.db"), BYTES_MAX,
                                  &image->database, &image->database_size, &err),
                     0);
    assert_int_equal(ls_file_read(scratch_path(scratch, "events.db-wal"), BYTES_MAX,
                                  &image->wal, &image->wal_size, &err),
                     0);
    assert_true(image->wal_size > 4096);
}

static void image_put(const struct image *image, const struct scratch *scratch,
                      size_t wal_size)
{
    struct ls_error err;

    assert_int_equal(ls_file_write_atomic(scratch_path(scratch, "events.db"),
                                          image->database, image->database_size, &err),
                     0);
    assert_int_equal(ls_file_write_atomic(scratch_path(scratch, "events.db-wal"),
                                          image->wal, wal_size, &err),
                     0);
}

static void image_free(struct image *image)
{
    ls_free(image->database);
    ls_free(image->wal);
}

/* A whole number of batches, oldest first, or refused in words; then usable again. */
static int open_some_prefix(struct scratch *scratch)
{
    int count = scratch_open(scratch);

    if (count == 0)
        count = scratch_replay(scratch);
    if (count < 0) {
        assert_int_equal(count, -EUCLEAN);
        assert_non_null(strstr(scratch->err.text, "damaged"));
    } else {
        assert_int_equal(count % 4, 0);
        assert_true(count <= EVENTS);
        assert_int_equal(scratch_append(scratch, count + 1, 1), 0);
        assert_int_equal(scratch_replay(scratch), count + 1);
    }
    scratch_close(scratch);
    return count;
}

static void a_torn_wal_gives_the_batches_before_the_tear(void **state)
{
    struct scratch scratch;
    struct image image;
    int before = 0;

    (void)state;
    start_with_wal(&scratch);
    image_take(&image, &scratch);
    for (size_t size = 0; size < image.wal_size; size += 2503) {
        int count;

        image_put(&image, &scratch, size);
        count = open_some_prefix(&scratch);
        assert_true(count >= before); /* more of the file is never fewer events */
        before = count;
    }
    image_put(&image, &scratch, image.wal_size);
    assert_int_equal(open_some_prefix(&scratch), EVENTS);
    assert_true(before >= EVENTS / 2);
    image_free(&image);
    scratch_end(&scratch);
}

static void flipped_bytes_in_the_wal_give_a_prefix_or_a_refusal(void **state)
{
    struct scratch scratch;
    struct image image;
    int shorter = 0;

    (void)state;
    start_with_wal(&scratch);
    image_take(&image, &scratch);
    for (size_t at = 0; at < image.wal_size; at += 2111) {
        image.wal[at] = (char)(image.wal[at] ^ 0x40);
        image_put(&image, &scratch, image.wal_size);
        shorter += open_some_prefix(&scratch) < EVENTS;
        image.wal[at] = (char)(image.wal[at] ^ 0x40);
    }
    assert_true(shorter > 0);
    image_free(&image);
    scratch_end(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_event_is_refused_with_its_number),
        cmocka_unit_test(an_event_taken_out_or_moved_is_refused),
        cmocka_unit_test(a_file_of_garbage_is_refused),
        cmocka_unit_test(a_page_of_garbage_is_refused),
        cmocka_unit_test(a_torn_wal_gives_the_batches_before_the_tear),
        cmocka_unit_test(flipped_bytes_in_the_wal_give_a_prefix_or_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
