/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From cells to values: which counters an interface shows, what a cycle leaves unknown, and what
 * breaks a count. */
#include "test_objects_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    assert_int_equal(row->values[M_IN_OCTETS].counter, 5000);
    assert_int_equal(row->values[M_OUT_OCTETS].counter, 5001);
    for (enum if_metric metric = M_IN_UCAST; metric <= M_OUT_BCAST; metric++) {
        assert_int_equal(row->values[metric].counter, 10 + IF_HC_IN_UCAST + metric - M_IN_UCAST);
    }
    for (enum if_metric metric = M_IN_DISCARDS; metric <= M_OUT_ERRORS; metric++) {
        assert_int_equal(row->values[metric].counter, IF_IN_DISCARDS + metric - M_IN_DISCARDS);
    }
    assert_float_equal(row->values[M_OPER_STATUS].gauge, 1, 0);
    assert_float_equal(row->values[M_ADMIN_STATUS].gauge, 1, 0);
    assert_float_equal(row->values[M_SPEED].gauge, 1e9, 0);
    /* The narrow ones (errors, discards) are widened: their count may have begun anew. */
    assert_int_equal(row->discontinuity_mask, NARROW_COUNTERS);
    assert_int_equal(row->time.ms, fixture->reply.arrived.ms);
    const struct object *object = recorder_object(fixture->recorder, "interface", "Gi0/3");
    assert_string_equal(object->device, "sw-1");
    assert_int_equal(object->interval_ms, INTERVAL_MS);
    assert_int_equal(object->n_metrics, M_ALWAYS);
    assert_string_equal(object->labels[0].key, "if_index");
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
    assert_int_equal(row->status, ROW_OK); /* holes of the device's own */
    assert_int_equal(row->unknown_mask, ALL_METRICS & ~BIT(M_IN_OCTETS) & ~BIT(M_OPER_STATUS));
    assert_int_equal(row->values[M_IN_OCTETS].counter, 77);
    assert_float_equal(row->values[M_OPER_STATUS].gauge, 2, 0);
    assert_int_equal(row_of(fixture, "a")->status, ROW_OK);
    assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, 1000);
    assert_int_equal(row_of(fixture, "b")->status, ROW_OK);
}

static void interrupted_cycle_is_partial(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", "d", 1000);
    deliver_cycle(fixture, true);
    assert_int_equal(row_of(fixture, "a")->status, ROW_PARTIAL);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, 0);
}

static void cut_column_makes_rows_partial(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", "d", 1000);
    table_set_end(fixture->table, IF_IN_ERRORS, COLUMN_CUT);
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
    assert_true(put(fixture, IF_HC_OUT_OCTETS, 1, VALUE_OCTETS, 5));
    assert_true(put(fixture, IF_OPER_STATUS, 1, VALUE_OID, 1));
    assert_true(put(fixture, IF_IN_ERRORS, 1, VALUE_OTHER, 0));
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->status, ROW_FAILED);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, ALL_METRICS);
    assert_int_equal(fixture->counts.n[COUNT_BAD_TYPE], 3);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 2000);
    assert_true(put(fixture, IF_ALIAS, 1, VALUE_INTEGER, 5));
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->status, ROW_PARTIAL);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, 0);
}

/* A number in another type than is due is the number all the same; one that is no counter's is
 * not. */
static void other_number_types_are_taken(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    number(fixture, IF_HIGH_SPEED, 1, 100);
    number(fixture, IF_SPEED, 1, 100000000);
    assert_true(put(fixture, IF_HC_IN_UCAST, 1, VALUE_COUNTER32, 77));
    assert_true(put(fixture, IF_IN_ERRORS, 1, VALUE_COUNTER64, UINT64_C(1) << 40));
    assert_true(put(fixture, IF_OUT_ERRORS, 1, VALUE_GAUGE32, 3));
    assert_true(put(fixture, IF_IN_DISCARDS, 1, VALUE_INTEGER, (uint64_t)-1));
    assert_true(put(fixture, IF_OPER_STATUS, 1, VALUE_GAUGE32, 2));
    deliver(fixture);
    const struct row *row = row_of(fixture, "a");
    assert_int_equal(row->values[M_IN_UCAST].counter, 77);
    assert_int_equal(row->values[M_IN_ERRORS].counter, UINT64_C(1) << 40);
    assert_int_equal(row->values[M_OUT_ERRORS].counter, 3);
    assert_float_equal(row->values[M_OPER_STATUS].gauge, 2, 0);
    assert_int_equal(row->unknown_mask, BIT(M_IN_DISCARDS));
    assert_int_equal(row->status, ROW_OK);
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
        deliver(fixture);
        const struct row *row = row_of(fixture, "a");
        assert_int_equal(row->values[M_IN_OCTETS].counter, totals[i]);
        assert_int_equal(row->values[M_IN_UCAST].counter, 10 * i);
        assert_int_equal(row->discontinuity_mask, i == 0 ? BIT(M_IN_OCTETS) | BIT(M_IN_UCAST) : 0);
    }
    assert_int_equal(fixture->counts.n[COUNT_WRAPS], 1);
}

static void falling_counter_is_a_break_once(void **state)
{
    static const uint64_t octets[] = {9000000, 5000, 6000};
    const uint64_t breaks[] = {NARROW_COUNTERS, BIT(M_IN_OCTETS), 0};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        next_cycle(fixture);
        port(fixture, 1, "a", NULL, octets[i]);
        number(fixture, IF_HC_OUT_OCTETS, 1, 100); /* only one of them falls */
        deliver(fixture);
        assert_int_equal(row_of(fixture, "a")->discontinuity_mask, breaks[i]);
        assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, octets[i]);
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
    assert_true((row_of(fixture, "a")->unknown_mask & BIT(M_IN_OCTETS)) != 0);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 9000001000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask & BIT(M_IN_OCTETS), 0);
    assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, 9000001000);
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
    assert_true((row_of(fixture, "a")->unknown_mask & BIT(M_IN_OCTETS)) != 0);
    assert_int_equal(row_of(fixture, "a")->unknown_mask & BIT(M_IN_ERRORS), 0);
    assert_int_equal(fixture->counts.n[COUNT_NARROW_REFUSED], 1);
}

static void unknown_speeds_are_unknown(void **state)
{
    static const struct {
        uint64_t high;
        uint64_t low;
        double speed; /* -1: unknown */
    } cases[] = {
        {0, 4294967295, -1},  {0, 0, 0},
        {0, 64000, 64000},    {10000, 4294967295, 1e10},
        {1, 1544000, 1544e3}, {4294967295, 0, 4294967295e6},
        {100, 10000000, 1e8},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        next_cycle(fixture);
        port(fixture, 1, "a", NULL, 1000 + i);
        number(fixture, IF_HIGH_SPEED, 1, cases[i].high);
        number(fixture, IF_SPEED, 1, cases[i].low);
        deliver(fixture);
        const struct row *row = row_of(fixture, "a");
        assert_int_equal((row->unknown_mask & BIT(M_SPEED)) != 0, cases[i].speed < 0);
        if (cases[i].speed >= 0) {
            assert_float_equal(row->values[M_SPEED].gauge, cases[i].speed, 0);
        }
        assert_int_equal(row->discontinuity_mask & ~NARROW_COUNTERS, 0);
    }
}

/* A port without a link has no speed: nothing was cut short. */
static void row_without_a_speed_is_whole(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "Gi0/1", "GigabitEthernet0/1", 100);
    number(fixture, IF_HIGH_SPEED, 1, 0);
    number(fixture, IF_SPEED, 1, 4294967295);
    deliver(fixture);
    const struct row *row = row_of(fixture, "Gi0/1");
    assert_int_equal(row->unknown_mask, BIT(M_SPEED));
    assert_int_equal(row->status, ROW_OK);
}

static void optional_metrics_come_with_their_first_value(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "b", NULL, 1000);
    deliver(fixture);
    assert_int_equal(object_of(fixture, "a")->n_metrics, M_ALWAYS);
    next_short_cycle(fixture); /* one appears: the objects are to be defined anew */
    port(fixture, 1, NULL, NULL, 2000);
    port(fixture, 2, NULL, NULL, 2000);
    number(fixture, IF_IN_UNKNOWN, 2, 5);
    assert_false(objects_need_fixed(fixture->objects, fixture->table, false));
    deliver(fixture);
    assert_true(objects_need_fixed(fixture->objects, fixture->table, false));
    fixture->fixed_read = true;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 3000);
    port(fixture, 2, "b", NULL, 3000);
    number(fixture, IF_IN_UNKNOWN, 2, 6);
    deliver(fixture);
    assert_int_equal(object_of(fixture, "a")->n_metrics, IF_METRICS);
    assert_string_equal(object_of(fixture, "a")->metrics[M_IN_UNKNOWN].name, "in_unknown_protos");
    assert_int_equal(row_of(fixture, "b")->values[M_IN_UNKNOWN].counter, 6);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, BIT(M_IN_UNKNOWN));
    /* What was counted before goes on. */
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
    assert_int_equal(row_of(fixture, "b")->discontinuity_mask, BIT(M_IN_UNKNOWN));
    next_short_cycle(fixture); /* it stays */
    port(fixture, 1, NULL, NULL, 4000);
    port(fixture, 2, NULL, NULL, 4000);
    assert_false(objects_need_fixed(fixture->objects, fixture->table, false));
    deliver(fixture);
    assert_int_equal(row_of(fixture, "b")->values[M_IN_OCTETS].counter, 4000);
    assert_int_equal(row_of(fixture, "b")->unknown_mask, BIT(M_IN_UNKNOWN));
    assert_int_equal(fixture->recorder->n_objects, 4);
}

static void one_reading_takes_narrow_counters(void **state)
{
    struct fixture *fixture = *state;
    begin_objects(fixture, true);
    next_cycle(fixture);
    text(fixture, IF_NAME, 1, "a");
    number(fixture, IF_HIGH_SPEED, 1, 100000);
    number(fixture, IF_IN_OCTETS, 1, 4294967295);
    number(fixture, IF_IN_UNKNOWN, 1, 2);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, 4294967295);
    assert_int_equal(row_of(fixture, "a")->values[M_IN_UNKNOWN].counter, 2);
    assert_int_equal(fixture->counts.n[COUNT_NARROW_REFUSED], 0);
}

static void change_port(struct fixture *fixture, uint64_t octets, uint64_t change)
{
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, octets);
    number(fixture, IF_CHANGE, 1, change);
    deliver(fixture);
}

/* The device says that its counters began anew: their rise means nothing. */
static void discontinuities_are_breaks(void **state)
{
    struct fixture *fixture = *state;
    change_port(fixture, 1000, 0);
    change_port(fixture, 2000, 0);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
    change_port(fixture, 3000, 77);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, ALL_COUNTERS);
    change_port(fixture, 4000, 77);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
    change_port(fixture, 10, 99);
    assert_int_equal(fixture->counts.n[COUNT_DISCONTINUITIES], 2);
    /* After a restart the new time is no news of its own. */
    objects_restarted(fixture->objects);
    change_port(fixture, 20, 5);
    assert_int_equal(fixture->counts.n[COUNT_DISCONTINUITIES], 2);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, ALL_COUNTERS);
}

/* A device whose time of discontinuity is really the time of the day. */
static void discontinuities_that_lie_are_not_believed(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 0; i < 8; i++) {
        change_port(fixture, 1000 * i, 100 * i);
        bool believed = i >= 1 && i <= 3;
        assert_int_equal(row_of(fixture, "a")->discontinuity_mask, i == 0     ? NARROW_COUNTERS
                                                                   : believed ? ALL_COUNTERS
                                                                              : 0);
    }
    assert_int_equal(fixture->counts.n[COUNT_DISCONTINUITIES], 3);
}

/* Counters that fall at each change are no lie. */
static void discontinuities_with_falls_are_believed(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 0; i < 8; i++) {
        change_port(fixture, 100000 - 1000 * i, 100 * i);
    }
    assert_int_equal(fixture->counts.n[COUNT_DISCONTINUITIES], 7);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, ALL_COUNTERS);
}

/* What did not come for a while is judged by the time since it came last. */
static void missed_counters_keep_the_time_of_their_base(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t line_rate = UINT64_C(125000000) * 30; /* octets in an interval at 1 Gbit/s */
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 0);
    deliver(fixture);
    for (int i = 0; i < 2; i++) { /* only one of them comes */
        next_short_cycle(fixture);
        number(fixture, IF_HC_OUT_OCTETS, 1, line_rate * (uint64_t)(i + 1));
        deliver(fixture);
        assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
    }
    next_short_cycle(fixture);
    port(fixture, 1, NULL, NULL, 3 * line_rate);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
    assert_int_equal(fixture->counts.n[COUNT_IMPLAUSIBLE], 0);
    next_short_cycle(fixture);
    port(fixture, 1, NULL, NULL, 6 * line_rate);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask,
                     BIT(M_IN_OCTETS) | BIT(M_OUT_OCTETS));
}

/* A 32-bit counter that was not read for as long as it takes to wrap: its rise means nothing. */
static void narrow_counter_that_was_away_is_a_break(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 16; i++) {
        next_cycle(fixture);
        text(fixture, IF_NAME, 1, "a");
        number(fixture, IF_TYPE, 1, 6);
        number(fixture, IF_HIGH_SPEED, 1, 100);
        number(fixture, IF_IN_UCAST, 1, 1);
        if (i == 0 || i == 15) {
            number(fixture, IF_IN_OCTETS, 1, i == 0 ? 1000 : 2000);
        }
        deliver(fixture);
    }
    assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, 2000);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, BIT(M_IN_OCTETS));
}

/* Storage: units are read with the fixed columns, sizes in each cycle; an INTEGER that overflowed.
 */
static void fixed_numbers_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct plan_metric *size = &fixture->plan->metrics[M_OPER_STATUS];
    size->multiply = IF_MTU;
    begin_objects(fixture, false);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    number(fixture, IF_MTU, 1, 4096);
    number(fixture, IF_OPER_STATUS, 1, (uint64_t)(int64_t)-2);
    port(fixture, 2, "b", NULL, 1000);
    deliver(fixture);
    assert_float_equal(row_of(fixture, "a")->values[M_OPER_STATUS].gauge, 4294967294.0 * 4096, 0);
    assert_int_equal(row_of(fixture, "b")->unknown_mask, BIT(M_OPER_STATUS));
    next_short_cycle(fixture);
    port(fixture, 1, NULL, NULL, 1000);
    number(fixture, IF_OPER_STATUS, 1, 10);
    deliver(fixture);
    assert_float_equal(row_of(fixture, "a")->values[M_OPER_STATUS].gauge, 40960, 0);
    fixture->fixed_read = true;
    next_cycle(fixture); /* not read: it stays what it was */
    table_set_end(fixture->table, IF_MTU, COLUMN_CUT);
    port(fixture, 1, "a", NULL, 1000);
    deliver(fixture);
    assert_float_equal(row_of(fixture, "a")->values[M_OPER_STATUS].gauge, 4096, 0);
    next_cycle(fixture); /* read, and not there any more */
    port(fixture, 1, "a", NULL, 1000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, BIT(M_OPER_STATUS));
}

static void make_sensor(struct fixture *fixture)
{
    struct plan_metric *value = &fixture->plan->metrics[M_OPER_STATUS];
    value->is_signed = true;
    value->prefix = IF_ADMIN_STATUS;
    value->decimals = IF_SPEED;
    value->valid_column = IF_OUT_OCTETS;
    value->valid_values = (struct plan_values){1, {1}};
    value->unit_column = IF_MTU;
    value->n_units = 2;
    value->units[0] = (struct plan_unit){8, "celsius", 1};
    value->units[1] = (struct plan_unit){9, "ratio", 0.01};
    begin_objects(fixture, false);
}

static void sensors_have_units_and_scales(void **state)
{
    static const struct {
        int64_t raw;
        uint64_t prefix;
        int64_t decimals;
        uint64_t unit;
        uint64_t status;
        const char *unit_text;
        double value; /* -1: unknown */
    } cases[] = {
        {235, 9, 1, 8, 1, "celsius", 23.5}, {-40, 9, 0, 8, 1, "celsius", -40},
        {55, 9, 0, 9, 1, "ratio", 0.55},    {12, 8, 0, 3, 1, "1", 0.012},
        {7, 10, -3, 3, 1, "1", 7000},       {7, 0, 0, 3, 1, "1", -1},
        {7, 18, 0, 3, 1, "1", -1},          {7, 9, 10, 3, 1, "1", -1},
        {7, 9, 0, 3, 2, "1", -1},           {1, 17, 0, 3, 1, "1", 1e24},
    };
    struct fixture *fixture = *state;
    make_sensor(fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture->fixed_read = true;
        next_cycle(fixture);
        text(fixture, IF_NAME, 1, "a");
        number(fixture, IF_MTU, 1, cases[i].unit);
        for (int j = 0; j < 2; j++) { /* the same in a cycle without the unit */
            assert_true(put(fixture, IF_OPER_STATUS, 1, VALUE_INTEGER, (uint64_t)cases[i].raw));
            number(fixture, IF_ADMIN_STATUS, 1, cases[i].prefix);
            assert_true(put(fixture, IF_SPEED, 1, VALUE_INTEGER, (uint64_t)cases[i].decimals));
            number(fixture, IF_OUT_OCTETS, 1, cases[i].status);
            deliver(fixture);
            const struct row *row = row_of(fixture, "a");
            bool known = (row->unknown_mask & BIT(M_OPER_STATUS)) == 0;
            print_message("case %zu\n", i);
            assert_int_equal(known, cases[i].value != -1);
            if (known) {
                double ratio = row->values[M_OPER_STATUS].gauge / cases[i].value;
                assert_true(ratio > 1 - 1e-12 && ratio < 1 + 1e-12);
            }
            next_short_cycle(fixture);
        }
        assert_string_equal(object_of(fixture, "a")->metrics[M_OPER_STATUS].unit,
                            cases[i].unit_text);
    }
}

/* A sensor that does not say whether it works is believed. */
static void absent_status_is_no_failure(void **state)
{
    struct fixture *fixture = *state;
    make_sensor(fixture);
    next_cycle(fixture);
    text(fixture, IF_NAME, 1, "a");
    number(fixture, IF_OPER_STATUS, 1, 5);
    number(fixture, IF_ADMIN_STATUS, 1, 9);
    number(fixture, IF_SPEED, 1, 0);
    deliver(fixture);
    assert_float_equal(row_of(fixture, "a")->values[M_OPER_STATUS].gauge, 5, 0);
}

/* A row of which nothing at all could be read, and one of which the device has nothing. */
static void rows_without_values(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    text(fixture, IF_NAME, 1, "a");
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->status, ROW_OK);
    assert_int_equal(row_of(fixture, "a")->unknown_mask, ALL_METRICS);
    assert_false(objects_are_partial(fixture->objects));
    next_cycle(fixture);
    text(fixture, IF_NAME, 1, "a");
    table_set_end(fixture->table, IF_HC_IN_OCTETS, COLUMN_CUT);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "a")->status, ROW_FAILED);
    assert_true(objects_are_partial(fixture->objects));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, objects_setup, objects_teardown)
        TEST(whole_row_has_all_metrics),
        TEST(octets_date_the_row),
        TEST(columns_of_different_length_leave_cells_unknown),
        TEST(interrupted_cycle_is_partial),
        TEST(cut_column_makes_rows_partial),
        TEST(wrong_types_are_refused),
        TEST(other_number_types_are_taken),
        TEST(narrow_counters_are_widened),
        TEST(falling_counter_is_a_break_once),
        TEST(wide_counters_stay_wide),
        TEST(narrow_counter_of_a_fast_port_is_unknown),
        TEST(unknown_speeds_are_unknown),
        TEST(row_without_a_speed_is_whole),
        TEST(optional_metrics_come_with_their_first_value),
        TEST(one_reading_takes_narrow_counters),
        TEST(discontinuities_are_breaks),
        TEST(discontinuities_that_lie_are_not_believed),
        TEST(discontinuities_with_falls_are_believed),
        TEST(missed_counters_keep_the_time_of_their_base),
        TEST(narrow_counter_that_was_away_is_a_break),
        TEST(fixed_numbers_are_kept),
        TEST(sensors_have_units_and_scales),
        TEST(absent_status_is_no_failure),
        TEST(rows_without_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
