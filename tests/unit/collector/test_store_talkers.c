/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Talker reports on their way into their database, and out of it when they are old. */
#include "support.h"

#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, STEP = 500 };
static const int64_t DAY_MS = 86400000;

/* Object 1 is interface "a", object 2 the traffic of "eth0", and one report of it. */
static struct batch_writer *begin_batch(void)
{
    struct object object = make_object(1, "a", false);
    struct object traffic = make_traffic(2, "eth0");
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    assert_int_equal(batch_add_definition(writer, &object), 0);
    assert_int_equal(batch_add_definition(writer, &traffic), 0);
    return writer;
}

static void finish_batch(struct bed *bed, uint64_t sequence, int64_t ms,
                         struct batch_writer *writer)
{
    append(bed, position_of(0x11, 1, sequence), ms, writer, true);
    batch_writer_free(writer);
}

/* So many reports, a minute each, the first one ends at the first minute. */
static void append_reports(struct bed *bed, uint64_t sequence, int64_t n)
{
    struct batch_writer *writer = begin_batch();
    for (int64_t i = 1; i <= n; i++) {
        add_talkers(writer, 2, i * MINUTE_MS, 1000);
    }
    finish_batch(bed, sequence, n * MINUTE_MS, writer);
}

static int64_t reports(const struct bed *bed)
{
    return ask_talkers(bed, "SELECT count(*) FROM report");
}

static double deleted(const struct bed *bed)
{
    return figure(bed, "beffroi_store_talker_reports_deleted_total", NULL);
}

static void reports_are_stored_by_their_objects_name(void **state)
{
    struct bed *bed = *state;
    append_reports(bed, 1, 3);
    run_until_applied(bed, 1);
    assert_int_equal(reports(bed), 3);
    assert_int_equal(ask_talkers(bed, "SELECT count(*) FROM report JOIN source s ON s.id ="
                                      " source_id WHERE device = 'hall' AND object = 'eth0'"
                                      " AND agent = 'agent-a' AND list = 1 AND total = 2000"
                                      " AND bound = 10 AND to_ms - from_ms = 60000"),
                     3);
    assert_int_equal(ask_talkers(bed, "SELECT last_ms - 1767225600000 FROM source"), 3 * MINUTE_MS);
    assert_true(figure(bed, "beffroi_store_talker_reports_total", NULL) == 3);
    assert_true(figure(bed, "beffroi_store_talkers_bytes", NULL) > 4096);
    assert_true(figure(bed, "beffroi_store_failing", NULL) == 0);
}

static void what_makes_no_sense_is_counted_and_left_out(void **state)
{
    struct bed *bed = *state;
    append_reports(bed, 1, 1);
    struct batch_writer *writer =
        batch_writer_new(BATCH_WIRE);                /* its objects were defined before */
    add_talkers(writer, 1, 2 * MINUTE_MS, 1000);     /* of an interface */
    add_talkers(writer, 3, 2 * MINUTE_MS, 1000);     /* of nothing */
    add_talkers(writer, 2, 4 * MINUTE_MS + 1, 1000); /* ends over a minute after it came */
    add_talkers(writer, 2, 3 * MINUTE_MS, 1000);
    finish_batch(bed, 2, 3 * MINUTE_MS, writer);
    run_until_applied(bed, 2);
    assert_int_equal(reports(bed), 2);
    assert_true(figure(bed, "beffroi_store_talker_reports_total", NULL) == 2);
    assert_true(figure(bed, "beffroi_store_talker_reports_refused_total", "kind") == 1);
    assert_true(figure(bed, "beffroi_store_talker_reports_refused_total", "undefined") == 1);
    assert_true(figure(bed, "beffroi_store_talker_reports_refused_total", "time") == 1);
    assert_true(figure(bed, "beffroi_store_items_refused_total", NULL) == 0);
}

/* --- retention --- */

static bool is_down_to_two(struct bed *bed)
{
    return reports(bed) == 2;
}

static void old_ones_go_at_the_start_and_every_hour(void **state)
{
    struct bed *bed = *state;
    append_reports(bed, 1, 4);
    run_until_applied(bed, 1);
    close_store(bed);
    /* What ended before the middle of the second minute is too old; the test may take 30 s. */
    bed->options.talkers_retention_ms = clock_wall().ms - (START_MS + MINUTE_MS + 30000);
    open_store(bed);
    append_reports(bed, 2, 0);
    run_until_applied(bed, 1);
    assert_int_equal(reports(bed), 3);
    assert_true(deleted(bed) == 1);
    move_clocks(bed, MINUTE_MS); /* the next one is too old, but it is not looked for yet */
    append_reports(bed, 3, 0);
    run_until_applied(bed, 2);
    assert_int_equal(reports(bed), 3);
    append_reports(bed, 4, 64); /* of which those before the fourth minute are too old at once */
    run_until_applied(bed, 3);
    assert_int_equal(reports(bed), 64); /* the first again; a repeated one replaces itself */
    move_clocks(bed, HOUR_MS);
    run_until(bed, is_down_to_two); /* those that ended after 62 and a half minutes */
    assert_int_equal(ask_talkers(bed, "SELECT count(*) FROM source"), 1);
    move_clocks(bed, DAY_MS);
    append_reports(bed, 5, 0);
    run_until_applied(bed, 4);
    for (int i = 0; i < 100 && reports(bed) > 0; i++) {
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    }
    assert_int_equal(reports(bed), 0);
    assert_int_equal(ask_talkers(bed, "SELECT count(*) FROM source"), 0);
}

static void many_go_in_steps(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 2 * STEP + 7 };
    append_reports(bed, 1, MANY);
    run_until_applied(bed, 1);
    double bytes = figure(bed, "beffroi_store_talkers_bytes", NULL);
    close_store(bed);
    bed->options.talkers_retention_ms = DAY_MS;
    open_store(bed);  /* it is far more than a day later */
    size_t looks = 0; /* at other numbers than none and all */
    while (deleted(bed) < MANY) {
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
        double now = deleted(bed);
        assert_true(now == MANY || (int64_t)now % STEP == 0);
        looks += now > 0 && now < MANY;
    }
    assert_true(looks > 0);
    assert_int_equal(reports(bed), 0);
    /* The room is given back. */
    assert_true(figure(bed, "beffroi_store_talkers_bytes", NULL) < bytes / 2);
}

static void none_is_none(void **state)
{
    struct bed *bed = *state;
    append_reports(bed, 1, 3);
    run_until_applied(bed, 1);
    close_store(bed);
    bed->options.talkers_retention_ms = 0;
    open_store(bed);
    append_reports(bed, 2, 5);
    run_until_applied(bed, 1);
    assert_int_equal(reports(bed), 0);
    assert_true(deleted(bed) == 3);
    assert_true(figure(bed, "beffroi_store_talker_reports_total", NULL) == 0);
    assert_true(figure(bed, "beffroi_store_talker_reports_not_kept_total", NULL) == 5);
}

int main(void)
{
    log_open("test", LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reports_are_stored_by_their_objects_name, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_counted_and_left_out, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(old_ones_go_at_the_start_and_every_hour, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(many_go_in_steps, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(none_is_none, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
