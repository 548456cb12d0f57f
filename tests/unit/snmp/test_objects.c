/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From rows to objects: which name a row has and keeps, what an object is defined with, and when
 * that must be read anew. */
#include "test_objects_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void series_follow_names_when_indexes_swap(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 3, "a", NULL, 1000);
    port(fixture, 7, "b", NULL, 900000);
    deliver(fixture);
    objects_restarted(fixture->objects);
    next_cycle(fixture);
    port(fixture, 3, "b", NULL, 950000);
    port(fixture, 7, "a", NULL, 2000);
    deliver(fixture);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), 2);
    assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, 2000);
    assert_int_equal(row_of(fixture, "b")->values[M_IN_OCTETS].counter, 950000);
    /* Both count anew, although their values rose. */
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, ALL_COUNTERS);
    assert_int_equal(row_of(fixture, "b")->discontinuity_mask, ALL_COUNTERS);
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
            objects_restarted(fixture->objects);
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
    table_set_end(fixture->table, IF_NAME, COLUMN_CUT);
    port(fixture, 1, "a", NULL, 2000);
    port(fixture, 2, NULL, NULL, 2000);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "b")->values[M_IN_OCTETS].counter, 2000);
    objects_restarted(fixture->objects);
    recorder_forget(fixture->recorder);
    next_cycle(fixture); /* after a restart it does not */
    table_set_end(fixture->table, IF_NAME, COLUMN_CUT);
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
    assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, 1000);
    assert_int_equal(recorder_rows(fixture->recorder, "interface", "if2"), 1);
}

static void names_wait_for_a_whole_cycle(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    table_set_end(fixture->table, IF_NAME, COLUMN_CUT);
    port(fixture, 1, "a", "eth1", 1000);
    port(fixture, 2, NULL, "eth2", 1000);
    deliver_cycle(fixture, true);
    assert_int_equal(fixture->recorder->n_rows, 0);
    next_cycle(fixture);
    port(fixture, 1, "a", "eth1", 1000);
    port(fixture, 2, "b", "eth2", 1000);
    deliver(fixture);
    assert_non_null(row_of(fixture, "a"));
    assert_non_null(row_of(fixture, "b"));
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
    assert_int_equal(row_of(fixture, "b")->discontinuity_mask, ALL_COUNTERS);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
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
    assert_true(put_varbind(fixture, IF_ALIAS, 1, &bad));
    assert_true(put_varbind(fixture, IF_DESCR, 1, &huge));
    assert_true(put_varbind(fixture, IF_PHYS_ADDRESS, 1, &huge));
    deliver(fixture);
    free(large);
    const struct object *object = recorder_object(fixture->recorder, "interface",
                                                  "a\xef\xbf\xbd"
                                                  "b");
    assert_non_null(object);
    assert_string_equal(object_label(object, "if_alias"),
                        "a\xef\xbf\xbd"
                        "b\xef\xbf\xbd\xef\xbf\xbd[31m\xef\xbf\xbd\"><script>");
    assert_int_equal(strlen(object_label(object, "if_descr")), PROTO_LABEL_MAX);
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
            table_set_end(fixture->table, IF_ALIAS,
                          COLUMN_CUT); /* not read: it stays what it was */
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

/* Cycles without texts: rows are known by their indexes, and nothing is defined anew. */
static void short_cycles_go_on(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", "d", 1000);
    port(fixture, 7, "b", "e", 1000);
    deliver(fixture);
    for (uint64_t i = 2; i < 5; i++) {
        next_short_cycle(fixture);
        port(fixture, 1, NULL, NULL, 1000 * i);
        port(fixture, 7, NULL, NULL, 2000 * i);
        assert_false(objects_need_fixed(fixture->objects, fixture->table, false));
        deliver(fixture);
        assert_int_equal(row_of(fixture, "a")->values[M_IN_OCTETS].counter, 1000 * i);
        assert_int_equal(row_of(fixture, "b")->values[M_IN_OCTETS].counter, 2000 * i);
        assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
        assert_int_equal(row_of(fixture, "a")->status, ROW_OK);
    }
    assert_int_equal(fixture->recorder->n_objects, 2);
    assert_int_equal(recorder_rows(fixture->recorder, "interface", "b"), 4);
}

static void fixed_columns_are_wanted_when_rows_change(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "b", NULL, 1000);
    assert_true(objects_need_fixed(fixture->objects, fixture->table, false));
    deliver(fixture);
    assert_int_equal(objects_key_columns(fixture->objects), BIT(IF_NAME));
    next_short_cycle(fixture); /* another name at a known index */
    text(fixture, IF_NAME, 1, "a");
    text(fixture, IF_NAME, 2, "b");
    assert_false(objects_need_fixed(fixture->objects, fixture->table, true));
    text(fixture, IF_NAME, 2, "c");
    assert_true(objects_need_fixed(fixture->objects, fixture->table, true));
    assert_false(objects_need_fixed(fixture->objects, fixture->table, false));
    text(fixture, IF_NAME, 2, ""); /* one that was lost says nothing */
    assert_false(objects_need_fixed(fixture->objects, fixture->table, true));
    next_short_cycle(fixture); /* a new index */
    port(fixture, 3, NULL, NULL, 1);
    assert_true(objects_need_fixed(fixture->objects, fixture->table, false));
    deliver(fixture); /* not without knowing what it is */
    assert_int_equal(fixture->recorder->n_objects, 2);
    next_short_cycle(fixture); /* fewer rows */
    port(fixture, 2, NULL, NULL, 1000);
    assert_false(objects_need_fixed(fixture->objects, fixture->table, false));
    objects_restarted(fixture->objects);
    assert_true(objects_need_fixed(fixture->objects, fixture->table, false));
    deliver(fixture); /* its index may be another's now */
    assert_int_equal(recorder_rows(fixture->recorder, "interface", "b"), 1);
}

static void other_intervals_are_told(void **state)
{
    struct fixture *fixture = *state;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    deliver(fixture);
    objects_set_interval(fixture->objects, INTERVAL_MS);
    next_short_cycle(fixture);
    port(fixture, 1, NULL, NULL, 1000);
    assert_false(objects_need_fixed(fixture->objects, fixture->table, false));
    objects_set_interval(fixture->objects, 2 * INTERVAL_MS);
    assert_true(objects_need_fixed(fixture->objects, fixture->table, false));
    fixture->fixed_read = true;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    table_set_end(fixture->table, IF_ALIAS, COLUMN_CUT); /* whatever else is known of it */
    deliver(fixture);
    assert_int_equal(fixture->recorder->n_objects, 2);
    assert_int_equal(object_of(fixture, "a")->interval_ms, 2 * INTERVAL_MS);
    assert_int_equal(row_of(fixture, "a")->discontinuity_mask, 0);
}

static void own_interval_of_a_table_is_the_objects(void **state)
{
    struct fixture *fixture = *state;
    fixture->plan->table.every_ms = 600000;
    begin_objects(fixture, false);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    deliver(fixture);
    assert_int_equal(object_of(fixture, "a")->interval_ms, 600000);
}

/* Rows that are not wanted are no objects, hold no name up, and are no news. */
static void conditions_choose_rows(void **state)
{
    struct fixture *fixture = *state;
    struct plan_table *plan = &fixture->plan->table;
    plan->n_conditions = 2;
    plan->conditions[0] = (struct plan_condition){.column = IF_TYPE, .values = {2, {6, 24}}};
    plan->conditions[1] = (struct plan_condition){
        .column = IF_DESCR, .except = true, .n_texts = 2, .texts = {"lo*", "null"}};
    begin_objects(fixture, false);
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 1000);
    port(fixture, 2, "a", NULL, 1000);
    number(fixture, IF_TYPE, 2, 53);
    port(fixture, 3, "", "loop", 1000);
    port(fixture, 4, "d", "null", 1000);
    port(fixture, 5, "e", "nullify", 1000);
    number(fixture, IF_HC_IN_OCTETS, 6, 1); /* has no type */
    deliver(fixture);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), 2);
    assert_non_null(row_of(fixture, "a"));
    assert_non_null(row_of(fixture, "e"));
    next_short_cycle(fixture);
    for (uint32_t i = 1; i <= 6; i++) {
        port(fixture, i, NULL, NULL, 2000);
    }
    assert_false(objects_need_fixed(fixture->objects, fixture->table, false));
    deliver(fixture);
    assert_int_equal(fixture->recorder->n_rows, 4);
    /* A column that was cut decides nothing. */
    fixture->fixed_read = true;
    next_cycle(fixture);
    port(fixture, 1, "a", NULL, 3000);
    port(fixture, 4, "d", NULL, 3000);
    port(fixture, 5, "e", NULL, 3000);
    table_set_end(fixture->table, IF_DESCR, COLUMN_CUT);
    deliver(fixture);
    assert_int_equal(row_of(fixture, "e")->values[M_IN_OCTETS].counter, 3000);
    assert_null(row_of(fixture, "d"));
    assert_int_equal(fixture->counts.n[COUNT_NAMELESS_ROWS], 0);
}

static const struct plan_label more_labels[] = {
    {.key = "chassis",
     .format = PLAN_FORMAT_AUTO,
     .column = IF_ALIAS,
     .hex_column = IF_MTU,
     .hex_values = {1, {4}}},
    {.key = "mac",
     .format = PLAN_FORMAT_HEX,
     .column = IF_PHYS_ADDRESS,
     .hex_column = PLAN_NO_COLUMN},
    {.key = "ip", .format = PLAN_FORMAT_IP, .column = IF_DESCR, .hex_column = PLAN_NO_COLUMN},
    {.key = "what",
     .format = PLAN_FORMAT_CONSTANT,
     .column = PLAN_NO_COLUMN,
     .value = "port",
     .hex_column = PLAN_NO_COLUMN},
    {.key = "kind",
     .format = PLAN_FORMAT_NUMBER,
     .column = IF_TYPE,
     .hex_column = PLAN_NO_COLUMN,
     .n_words = 1,
     .words = {{6, "ethernet"}}},
    {.key = "part",
     .format = PLAN_FORMAT_INDEX,
     .column = PLAN_NO_COLUMN,
     .index_part = 1,
     .hex_column = PLAN_NO_COLUMN},
};

static void label(struct fixture *fixture, size_t column, uint32_t index, const void *bytes,
                  size_t size)
{
    const struct varbind varbind = {.type = VALUE_OCTETS, .bytes = bytes, .n_bytes = size};
    assert_true(put_varbind(fixture, column, index, &varbind));
}

static void labels_have_formats(void **state)
{
    static const unsigned long oid[] = {1, 3, 6, 1, 4, 1, 4294967295};
    static const struct varbind an_oid = {.type = VALUE_OID, .oid = {oid, 7}};
    struct fixture *fixture = *state;
    memcpy(fixture->plan->labels, more_labels, sizeof more_labels);
    fixture->plan->columns[IF_ALIAS].keep = PLAN_KEEP_ANY;
    fixture->plan->table.n_names = 2;
    fixture->plan->table.names[0] =
        (struct plan_name){"{chassis}/{what}-{if_index}", 2, {IF_ALIAS, IF_MTU}};
    fixture->plan->table.names[1] = (struct plan_name){"{what} {index}", 0, {0}};
    begin_objects(fixture, false);
    next_cycle(fixture);
    label(fixture, IF_ALIAS, 1, "\0\x25\x90", 3); /* binary: hex by itself */
    label(fixture, IF_DESCR, 1, "\xc0\0\x02\x0a", 4);
    label(fixture, IF_PHYS_ADDRESS, 1, "78:0C:F0:79:6B:8C", 17); /* written out */
    number(fixture, IF_TYPE, 1, 6);
    label(fixture, IF_ALIAS, 2, "abcdef", 6); /* a MAC that looks like text */
    number(fixture, IF_MTU, 2, 4);
    label(fixture, IF_DESCR, 2, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    label(fixture, IF_PHYS_ADDRESS, 2, "", 0);
    number(fixture, IF_TYPE, 2, 1767992425);
    label(fixture, IF_ALIAS, 3, "sw-3 \0", 6);
    label(fixture, IF_DESCR, 3, "12345", 5); /* no address */
    assert_true(put_varbind(fixture, IF_ALIAS, 4, &an_oid));
    deliver(fixture);
    const struct object *object = object_of(fixture, "00:25:90/port-1");
    assert_non_null(object);
    assert_string_equal(object_label(object, "chassis"), "00:25:90");
    assert_string_equal(object_label(object, "ip"), "192.0.2.10");
    assert_string_equal(object_label(object, "mac"), "78:0c:f0:79:6b:8c");
    assert_string_equal(object_label(object, "kind"), "ethernet");
    assert_string_equal(object_label(object, "part"), "1");
    assert_string_equal(object_label(object, "what"), "port");
    object = object_of(fixture, "61:62:63:64:65:66/port-2");
    assert_non_null(object);
    assert_string_equal(object_label(object, "ip"), "2001:db8::1");
    assert_string_equal(object_label(object, "mac"), "");
    assert_string_equal(object_label(object, "kind"), "1767992425");
    object = object_of(fixture, "sw-3/port-3");
    assert_non_null(object);
    assert_string_equal(object_label(object, "ip"), "");
    assert_int_equal(object->n_labels, 5); /* if_index, chassis, what, part, source */
    assert_non_null(object_of(fixture, "1.3.6.1.4.1.4294967295/port-4"));
}

/* A table of labels only has definitions and no rows. */
static void tables_without_metrics_are_defined(void **state)
{
    struct fixture *fixture = *state;
    fixture->plan->table.n_metrics = 0;
    fixture->plan->table.n_counters = 0;
    fixture->plan->table.rate_metric = SIZE_MAX;
    fixture->plan->table.discontinuity = PLAN_NO_COLUMN;
    begin_objects(fixture, false);
    for (int i = 0; i < 2; i++) {
        next_cycle(fixture);
        text(fixture, IF_NAME, 1, "a");
        text(fixture, IF_ALIAS, 1, "x");
        deliver(fixture);
    }
    assert_int_equal(fixture->recorder->n_objects, 1);
    assert_int_equal(fixture->recorder->n_rows, 0);
    assert_int_equal(object_of(fixture, "a")->n_metrics, 0);
    assert_string_equal(object_label(object_of(fixture, "a"), "if_alias"), "x");
}

static void scalars_are_one_object(void **state)
{
    struct fixture *fixture = *state;
    struct plan_table *plan = &fixture->plan->table;
    plan->is_scalar = true;
    plan->index_label = NULL;
    plan->n_labels = 0;
    plan->n_names = 1;
    plan->names[0] = (struct plan_name){"all", 0, {0}};
    begin_objects(fixture, false);
    for (uint64_t i = 1; i <= 2; i++) {
        next_cycle(fixture);
        const struct varbind varbind = {.type = VALUE_COUNTER64, .number = 10 * i};
        assert_true(table_take(fixture->table, IF_HC_IN_OCTETS, (struct oid_view){NULL, 0},
                               &varbind, &fixture->reply));
        deliver(fixture);
    }
    assert_int_equal(fixture->recorder->n_objects, 1);
    assert_int_equal(object_of(fixture, "all")->n_labels, 1); /* source */
    assert_int_equal(row_of(fixture, "all")->values[M_IN_OCTETS].counter, 20);
    assert_int_equal(row_of(fixture, "all")->discontinuity_mask, 0);
}

/* Thousands of rows that appear, go and come back in another order cost no more than their
 * number, and keep their names. */
static void many_rows_keep_their_names(void **state)
{
    enum { ROWS = 1200 };
    struct fixture *fixture = *state;
    for (uint32_t turn = 0; turn < 3; turn++) {
        next_cycle(fixture);
        for (uint32_t i = 0; i < ROWS; i++) {
            char name[16];
            uint32_t at = (i * 7 + turn) % ROWS;
            snprintf(name, sizeof name, "p%u", at);
            text(fixture, IF_NAME, i + 1, name);
            number(fixture, IF_HC_IN_OCTETS, i + 1, UINT64_C(1000) * at + turn);
        }
        objects_restarted(fixture->objects);
        deliver(fixture);
    }
    assert_int_equal(recorder_names(fixture->recorder, "interface"), ROWS);
    assert_int_equal(fixture->recorder->n_rows, 3 * ROWS);
    for (uint32_t i = 0; i < ROWS; i += 97) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        assert_int_equal(row_of(fixture, name)->values[M_IN_OCTETS].counter,
                         UINT64_C(1000) * i + 2);
    }
}

/* Whoever asks once gets what was read before the device fell silent. */
static void only_cycle_is_delivered_though_it_broke_off(void **state)
{
    struct fixture *fixture = *state;
    begin_objects(fixture, true);
    next_cycle(fixture);
    port(fixture, 1, "eth1", "Port 1", 1000);
    table_set_end(fixture->table, IF_NAME, COLUMN_CUT);
    deliver_cycle(fixture, true);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), 1);
    const struct row *row = row_of(fixture, "Port 1"); /* not all ifNames are known */
    assert_non_null(row);
    assert_int_equal(row->status, ROW_PARTIAL);
    assert_int_equal(row->values[M_IN_OCTETS].counter, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, objects_setup, objects_teardown)
        TEST(series_follow_names_when_indexes_swap),
        TEST(fallback_names_are_stable),
        TEST(descr_is_the_second_choice),
        TEST(lost_name_makes_no_new_series),
        TEST(two_rows_never_share_a_series),
        TEST(names_wait_for_a_whole_cycle),
        TEST(only_cycle_is_delivered_though_it_broke_off),
        TEST(returning_interface_is_a_break),
        TEST(hostile_texts_are_tamed),
        TEST(labels_are_told_when_they_change),
        TEST(short_cycles_go_on),
        TEST(fixed_columns_are_wanted_when_rows_change),
        TEST(other_intervals_are_told),
        TEST(own_interval_of_a_table_is_the_objects),
        TEST(conditions_choose_rows),
        TEST(labels_have_formats),
        TEST(tables_without_metrics_are_defined),
        TEST(scalars_are_one_object),
        TEST(many_rows_keep_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
