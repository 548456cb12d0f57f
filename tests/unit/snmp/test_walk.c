/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The walk against replies that lie, and the sizes of its requests. */
#include "walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NAMES_MAX = 64 };

static const unsigned long column_a[] = {1, 3, 6, 1, 2, 1, 2, 2, 1, 10};
static const unsigned long column_b[] = {1, 3, 6, 1, 2, 1, 2, 2, 1, 16};
static const struct oid_view prefixes[] = {{column_a, 10}, {column_b, 10}};

struct fixture {
    struct snmp_counts counts;
    struct walk walk;
    struct shape shape;
    struct request request;
    size_t n_cells;
    size_t rows_max;  /* of the table */
    char cells[8192]; /* "a1 b1 a2 " */
    unsigned long names[NAMES_MAX][OID_IDS_MAX];
    struct varbind varbinds[NAMES_MAX];
    struct reply reply;
};

static bool on_cell(void *context, size_t column, uint32_t index, const struct varbind *varbind,
                    const struct reply *reply)
{
    struct fixture *fixture = context;
    size_t used = strlen(fixture->cells);
    (void)reply;
    if (index > fixture->rows_max) {
        return false;
    }
    assert_int_equal(varbind->type, VALUE_COUNTER32);
    if (used + 16 < sizeof fixture->cells) {
        snprintf(fixture->cells + used, sizeof fixture->cells - used, "%c%u ",
                 column == 0 ? 'a' : 'b', index);
    }
    fixture->n_cells++;
    return true;
}

static void begin(struct fixture *fixture, size_t n_columns, size_t rows_max)
{
    memset(fixture, 0, sizeof *fixture);
    const struct walk_sink sink = {fixture, on_cell};
    fixture->rows_max = 1000000;
    shape_begin(&fixture->shape);
    walk_begin(&fixture->walk, prefixes, n_columns, rows_max, &sink, &fixture->counts);
    assert_true(walk_ask(&fixture->walk, &fixture->shape, &fixture->request));
}

static struct varbind *add(struct fixture *fixture, const unsigned long *prefix, size_t n_prefix,
                           size_t n_more, const unsigned long *more)
{
    size_t i = fixture->reply.n_varbinds++;
    assert_true(i < NAMES_MAX);
    memcpy(fixture->names[i], prefix, n_prefix * sizeof *prefix);
    if (n_more > 0) {
        memcpy(fixture->names[i] + n_prefix, more, n_more * sizeof *more);
    }
    fixture->varbinds[i] = (struct varbind){
        .name = {fixture->names[i], n_prefix + n_more}, .type = VALUE_COUNTER32, .number = 7};
    fixture->reply.varbinds = fixture->varbinds;
    return &fixture->varbinds[i];
}

static struct varbind *add_row(struct fixture *fixture, const unsigned long *prefix,
                               unsigned long index)
{
    return add(fixture, prefix, 10, 1, &index);
}

static enum walk_step take(struct fixture *fixture)
{
    enum walk_step step = walk_take(&fixture->walk, &fixture->reply);
    memset(&fixture->reply, 0, sizeof fixture->reply);
    return step;
}

static bool ask(struct fixture *fixture)
{
    return walk_ask(&fixture->walk, &fixture->shape, &fixture->request);
}

static unsigned long last_of(const struct oid_view *name)
{
    return name->ids[name->n - 1];
}

static void columns_are_walked_to_their_ends(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2, 100);
    assert_int_equal(fixture.request.type, REQUEST_GETBULK);
    assert_int_equal(fixture.request.repetitions, 10);
    assert_int_equal(fixture.request.n_names, 2);
    assert_int_equal(oid_compare(fixture.request.names[0], prefixes[0]), 0);
    add_row(&fixture, column_a, 1);
    add_row(&fixture, column_b, 1);
    add_row(&fixture, column_a, 3);
    add_row(&fixture, column_b, 2); /* the columns differ: each goes on from its own */
    assert_int_equal(take(&fixture), WALK_ADVANCED);
    assert_true(ask(&fixture));
    assert_int_equal(last_of(&fixture.request.names[0]), 3);
    assert_int_equal(last_of(&fixture.request.names[1]), 2);
    /* Column a ends: its answer is another column. */
    add(&fixture, column_b, 10, 1, (const unsigned long[]){1});
    add_row(&fixture, column_b, 3);
    take(&fixture);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_COMPLETE);
    assert_true(ask(&fixture));
    assert_int_equal(fixture.request.n_names, 1);
    add_row(&fixture, column_b, 4)->type = VALUE_END_OF_MIB;
    take(&fixture);
    assert_int_equal(fixture.walk.columns[1].end, COLUMN_COMPLETE);
    assert_false(ask(&fixture));
    assert_string_equal(fixture.cells, "a1 b1 a3 b2 b3 ");
}

static void cells_without_an_instance_are_left_out(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 1, 100);
    add_row(&fixture, column_a, 1);
    add_row(&fixture, column_a, 2)->type = VALUE_NO_SUCH;
    add_row(&fixture, column_a, 3);
    take(&fixture);
    assert_string_equal(fixture.cells, "a1 a3 ");
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_OPEN);
}

static void same_or_lower_names_end_a_column(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2, 100);
    add_row(&fixture, column_a, 5);
    add_row(&fixture, column_b, 5);
    add_row(&fixture, column_a, 5); /* again */
    add_row(&fixture, column_b, 6);
    add_row(&fixture, column_a, 7); /* not looked at any more */
    add_row(&fixture, column_b, 4); /* lower */
    take(&fixture);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_CUT);
    assert_int_equal(fixture.walk.columns[1].end, COLUMN_CUT);
    assert_int_equal(fixture.counts.n[COUNT_NON_INCREASING], 2);
    assert_string_equal(fixture.cells, "a5 b5 b6 ");
    assert_false(ask(&fixture));
}

static void other_names_are_refused(void **state)
{
    static const unsigned long before[] = {1, 3, 6, 1, 2, 1, 1, 1, 0};
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2, 100);
    add(&fixture, before, 9, 0, NULL);
    add_row(&fixture, column_b, 1);
    take(&fixture);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_CUT);
    assert_int_equal(fixture.counts.n[COUNT_OID_MISMATCH], 1);
    assert_string_equal(fixture.cells, "b1 ");
}

static void odd_indexes_make_no_rows(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 1, 100);
    add_row(&fixture, column_a, 0);
    add(&fixture, column_a, 10, 2, (const unsigned long[]){1, 1});
    add_row(&fixture, column_a, 2);
    add_row(&fixture, column_a, 4294967295UL);
    take(&fixture);
    assert_string_equal(fixture.cells, "a2 ");
    assert_int_equal(fixture.counts.n[COUNT_OID_MISMATCH], 3);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_OPEN);
}

static void empty_reply_cuts(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2, 100);
    assert_int_equal(take(&fixture), WALK_ADVANCED);
    assert_int_equal(fixture.counts.n[COUNT_EMPTY], 1);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_CUT);
    assert_false(ask(&fixture));
    assert_int_equal(fixture.n_cells, 0);
}

static void extra_varbinds_are_ignored(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2, 100);
    fixture.shape.repetitions = 2;
    assert_true(ask(&fixture));
    for (unsigned long i = 1; i <= 3; i++) {
        add_row(&fixture, column_a, i);
        add_row(&fixture, column_b, i);
    }
    take(&fixture);
    assert_string_equal(fixture.cells, "a1 b1 a2 b2 ");
    assert_int_equal(fixture.counts.n[COUNT_EXTRA_VARBINDS], 1);
}

static void error_indexes_are_checked(void **state)
{
    static const long bad[] = {99, -1, 3, 2147483647, -2147483647 - 1};
    struct fixture fixture;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(&fixture, 2, 100);
        fixture.reply.error_status = 5;
        fixture.reply.error_index = bad[i];
        add_row(&fixture, column_a, 1); /* must not be believed */
        take(&fixture);
        assert_int_equal(fixture.counts.n[COUNT_ERROR_INDEX], 1);
        assert_int_equal(fixture.n_cells, 0);
        assert_false(ask(&fixture));
    }
    begin(&fixture, 2, 100); /* a good one: only that column fails */
    fixture.reply.error_status = 5;
    fixture.reply.error_index = 1;
    take(&fixture);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_CUT);
    assert_int_equal(fixture.walk.columns[1].end, COLUMN_OPEN);
}

static void unknown_error_status_is_a_failure(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2, 100);
    fixture.reply.error_status = 250;
    take(&fixture);
    assert_int_equal(fixture.counts.n[COUNT_ERROR_STATUS], 1);
    assert_int_equal(fixture.walk.columns[1].end, COLUMN_CUT);
}

static void endless_tables_end(void **state)
{
    enum { LIMIT = 4096 };
    struct fixture fixture;
    unsigned long index = 0;
    size_t requests = 1;
    (void)state;
    begin(&fixture, 1, LIMIT);
    do {
        for (unsigned i = 0; i < fixture.request.repetitions; i++) {
            add_row(&fixture, column_a, ++index);
        }
        take(&fixture);
        requests++;
        assert_true(requests < LIMIT);
    } while (ask(&fixture));
    assert_int_equal(fixture.n_cells, LIMIT);
    assert_int_equal(fixture.counts.n[COUNT_ROW_LIMIT], 1);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_CUT);
    /* And so do tables whose names make no rows. */
    begin(&fixture, 1, LIMIT);
    index = 0;
    do {
        index++;
        add(&fixture, column_a, 10, 2, (const unsigned long[]){1, index});
        take(&fixture);
        assert_true(index <= LIMIT + 1);
    } while (ask(&fixture));
    assert_int_equal(fixture.counts.n[COUNT_ROW_LIMIT], 1);
}

static void full_table_cuts(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 1, 100);
    fixture.rows_max = 2;
    for (unsigned long i = 1; i <= 4; i++) {
        add_row(&fixture, column_a, i);
    }
    take(&fixture);
    assert_string_equal(fixture.cells, "a1 a2 ");
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_CUT);
    assert_int_equal(fixture.counts.n[COUNT_ROW_LIMIT], 1);
}

static void longest_name_is_kept(void **state)
{
    struct fixture fixture;
    unsigned long more[OID_IDS_MAX - 10];
    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        more[i] = 4294967295UL;
    }
    begin(&fixture, 1, 100);
    add(&fixture, column_a, 10, OID_IDS_MAX - 10, more);
    take(&fixture);
    assert_true(ask(&fixture));
    assert_int_equal(fixture.request.names[0].n, OID_IDS_MAX);
}

static void too_big_shrinks_to_getnext(void **state)
{
    static const struct {
        unsigned repetitions;
        size_t names;
    } sizes[] = {{10, 2}, {5, 2}, {2, 2}, {1, 2}, {1, 1}};
    struct fixture fixture;
    struct mono now = {0};
    (void)state;
    begin(&fixture, 2, 100);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(fixture.request.type, REQUEST_GETBULK);
        assert_int_equal(fixture.request.repetitions, sizes[i].repetitions);
        assert_int_equal(fixture.request.n_names, sizes[i].names);
        fixture.reply.error_status = ERROR_STATUS_TOO_BIG; /* without varbinds */
        assert_int_equal(take(&fixture), WALK_TOO_BIG);
        assert_int_equal(fixture.walk.columns[0].end, COLUMN_OPEN);
        assert_true(
            shape_shrink(&fixture.shape, fixture.walk.repetitions, fixture.walk.n_asked, now));
        assert_true(ask(&fixture));
    }
    assert_int_equal(fixture.request.type, REQUEST_GETNEXT);
    assert_int_equal(fixture.request.n_names, 1);
    assert_false(shape_shrink(&fixture.shape, 1, 1, now));
    shape_refresh(&fixture.shape, mono_add_ms(now, 23 * 3600000));
    assert_true(fixture.shape.getnext);
    shape_refresh(&fixture.shape, mono_add_ms(now, 24 * 3600000));
    assert_false(fixture.shape.getnext);
}

static void clean_cycles_let_it_grow(void **state)
{
    struct shape shape;
    (void)state;
    shape_begin(&shape);
    shape.repetitions = 1;
    shape.columns = 1;
    shape_clean_cycle(&shape);
    shape_clean_cycle(&shape);
    assert_int_equal(shape.repetitions, 1);
    shape_clean_cycle(&shape);
    assert_int_equal(shape.repetitions, 2);
    assert_int_equal(shape.columns, 2);
    for (int i = 0; i < 300; i++) {
        shape_clean_cycle(&shape);
    }
    assert_int_equal(shape.repetitions, SHAPE_REPETITIONS_MAX);
    assert_int_equal(shape.columns, SHAPE_COLUMNS_MAX);
    for (size_t columns = 1; columns <= SHAPE_COLUMNS_MAX; columns++) {
        unsigned repetitions = shape_repetitions(&shape, columns);
        assert_true(repetitions >= 1);
        assert_true(columns * repetitions * SHAPE_VARBIND_BYTES <= SHAPE_REPLY_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_walked_to_their_ends),
        cmocka_unit_test(cells_without_an_instance_are_left_out),
        cmocka_unit_test(same_or_lower_names_end_a_column),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(odd_indexes_make_no_rows),
        cmocka_unit_test(empty_reply_cuts),
        cmocka_unit_test(extra_varbinds_are_ignored),
        cmocka_unit_test(error_indexes_are_checked),
        cmocka_unit_test(unknown_error_status_is_a_failure),
        cmocka_unit_test(endless_tables_end),
        cmocka_unit_test(full_table_cuts),
        cmocka_unit_test(longest_name_is_kept),
        cmocka_unit_test(too_big_shrinks_to_getnext),
        cmocka_unit_test(clean_cycles_let_it_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
