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

static bool on_cell(void *context, size_t column, struct oid_view index,
                    const struct varbind *varbind, const struct reply *reply)
{
    struct fixture *fixture = context;
    size_t used = strlen(fixture->cells);
    (void)reply;
    assert_true(index.n >= 1);
    if (index.ids[0] > fixture->rows_max) {
        return false;
    }
    assert_int_equal(varbind->type, VALUE_COUNTER32);
    if (used + 16 < sizeof fixture->cells) {
        snprintf(fixture->cells + used, sizeof fixture->cells - used, "%c%lu%s ",
                 column == 0 ? 'a' : 'b', index.ids[0], index.n > 1 ? ".." : "");
    }
    fixture->n_cells++;
    return true;
}

static void begin(struct fixture *fixture, size_t n_columns, size_t rows_max)
{
    memset(fixture, 0, sizeof *fixture);
    const struct walk_sink sink = {fixture, on_cell};
    fixture->rows_max = 1000000;
    shape_begin(&fixture->shape, 10);
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

static void indexes_may_have_many_parts(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 1, 100);
    add_row(&fixture, column_a, 0);
    add(&fixture, column_a, 10, 2, (const unsigned long[]){1, 1});
    add_row(&fixture, column_a, 2);
    add_row(&fixture, column_a, 4294967295UL);
    fixture.rows_max = 4294967295UL;
    take(&fixture);
    assert_string_equal(fixture.cells, "a0 a1.. a2 a4294967295 ");
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_OPEN);
}

/* SNMPv1, and SNMPv2c agents that answer like it: the column that the index names is at its end,
 * and the others are asked again. */
static void no_such_name_ends_a_column(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2, 100);
    fixture.shape.no_bulk = true;
    assert_true(ask(&fixture));
    assert_int_equal(fixture.request.type, REQUEST_GETNEXT);
    add_row(&fixture, column_a, 1);
    add_row(&fixture, column_b, 1);
    take(&fixture);
    assert_true(ask(&fixture));
    fixture.reply.error_status = ERROR_STATUS_NO_SUCH_NAME;
    fixture.reply.error_index = 2;
    add_row(&fixture, column_a, 1); /* the request, as it was */
    add_row(&fixture, column_b, 1);
    assert_int_equal(take(&fixture), WALK_ADVANCED);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_OPEN);
    assert_int_equal(fixture.walk.columns[1].end, COLUMN_COMPLETE);
    assert_true(ask(&fixture));
    assert_int_equal(fixture.request.n_names, 1);
    fixture.reply.error_status = ERROR_STATUS_NO_SUCH_NAME; /* alone it needs no index */
    take(&fixture);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_COMPLETE);
    assert_int_equal(fixture.counts.n[COUNT_ERROR_STATUS], 0);
    assert_string_equal(fixture.cells, "a1 b1 ");
    begin(&fixture, 2, 100); /* an index beyond the request names nothing */
    fixture.reply.error_status = ERROR_STATUS_NO_SUCH_NAME;
    fixture.reply.error_index = 3;
    take(&fixture);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_CUT);
    assert_int_equal(fixture.counts.n[COUNT_ERROR_INDEX], 1);
}

static void ended_columns_can_go_on(void **state)
{
    static const unsigned long index[] = {2};
    struct fixture fixture;
    (void)state;
    begin(&fixture, 1, 100);
    add_row(&fixture, column_a, 1);
    add_row(&fixture, column_a, 1)->type = VALUE_END_OF_MIB;
    take(&fixture);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_COMPLETE);
    assert_true(fixture.walk.columns[0].view_ended);
    walk_resume(&fixture.walk, 0, (struct oid_view){index, 1});
    assert_true(ask(&fixture));
    assert_int_equal(last_of(&fixture.request.names[0]), 2);
    add_row(&fixture, column_a, 3);
    take(&fixture);
    assert_string_equal(fixture.cells, "a1 a3 ");
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
    fixture.rows_max = SIZE_MAX;
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
    struct shape shape = {0};
    (void)state;
    shape_begin(&shape, 1);
    shape.columns = 1;
    shape_clean_cycle(&shape);
    shape_clean_cycle(&shape);
    shape_answered(&shape, true);
    assert_int_equal(shape.repetitions, 1);
    shape_clean_cycle(&shape);
    assert_int_equal(shape.repetitions, 2);
    assert_int_equal(shape.columns, 2);
    for (int i = 0; i < 3; i++) {
        shape_clean_cycle(&shape); /* what was not tried does not grow */
    }
    assert_int_equal(shape.repetitions, 2);
    for (int i = 0; i < 300; i++) {
        shape_answered(&shape, true);
        shape_clean_cycle(&shape);
    }
    assert_int_equal(shape.repetitions, SHAPE_REPETITIONS_MAX);
    assert_int_equal(shape.columns, SHAPE_COLUMNS_MAX);
}

/* Whatever is known, a reply fits an IP packet and our own array. */
static void requests_are_bounded(void **state)
{
    static const unsigned bytes[] = {SHAPE_VARBIND_LEAST, 26, SHAPE_VARBIND_BYTES, 300, 2000};
    struct shape shape = {0};
    (void)state;
    shape_begin(&shape, SHAPE_REPETITIONS_MAX);
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        for (size_t open = 1; open <= SHAPE_COLUMNS_MAX; open++) {
            for (size_t left = 0; left < 200; left += 7) {
                struct shape_fit fit = shape_fit(&shape, bytes[i], open, left);
                size_t varbinds = fit.columns * fit.repetitions;
                assert_true(fit.columns >= 1 && fit.columns <= open && fit.repetitions >= 1);
                assert_true(fit.repetitions == 1 ||
                            SHAPE_HEAD_BYTES + varbinds * bytes[i] <= SHAPE_REPLY_BYTES);
                assert_true(varbinds <= SHAPE_VARBINDS_MAX);
            }
        }
    }
}

/* With the number of rows known, a table takes the fewest requests, and asks for little in vain. */
static void known_rows_make_fitting_requests(void **state)
{
    static const struct {
        unsigned repetitions;
        unsigned bytes;
        size_t open;
        size_t rows;
        struct shape_fit fit;
    } cases[] = {
        {128, 26, 6, 48, {1, 49, false}}, /* a whole column in one request */
        {128, 26, 6, 4, {6, 5, false}},   /* a whole table in one request */
        {10, 26, 6, 48, {6, 7, true}},    /* not yet tried with more than 10 rows */
        {128, 40, 2, 48, {1, 25, false}}, {128, 26, 1, 4096, {1, 51, false}},
    };
    struct shape shape = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shape_begin(&shape, cases[i].repetitions);
        struct shape_fit fit = shape_fit(&shape, cases[i].bytes, cases[i].open, cases[i].rows + 1);
        print_message("%zu columns, %u rows\n", fit.columns, fit.repetitions);
        assert_int_equal(fit.is_bounded, cases[i].fit.is_bounded);
        assert_int_equal(fit.columns, cases[i].fit.columns);
        assert_int_equal(fit.repetitions, cases[i].fit.repetitions);
    }
}

/* 48 rows by 6 columns in 6 answers, with the names that prove the ends. */
static void known_table_is_walked_in_few_requests(void **state)
{
    enum { ROWS = 48 };
    struct fixture fixture;
    size_t requests = 0;
    (void)state;
    begin(&fixture, 2, 100);
    fixture.shape.repetitions = SHAPE_REPETITIONS_MAX;
    walk_expect(&fixture.walk, ROWS, 26);
    while (ask(&fixture)) {
        assert_int_equal(fixture.request.n_names, 1);
        assert_int_equal(fixture.request.repetitions, ROWS + 1);
        const unsigned long *column = requests == 0 ? column_a : column_b;
        for (unsigned long i = 1; i <= ROWS; i++) {
            add_row(&fixture, column, i);
        }
        add_row(&fixture, column_b, 1)->name.ids = prefixes[1].ids; /* leaves the column */
        if (requests == 1) {
            fixture.varbinds[ROWS].type = VALUE_END_OF_MIB;
        }
        take(&fixture);
        requests++;
    }
    assert_int_equal(requests, 2);
    assert_int_equal(fixture.n_cells, 2 * ROWS);
    assert_int_equal(walk_longest(&fixture.walk), ROWS);
    assert_int_equal(fixture.walk.columns[0].end, COLUMN_COMPLETE);
    assert_int_equal(fixture.walk.columns[1].end, COLUMN_COMPLETE);
}

static void sizes_are_learnt(void **state)
{
    (void)state;
    assert_int_equal(shape_learn_bytes(40, SHAPE_HEAD_BYTES + 50 * 90, 50), 90); /* at once */
    assert_int_equal(shape_learn_bytes(90, SHAPE_HEAD_BYTES + 50 * 26, 50), 82); /* slowly */
    assert_int_equal(shape_learn_bytes(26, SHAPE_HEAD_BYTES + 50 * 26, 50), 26);
    assert_int_equal(shape_learn_bytes(40, 0, 50), 40);
    assert_int_equal(shape_learn_bytes(40, 100, 0), 40);
    assert_int_equal(shape_learn_bytes(40, 65000, 1), SHAPE_REPLY_BYTES);
    unsigned bytes = 90;
    for (int i = 0; i < 60; i++) {
        bytes = shape_learn_bytes(bytes, SHAPE_HEAD_BYTES + 1, 50);
    }
    assert_int_equal(bytes, SHAPE_VARBIND_LEAST);
}

/* What was evened out for a table's length is still too few, while more would save a request. */
static void shape_grows_until_a_column_fits(void **state)
{
    enum { NAMES = 49, BYTES = 27 };
    struct shape shape = {0};
    struct shape_fit fit = {0};
    (void)state;
    shape_begin(&shape, 10);
    for (size_t cycle = 0; cycle < 60; cycle++) {
        fit = shape_fit(&shape, BYTES, 8, NAMES);
        shape_answered(&shape, fit.is_bounded);
        shape_clean_cycle(&shape);
    }
    assert_int_equal(fit.columns, 1);
    assert_int_equal(fit.repetitions, NAMES);
    assert_false(fit.is_bounded);
    assert_in_range(shape.repetitions, NAMES, NAMES * 5 / 4 + 1); /* and no further */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_grows_until_a_column_fits),
        cmocka_unit_test(columns_are_walked_to_their_ends),
        cmocka_unit_test(cells_without_an_instance_are_left_out),
        cmocka_unit_test(same_or_lower_names_end_a_column),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(indexes_may_have_many_parts),
        cmocka_unit_test(no_such_name_ends_a_column),
        cmocka_unit_test(ended_columns_can_go_on),
        cmocka_unit_test(empty_reply_cuts),
        cmocka_unit_test(extra_varbinds_are_ignored),
        cmocka_unit_test(error_indexes_are_checked),
        cmocka_unit_test(unknown_error_status_is_a_failure),
        cmocka_unit_test(endless_tables_end),
        cmocka_unit_test(full_table_cuts),
        cmocka_unit_test(longest_name_is_kept),
        cmocka_unit_test(too_big_shrinks_to_getnext),
        cmocka_unit_test(clean_cycles_let_it_grow),
        cmocka_unit_test(requests_are_bounded),
        cmocka_unit_test(known_rows_make_fitting_requests),
        cmocka_unit_test(known_table_is_walked_in_few_requests),
        cmocka_unit_test(sizes_are_learnt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
