/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every statement that the ledger prepares is explained: none may walk through a whole table that
 * grows with time. The test stands between the ledger and SQLite, so that no statement is missed.
 */
#include "support.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PREPARED_MAX = 128 };

static struct {
    const char *sql[PREPARED_MAX];
    size_t n;
} prepared;

int __real_sqlite3_prepare_v3(sqlite3 *handle, const char *sql, int size, unsigned int flags,
                              sqlite3_stmt **statement, const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *handle, const char *sql, int size, unsigned int flags,
                              sqlite3_stmt **statement, const char **tail);

int __wrap_sqlite3_prepare_v3(sqlite3 *handle, const char *sql, int size, unsigned int flags,
                              sqlite3_stmt **statement, const char **tail)
{
    assert_true(prepared.n < PREPARED_MAX);
    prepared.sql[prepared.n++] = sql;
    return __real_sqlite3_prepare_v3(handle, sql, size, flags, statement, tail);
}

static int ignore_run(void *context, const struct ledger_run *run)
{
    (void)run;
    (*(size_t *)context)++;
    return 0;
}

static int ignore_current(void *context, const struct ledger_run *run, struct wall since)
{
    (void)since;
    return ignore_run(context, run);
}

static int ignore_gap(void *context, const struct ledger_gap *gap)
{
    (void)gap;
    (*(size_t *)context)++;
    return 0;
}

static int ignore_object(void *context, const struct ledger_object *object)
{
    (void)object;
    (*(size_t *)context)++;
    return 0;
}

static int ignore_agent(void *context, const struct ledger_agent *agent)
{
    (void)agent;
    (*(size_t *)context)++;
    return 0;
}

static int ignore_statement(void *context, const struct ledger_statement *statement)
{
    (void)statement;
    (*(size_t *)context)++;
    return 0;
}

static void use_everything(struct bed *bed)
{
    static const struct metric metrics[] = {{"load1", "1", METRIC_GAUGE}};
    static const struct label labels[] = {{"key", "value"}};
    const struct object object = {.number = 1,
                                  .device = "hall",
                                  .kind = "load",
                                  .name = "load",
                                  .interval_ms = 1000,
                                  .metrics = metrics,
                                  .n_metrics = 1,
                                  .labels = labels,
                                  .n_labels = 1};
    const struct gap gap = {.from = {START_MS}, .to = {START_MS + 1}, .reason = GAP_ENCODE};
    const struct wall now = {START_MS};
    const struct wall later = {START_MS + 100000};
    struct stream_position position = position_of(0x11, 1, 1);
    struct signed_statement one;
    struct signed_statement two;
    uint64_t breaks = 0;
    size_t n = 0;
    make_statement(bed, 1, NULL, "web", OUTCOME_UP, START_MS, START_MS, &one);
    make_statement(bed, 2, &one, "web", OUTCOME_UP, START_MS, START_MS, &two);
    assert_int_equal(put_statement(bed, &one), 0);
    assert_int_equal(put_statement(bed, &two), 0);
    begin(bed);
    assert_int_equal(ledger_put_agent(bed->ledger, "agent-a", &position, now), 0);
    assert_int_equal(ledger_put_definition(bed->ledger, "agent-a", &position, &object), 0);
    assert_int_equal(ledger_put_last_row(bed->ledger, &object, now, ROW_OK), 0);
    assert_int_equal(ledger_put_gap(bed->ledger, "agent-a", &gap, now), 0);
    assert_int_equal(ledger_set_applied(bed->ledger, (struct seglog_position){1, 1}), 0);
    assert_int_equal(ledger_set_rrd_watermark(bed->ledger, (struct seglog_position){1, 1}), 0);
    commit(bed);
    assert_int_equal(ledger_count_chain_breaks(bed->ledger, &breaks), 0);
    assert_int_equal(ledger_view_runs(bed->view, NULL, NULL, now, later, ignore_run, &n), 0);
    assert_int_equal(ledger_view_runs(bed->view, "hall", "web", now, later, ignore_run, &n), 0);
    assert_int_equal(ledger_view_current(bed->view, ignore_current, &n), 0);
    assert_int_equal(ledger_view_gaps(bed->view, now, later, ignore_gap, &n), 0);
    assert_int_equal(ledger_view_objects(bed->view, NULL, NULL, ignore_object, &n), 0);
    assert_int_equal(ledger_view_objects(bed->view, "hall", NULL, ignore_object, &n), 0);
    assert_int_equal(ledger_view_agents(bed->view, ignore_agent, &n), 0);
    const struct ledger_statements all = {.from = now, .to = later, .most = 1};
    const struct ledger_statements some = {"hall", "web", now, later, 0, 1};
    assert_int_equal(ledger_view_statements(bed->view, &all, ignore_statement, &n), 0);
    assert_int_equal(ledger_view_statements(bed->view, &some, ignore_statement, &n), 0);
    assert_int_equal(n, 9);
}

/* What lists all there is of agents, streams, objects or checks walks through them. */
static bool may_scan(const char *plan)
{
    static const char *const allowed[] = {"SCAN a USING",       "SCAN s",
                                          "SCAN o USING INDEX", "SCAN check USING COVERING INDEX",
                                          "SCAN pragma_",       "SCAN sqlite_schema",
                                          "SCAN state"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (strncmp(plan, allowed[i], strlen(allowed[i])) == 0) {
            return true;
        }
    }
    return false;
}

static size_t explain(sqlite3 *handle, const char *sql)
{
    char text[2048];
    sqlite3_stmt *statement;
    size_t searches = 0;
    (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(handle, text, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *plan = (const char *)sqlite3_column_text(statement, 3);
        if (strncmp(plan, "SCAN", 4) == 0 && !may_scan(plan)) {
            fail_msg("%s: %s", sql, plan);
        }
        searches += strncmp(plan, "SEARCH", 6) == 0;
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return searches;
}

static void nothing_walks_through_a_growing_table(void **state)
{
    struct bed *bed = *state;
    sqlite3 *handle;
    size_t searches = 0;
    use_everything(bed);
    assert_int_equal(sqlite3_open_v2(bed->path, &handle, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < prepared.n; i++) {
        const char *sql = prepared.sql[i];
        if (strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "UPDATE", 6) == 0 ||
            strncmp(sql, "DELETE", 6) == 0) {
            searches += explain(handle, sql);
        }
    }
    assert_true(searches > 20);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_walks_through_a_growing_table, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
