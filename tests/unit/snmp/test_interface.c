/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From cells to rows: which name an interface has and keeps, which counters it shows, and what a
 * cycle leaves unknown. */
#include "interface.h"
#include "meter.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { INTERVAL_MS = 30000 };
enum {
    IN_OCTETS,
    OUT_OCTETS,
    IN_PACKETS,
    OUT_PACKETS,
    IN_ERRORS,
    OUT_ERRORS,
    IN_DISCARDS,
    OUT_DISCARDS
};

struct fixture {
    struct snmp_counts counts;
    struct if_table table;
    struct interfaces *interfaces;
    struct recorder *recorder;
    struct reply reply;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->recorder = recorder_new();
    fixture->interfaces =
        interfaces_new("sw-1", INTERVAL_MS, &fixture->recorder->sink, &fixture->counts);
    if_table_init(&fixture->table, &fixture->counts);
    fixture->reply.arrived.ms = 1000000;
    fixture->reply.arrived_mono.ns = 1000000000;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    if_table_free(&fixture->table);
    interfaces_free(fixture->interfaces);
    recorder_free(fixture->recorder);
    free(fixture);
    return 0;
}

static bool put(struct fixture *fixture, enum if_column column, uint32_t index,
                enum value_type type, uint64_t number)
{
    const struct varbind varbind = {.type = type, .number = number};
    return if_table_cell(&fixture->table, column, index, &varbind, &fixture->reply);
}

static void number(struct fixture *fixture, enum if_column column, uint32_t index, uint64_t value)
{
    assert_true(put(fixture, column, index, if_columns[column].type, value));
}

static void text(struct fixture *fixture, enum if_column column, uint32_t index, const char *bytes)
{
    const struct varbind varbind = {
        .type = VALUE_OCTETS, .bytes = (const uint8_t *)bytes, .n_bytes = strlen(bytes)};
    assert_true(if_table_cell(&fixture->table, column, index, &varbind, &fixture->reply));
}

/* A new cycle, an interval later, whose columns were all read to their ends. */
static void next_cycle(struct fixture *fixture)
{
    if_table_clear(&fixture->table);
    for (size_t i = 0; i < IF_COLUMNS; i++) {
        fixture->table.ends[i] = COLUMN_COMPLETE;
    }
    fixture->reply.arrived.ms += INTERVAL_MS;
    fixture->reply.arrived_mono = mono_add_ms(fixture->reply.arrived_mono, INTERVAL_MS);
}

/* An Ethernet port at 1 Gbit/s with 64-bit counters. NULL: without that text. */
static void port(struct fixture *fixture, uint32_t index, const char *name, const char *descr,
                 uint64_t octets)
{
    if (name != NULL) {
        text(fixture, IF_NAME, index, name);
    }
    if (descr != NULL) {
        text(fixture, IF_DESCR, index, descr);
    }
    number(fixture, IF_TYPE, index, 6);
    number(fixture, IF_ADMIN_STATUS, index, 1);
    number(fixture, IF_OPER_STATUS, index, 1);
    number(fixture, IF_SPEED, index, 1000000000);
    number(fixture, IF_HIGH_SPEED, index, 1000);
    number(fixture, IF_HC_IN_OCTETS, index, octets);
    number(fixture, IF_HC_OUT_OCTETS, index, octets + 1);
    for (enum if_column column = IF_HC_IN_UCAST; column <= IF_HC_OUT_BCAST; column++) {
        number(fixture, column, index, 10 + (uint64_t)column);
    }
    for (enum if_column column = IF_IN_DISCARDS; column <= IF_OUT_ERRORS; column++) {
        number(fixture, column, index, (uint64_t)column);
    }
}

static void deliver(struct fixture *fixture)
{
    interfaces_deliver(fixture->interfaces, &fixture->table, false);
}

static const struct row *row_of(const struct fixture *fixture, const char *name)
{
    return recorder_row(fixture->recorder, "interface", name);
}

static void whole_row_has_all_metrics(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 3, "Gi0/3", "GigabitEthernet 0/3", 5000);
    text(fixture, IF_ALIAS, 3, "to room 3");
    text(fixture, IF_PHYS_ADDRESS, 3, "\x02\x5e\x10\x01\x53\x7f");
    deliver(fixture);
    const struct row *row = row_of(fixture, "Gi0/3");
    assert_non_null(row);
    assert_int_equal(row->status, ROW_OK);
    assert_int_equal(row->unknown_mask, 0);
    assert_int_equal(row->values[IN_OCTETS].counter, 5000);
    assert_int_equal(row->values[OUT_OCTETS].counter, 5001);
    assert_int_equal(row->values[IN_PACKETS].counter,
                     30 + IF_HC_IN_UCAST + IF_HC_IN_MCAST + IF_HC_IN_BCAST);
    assert_int_equal(row->values[OUT_PACKETS].counter,
                     30 + IF_HC_OUT_UCAST + IF_HC_OUT_MCAST + IF_HC_OUT_BCAST);
    assert_int_equal(row->values[IN_ERRORS].counter, IF_IN_ERRORS);
    assert_int_equal(row->values[OUT_ERRORS].counter, IF_OUT_ERRORS);
    assert_int_equal(row->values[IN_DISCARDS].counter, IF_IN_DISCARDS);
    assert_int_equal(row->values[OUT_DISCARDS].counter, IF_OUT_DISCARDS);
    assert_float_equal(row->values[METER_OPER_UP].gauge, 1, 0);
    assert_float_equal(row->values[METER_ADMIN_UP].gauge, 1, 0);
    assert_float_equal(row->values[METER_SPEED].gauge, 1e9, 0);
    /* The narrow ones (errors, discards) are widened: their count may have begun anew. */
    assert_int_equal(row->discontinuity_mask, 0xf0);
    assert_int_equal(row->time.ms, fixture->reply.arrived.ms);
    const struct object *object = recorder_object(fixture->recorder, "interface", "Gi0/3");
    assert_string_equal(object->device, "sw-1");
    assert_int_equal(object->interval_ms, INTERVAL_MS);
    assert_int_equal(object->n_metrics, METER_METRICS);
    assert_string_equal(object_label(object, "if_index"), "3");
    assert_string_equal(object_label(object, "if_descr"), "GigabitEthernet 0/3");
    assert_string_equal(object_label(object, "if_alias"), "to room 3");
    assert_string_equal(object_label(object, "if_type"), "6");
    assert_string_equal(object_label(object, "phys_address"), "02:5e:10:01:53:7f");
    assert_string_equal(object_label(object, "source"), "snmp");
    next_cycle(fixture);
    port(fixture, 3, "Gi0/3", "GigabitEthernet 0/3", 6000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "Gi0/3")->discontinuity_mask, 0);
}

static void octets_date_the_row(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    text(fixture, IF_NAME, 1, "a");
    fixture->reply.arrived.ms += 100;
    number(fixture, IF_HC_IN_OCTETS, 1, 1);
    int64_t expected_ms = fixture->reply.arrived.ms;
    fixture->reply.arrived.ms += 100;
    number(fixture, IF_HC_OUT_OCTETS, 1, 1);
    number(fixture, IF_IN_ERRORS, 1, 1);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->time.ms, expected_ms);
}

static void columns_of_different_length_leave_cells_unknown(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "b", NULL, 1000);
    text(fixture, IF_NAME, 5, "c");
    number(fixture, IF_OPER_STATUS, 5, 2);
    number(fixture, IF_HC_IN_OCTETS, 5, 77);
    deliver(fixture);
    const struct row *row = row_of(fixture, "c");
    assert_int_equal(row->status, ROW_PARTIAL);
    assert_int_equal(row->unknown_mask, 0x7ff & ~(1U << IN_OCTETS) & ~(1U << METER_OPER_UP));
    assert_int_equal(row->values[IN_OCTETS].counter, 77);
    assert_float_equal(row->values[METER_OPER_UP].gauge, 0, 0);
    assert_int_equal(row_of(fixture, "a")->status, ROW_OK);
    assert_int_equal(row_of(fixture, "a")->values[IN_OCTETS].counter, 1000);
    assert_int_equal(row_of(fixture, "b")->status, ROW_OK);
}

static void interrupted_cycle_is_partial(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", "d", 1000);
    interfaces_deliver(fixture->interfaces, &fixture->table, true);
    assert_int_equal(row_of(fixture, "a")->status, ROW_PARTIAL);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, 0);
}

static void cut_column_makes_rows_partial(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", "d", 1000);
    fixture->table.ends[IF_IN_ERRORS] = COLUMN_CUT;
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->status, ROW_PARTIAL);
}

static void wrong_types_are_refused(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    next_cycle(fixture);
    text(fixture, IF_NAME, 1, "a");
    assert_true(put(fixture, IF_HC_IN_OCTETS, 1, VALUE_COUNTER32, 5));
    assert_true(put(fixture, IF_HC_OUT_OCTETS, 1, VALUE_OCTETS, 5));
    assert_true(put(fixture, IF_OPER_STATUS, 1, VALUE_INTEGER, (uint64_t)-1));
    assert_true(put(fixture, IF_IN_ERRORS, 1, VALUE_OTHER, 0));
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->status, ROW_FAILED);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, 0x7ff);
    assert_int_equal(fixture->counts.n[COUNT_BAD_TYPE], 4);
}

static void series_follow_names_when_indexes_swap(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 3, "a", NULL, 1000);
    port(fixture, 7, "b", NULL, 900000);
    deliver(fixture);
    interfaces_restarted(fixture->interfaces);
    next_cycle(fixture);
    port(fixture, 3, "b", NULL, 950000);
    port(fixture, 7, "a", NULL, 2000);
    deliver(fixture);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), 2);
    assert_int_equal(row_of(fixture, "a")->values[IN_OCTETS].counter, 2000);
    assert_int_equal(row_of(fixture, "b")->values[IN_OCTETS].counter, 950000);
    /* Both count anew, although their values rose. */
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0xff);
    assert_int_equal(row_of(fixture, "b")->discontinuity_mask, 0xff);
    assert_string_equal(
        object_label(recorder_object(fixture->recorder, "interface", "a"), "if_index"), "7");
    next_cycle(fixture);
    port(fixture, 3, "b", NULL, 960000);
    port(fixture, 7, "a", NULL, 3000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
}

/* Without names, and with doubled ones: as many series after 100 cycles as after one. */
static void fallback_names_are_stable(void **state)
{
    struct fixture *fixture = *state;
    for (int cycle = 0; cycle < 100; cycle++) {
        next_cycle(fixture);
        for (uint32_t i = 1; i <= 4; i++) {
            port(fixture, i, i % 2 == 0 ? "uplink" : "", i < 3 ? "eth" : NULL, 1000);
        }
        if (cycle % 10 == 3) {
            interfaces_restarted(fixture->interfaces);
        }
        deliver(fixture);
    }
    assert_int_equal(recorder_names(fixture->recorder, "interface"), 4);
    assert_int_equal(recorder_rows(fixture->recorder, "interface", "if4"), 100);
}

static void descr_is_the_second_choice(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "same", "eth1 \n", 1000);
    port(fixture, 2, "same", "eth2", 1000);
    deliver(fixture);
    assert_non_null(row_of(fixture, "eth1"));
    assert_non_null(row_of(fixture, "eth2"));
    /* Chosen once: unique ifNames later change nothing. */
    next_cycle(fixture);
    port(fixture, 1, "a", "eth1", 1000);
    port(fixture, 2, "b", "eth2", 1000);
    deliver(fixture);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), 2);
}

static void lost_name_makes_no_new_series(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "b", NULL, 1000);
    deliver(fixture);
    next_cycle(fixture); /* the name column was cut: the index tells while the device runs */
    fixture->table.ends[IF_NAME] = COLUMN_CUT;
    port(fixture, 1, "a", NULL, 2000);
    port(fixture, 2, NULL, NULL, 2000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "b")->values[IN_OCTETS].counter, 2000);
    interfaces_restarted(fixture->interfaces);
    recorder_forget(fixture->recorder);
    next_cycle(fixture); /* after a restart it does not */
    fixture->table.ends[IF_NAME] = COLUMN_CUT;
    port(fixture, 2, NULL, NULL, 3000);
    deliver(fixture);
    assert_int_equal(fixture->recorder->n_rows, 0);
    assert_int_equal(fixture->counts.n[COUNT_NAMELESS_ROWS], 1);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), 2);
}

static void two_rows_never_share_a_series(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "b", NULL, 1000);
    deliver(fixture);
    recorder_forget(fixture->recorder);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "a", NULL, 99);
    deliver(fixture);
    assert_int_equal(recorder_rows(fixture->recorder, "interface", "a"), 1);
    assert_int_equal(row_of(fixture, "a")->values[IN_OCTETS].counter, 1000);
    assert_int_equal(recorder_rows(fixture->recorder, "interface", "if2"), 1);
}

static void names_wait_for_a_whole_cycle(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    fixture->table.ends[IF_NAME] = COLUMN_CUT;
    port(fixture, 1, "a", "eth1", 1000);
    port(fixture, 2, NULL, "eth2", 1000);
    interfaces_deliver(fixture->interfaces, &fixture->table, true);
    assert_int_equal(fixture->recorder->n_rows, 0);
    next_cycle(fixture);
    port(fixture, 1, "a", "eth1", 1000);
    port(fixture, 2, "b", "eth2", 1000);
    deliver(fixture);
    assert_non_null(row_of(fixture, "a"));
    assert_non_null(row_of(fixture, "b"));
}

static void narrow_counters_are_widened(void **state)
{
    static const uint64_t octets[] = {4294967000, 300000000, 600000000};
    static const uint64_t totals[] = {4294967000, UINT64_C(4594967296), UINT64_C(4894967296)};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        next_cycle(fixture);
        text(fixture, IF_NAME, 1, "a");
        number(fixture, IF_TYPE, 1, 6);
        number(fixture, IF_SPEED, 1, 100000000);
        number(fixture, IF_IN_OCTETS, 1, octets[i]);
        number(fixture, IF_IN_UCAST, 1, 10 * i);
        number(fixture, IF_IN_NUCAST, 1, 5);
        deliver(fixture);
        const struct row *row = row_of(fixture, "a");
        assert_int_equal(row->values[IN_OCTETS].counter, totals[i]);
        assert_int_equal(row->values[IN_PACKETS].counter, 10 * i + 5);
        assert_int_equal(row->discontinuity_mask, i == 0 ? 1U << IN_OCTETS | 1U << IN_PACKETS : 0);
    }
    assert_int_equal(fixture->counts.n[COUNT_WRAPS], 1);
}

static void falling_counter_is_a_break_once(void **state)
{
    static const uint64_t octets[] = {9000000, 5000, 6000};
    static const uint64_t breaks[] = {0xf0, 1, 0};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        next_cycle(fixture);
        port(fixture, 1, "a", NULL, octets[i]);
        number(fixture, IF_HC_OUT_OCTETS, 1, 100); /* only one of them falls */
        deliver(fixture);
        assert_int_equal(row_of(fixture, "a")->discontinuity_mask, breaks[i]);
        assert_int_equal(row_of(fixture, "a")->values[IN_OCTETS].counter, octets[i]);
    }
    assert_int_equal(fixture->counts.n[COUNT_RESETS], 1);
}

static void wide_counters_stay_wide(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 9000000000);
    number(fixture, IF_HIGH_SPEED, 1, 100); /* slow enough for 32 bits */
    deliver(fixture);
    next_cycle(fixture); /* the 64-bit column did not come: the 32-bit one is no stand-in */
    text(fixture, IF_NAME, 1, "a");
    number(fixture, IF_IN_OCTETS, 1, 1234);
    deliver(fixture);
    assert_true((row_of(fixture, "a")->unknown_mask & 1U << IN_OCTETS) != 0);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 9000001000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask & 1U << IN_OCTETS, 0);
    assert_int_equal(row_of(fixture, "a")->values[IN_OCTETS].counter, 9000001000);
}

static void narrow_counter_of_a_fast_port_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    text(fixture, IF_NAME, 1, "a");
    number(fixture, IF_HIGH_SPEED, 1, 1000);
    number(fixture, IF_IN_OCTETS, 1, 1234);
    number(fixture, IF_IN_ERRORS, 1, 2);
    deliver(fixture);
    assert_true((row_of(fixture, "a")->unknown_mask & 1U << IN_OCTETS) != 0);
    assert_int_equal(row_of(fixture, "a")->unknown_mask & 1U << IN_ERRORS, 0);
    assert_int_equal(fixture->counts.n[COUNT_NARROW_REFUSED], 1);
}

static void returning_interface_is_a_break(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "b", NULL, 1000);
    deliver(fixture);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    deliver(fixture);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "b", NULL, 5000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "b")->discontinuity_mask, 0xff);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
}

static void unknown_speeds_are_unknown(void **state)
{
    static const struct {
        uint64_t high;
        uint64_t low;
        double speed; /* 0: unknown */
    } cases[] = {
        {0, 4294967295, 0},        {0, 0, 0},         {0, 64000, 64000},
        {10000, 4294967295, 1e10}, {1, 1544000, 1e6}, {4294967295, 0, 4294967295e6},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        next_cycle(fixture);
        port(fixture, 1, "a", NULL, 1000 + i);
        number(fixture, IF_HIGH_SPEED, 1, cases[i].high);
        number(fixture, IF_SPEED, 1, cases[i].low);
        deliver(fixture);
        const struct row *row = row_of(fixture, "a");
        assert_int_equal((row->unknown_mask & 1U << METER_SPEED) != 0, cases[i].speed == 0);
        if (cases[i].speed > 0) {
            assert_float_equal(row->values[METER_SPEED].gauge, cases[i].speed, 0);
        }
        assert_int_equal(row->discontinuity_mask & 0xf, 0);
    }
}

/* A port without a link has no speed: nothing was cut short. */
static void row_without_a_speed_is_whole(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "Gi0/1", "GigabitEthernet0/1", 100);
    number(fixture, IF_HIGH_SPEED, 1, 0);
    number(fixture, IF_SPEED, 1, 0);
    deliver(fixture);
    const struct row *row = row_of(fixture, "Gi0/1");
    assert_int_equal(row->unknown_mask, 1U << METER_SPEED);
    assert_int_equal(row->status, ROW_OK);
}

static void hostile_texts_are_tamed(void **state)
{
    static const char alias[] = "a\0b\n\x1b[31m\xff\"><script>";
    struct fixture *fixture = *state;
    char *large = malloc(60000);
    memset(large, 'x', 60000);
    next_cycle(fixture);
    const struct varbind bad = {
        .type = VALUE_OCTETS, .bytes = (const uint8_t *)alias, .n_bytes = sizeof alias - 1};
    const struct varbind huge = {
        .type = VALUE_OCTETS, .bytes = (const uint8_t *)large, .n_bytes = 60000};
    text(fixture, IF_NAME, 1, "a\nb");
    if_table_cell(&fixture->table, IF_ALIAS, 1, &bad, &fixture->reply);
    if_table_cell(&fixture->table, IF_DESCR, 1, &huge, &fixture->reply);
    if_table_cell(&fixture->table, IF_PHYS_ADDRESS, 1, &huge, &fixture->reply);
    deliver(fixture);
    free(large);
    const struct object *object = recorder_object(fixture->recorder, "interface",
                                                  "a\xef\xbf\xbd"
                                                  "b");
    assert_non_null(object);
    assert_string_equal(object_label(object, "if_alias"),
                        "a\xef\xbf\xbd"
                        "b\xef\xbf\xbd\xef\xbf\xbd[31m\xef\xbf\xbd\"><script>");
    assert_int_equal(strlen(object_label(object, "if_descr")), IFTABLE_TEXT_SIZE - 1);
    assert_string_equal(object_label(object, "phys_address"), "");
}

static void labels_are_told_when_they_change(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        next_cycle(fixture);
        port(fixture, 1, "a", NULL, 1000);
        if (i != 1) {
            text(fixture, IF_ALIAS, 1, "old");
        } else {
            fixture->table.ends[IF_ALIAS] = COLUMN_CUT; /* not read: it stays what it was */
        }
        deliver(fixture);
    }
    assert_int_equal(fixture->recorder->n_objects, 1);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    text(fixture, IF_ALIAS, 1, "new");
    deliver(fixture);
    assert_int_equal(fixture->recorder->n_objects, 2);
    assert_int_equal(row_of(fixture, "a")->object, 2);
}

static void table_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    for (uint32_t i = 0; i < IFTABLE_ROWS_MAX; i++) {
        assert_true(put(fixture, IF_IN_ERRORS, IFTABLE_ROWS_MAX - i, VALUE_COUNTER32, 1));
    }
    assert_false(put(fixture, IF_IN_ERRORS, IFTABLE_ROWS_MAX + 1, VALUE_COUNTER32, 1));
    assert_true(put(fixture, IF_OUT_ERRORS, 5, VALUE_COUNTER32, 1));
    for (uint32_t i = 0; i < IFTABLE_ROWS_MAX; i++) {
        assert_int_equal(fixture->table.rows[i].index, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(whole_row_has_all_metrics),
        TEST(octets_date_the_row),
        TEST(columns_of_different_length_leave_cells_unknown),
        TEST(interrupted_cycle_is_partial),
        TEST(cut_column_makes_rows_partial),
        TEST(wrong_types_are_refused),
        TEST(series_follow_names_when_indexes_swap),
        TEST(fallback_names_are_stable),
        TEST(descr_is_the_second_choice),
        TEST(lost_name_makes_no_new_series),
        TEST(two_rows_never_share_a_series),
        TEST(names_wait_for_a_whole_cycle),
        TEST(narrow_counters_are_widened),
        TEST(falling_counter_is_a_break_once),
        TEST(wide_counters_stay_wide),
        TEST(narrow_counter_of_a_fast_port_is_unknown),
        TEST(returning_interface_is_a_break),
        TEST(unknown_speeds_are_unknown),
        TEST(row_without_a_speed_is_whole),
        TEST(hostile_texts_are_tamed),
        TEST(labels_are_told_when_they_change),
        TEST(table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
