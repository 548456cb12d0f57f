/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A disk that is full under the ledger, the talkers or the files: store says so, stays alive,
 * waits, and afterwards everything is there once. The test stands between SQLite and pwrite(2), and
 * between the rows' cache and its files. */
#include "support.h"

#include "common/log.h"
#include "rrd/file.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool ledger_full;
static bool talkers_full;
static bool files_full;

/* --- the injections --- */

/* Is the descriptor of a file (or its log) of the talkers? */
static bool is_of_talkers(int fd)
{
    char link[64];
    char path[512] = "";
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    assert_true(readlink(link, path, sizeof path - 1) > 0);
    return strstr(path, "/talkers.") != NULL;
}

static ssize_t failing_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if ((ledger_full || talkers_full) && (is_of_talkers(fd) ? talkers_full : ledger_full)) {
        errno = ENOSPC;
        return -1;
    }
    return pwrite(fd, bytes, size, offset);
}

static int install_failing_disk(void **state)
{
    (void)state;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_syscall_ptr call = (sqlite3_syscall_ptr)failing_pwrite;
    return vfs->xSetSystemCall(vfs, "pwrite", call) == SQLITE_OK &&
                   vfs->xSetSystemCall(vfs, "pwrite64", call) == SQLITE_OK
               ? 0
               : -1;
}

int __real_rrd_file_create(const char *path, const struct object *object, struct wall first,
                           char *reason, size_t reason_size);
int __wrap_rrd_file_create(const char *path, const struct object *object, struct wall first,
                           char *reason, size_t reason_size);
int __real_rrd_file_update(const char *path, const struct object *object,
                           const struct rrd_row *rows, size_t n_rows,
                           struct rrd_update_result *result, char *reason, size_t reason_size);
int __wrap_rrd_file_update(const char *path, const struct object *object,
                           const struct rrd_row *rows, size_t n_rows,
                           struct rrd_update_result *result, char *reason, size_t reason_size);

int __wrap_rrd_file_create(const char *path, const struct object *object, struct wall first,
                           char *reason, size_t reason_size)
{
    return files_full ? -ENOSPC : __real_rrd_file_create(path, object, first, reason, reason_size);
}

int __wrap_rrd_file_update(const char *path, const struct object *object,
                           const struct rrd_row *rows, size_t n_rows,
                           struct rrd_update_result *result, char *reason, size_t reason_size)
{
    if (files_full) {
        *result = (struct rrd_update_result){0};
        return -ENOSPC;
    }
    return __real_rrd_file_update(path, object, rows, n_rows, result, reason, reason_size);
}

/* --- conditions --- */

static bool is_failing(struct bed *bed)
{
    return figure(bed, "beffroi_store_failing", NULL) == 1;
}

static bool works_again(struct bed *bed)
{
    return !is_failing(bed);
}

static bool ledger_was_tried_twice(struct bed *bed)
{
    return figure(bed, "beffroi_store_failures_total", "ledger") >= 2;
}

static bool talkers_were_tried_twice(struct bed *bed)
{
    return figure(bed, "beffroi_store_failures_total", "talkers") >= 2;
}

static bool rows_were_tried_twice(struct bed *bed)
{
    return figure(bed, "beffroi_store_failures_total", "rrd") >= 2;
}

/* Batch n: a row of "a" at 10 n s, statement n. */
static void append_batch(struct bed *bed, uint64_t n)
{
    struct object object = make_object(1, "a", false);
    struct stream_position position = position_of(0x11, 1, n);
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    int64_t ms = (int64_t)n * 10000;
    if (n == 1) {
        assert_int_equal(batch_add_definition(writer, &object), 0);
    }
    add_row(writer, &object, ms, n * 100);
    add_statement(writer, bed->keys, &position, n, OUTCOME_UP, 10000, ms);
    append(bed, position, ms, writer, true);
    batch_writer_free(writer);
}

static void open_files(void)
{
    files_full = false;
    ledger_full = false;
    talkers_full = false;
}

/* --- the faults --- */

static void a_full_ledger_loses_nothing_and_doubles_nothing(void **state)
{
    struct bed *bed = *state;
    append_batch(bed, 1);
    run_until_applied(bed, 1);
    ledger_full = true;
    append_batch(bed, 2);
    append_batch(bed, 3);
    run_until(bed, is_failing);
    move_clocks(bed, 1000); /* to the next attempt */
    run_until(bed, ledger_was_tried_twice);
    assert_int_equal(ask_int(bed, "SELECT sequence FROM stream"), 1);
    assert_true(figure(bed, "beffroi_store_journal_lag_seconds", NULL) > 0);
    assert_true(figure(bed, "beffroi_store_statements_total", NULL) == 1);
    open_files();
    move_clocks(bed, 1000);
    run_until(bed, works_again);
    run_until_applied(bed, 3);
    assert_int_equal(ask_int(bed, "SELECT sequence FROM stream"), 3);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM statement"), 3);
    assert_int_equal(ask_int(bed, "SELECT (last_ms - 1767225600000) FROM object"), 30000);
    assert_true(figure(bed, "beffroi_store_statements_total", NULL) == 3);
    /* Read twice, fed once. */
    assert_true(figure(bed, "beffroi_store_rows_total", NULL) == 3);
    assert_true(figure(bed, "beffroi_store_rows_refused_total", "repeated") == 0);
    assert_true(figure(bed, "beffroi_store_journal_lag_seconds", NULL) == 0);
}

static void full_files_hold_the_journal_back(void **state)
{
    struct bed *bed = *state;
    const uint64_t room = 16 * bed->options.flush_rows; /* as rrd/cache.h has it */
    files_full = true;
    for (uint64_t n = 1; n <= room + 10; n++) {
        append_batch(bed, n);
    }
    run_until(bed, is_failing);
    run_until_applied(bed, room);
    move_clocks(bed, 1000);
    run_until(bed, rows_were_tried_twice);
    assert_true(figure(bed, "beffroi_store_entries_total", NULL) == (double)room);
    assert_true(figure(bed, "beffroi_rrd_rows_pending", NULL) == (double)room);
    assert_true(figure(bed, "beffroi_store_journal_lag_seconds", NULL) > 0);
    assert_int_equal(ask_int(bed, "SELECT watermark_segment + watermark_offset FROM state"), 0);
    open_files();
    move_clocks(bed, 10000);
    run_until_applied(bed, room + 10);
    run_until(bed, works_again);
    close_store(bed);
    assert_int_equal(last_of(bed, "a"), (int64_t)(room + 10) * 10000);
    assert_int_equal(ask_int(bed, "SELECT watermark_offset = applied_offset FROM state"), 1);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM statement"), (int64_t)room + 10);
}

static void full_files_set_no_watermark(void **state)
{
    struct bed *bed = *state;
    append_batch(bed, 1);
    run_until_applied(bed, 1);
    files_full = true;
    close_store(bed);
    assert_int_equal(ask_int(bed, "SELECT watermark_segment + watermark_offset FROM state"), 0);
    open_files();
    open_store(bed); /* replays the row */
    append_batch(bed, 2);
    run_until_applied(bed, 1);
    close_store(bed);
    assert_int_equal(last_of(bed, "a"), 20000);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM statement"), 2);
}

/* Batch n with a report of the traffic of "eth0" in it. */
static void append_report(struct bed *bed, uint64_t n)
{
    struct object traffic = make_traffic(2, "eth0");
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    assert_int_equal(batch_add_definition(writer, &traffic), 0);
    add_talkers(writer, 2, (int64_t)n * 60000, n * 1000);
    append(bed, position_of(0x11, 1, n), (int64_t)n * 60000, writer, true);
    batch_writer_free(writer);
}

static void full_talkers_hold_the_ledger_back(void **state)
{
    struct bed *bed = *state;
    append_report(bed, 1);
    run_until_applied(bed, 1);
    talkers_full = true;
    append_report(bed, 2);
    append_report(bed, 3);
    run_until(bed, is_failing);
    move_clocks(bed, 1000);
    run_until(bed, talkers_were_tried_twice);
    /* The position does not move past what is not stored. */
    assert_int_equal(ask_int(bed, "SELECT sequence FROM stream"), 1);
    assert_int_equal(ask_talkers(bed, "SELECT count(*) FROM report"), 1);
    assert_true(figure(bed, "beffroi_store_talker_reports_total", NULL) == 1);
    assert_true(figure(bed, "beffroi_store_failures_total", "ledger") == 0);
    open_files();
    move_clocks(bed, 1000);
    run_until(bed, works_again);
    run_until_applied(bed, 3);
    assert_int_equal(ask_talkers(bed, "SELECT count(*) FROM report"), 3);
    assert_true(figure(bed, "beffroi_store_talker_reports_total", NULL) == 3);
}

/* Between the two commits: the talkers are on disk, the position is not. */
static void talkers_that_come_again_replace_themselves(void **state)
{
    struct bed *bed = *state;
    append_report(bed, 1);
    run_until_applied(bed, 1);
    ledger_full = true;
    append_report(bed, 2);
    append_report(bed, 3);
    run_until(bed, is_failing);
    assert_int_equal(ask_talkers(bed, "SELECT count(*) FROM report"), 3);
    assert_int_equal(ask_int(bed, "SELECT sequence FROM stream"), 1);
    open_files();
    move_clocks(bed, 1000);
    run_until(bed, works_again);
    run_until_applied(bed, 3);
    assert_int_equal(ask_int(bed, "SELECT sequence FROM stream"), 3);
    assert_int_equal(ask_talkers(bed, "SELECT count(*) FROM report"), 3);
    assert_int_equal(ask_talkers(bed, "SELECT sum(total) FROM report"), 2 * 6000);
    assert_true(figure(bed, "beffroi_store_talker_reports_total", NULL) == 3);
}

static int close_full_bed(void **state)
{
    open_files();
    return close_bed(state);
}

int main(void)
{
    log_open("test", LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_ledger_loses_nothing_and_doubles_nothing, open_bed,
                                        close_full_bed),
        cmocka_unit_test_setup_teardown(full_files_hold_the_journal_back, open_bed, close_full_bed),
        cmocka_unit_test_setup_teardown(full_talkers_hold_the_ledger_back, open_bed,
                                        close_full_bed),
        cmocka_unit_test_setup_teardown(talkers_that_come_again_replace_themselves, open_bed,
                                        close_full_bed),
        cmocka_unit_test_setup_teardown(full_files_set_no_watermark, open_bed, close_full_bed),
    };
    return cmocka_run_group_tests(tests, install_failing_disk, NULL);
}
