/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cells become rows: by index, in order, within bounds; and what other tables add to them. */
#include "gauge.h"
#include "support_plan.h"
#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct snmp_counts counts;
    struct if_plan *plan;
    struct table *table;
    struct reply reply;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->plan = if_plan_new();
    fixture->plan->table.index_parts = 0;
    fixture->table = table_new(&fixture->plan->table, &fixture->counts);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    table_free(fixture->table);
    if_plan_free(fixture->plan);
    free(fixture);
    return 0;
}

static bool take_at(struct fixture *fixture, size_t column, const unsigned long *ids, size_t n,
                    uint64_t value)
{
    const struct varbind varbind = {.type = VALUE_COUNTER32, .number = value};
    return table_take(fixture->table, column, (struct oid_view){ids, n}, &varbind, &fixture->reply);
}

static bool take(struct fixture *fixture, size_t column, unsigned long index, uint64_t value)
{
    return take_at(fixture, column, &index, 1, value);
}

static uint64_t number_at(const struct fixture *fixture, size_t row, size_t column)
{
    assert_true(table_row_knows(table_row(fixture->table, row), column));
    return table_row(fixture->table, row)->cells[column].number;
}

static void rows_are_joined_by_index(void **state)
{
    static const unsigned long indexes[][3] = {{3, 1, 0}, {3, 1, 4294967295}, {1}, {3}, {2, 9}};
    static const size_t sizes[] = {3, 3, 1, 1, 2};
    static const size_t order[] = {2, 4, 3, 0, 1};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 5; i++) {
        assert_true(take_at(fixture, IF_IN_ERRORS, indexes[i], sizes[i], i));
    }
    for (size_t i = 0; i < 5; i++) {
        assert_true(take_at(fixture, IF_OUT_ERRORS, indexes[i], sizes[i], 10 + i));
    }
    assert_int_equal(table_rows(fixture->table), 5);
    for (size_t i = 0; i < 5; i++) {
        const struct table_row *row = table_row(fixture->table, i);
        assert_int_equal(row->n_index, sizes[order[i]]);
        assert_int_equal(number_at(fixture, i, IF_IN_ERRORS), order[i]);
        assert_int_equal(number_at(fixture, i, IF_OUT_ERRORS), 10 + order[i]);
        assert_false(table_row_knows(row, IF_SPEED));
        assert_false(table_row_knows(row, PLAN_NO_COLUMN));
        assert_ptr_equal(table_find(fixture->table, row->index, row->n_index), row);
    }
    assert_null(table_find(fixture->table, (const uint32_t[]){3, 1}, 2));
    assert_int_equal(fixture->counts.n[COUNT_OID_MISMATCH], 0);
}

static void indexes_that_the_plan_forbids_make_no_rows(void **state)
{
    unsigned long many[TABLE_INDEX_MAX + 1] = {0};
    struct fixture *fixture = *state;
    assert_true(take_at(fixture, IF_IN_ERRORS, many, TABLE_INDEX_MAX + 1, 1));
    assert_true(take_at(fixture, IF_IN_ERRORS, many, 0, 1));
    assert_true(take(fixture, IF_IN_ERRORS, 4294967296UL, 1));
    fixture->plan->table.index_parts = 2;
    assert_true(take_at(fixture, IF_IN_ERRORS, many, 1, 1));
    assert_true(take_at(fixture, IF_IN_ERRORS, many, 3, 1));
    assert_int_equal(table_rows(fixture->table), 0);
    assert_int_equal(fixture->counts.n[COUNT_OID_MISMATCH], 5);
    assert_true(take_at(fixture, IF_IN_ERRORS, many, 2, 1));
    fixture->plan->table.index_parts = 0;
    assert_true(take_at(fixture, IF_IN_ERRORS, many, TABLE_INDEX_MAX, 1));
    assert_int_equal(table_rows(fixture->table), 2);
}

static void table_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < TABLE_ROWS_MAX; i++) { /* from the last one to the first */
        assert_true(take(fixture, IF_IN_ERRORS, TABLE_ROWS_MAX - i, i));
    }
    assert_false(take(fixture, IF_IN_ERRORS, TABLE_ROWS_MAX + 1, 1));
    assert_true(take(fixture, IF_OUT_ERRORS, 5, 1));
    for (uint32_t i = 0; i < TABLE_ROWS_MAX; i++) {
        assert_int_equal(table_row(fixture->table, i)->index[0], i + 1);
    }
}

/* Texts that fill the memory of a table: the columns end there. */
static void memory_is_bounded(void **state)
{
    static uint8_t bytes[TABLE_BYTES_MAX];
    static const enum if_column texts[] = {IF_NAME, IF_DESCR, IF_ALIAS, IF_PHYS_ADDRESS};
    struct fixture *fixture = *state;
    const struct varbind varbind = {.type = VALUE_OCTETS, .bytes = bytes, .n_bytes = sizeof bytes};
    size_t taken = 0;
    bool is_full = false;
    for (size_t i = 0; i < 4 && !is_full; i++) {
        for (unsigned long index = 1; index <= TABLE_ROWS_MAX && !is_full; index++) {
            is_full = !table_take(fixture->table, texts[i], (struct oid_view){&index, 1}, &varbind,
                                  &fixture->reply);
            taken += is_full ? 0 : 1;
        }
    }
    assert_true(is_full);
    assert_true(taken > 8000 && taken * sizeof bytes <= TABLE_MEMORY_MAX);
}

static void other_types_are_not_known(void **state)
{
    static const unsigned long oid[] = {1, 3, 6};
    static const struct {
        enum if_column column;
        enum value_type type;
        bool good;
    } cases[] = {
        {IF_SPEED, VALUE_INTEGER, true},   {IF_SPEED, VALUE_TIMETICKS, true},
        {IF_SPEED, VALUE_COUNTER64, true}, {IF_SPEED, VALUE_OCTETS, false},
        {IF_SPEED, VALUE_OID, false},      {IF_SPEED, VALUE_OTHER, false},
        {IF_DESCR, VALUE_OCTETS, true},    {IF_DESCR, VALUE_INTEGER, false},
        {IF_ALIAS, VALUE_OID, true},       {IF_ALIAS, VALUE_OCTETS, false},
        {IF_NAME, VALUE_OID, true},        {IF_NAME, VALUE_GAUGE32, true},
        {IF_NAME, VALUE_OTHER, false},
    };
    struct fixture *fixture = *state;
    uint64_t bad = 0;
    fixture->plan->columns[IF_ALIAS].keep = PLAN_KEEP_OID;
    fixture->plan->columns[IF_NAME].keep = PLAN_KEEP_ANY;
    for (unsigned long i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct varbind varbind = {.type = cases[i].type,
                                        .number = 7,
                                        .bytes = (const uint8_t *)"123",
                                        .n_bytes = 3,
                                        .oid = {oid, 3}};
        assert_true(table_take(fixture->table, cases[i].column, (struct oid_view){&i, 1}, &varbind,
                               &fixture->reply));
        const struct table_row *row = table_row(fixture->table, i);
        bad += cases[i].good ? 0 : 1;
        assert_int_equal(table_row_knows(row, cases[i].column), cases[i].good);
        assert_int_equal(row->refused >> cases[i].column & 1, !cases[i].good);
        assert_int_equal(fixture->counts.n[COUNT_BAD_TYPE], bad);
    }
    const struct table_cell *cell = &table_row(fixture->table, 8)->cells[IF_ALIAS];
    assert_int_equal(cell->n_bytes, 5);
    assert_memory_equal(cell->bytes, "1.3.6", 5);
    assert_int_equal(cell_number(cell), 0); /* a text is no number */
    assert_int_equal(cell_number(&table_row(fixture->table, 11)->cells[IF_NAME]), 7);
}

static void long_texts_are_cut_after_a_character(void **state)
{
    static uint8_t bytes[60000];
    struct fixture *fixture = *state;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + TABLE_BYTES_MAX - 1, "\xc3\xa9", 2); /* across the limit */
    const struct varbind varbind = {.type = VALUE_OCTETS, .bytes = bytes, .n_bytes = sizeof bytes};
    const unsigned long index = 1;
    assert_true(table_take(fixture->table, IF_DESCR, (struct oid_view){&index, 1}, &varbind,
                           &fixture->reply));
    assert_int_equal(table_row(fixture->table, 0)->cells[IF_DESCR].n_bytes, TABLE_BYTES_MAX - 1);
}

static void first_value_of_each_cycle_dates_the_row(void **state)
{
    static const struct {
        enum if_column column;
        int64_t expected_ms;
    } steps[] = {{IF_NAME, 100},       {IF_DESCR, 200},        {IF_IN_OCTETS, 300},
                 {IF_OUT_ERRORS, 400}, {IF_HC_IN_OCTETS, 400}, {IF_ALIAS, 400}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        fixture->reply.arrived.ms += 100;
        fixture->reply.arrived_mono.ns += 100000000;
        assert_true(take(fixture, steps[i].column, 1, 1));
        assert_int_equal(table_row(fixture->table, 0)->time.ms, steps[i].expected_ms);
        assert_int_equal(table_row(fixture->table, 0)->at.ns, steps[i].expected_ms * 1000000);
    }
}

static void later_ranks_are_wanted_where_something_lacks(void **state)
{
    struct fixture *fixture = *state;
    const struct plan_group *first = &fixture->plan->groups[2];
    const struct plan_group *octets = &fixture->plan->groups[6];
    const struct plan_group *packets = &fixture->plan->groups[7];
    assert_true(table_wants(fixture->table, first));
    assert_false(table_wants(fixture->table, octets)); /* there is no row */
    for (unsigned long i = 1; i <= 2; i++) {
        take(fixture, IF_HC_IN_OCTETS, i, 1);
        take(fixture, IF_HC_OUT_OCTETS, i, 1);
        take(fixture, IF_HC_IN_UCAST, i, 1);
    }
    assert_false(table_wants(fixture->table, octets));
    assert_true(table_wants(fixture->table, packets));
    take(fixture, IF_HC_OUT_UCAST, 1, 1);
    assert_true(table_wants(fixture->table, packets));
    take(fixture, IF_HC_OUT_UCAST, 2, 1);
    assert_false(table_wants(fixture->table, packets));
    take(fixture, IF_HC_IN_OCTETS, 3, 1); /* a row with only one of the two */
    assert_true(table_wants(fixture->table, octets));
    /* A reading that says nothing is none. */
    fixture->plan->metrics[M_IN_OCTETS].sources[0].unknown = (struct plan_values){1, {1}};
    take(fixture, IF_HC_OUT_OCTETS, 3, 1);
    assert_true(table_wants(fixture->table, octets));
}

static void foreign_columns_fill_rows(void **state)
{
    struct fixture *fixture = *state;
    fixture->plan->columns[IF_IN_ERRORS].foreign = true;
    fixture->plan->columns[IF_OUT_ERRORS].foreign = true;
    fixture->plan->columns[IF_OUT_ERRORS].foreign_part = 2;
    for (unsigned long i = 0; i < 6; i++) {
        const unsigned long index[] = {6 - i, i / 2};
        assert_true(take_at(fixture, IF_SPEED, index, 2, i));
    }
    /* By the whole index: the rows that there are, no new ones. */
    assert_true(take_at(fixture, IF_IN_ERRORS, (const unsigned long[]){1, 2}, 2, 77));
    assert_true(take_at(fixture, IF_IN_ERRORS, (const unsigned long[]){1, 3}, 2, 78));
    assert_true(take(fixture, IF_IN_ERRORS, 1, 79));
    /* By the second part of it: all rows that have it. */
    assert_true(take(fixture, IF_OUT_ERRORS, 0, 100));
    assert_true(take(fixture, IF_OUT_ERRORS, 2, 102));
    assert_true(take(fixture, IF_OUT_ERRORS, 3, 103));
    assert_true(take_at(fixture, IF_OUT_ERRORS, (const unsigned long[]){1, 1}, 2, 104));
    assert_int_equal(table_rows(fixture->table), 6);
    for (size_t i = 0; i < 6; i++) {
        const struct table_row *row = table_row(fixture->table, i);
        assert_int_equal(table_row_knows(row, IF_IN_ERRORS), row->index[0] == 1);
        assert_int_equal(table_row_knows(row, IF_OUT_ERRORS), row->index[1] != 1);
        assert_true(row->index[1] == 1 || row->cells[IF_OUT_ERRORS].number == 100 + row->index[1]);
    }
    assert_int_equal(number_at(fixture, 0, IF_IN_ERRORS), 77);
    assert_int_equal(fixture->counts.n[COUNT_OID_MISMATCH], 0);
}

static void ends_are_remembered(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(table_end(fixture->table, IF_SPEED), COLUMN_OPEN);
    table_set_end(fixture->table, IF_SPEED, COLUMN_CUT);
    assert_int_equal(table_end(fixture->table, IF_SPEED), COLUMN_CUT);
    assert_int_equal(table_end(fixture->table, IF_NAME), COLUMN_OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(rows_are_joined_by_index),
        TEST(indexes_that_the_plan_forbids_make_no_rows),
        TEST(table_is_bounded),
        TEST(memory_is_bounded),
        TEST(other_types_are_not_known),
        TEST(long_texts_are_cut_after_a_character),
        TEST(first_value_of_each_cycle_dates_the_row),
        TEST(later_ranks_are_wanted_where_something_lacks),
        TEST(foreign_columns_fill_rows),
        TEST(ends_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
