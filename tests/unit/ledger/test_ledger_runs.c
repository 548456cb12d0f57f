/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE_MS = 60000, DAY_MS = 86400000 };

/* --- statements --- */

static void statements_of_one_run_add_up(void **state)
{
    struct bed *bed = *state;
    struct signed_statement one;
    struct signed_statement two;
    struct signed_statement three;
    make_statement(bed, 1, NULL, "web", OUTCOME_UP, START_MS, START_MS, &one);
    make_statement(bed, 2, &one, "web", OUTCOME_UP, START_MS, START_MS + MINUTE_MS, &two);
    make_statement(bed, 3, &two, "web", OUTCOME_DOWN, START_MS + 70000, START_MS + 70000, &three);
    assert_int_equal(put_statement(bed, &one), 0);
    assert_int_equal(put_statement(bed, &two), 0);
    assert_int_equal(put_statement(bed, &three), 0);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM run"), 2);
    assert_int_equal(ask_int(bed, "SELECT results FROM run WHERE outcome = 1"), 7);
    assert_int_equal(ask_int(bed, "SELECT last_ms - first_ms FROM run WHERE outcome = 1"),
                     MINUTE_MS);
    assert_int_equal(ask_int(bed, "SELECT detail = 'number 2' FROM run WHERE outcome = 1"), 1);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM statement WHERE chain_ok = 1"), 3);
}

static void keeps_every_byte(void **state)
{
    struct bed *bed = *state;
    struct signed_statement one;
    char sql[2 * STATEMENT_SIZE_MAX + 200];
    make_statement(bed, 1, NULL, "web", OUTCOME_UP, START_MS, START_MS, &one);
    assert_int_equal(put_statement(bed, &one), 0);
    size_t used = (size_t)snprintf(sql, sizeof sql, "SELECT statement = x'");
    for (size_t i = 0; i < one.observation.statement_size; i++) {
        used += (size_t)snprintf(sql + used, sizeof sql - used, "%02x", one.bytes[i]);
    }
    used += (size_t)snprintf(sql + used, sizeof sql - used, "' AND signature = x'");
    for (size_t i = 0; i < sizeof one.observation.signature; i++) {
        used +=
            (size_t)snprintf(sql + used, sizeof sql - used, "%02x", one.observation.signature[i]);
    }
    (void)snprintf(sql + used, sizeof sql - used, "' FROM statement");
    assert_int_equal(ask_int(bed, sql), 1);
}

struct read_back {
    size_t n;
    struct ledger_statement statements[8]; /* the observations' bytes are gone */
    const struct bed *bed;
};

static int on_statement(void *context, const struct ledger_statement *statement)
{
    struct read_back *back = context;
    const struct observation *observation = &statement->observation;
    assert_true(back->n < 8);
    assert_string_equal(statement->agent, "agent-a");
    assert_int_equal(statement_verify(observation->statement, observation->statement_size,
                                      observation->signature,
                                      keys_sign_public_bytes(back->bed->keys)),
                     0);
    back->statements[back->n++] = *statement;
    return 0;
}

static struct read_back list(const struct bed *bed, const struct ledger_statements *wanted)
{
    struct read_back back = {.bed = bed};
    assert_int_equal(ledger_view_statements(bed->view, wanted, on_statement, &back), 0);
    return back;
}

static void statements_come_back_as_they_came(void **state)
{
    struct bed *bed = *state;
    struct signed_statement made[5];
    make_statement(bed, 1, NULL, "web", OUTCOME_UP, START_MS, START_MS, &made[0]);
    make_statement(bed, 2, &made[0], "ping", OUTCOME_UP, START_MS, START_MS, &made[1]);
    make_statement(bed, 3, &made[1], "web", OUTCOME_UP, START_MS, START_MS + MINUTE_MS, &made[2]);
    make_statement(bed, 4, &made[1], "web", OUTCOME_DOWN, START_MS + DAY_MS, START_MS + DAY_MS,
                   &made[3]); /* not the one before */
    make_statement(bed, 6, NULL, "ping", OUTCOME_UP, START_MS, START_MS + 5, &made[4]);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(put_statement(bed, &made[i]), 0);
    }
    const struct wall from = {START_MS - 1};
    struct ledger_statements wanted = {.from = from, .to = {START_MS + 2 * DAY_MS}, .most = 3};
    struct read_back back = list(bed, &wanted);
    assert_int_equal(back.n, 3);
    wanted.after = back.statements[2].id;
    back = list(bed, &wanted);
    assert_int_equal(back.n, 2);
    assert_int_equal(back.statements[0].number, 4);
    assert_int_equal(back.statements[0].chain, LEDGER_CHAIN_BROKEN);
    assert_int_equal(back.statements[1].number, 6);
    assert_int_equal(back.statements[1].chain, LEDGER_CHAIN_OPEN);
    assert_int_equal(back.statements[1].stream[0], 0x11);
    wanted = (struct ledger_statements){"hall", "web", from, {START_MS + 2 * DAY_MS}, 0, 10};
    back = list(bed, &wanted);
    assert_int_equal(back.n, 3);
    assert_int_equal(back.statements[1].number, 3);
    assert_int_equal(back.statements[1].chain, LEDGER_CHAIN_GOOD);
    wanted.to.ms = START_MS + DAY_MS; /* exclusive */
    assert_int_equal(list(bed, &wanted).n, 2);
    wanted.from.ms = START_MS + MINUTE_MS + 1;
    assert_int_equal(list(bed, &wanted).n, 0);
}

static void a_statement_is_there_once(void **state)
{
    struct bed *bed = *state;
    struct signed_statement one;
    struct signed_statement other;
    make_statement(bed, 1, NULL, "web", OUTCOME_UP, START_MS, START_MS, &one);
    make_statement(bed, 1, NULL, "web", OUTCOME_DOWN, START_MS, START_MS, &other);
    assert_int_equal(put_statement(bed, &one), 0);
    assert_int_equal(put_statement(bed, &one), -EALREADY);
    assert_int_equal(put_statement(bed, &other), -EEXIST);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM statement"), 1);
    assert_int_equal(ask_int(bed, "SELECT group_concat(outcome) = '1' FROM run"), 1);
    other.statement.number = UINT64_MAX;
    assert_int_equal(put_statement(bed, &other), -EINVAL);
}

static void sees_a_broken_chain(void **state)
{
    struct bed *bed = *state;
    struct signed_statement made[6];
    uint64_t breaks = 99;
    make_statement(bed, 1, NULL, "web", OUTCOME_UP, START_MS, START_MS, &made[1]);
    make_statement(bed, 2, &made[1], "web", OUTCOME_UP, START_MS, START_MS + 1, &made[2]);
    make_statement(bed, 3, &made[1], "web", OUTCOME_UP, START_MS, START_MS + 2, &made[3]);
    make_statement(bed, 5, &made[1], "web", OUTCOME_UP, START_MS, START_MS + 3, &made[4]);
    make_statement(bed, 6, NULL, "web", OUTCOME_UP, START_MS, START_MS + 4, &made[5]);
    for (size_t i = 1; i < 6; i++) {
        assert_int_equal(put_statement(bed, &made[i]), 0);
    }
    assert_int_equal(ask_int(bed, "SELECT chain_ok FROM statement WHERE number = 2"), 1);
    assert_int_equal(ask_int(bed, "SELECT chain_ok FROM statement WHERE number = 3"), 0);
    assert_int_equal(ask_int(bed, "SELECT chain_ok FROM statement WHERE number = 5"), INT64_MIN);
    assert_int_equal(ask_int(bed, "SELECT chain_ok FROM statement WHERE number = 6"), 0);
    assert_int_equal(ledger_count_chain_breaks(bed->ledger, &breaks), 0);
    assert_int_equal(breaks, 2);
}

/* --- the runs, listed --- */

struct seen {
    char text[4096];
};

static int note_run(void *context, const struct ledger_run *run)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%s %s %lld-%lld;", run->check,
                   outcome_name(run->outcome), (long long)(run->first.ms - START_MS) / MINUTE_MS,
                   (long long)(run->last.ms - START_MS) / MINUTE_MS);
    assert_string_equal(run->agent, "agent-a");
    assert_string_equal(run->device, "hall");
    assert_string_equal(run->reason, run->outcome == OUTCOME_UP ? "" : "timeout");
    assert_int_equal(run->interval_ms, 10000);
    assert_int_equal(run->received.ms, run->last.ms);
    return 0;
}

static int note_current(void *context, const struct ledger_run *run, struct wall since)
{
    struct seen *seen = context;
    (void)note_run(context, run);
    size_t used = strlen(seen->text);
    (void)snprintf(seen->text + used, sizeof seen->text - used, "since %lld;",
                   (long long)(since.ms - START_MS) / MINUTE_MS);
    return 0;
}

static void put_runs(struct bed *bed)
{
    static const struct {
        const char *check;
        enum outcome outcome;
        int64_t first_min;
        int64_t last_min;
    } runs[] = {
        {"web", OUTCOME_UP, 0, 100},        {"web", OUTCOME_DOWN, 101, 110},
        {"web", OUTCOME_UP, 111, 2000},     {"web", OUTCOME_DOWN, 2001, 2001},
        {"web", OUTCOME_DOWN, 2002, 2010},  {"dns", OUTCOME_UP, 0, 5},
        {"ping", OUTCOME_UP, 10000, 10001},
    };
    struct signed_statement made;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        make_statement(bed, i + 1, NULL, runs[i].check, runs[i].outcome,
                       START_MS + runs[i].first_min * MINUTE_MS,
                       START_MS + runs[i].last_min * MINUTE_MS, &made);
        assert_int_equal(put_statement(bed, &made), 0);
    }
}

static void expect_runs(struct bed *bed, const char *device, const char *check, int64_t from_min,
                        int64_t to_min, const char *text)
{
    struct seen seen = {{0}};
    assert_int_equal(
        ledger_view_runs(bed->view, device, check, (struct wall){START_MS + from_min * MINUTE_MS},
                         (struct wall){START_MS + to_min * MINUTE_MS}, note_run, &seen),
        0);
    assert_string_equal(seen.text, text);
}

static void lists_runs_with_what_was_before(void **state)
{
    struct bed *bed = *state;
    put_runs(bed);
    const int64_t day = DAY_MS / MINUTE_MS;
    const char *web = "web up 0-100;web down 101-110;web up 111-2000;web down 2001-2001;"
                      "web down 2002-2010;";
    expect_runs(bed, "hall", "web", 0, 20000, web);
    expect_runs(bed, "hall", "web", 0, 101, "web up 0-100;");
    /* A day before `from`, and not a minute more … */
    expect_runs(bed, NULL, "web", 110 + day, 2001, "web down 101-110;web up 111-2000;");
    expect_runs(bed, NULL, "web", 111 + day, 2001, "web up 111-2000;");
    /* … but always the newest before. */
    expect_runs(bed, NULL, "web", 9000, 9001, "web down 2002-2010;");
    expect_runs(bed, "hall", NULL, 9000, 20000,
                "dns up 0-5;ping up 10000-10001;web down 2002-2010;");
    expect_runs(bed, NULL, NULL, -10, 0, "");
    expect_runs(bed, "elsewhere", NULL, 0, 20000, "");
}

static void the_present_outcome_goes_back_over_reasons(void **state)
{
    struct bed *bed = *state;
    struct seen seen = {{0}};
    put_runs(bed);
    assert_int_equal(ledger_view_current(bed->view, note_current, &seen), 0);
    assert_string_equal(seen.text, "dns up 0-5;since 0;ping up 10000-10001;since 10000;"
                                   "web down 2002-2010;since 2001;");
}

/* --- reader and writer at once --- */

static void a_view_sees_one_state_while_the_writer_writes(void **state)
{
    struct bed *bed = *state;
    struct signed_statement one;
    struct signed_statement two;
    make_statement(bed, 1, NULL, "web", OUTCOME_UP, START_MS, START_MS, &one);
    make_statement(bed, 2, &one, "dns", OUTCOME_UP, START_MS, START_MS, &two);
    assert_int_equal(put_statement(bed, &one), 0);
    assert_int_equal(ledger_view_begin(bed->view), 0);
    assert_int_equal(put_statement(bed, &two), 0); /* does not wait for the view */
    expect_runs(bed, NULL, NULL, 0, 10, "web up 0-0;");
    ledger_view_end(bed->view);
    begin(bed); /* nor does the view wait for an open transaction */
    expect_runs(bed, NULL, NULL, 0, 10, "dns up 0-0;web up 0-0;");
    ledger_rollback(bed->ledger);
}

static void a_view_opens_before_and_after_the_writer(void **state)
{
    struct bed *bed = *state;
    char reason[256] = "";
    put_runs(bed);
    ledger_close(bed->ledger); /* its log goes with it */
    bed->ledger = NULL;
    ledger_view_close(bed->view);
    bed->view = NULL;
    assert_int_equal(ledger_view_open(&bed->view, bed->path, reason, sizeof reason), 0);
    expect_runs(bed, NULL, "dns", 0, 10, "dns up 0-5;");
    reopen_ledger(bed);
    struct signed_statement made;
    make_statement(bed, 8, NULL, "dns", OUTCOME_DOWN, START_MS + MINUTE_MS * 6,
                   START_MS + MINUTE_MS * 6, &made);
    assert_int_equal(put_statement(bed, &made), 0);
    expect_runs(bed, NULL, "dns", 0, 10, "dns up 0-5;dns down 6-6;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(statements_of_one_run_add_up, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(keeps_every_byte, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(statements_come_back_as_they_came, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_statement_is_there_once, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(sees_a_broken_chain, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(lists_runs_with_what_was_before, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(the_present_outcome_goes_back_over_reasons, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(a_view_sees_one_state_while_the_writer_writes, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(a_view_opens_before_and_after_the_writer, open_bed,
                                        close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
