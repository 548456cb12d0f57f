/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The database of talkers: what goes in comes out, once; what is deleted is gone. */
#include "items.h"
#include "talkers/view.h"
#include "talkers/writer.h"

#include "common/xalloc.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { MINUTE_MS = 60000 };
static const int64_t START_MS = INT64_C(1767225600000); /* 2026-01-01 */
static const uint8_t stream[PROTO_STREAM_SIZE] = "0123456789abcde";
static const uint8_t other_stream[PROTO_STREAM_SIZE] = "another stream!";

struct bed {
    char *folder;
    char *path;
    struct talker_writer *writer;
};

static int open_bed(void **state)
{
    struct bed *bed = xcalloc(1, sizeof *bed);
    char reason[256] = "";
    bed->folder =
        xasprintf("%s/beffroi-talkers-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(bed->folder));
    bed->path = xasprintf("%s/talkers.db", bed->folder);
    if (talker_writer_open(&bed->writer, bed->path, reason, sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
    *state = bed;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status; /* the walk's interface */
    (void)type;
    (void)walk;
    return remove(path);
}

static int close_bed(void **state)
{
    struct bed *bed = *state;
    talker_writer_close(bed->writer);
    assert_int_equal(nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(bed->path);
    free(bed->folder);
    free(bed);
    return 0;
}

static const struct talker_item items[] = {
    {"192.0.2.7", INT64_MAX, 300, INT64_MAX}, {"tcp/443 https", 128, 127, 0}, {"hash:é", 0, 0, 0}};

/* Of the minute that ends at START_MS + minute. */
static struct talker_report make_report(enum talker_list list, int64_t minute, size_t n_items)
{
    return (struct talker_report){.from = {START_MS + (minute - 1) * MINUTE_MS},
                                  .to = {START_MS + minute * MINUTE_MS},
                                  .list = list,
                                  .total_ip_bytes = 1000 + (uint64_t)minute,
                                  .error_bound_bytes = 7,
                                  .n_items = n_items,
                                  .items = items};
}

static void put(struct bed *bed, const uint8_t *from, const char *device, const char *name,
                const struct talker_report *report)
{
    const struct object object = {.device = device, .kind = "traffic", .name = name};
    assert_int_equal(talker_writer_put(bed->writer, "agent-a", from, &object, report), 0);
}

static void begin(struct bed *bed)
{
    assert_int_equal(talker_writer_begin(bed->writer), 0);
}

static void commit(struct bed *bed)
{
    assert_int_equal(talker_writer_commit(bed->writer), 0);
}

struct seen {
    size_t n;
    int64_t minutes[64];
    char names[64][32];
    uint64_t total;
    size_t n_items;
};

static int see(void *context, const struct talker_row *row)
{
    struct seen *seen = context;
    assert_true(seen->n < 64);
    seen->minutes[seen->n] = (row->report.to.ms - START_MS) / MINUTE_MS;
    (void)snprintf(seen->names[seen->n], sizeof seen->names[0], "%s/%s", row->device, row->object);
    seen->n++;
    seen->total += row->report.total_ip_bytes;
    seen->n_items = row->report.n_items;
    for (size_t i = 0; i < row->report.n_items; i++) {
        assert_string_equal(row->report.items[i].key, items[i].key);
        assert_true(row->report.items[i].ip_bytes == items[i].ip_bytes);
        assert_true(row->report.items[i].packets == items[i].packets);
        assert_true(row->report.items[i].error_bytes == items[i].error_bytes);
    }
    return 0;
}

static struct seen look(const struct bed *bed, const char *device, const char *object,
                        enum talker_list list, int64_t from, int64_t to)
{
    const struct talker_filter filter = {
        device, object, list, {START_MS + from * MINUTE_MS}, {START_MS + to * MINUTE_MS}};
    struct talker_view *view = NULL;
    struct seen seen = {0};
    char reason[256] = "";
    assert_int_equal(talker_view_open(&view, bed->path, reason, sizeof reason), 0);
    assert_int_equal(talker_view_reports(view, &filter, see, &seen), 0);
    talker_view_close(view);
    return seen;
}

static void what_goes_in_comes_out(void **state)
{
    struct bed *bed = *state;
    begin(bed);
    for (int64_t minute = 1; minute <= 4; minute++) {
        struct talker_report hosts = make_report(TALKERS_HOSTS, minute, 3);
        struct talker_report services = make_report(TALKERS_SERVICES, minute, 0);
        put(bed, stream, "r1", "eth0", &hosts);
        put(bed, stream, "r1", "eth1", &services);
        put(bed, other_stream, "r2", "eth0", &hosts);
    }
    commit(bed);
    struct seen seen = look(bed, NULL, NULL, TALKERS_HOSTS, 0, 4);
    assert_int_equal(seen.n, 8);
    assert_int_equal(seen.n_items, 3);
    seen = look(bed, "r1", NULL, TALKERS_SERVICES, 0, 4);
    assert_int_equal(seen.n, 4);
    assert_int_equal(seen.n_items, 0);
    assert_string_equal(seen.names[0], "r1/eth1");
    assert_int_equal(look(bed, "r1", "eth1", TALKERS_HOSTS, 0, 4).n, 0);
    assert_int_equal(look(bed, NULL, NULL, TALKERS_PREFIXES, 0, 4).n, 0);
    assert_int_equal(look(bed, NULL, "eth0", TALKERS_HOSTS, 0, 4).n, 8);
    /* By their end, each in one of two spans. */
    seen = look(bed, "r2", "eth0", TALKERS_HOSTS, 1, 3);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.minutes[0], 2);
    assert_int_equal(seen.minutes[1], 3);
    assert_int_equal(look(bed, "r2", "eth0", TALKERS_HOSTS, 3, 9).n, 1);
}

static void a_repeated_report_replaces_itself(void **state)
{
    struct bed *bed = *state;
    struct talker_report report = make_report(TALKERS_HOSTS, 1, 3);
    begin(bed);
    put(bed, stream, "r1", "eth0", &report);
    commit(bed);
    begin(bed);
    report.n_items = 1;
    report.total_ip_bytes = 5;
    put(bed, stream, "r1", "eth0", &report);
    put(bed, stream, "r1", "eth0", &report);
    commit(bed);
    struct seen seen = look(bed, NULL, NULL, TALKERS_HOSTS, 0, 4);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.n_items, 1);
    assert_int_equal(seen.total, 5);
    begin(bed); /* another agent, list or time is another report */
    put(bed, other_stream, "r1", "eth0", &report);
    report.list = TALKERS_PREFIXES;
    put(bed, stream, "r1", "eth0", &report);
    report.list = TALKERS_HOSTS;
    report.from.ms++;
    put(bed, stream, "r1", "eth0", &report);
    commit(bed);
    assert_int_equal(look(bed, NULL, NULL, TALKERS_HOSTS, 0, 4).n, 3);
}

static void what_was_not_committed_is_not_there(void **state)
{
    struct bed *bed = *state;
    struct talker_report report = make_report(TALKERS_HOSTS, 1, 3);
    char reason[256] = "";
    begin(bed);
    put(bed, stream, "r1", "eth0", &report);
    talker_writer_rollback(bed->writer);
    assert_false(talker_writer_is_open(bed->writer));
    begin(bed);
    put(bed, stream, "r1", "eth0", &report);
    talker_writer_close(bed->writer);
    assert_int_equal(talker_writer_open(&bed->writer, bed->path, reason, sizeof reason), 0);
    assert_int_equal(look(bed, NULL, NULL, TALKERS_HOSTS, 0, 4).n, 0);
    begin(bed);
    report.total_ip_bytes = (uint64_t)INT64_MAX + 1;
    const struct object object = {.device = "d", .kind = "traffic", .name = "n"};
    assert_int_equal(talker_writer_put(bed->writer, "a", stream, &object, &report), -EINVAL);
    commit(bed); /* one item's own fault */
}

static void deleting_is_by_the_end_and_in_steps(void **state)
{
    struct bed *bed = *state;
    size_t deleted = 99;
    begin(bed);
    for (int64_t minute = 1; minute <= 6; minute++) {
        struct talker_report report = make_report(TALKERS_HOSTS, minute, 1);
        put(bed, stream, "r1", minute <= 2 ? "old" : "new", &report);
    }
    commit(bed);
    const struct wall before = {START_MS + 5 * MINUTE_MS};
    assert_int_equal(talker_writer_delete(bed->writer, before, 3, &deleted), 0);
    assert_int_equal(deleted, 3); /* the oldest */
    assert_int_equal(look(bed, NULL, NULL, TALKERS_HOSTS, 0, 9).minutes[0], 4);
    assert_int_equal(talker_writer_delete(bed->writer, before, 3, &deleted), 0);
    assert_int_equal(deleted, 1);
    struct seen seen = look(bed, NULL, NULL, TALKERS_HOSTS, 0, 9);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.minutes[0], 5); /* ended then, not before */
    /* A source that has none left is forgotten. */
    struct talker_view *view = NULL;
    struct wall last = {0};
    char reason[256] = "";
    assert_int_equal(talker_view_open(&view, bed->path, reason, sizeof reason), 0);
    assert_int_equal(talker_view_last(view, "r1", "old", &last), -ENOENT);
    assert_int_equal(talker_view_last(view, NULL, NULL, &last), 0);
    assert_int_equal(last.ms, START_MS + 6 * MINUTE_MS);
    talker_view_close(view);
}

/* An address that is no longer kept cannot be found in the file. */
static void what_is_deleted_is_overwritten(void **state)
{
    struct bed *bed = *state;
    static const struct talker_item secret[] = {{"198.51.100.171", 1, 1, 0}};
    struct talker_report report = make_report(TALKERS_HOSTS, 1, 1);
    size_t deleted = 0;
    char reason[256] = "";
    report.items = secret;
    begin(bed);
    put(bed, stream, "r1", "eth0", &report);
    commit(bed);
    assert_int_equal(talker_writer_delete(bed->writer, (struct wall){INT64_MAX}, 10, &deleted), 0);
    assert_int_equal(deleted, 1);
    talker_writer_close(bed->writer); /* its log goes into the file */
    FILE *file = fopen(bed->path, "rb");
    assert_non_null(file);
    char *bytes = xcalloc(1, 1 << 20);
    size_t size = fread(bytes, 1, 1 << 20, file);
    assert_int_equal(fclose(file), 0);
    assert_true(size > 4096);
    assert_null(memmem(bytes, size, secret[0].key, strlen(secret[0].key)));
    free(bytes);
    assert_int_equal(talker_writer_open(&bed->writer, bed->path, reason, sizeof reason), 0);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void foreign_files_are_refused(void **state)
{
    struct bed *bed = *state;
    struct talker_writer *writer = NULL;
    struct talker_view *view = NULL;
    struct stat status;
    char reason[256] = "";
    char *path = xasprintf("%s/other.db", bed->folder);
    assert_int_equal(talker_view_open(&view, path, reason, sizeof reason), -ENOENT);
    run_sql(path, "CREATE TABLE mine (x)");
    assert_int_equal(talker_writer_open(&writer, path, reason, sizeof reason), -EBADMSG);
    assert_non_null(strstr(reason, "another program's database, not a database of talkers"));
    assert_int_equal(talker_view_open(&view, path, reason, sizeof reason), -EBADMSG);
    run_sql(path, "PRAGMA application_id = 1111905355; PRAGMA user_version = 99");
    assert_int_equal(talker_writer_open(&writer, path, reason, sizeof reason), -EBADMSG);
    assert_non_null(strstr(reason, "newer"));
    assert_int_equal(stat(bed->path, &status), 0);
    assert_int_equal(status.st_mode & 0007, 0);
    free(path);
}

static void a_damaged_row_is_no_row(void **state)
{
    struct bed *bed = *state;
    struct talker_report report = make_report(TALKERS_HOSTS, 1, 3);
    const struct talker_filter filter = {
        NULL, NULL, TALKERS_HOSTS, {START_MS}, {START_MS + 9 * MINUTE_MS}};
    struct talker_view *view = NULL;
    struct seen seen = {0};
    char reason[256] = "";
    begin(bed);
    put(bed, stream, "r1", "eth0", &report);
    commit(bed);
    run_sql(bed->path, "UPDATE report SET items = x'6100ff'");
    assert_int_equal(talker_view_open(&view, bed->path, reason, sizeof reason), 0);
    assert_int_equal(talker_view_reports(view, &filter, see, &seen), -EBADMSG);
    talker_view_close(view);
    assert_int_equal(seen.n, 0);
}

/* --- the blob --- */

static void every_cut_of_a_blob_is_seen(void **state)
{
    (void)state;
    uint8_t *bytes = xcalloc(1, TALKER_ITEMS_MAX_BYTES);
    struct talker_item read[PROTO_TALKERS_MAX];
    size_t n = 99;
    size_t good = 0;
    size_t size = talker_items_encode(items, 3, bytes);
    for (size_t i = 0; i <= size; i++) {
        uint8_t *copy = xmemdup(bytes, i); /* ends where its memory ends */
        good += talker_items_decode(copy, i, read, &n) == 0;
        free(copy);
    }
    assert_int_equal(good, 1 + 3); /* after each item */
    assert_int_equal(n, 3);
    static const uint8_t bad[][12] = {{0, 1, 1, 1}, {'a', 0, 1, 1, 0x80}, {'\n', 0, 1, 1, 1}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(talker_items_decode(bad[i], i == 1 ? 5 : 4 + (i == 2), read, &n),
                         -EBADMSG);
    }
    /* Over 63 bits, and over a hundred. */
    static const uint8_t wide[] = {'a',  0,    0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 1,    0,    0};
    assert_int_equal(talker_items_decode(wide, sizeof wide, read, &n), -EBADMSG);
    uint8_t *many = xcalloc(PROTO_TALKERS_MAX + 1, 5);
    for (size_t i = 0; i <= PROTO_TALKERS_MAX; i++) {
        many[5 * i] = 'a';
    }
    assert_int_equal(talker_items_decode(many, 5 * PROTO_TALKERS_MAX, read, &n), 0);
    assert_int_equal(n, PROTO_TALKERS_MAX);
    assert_int_equal(talker_items_decode(many, 5 * (PROTO_TALKERS_MAX + 1), read, &n), -EBADMSG);
    free(many);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_goes_in_comes_out, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_repeated_report_replaces_itself, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(what_was_not_committed_is_not_there, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(deleting_is_by_the_end_and_in_steps, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(what_is_deleted_is_overwritten, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(foreign_files_are_refused, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_damaged_row_is_no_row, open_bed, close_bed),
        cmocka_unit_test(every_cut_of_a_blob_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
