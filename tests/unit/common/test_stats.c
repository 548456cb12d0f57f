/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void values_and_texts_are_kept_in_order(void **state)
{
    (void)state;
    struct stats stats = {0};
    char name[] = "beffroi_queue_length";
    char label[] = "caf\xc3\xa9";
    stats_add(&stats, STAT_GAUGE, name, "Batches that wait.", 3.5);
    stats_add_labelled(&stats, STAT_COUNTER, "beffroi_drops_total", "Batches that were dropped.",
                       "device", label, 9007199254740993.0);
    memset(name, 'x', sizeof name - 1); /* copies were taken */
    memset(label, 'x', sizeof label - 1);
    assert_int_equal(stats.count, 2);
    assert_string_equal(stats.values[0].name, "beffroi_queue_length");
    assert_string_equal(stats.values[0].help, "Batches that wait.");
    assert_null(stats.values[0].label_key);
    assert_null(stats.values[0].label_value);
    assert_int_equal(stats.values[0].type, STAT_GAUGE);
    assert_true(stats.values[0].value > 3.4 && stats.values[0].value < 3.6);
    assert_string_equal(stats.values[1].name, "beffroi_drops_total");
    assert_string_equal(stats.values[1].label_key, "device");
    assert_string_equal(stats.values[1].label_value, "caf\xc3\xa9");
    assert_int_equal(stats.values[1].type, STAT_COUNTER);
    stats_clear(&stats);
    assert_int_equal(stats.count, 0);
    assert_null(stats.values);
    stats_clear(&stats); /* an empty list is fine */
    stats_add(&stats, STAT_GAUGE, "again", "It can be filled again.", 0);
    assert_int_equal(stats.count, 1);
    stats_clear(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_texts_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
