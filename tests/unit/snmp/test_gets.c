/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scalars by GET, against answers of both ways to say that something is missing. */
#include "gets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SCALARS = 10, SIZE = 9 };

struct fixture {
    struct snmp_counts counts;
    struct gets gets;
    struct request request;
    unsigned long ids[SCALARS][SIZE];
    struct oid_view names[SCALARS];
    struct varbind varbinds[SCALARS];
    struct reply reply;
    uint64_t cells; /* bit: scalar */
    bool is_full;
};

static bool on_cell(void *context, size_t number, struct oid_view index,
                    const struct varbind *varbind, const struct reply *reply)
{
    struct fixture *fixture = context;
    (void)reply;
    assert_int_equal(index.n, 0);
    assert_int_equal(varbind->number, number);
    fixture->cells |= UINT64_C(1) << number;
    return !fixture->is_full;
}

static void begin(struct fixture *fixture, size_t n)
{
    static const unsigned long prefix[SIZE] = {1, 3, 6, 1, 2, 1, 1, 0, 0};
    memset(fixture, 0, sizeof *fixture);
    for (size_t i = 0; i < n; i++) {
        memcpy(fixture->ids[i], prefix, sizeof prefix);
        fixture->ids[i][7] = i;
        fixture->names[i] = (struct oid_view){fixture->ids[i], SIZE};
    }
    const struct walk_sink sink = {fixture, on_cell};
    gets_begin(&fixture->gets, fixture->names, n, &sink, &fixture->counts);
}

/* The answer to the request, without what is missing. */
static void answer(struct fixture *fixture, enum value_type missing, uint64_t missing_mask)
{
    memset(&fixture->reply, 0, sizeof fixture->reply);
    fixture->reply.varbinds = fixture->varbinds;
    fixture->reply.n_varbinds = fixture->request.n_names;
    for (size_t i = 0; i < fixture->request.n_names; i++) {
        uint64_t number = fixture->request.names[i].ids[7];
        fixture->varbinds[i] =
            (struct varbind){.name = fixture->request.names[i],
                             .type = missing_mask >> number & 1 ? missing : VALUE_GAUGE32,
                             .number = number};
    }
}

static void all_are_asked_in_turn(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, SCALARS);
    assert_true(gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request));
    assert_int_equal(fixture.request.type, REQUEST_GET);
    assert_int_equal(fixture.request.n_names, REQUEST_NAMES_MAX);
    answer(&fixture, VALUE_NO_SUCH, 4);
    assert_int_equal(gets_take(&fixture.gets, &fixture.reply), WALK_ADVANCED);
    assert_true(gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request));
    assert_int_equal(fixture.request.n_names, SCALARS - REQUEST_NAMES_MAX);
    answer(&fixture, VALUE_END_OF_MIB, 1 << 9);
    gets_take(&fixture.gets, &fixture.reply);
    assert_false(gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request));
    assert_int_equal(fixture.cells, 0x1fb);
    for (size_t i = 0; i < SCALARS; i++) {
        assert_int_equal(fixture.gets.ends[i], COLUMN_COMPLETE);
    }
}

static void no_such_name_costs_one_of_them(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 4);
    gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request);
    answer(&fixture, VALUE_GAUGE32, 0);
    fixture.reply.error_status = ERROR_STATUS_NO_SUCH_NAME;
    fixture.reply.error_index = 2;
    assert_int_equal(gets_take(&fixture.gets, &fixture.reply), WALK_ADVANCED);
    assert_int_equal(fixture.cells, 0);
    assert_true(gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request));
    assert_int_equal(fixture.request.n_names, 3);
    answer(&fixture, VALUE_GAUGE32, 0);
    gets_take(&fixture.gets, &fixture.reply);
    assert_int_equal(fixture.cells, 0xd);
    assert_int_equal(fixture.gets.ends[1], COLUMN_COMPLETE);
    assert_int_equal(fixture.counts.n[COUNT_ERROR_STATUS], 0);
    assert_false(gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request));
}

static void errors_cut_what_they_name(void **state)
{
    static const long bad[] = {0, -1, 3, 99, 2147483647};
    struct fixture fixture;
    (void)state;
    begin(&fixture, 2);
    gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request);
    answer(&fixture, VALUE_GAUGE32, 0);
    fixture.reply.error_status = 5;
    fixture.reply.error_index = 1;
    gets_take(&fixture.gets, &fixture.reply);
    assert_int_equal(fixture.gets.ends[0], COLUMN_CUT);
    assert_int_equal(fixture.gets.ends[1], COLUMN_OPEN);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(&fixture, 2); /* an index that names none: each of them alone tells */
        gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request);
        answer(&fixture, VALUE_GAUGE32, 0);
        fixture.reply.error_status = 250;
        fixture.reply.error_index = bad[i];
        assert_int_equal(gets_take(&fixture.gets, &fixture.reply), WALK_TOO_BIG);
        assert_true(gets_ask(&fixture.gets, 1, &fixture.request));
        assert_int_equal(gets_take(&fixture.gets, &fixture.reply), WALK_ADVANCED);
        assert_int_equal(fixture.gets.ends[0], COLUMN_CUT);
        assert_int_equal(fixture.cells, 0);
    }
    fixture.reply.error_status = ERROR_STATUS_TOO_BIG;
    assert_int_equal(gets_take(&fixture.gets, &fixture.reply), WALK_TOO_BIG);
    assert_int_equal(fixture.counts.n[COUNT_TOO_BIG], 1);
}

static void strange_answers_settle_something(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, 4);
    gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request);
    answer(&fixture, VALUE_GAUGE32, 0);
    fixture.varbinds[1].name = fixture.names[3]; /* another name than was asked */
    fixture.reply.n_varbinds = 3;                /* and one is missing */
    gets_take(&fixture.gets, &fixture.reply);
    assert_int_equal(fixture.cells, 5);
    assert_int_equal(fixture.gets.ends[1], COLUMN_CUT);
    assert_int_equal(fixture.counts.n[COUNT_OID_MISMATCH], 1);
    assert_true(gets_ask(&fixture.gets, REQUEST_NAMES_MAX, &fixture.request));
    assert_int_equal(fixture.request.n_names, 1);
    fixture.reply = (struct reply){0}; /* nothing at all */
    gets_take(&fixture.gets, &fixture.reply);
    assert_int_equal(fixture.gets.ends[3], COLUMN_CUT);
    assert_int_equal(fixture.counts.n[COUNT_EMPTY], 1);
    begin(&fixture, 2);
    gets_ask(&fixture.gets, 1, &fixture.request);
    answer(&fixture, VALUE_GAUGE32, 0);
    fixture.varbinds[1] = fixture.varbinds[0];
    fixture.reply.n_varbinds = 2; /* more than was asked */
    fixture.is_full = true;
    gets_take(&fixture.gets, &fixture.reply);
    assert_int_equal(fixture.counts.n[COUNT_EXTRA_VARBINDS], 1);
    assert_int_equal(fixture.gets.ends[0], COLUMN_CUT); /* there was no room */
    gets_cut_all(&fixture.gets);
    assert_int_equal(fixture.gets.ends[1], COLUMN_CUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_asked_in_turn),
        cmocka_unit_test(no_such_name_costs_one_of_them),
        cmocka_unit_test(errors_cut_what_they_name),
        cmocka_unit_test(strange_answers_settle_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
