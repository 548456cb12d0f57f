/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/cache.h"

#include "common/xalloc.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t START_MS = INT64_C(1767225600000); /* 2026-01-01 */

struct bed {
    char *folder;
    char *directory;
    char *quarantine;
    struct rrd_cache *cache;
    struct object object;
    char *path;
    int64_t now_ms; /* of both clocks */
    size_t alarms;
    char alarm[256];
};

static struct mono fake_mono(void *context)
{
    return (struct mono){((struct bed *)context)->now_ms * 1000000};
}

static struct wall fake_wall(void *context)
{
    return (struct wall){((struct bed *)context)->now_ms};
}

static void note_alarm(void *context, const char *path, const char *reason)
{
    struct bed *bed = context;
    bed->alarms++;
    (void)snprintf(bed->alarm, sizeof bed->alarm, "%s: %s", path, reason);
}

static int open_bed(void **state)
{
    struct bed *bed = xcalloc(1, sizeof *bed);
    bed->folder = make_folder();
    bed->directory = xasprintf("%s/rrd", bed->folder);
    bed->quarantine = xasprintf("%s/quarantine", bed->folder);
    bed->object = sample_object(10000);
    bed->path = rrd_path(bed->directory, bed->object.device, bed->object.kind, bed->object.name);
    bed->now_ms = START_MS;
    const struct clock_source source = {fake_mono, fake_wall, bed};
    clock_replace(&source);
    const struct rrd_cache_options options = {.directory = bed->directory,
                                              .quarantine = bed->quarantine,
                                              .flush_rows = 6,
                                              .flush_after_ms = 300000,
                                              .new_files_max = 3,
                                              .on_alarm = note_alarm,
                                              .context = bed};
    bed->cache = rrd_cache_open(&options);
    *state = bed;
    return 0;
}

static int close_bed(void **state)
{
    struct bed *bed = *state;
    rrd_cache_close(bed->cache);
    clock_replace(NULL);
    free(bed->path);
    free(bed->quarantine);
    free(bed->directory);
    remove_folder(bed->folder);
    free(bed);
    return 0;
}

static int add_row(struct bed *bed, const struct object *object, int64_t ms)
{
    const union value values[SAMPLE_METRICS] = {
        {.counter = (uint64_t)ms}, {.counter = 0}, {.gauge = 1}, {.gauge = 2}};
    struct row row = {.time = {ms}, .status = ROW_OK, .values = values};
    return rrd_cache_add(bed->cache, object, &row, (struct wall){bed->now_ms});
}

static int flush_due(struct bed *bed)
{
    return rrd_cache_flush_due(bed->cache, clock_mono());
}

static double stat_of(const struct bed *bed, const char *name)
{
    struct stats stats = {0};
    double value = -1;
    rrd_cache_stats(bed->cache, &stats);
    for (size_t i = 0; i < stats.count; i++) {
        if (strcmp(stats.values[i].name, name) == 0) {
            value = stats.values[i].value;
        }
    }
    stats_clear(&stats);
    return value;
}

/* Entries of the object's folder whose name has `part`. */
static size_t count_files(const char *folder, const char *part)
{
    DIR *directory = opendir(folder);
    size_t n = 0;
    if (directory != NULL) {
        for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
            n += strstr(entry->d_name, part) != NULL;
        }
        (void)closedir(directory);
    }
    return n;
}

static void expect_last(const struct bed *bed, int64_t ms)
{
    struct wall last;
    assert_int_equal(rrd_file_last(bed->path, &last), 0);
    assert_int_equal(last.ms, ms);
}

static void writes_when_rows_or_age_are_due(void **state)
{
    struct bed *bed = *state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(add_row(bed, &bed->object, START_MS + i * 10000 - 50000), 0);
    }
    assert_int_equal(flush_due(bed), 0);
    assert_int_equal(access(bed->path, F_OK), -1);
    assert_int_equal(rrd_cache_pending(bed->cache), 5);
    assert_int_equal(add_row(bed, &bed->object, START_MS), 0);
    assert_int_equal(flush_due(bed), 0);
    expect_last(bed, START_MS);
    assert_int_equal(rrd_cache_pending(bed->cache), 0);

    assert_int_equal(add_row(bed, &bed->object, START_MS + 10000), 0);
    bed->now_ms += 299999;
    assert_int_equal(flush_due(bed), 0);
    expect_last(bed, START_MS);
    bed->now_ms += 1;
    assert_int_equal(flush_due(bed), 0);
    expect_last(bed, START_MS + 10000);
    assert_int_equal(add_row(bed, &bed->object, START_MS + 20000), 0);
    assert_int_equal(rrd_cache_flush(bed->cache, "sw-1", "interface", "nothing"), 0);
    expect_last(bed, START_MS + 10000);
    assert_int_equal(rrd_cache_flush(bed->cache, "sw-1", "interface", "Gi0/1"), 0);
    expect_last(bed, START_MS + 20000);
    assert_true(stat_of(bed, "beffroi_rrd_rows_written_total") == 8);
    assert_true(stat_of(bed, "beffroi_rrd_files_created_total") == 1);
    assert_int_equal(bed->alarms, 0);
}

static void refuses_old_and_future_rows(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(add_row(bed, &bed->object, START_MS), 0);
    assert_int_equal(add_row(bed, &bed->object, START_MS), -EALREADY);
    assert_int_equal(add_row(bed, &bed->object, START_MS - 1), -EALREADY);
    assert_int_equal(add_row(bed, &bed->object, START_MS + 60001), -ERANGE);
    assert_int_equal(add_row(bed, &bed->object, INT64_MAX), -ERANGE);
    assert_int_equal(add_row(bed, &bed->object, 0), -ERANGE);
    assert_int_equal(add_row(bed, &bed->object, START_MS + 60000), 0);
    assert_int_equal(rrd_cache_pending(bed->cache), 2);
    assert_true(stat_of(bed, "beffroi_rrd_rows_refused_total") == 5);
}

/* A new process is given the rows again from the journal's last checkpoint. */
static void replay_changes_nothing(void **state)
{
    struct bed *bed = *state;
    size_t size;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++) {
            bed->now_ms = START_MS + i * 10000;
            assert_int_equal(add_row(bed, &bed->object, bed->now_ms), 0);
            assert_int_equal(flush_due(bed), 0);
        }
        assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
        if (round == 0) {
            uint8_t *before = read_file(bed->path, &size);
            char *copy = xasprintf("%s.copy", bed->path);
            write_file(copy, before, size);
            free(copy);
            free(before);
            rrd_cache_close(bed->cache);
            const struct rrd_cache_options options = {.directory = bed->directory,
                                                      .quarantine = bed->quarantine,
                                                      .flush_rows = 7,
                                                      .flush_after_ms = 1000,
                                                      .on_alarm = note_alarm,
                                                      .context = bed};
            bed->cache = rrd_cache_open(&options);
        }
    }
    char *copy = xasprintf("%s.copy", bed->path);
    uint8_t *before = read_file(copy, &size);
    uint8_t *after = read_file(bed->path, &size);
    assert_memory_equal(before, after, size);
    assert_true(stat_of(bed, "beffroi_rrd_rows_skipped_total") == 20);
    assert_true(stat_of(bed, "beffroi_rrd_rows_written_total") == 0);
    free(after);
    free(before);
    free(copy);
}

static void a_damaged_file_is_quarantined(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(add_row(bed, &bed->object, START_MS), 0);
    assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
    for (int i = 1; i <= 2; i++) { /* also one that was good a moment ago, and twice in a second */
        write_file(bed->path, "garbage", 7);
        assert_int_equal(add_row(bed, &bed->object, START_MS + i * 10000), 0);
        assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
        expect_last(bed, START_MS + i * 10000);
        assert_int_equal(bed->alarms, i);
        assert_non_null(strstr(bed->alarm, "quarantined"));
        assert_int_equal(rrd_cache_pending(bed->cache), 0);
    }
    char *folder = xasprintf("%s/sw-1/interface", bed->quarantine);
    assert_int_equal(count_files(folder, "Gi0%2F1@20260101T000000Z.rrd"), 1);
    assert_int_equal(count_files(folder, "Gi0%2F1@20260101T000000Z-2.rrd"), 1);
    free(folder);
}

static void other_metrics_set_the_file_aside(void **state)
{
    struct bed *bed = *state;
    struct object changed = bed->object;
    changed.n_metrics = 3;
    assert_int_equal(add_row(bed, &bed->object, START_MS), 0);
    assert_int_equal(add_row(bed, &changed, START_MS + 10000),
                     0); /* the old row is written first */
    expect_last(bed, START_MS);
    assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
    expect_last(bed, START_MS + 10000);
    char *folder = xasprintf("%s/sw-1/interface", bed->directory);
    char *aside = xasprintf("%s/Gi0%%2F1@20260101T000000Z.rrd", folder);
    struct wall last;
    char reason[128];
    assert_int_equal(rrd_file_check(aside, &bed->object, reason, sizeof reason), 0);
    assert_int_equal(rrd_file_last(aside, &last), 0);
    assert_int_equal(last.ms, START_MS);
    assert_int_equal(rrd_file_check(bed->path, &changed, reason, sizeof reason), 0);
    assert_true(stat_of(bed, "beffroi_rrd_files_set_aside_total") == 1);
    /* Two senders that claim one name do not fill the folder. */
    assert_int_equal(add_row(bed, &bed->object, START_MS + 20000), -EBUSY);
    assert_int_equal(count_files(folder, "@"), 1);
    bed->now_ms += 600000;
    assert_int_equal(add_row(bed, &bed->object, START_MS + 20000), 0);
    assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
    assert_int_equal(count_files(folder, "@"), 2);
    free(aside);
    free(folder);
}

/* A slow device is polled at a stretched interval: another step, another file; the alarm says whose
 * it was. */
static void another_interval_sets_the_file_aside(void **state)
{
    struct bed *bed = *state;
    struct object stretched = bed->object;
    char *folder = xasprintf("%s/sw-1/interface", bed->directory);
    char reason[128];
    stretched.interval_ms = 20000;
    for (int64_t i = 0; i < 6; i++) {
        assert_int_equal(add_row(bed, &bed->object, START_MS + i * 10000), 0);
    }
    assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
    assert_int_equal(bed->alarms, 0);
    for (int64_t i = 0; i < 6; i++) {
        bed->now_ms = START_MS + 70000 + i * 20000;
        assert_int_equal(add_row(bed, &stretched, bed->now_ms), 0);
    }
    assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
    assert_int_equal(bed->alarms, 1);
    assert_non_null(strstr(bed->alarm, "/sw-1/interface/Gi0%2F1.rrd: set aside: its step is 10 s"));
    assert_int_equal(rrd_file_check(bed->path, &stretched, reason, sizeof reason), 0);
    expect_last(bed, START_MS + 170000);
    assert_int_equal(count_files(folder, "@"), 1);
    /* And back, when it answers in time again. */
    bed->now_ms += 600000;
    assert_int_equal(add_row(bed, &bed->object, bed->now_ms), 0);
    assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
    assert_int_equal(bed->alarms, 2);
    assert_int_equal(count_files(folder, "@"), 2);
    free(folder);
}

static void rows_wait_for_a_disk_that_fails(void **state)
{
    struct bed *bed = *state;
    write_file(bed->directory, "", 0); /* no folder can be made here */
    bed->now_ms += 1000000;
    for (int i = 0; i < 6 * 16; i++) {
        assert_int_equal(add_row(bed, &bed->object, START_MS + i * 10000), 0);
    }
    assert_int_equal(add_row(bed, &bed->object, START_MS + 960000), -ENOBUFS);
    assert_int_equal(flush_due(bed), -ENOTDIR);
    assert_int_equal(bed->alarms, 1);
    assert_int_equal(flush_due(bed), 0); /* not tried again at once */
    assert_int_equal(bed->alarms, 1);
    assert_int_equal(unlink(bed->directory), 0);
    bed->now_ms += 10000;
    assert_int_equal(flush_due(bed), 0);
    assert_int_equal(rrd_cache_pending(bed->cache), 0);
    expect_last(bed, START_MS + 950000);
    assert_int_equal(add_row(bed, &bed->object, START_MS + 960000), 0);
}

static void new_files_come_slowly(void **state)
{
    struct bed *bed = *state;
    char names[8][20];
    for (int i = 0; i < 8; i++) {
        struct object object = bed->object;
        (void)snprintf(names[i], sizeof names[i], "port %u", (unsigned)i % 10);
        object.name = names[i];
        assert_int_equal(add_row(bed, &object, START_MS), 0);
    }
    bed->now_ms += 300000;
    char *folder = xasprintf("%s/sw-1/interface", bed->directory);
    static const size_t expected[] = {3, 6, 8};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(flush_due(bed), 0);
        assert_int_equal(count_files(folder, "port%20"), expected[i]);
        assert_int_equal(rrd_cache_pending(bed->cache), 8 - expected[i]);
    }
    assert_int_equal(bed->alarms, 2);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_when_rows_or_age_are_due, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(refuses_old_and_future_rows, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(replay_changes_nothing, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_quarantined, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(other_metrics_set_the_file_aside, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(another_interval_sets_the_file_aside, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(rows_wait_for_a_disk_that_fails, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(new_files_come_slowly, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
