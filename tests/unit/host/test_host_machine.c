/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A machine made of files, a broken one, and the real one. */
#include "book.h"
#include "host_at.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

static const struct recorded_row *find_row(const struct recorder *recorder, const char *kind,
                                           const char *name)
{
    for (size_t i = recorder->n_rows; i > 0; i--) {
        const struct recorded_row *row = &recorder->rows[i - 1];
        const struct recorded_object *object = &recorder->objects[row->row.object - 1];
        if (strcmp(object->kind, kind) == 0 && strcmp(object->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* One sample of the machine under `root` at time 5000. */
static struct recorder *sample(const char *root)
{
    const struct host_config config = {.enabled = true, .interval_ms = 10000};
    struct recorder *recorder = recorder_new();
    uv_loop_t loop;
    uv_loop_init(&loop);
    const struct host_place place = {.root = root, .systemctl = "false", .chrony_port = 1};
    struct host *host = host_open_at(&loop, &config, "me", &recorder->sink, &place);
    host_sample(host, (struct wall){5000});
    host_close(host);
    host_close(NULL);
    finish_loop(&loop);
    return recorder;
}

static void files_become_rows(void **state)
{
    struct recorder *recorder = sample(TEST_DATA_DIR "/good");
    (void)state;
    const struct recorded_row *row = find_row(recorder, "cpu", "all");
    assert_non_null(row);
    assert_int_equal(row->row.time.ms, 5000);
    assert_int_equal(row->row.status, ROW_OK);
    uint64_t ms_per_tick = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    assert_true(row->values[0].counter == 10132153 * ms_per_tick);
    assert_true(row->values[3].counter == 46828483 * ms_per_tick);
    assert_true(row->values[7].counter == 101 * ms_per_tick);
    assert_int_equal(recorder->objects[row->row.object - 1].types[0], METRIC_COUNTER);
    assert_string_equal(recorder->objects[row->row.object - 1].device, "me");

    row = find_row(recorder, "memory", "all");
    assert_true(row->values[0].gauge == 16384000.0 * 1024);
    assert_true(row->values[2].gauge == 8192000.0 * 1024);
    assert_true(row->values[4].gauge == 4096000.0 * 1024); /* not SwapCached */
    assert_true(row->values[6].gauge == 1048000.0 * 1024);
    row = find_row(recorder, "load", "all");
    assert_true(row->values[0].gauge == 0.52 && row->values[2].gauge == 103.59);

    row = find_row(recorder, "disk", "sda");
    assert_true(row->values[0].counter == 1000 && row->values[1].counter == 8000 * 512);
    assert_true(row->values[2].counter == 2000 && row->values[3].counter == 64000 * 512);
    assert_true(row->values[4].counter == 700 && row->values[5].counter == 800);
    assert_non_null(find_row(recorder, "disk", "cciss/c0d0"));
    assert_non_null(find_row(recorder, "disk", "loop1"));
    assert_null(find_row(recorder, "disk", "loop0")); /* never used */
    assert_null(find_row(recorder, "disk", "sda1"));  /* a partition */
    recorder_free(recorder);
}

static void only_local_filesystems_are_asked(void **state)
{
    struct recorder *recorder = sample(TEST_DATA_DIR "/good");
    struct statvfs info;
    (void)state;
    const struct recorded_row *row = find_row(recorder, "filesystem", "/");
    assert_non_null(row);
    assert_int_equal(statvfs("/", &info), 0);
    assert_true(row->values[0].gauge == (double)info.f_blocks * (double)info.f_frsize);
    assert_true(row->values[1].gauge >= row->values[2].gauge);
    assert_true(row->values[5].gauge == 0);
    assert_true(find_row(recorder, "filesystem", "/usr")->values[5].gauge == 1);
    assert_null(find_row(recorder, "filesystem", "/tmp")); /* nfs4: could hang */
    assert_null(find_row(recorder, "filesystem", "/run")); /* tmpfs */
    assert_null(find_row(recorder, "filesystem", "/proc"));
    assert_null(find_row(recorder, "filesystem", "/there is none"));
    recorder_free(recorder);
}

static void what_is_missing_is_unknown(void **state)
{
    struct recorder *recorder = sample(TEST_DATA_DIR "/odd");
    (void)state;
    const struct recorded_row *row = find_row(recorder, "cpu", "all");
    assert_int_equal(row->row.status, ROW_FAILED); /* its line is too short */
    assert_int_equal(row->row.unknown_mask, 0x3ff);
    row = find_row(recorder, "memory", "all");
    assert_int_equal(row->row.status, ROW_PARTIAL); /* an old kernel without MemAvailable */
    assert_int_equal(row->row.unknown_mask, 1 << 2 | 0x3f80);
    assert_true(row->values[1].gauge == 51200);
    row = find_row(recorder, "load", "all");
    assert_int_equal(row->row.status, ROW_FAILED); /* no such file */
    assert_int_equal(row->row.unknown_mask, 7);
    assert_null(find_row(recorder, "disk", "sda"));
    recorder_free(recorder);
}

static bool sampled_twice(void *context)
{
    const struct recorder *recorder = context;
    size_t n = 0;
    for (size_t i = 0; i < recorder->n_rows; i++) {
        n += strcmp(recorder->objects[recorder->rows[i].row.object - 1].kind, "cpu") == 0;
    }
    return n >= 2;
}

static void real_machine_is_sampled_again_and_again(void **state)
{
    const struct host_config config = {.enabled = true, .interval_ms = 100};
    static const char *const names[] = {
        "in_octets",    "out_octets",  "in_packets",      "out_packets",          "in_errors",
        "out_errors",   "in_discards", "out_discards",    "in_multicast_packets", "oper_status",
        "admin_status", "speed_bps",   "carrier_changes", "ipv4_addresses",       "ipv6_addresses"};
    struct recorder *recorder = recorder_new();
    uv_loop_t loop;
    (void)state;
    uv_loop_init(&loop);
    struct host *host = host_open(&loop, &config, "me", &recorder->sink);
    assert_true(run_until(&loop, sampled_twice, recorder, 10000));
    host_close(host);
    finish_loop(&loop);
    const struct recorded_row *row = find_row(recorder, "interface", "lo");
    assert_non_null(row);
    const struct recorded_object *object = &recorder->objects[row->row.object - 1];
    assert_int_equal(object->n_metrics, 15);
    for (size_t i = 0; i < 15; i++) {
        assert_string_equal(object->metrics[i], names[i]);
        assert_int_equal(object->types[i], i < 9 || i == 12 ? METRIC_COUNTER : METRIC_GAUGE);
    }
    assert_int_equal(row->row.status, ROW_OK); /* it has no speed, and needs none */
    row = find_row(recorder, "memory", "all");
    assert_true(row->values[0].gauge > 0 && row->values[2].gauge <= row->values[0].gauge);
    assert_int_equal(recorder->n_defines, recorder->n_objects); /* each defined once */
    recorder_free(recorder);
}

static void counters_that_go_back_are_marked(void **state)
{
    static const struct metric metrics[] = {
        {"a", "1", METRIC_COUNTER}, {"b", "1", METRIC_COUNTER}, {"c", "1", METRIC_GAUGE}};
    static const struct book_kind kind = {.kind = "interface", .metrics = metrics, .n_metrics = 3};
    static const struct book_labels other = {.n = 1, .items = {{"mac", "02:00:00:00:00:01"}}};
    struct recorder *recorder = recorder_new();
    struct book *book = book_new("me", 1000, &recorder->sink);
    union value values[] = {{.counter = 10}, {.counter = 20}, {.gauge = 5}};
    (void)state;
    book_row(book, &kind, "x", NULL, (struct wall){1000}, values, 0);
    values[1].counter = 3;
    values[2].gauge = 1; /* gauges go back as they like */
    book_row(book, &kind, "x", NULL, (struct wall){2000}, values, 0);
    book_failed(book, &kind, "x", (struct wall){3000}, EIO);
    values[0].counter = 9; /* seen over the failure */
    book_row(book, &kind, "x", NULL, (struct wall){4000}, values, 0);
    book_row(book, &kind, "x", &other, (struct wall){5000}, values, 0);
    assert_int_equal(recorder->rows[0].row.discontinuity_mask, 0);
    assert_int_equal(recorder->rows[1].row.discontinuity_mask, 2);
    assert_int_equal(recorder->rows[2].row.status, ROW_FAILED);
    assert_int_equal(recorder->rows[3].row.discontinuity_mask, 1);
    assert_int_equal(recorder->rows[4].row.object, 2); /* other hardware under the name */
    assert_string_equal(recorder->objects[1].label, "mac=02:00:00:00:00:01");
    book_sweep(book, &kind);
    book_sweep(book, &kind); /* was not told since: forgotten, and defined anew when it is back */
    size_t defines = recorder->n_defines;
    book_row(book, &kind, "x", NULL, (struct wall){6000}, values, 0);
    assert_int_equal(recorder->n_defines, defines + 1);
    assert_int_equal(recorder->rows[5].row.object, 1);
    book_free(book);
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_become_rows),
        cmocka_unit_test(only_local_filesystems_are_asked),
        cmocka_unit_test(what_is_missing_is_unknown),
        cmocka_unit_test(real_machine_is_sampled_again_and_again),
        cmocka_unit_test(counters_that_go_back_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
