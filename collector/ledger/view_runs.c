/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view_handle.h"

#include <errno.h>

static const int64_t MARGIN_MS = 86400000;

/* The checks one after the other; for each its runs, by its own index. */
struct check_cursor {
    struct query query;
    int64_t id;
    const char *device;
    const char *name;
};

static struct check_cursor start_checks(struct ledger_view *view, const char *device,
                                        const char *check)
{
    static const char all_sql[] = "SELECT id, device, name FROM \"check\""
                                  " WHERE (?1 IS NULL OR name = ?1) ORDER BY device, name";
    static const char device_sql[] =
        "SELECT id, device, name FROM \"check\" WHERE device = ?2 AND (?1 IS NULL OR name = ?1)"
        " ORDER BY device, name";
    struct check_cursor cursor = {
        .query = query_start(&view->database, device == NULL ? all_sql : device_sql)};
    query_bind_text(&cursor.query, check);
    if (device != NULL) {
        query_bind_text(&cursor.query, device);
    }
    return cursor;
}

/* 1: the cursor stands on a check; 0: no more; or -errno. */
static int next_check(struct check_cursor *cursor)
{
    int rc = query_step(&cursor->query);
    if (rc == 1) {
        cursor->id = query_int(&cursor->query, 0);
        cursor->device = query_text(&cursor->query, 1);
        cursor->name = query_text(&cursor->query, 2);
    }
    return rc;
}

/* Columns as in every query of runs here. */
static struct ledger_run read_run(const struct check_cursor *check, const struct query *query)
{
    return (struct ledger_run){.agent = query_text(query, 0),
                               .device = check->device,
                               .check = check->name,
                               .outcome = (enum outcome)query_int(query, 1),
                               .reason = query_text(query, 2),
                               .detail = query_text(query, 3),
                               .first = {query_int(query, 4)},
                               .last = {query_int(query, 5)},
                               .results = (uint64_t)query_int(query, 6),
                               .interval_ms = query_int(query, 7),
                               .received = {query_int(query, 8)}};
}

/* The earliest end that a run of [from - margin, …) can have. */
static int earliest_end(struct ledger_view *view, int64_t check_id, struct wall from, int64_t *ms)
{
    static const char sql[] = "SELECT last_ms FROM run WHERE check_id = ?1 AND first_ms < ?2"
                              " ORDER BY first_ms DESC LIMIT 1";
    struct query query = query_start(&view->database, sql);
    int64_t newest_ms = INT64_MAX;
    query_bind_int(&query, check_id);
    query_bind_int(&query, from.ms);
    int error = query_run_int(&query, &newest_ms);
    int64_t margin_ms = from.ms < INT64_MIN + MARGIN_MS ? INT64_MIN : from.ms - MARGIN_MS;
    *ms = newest_ms < margin_ms ? newest_ms : margin_ms;
    return error == -ENOENT ? 0 : error;
}

static int show_runs(struct ledger_view *view, const struct check_cursor *check, struct wall from,
                     struct wall to, int (*each)(void *context, const struct ledger_run *run),
                     void *context, int *result)
{
    static const char sql[] =
        "SELECT a.name, r.outcome, r.reason, r.detail, r.first_ms, r.last_ms, r.results,"
        " r.interval_ms, r.received_ms FROM run r INDEXED BY run_by_end"
        " CROSS JOIN stream s ON s.id = r.stream_id CROSS JOIN agent a ON a.id = s.agent_id"
        " WHERE r.check_id = ?1 AND r.last_ms >= ?2 AND r.first_ms < ?3"
        " ORDER BY r.first_ms, r.id";
    int64_t end_ms = 0;
    int rc = earliest_end(view, check->id, from, &end_ms);
    if (rc != 0) {
        return rc;
    }
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, check->id);
    query_bind_int(&query, end_ms);
    query_bind_int(&query, to.ms);
    rc = query_step(&query);
    while (rc == 1 && *result == 0) {
        const struct ledger_run run = read_run(check, &query);
        *result = each(context, &run);
        rc = *result == 0 ? query_step(&query) : 0;
    }
    query_end(&query);
    return rc;
}

int ledger_view_runs(struct ledger_view *view, const char *device, const char *check,
                     struct wall from, struct wall to,
                     int (*each)(void *context, const struct ledger_run *run), void *context)
{
    struct check_cursor cursor = start_checks(view, device, check);
    int rc = next_check(&cursor);
    int result = 0;
    while (rc == 1 && result == 0) {
        rc = show_runs(view, &cursor, from, to, each, context, &result);
        if (rc == 0 && result == 0) {
            rc = next_check(&cursor);
        }
    }
    query_end(&cursor.query);
    return rc < 0 ? rc : result;
}

/* Back from the newest run as long as the outcome is the same. */
static int find_since(struct ledger_view *view, int64_t check_id, enum outcome outcome,
                      struct wall *since)
{
    static const char sql[] =
        "SELECT outcome, first_ms FROM run WHERE check_id = ?1 ORDER BY first_ms DESC";
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, check_id);
    int rc = query_step(&query);
    while (rc == 1 && query_int(&query, 0) == (int64_t)outcome) {
        since->ms = query_int(&query, 1);
        rc = query_step(&query);
    }
    query_end(&query);
    return rc < 0 ? rc : 0;
}

static int show_current(struct ledger_view *view, const struct check_cursor *check,
                        int (*each)(void *context, const struct ledger_run *run, struct wall since),
                        void *context, int *result)
{
    static const char sql[] =
        "SELECT a.name, r.outcome, r.reason, r.detail, r.first_ms, r.last_ms, r.results,"
        " r.interval_ms, r.received_ms FROM run r CROSS JOIN stream s ON s.id = r.stream_id"
        " CROSS JOIN agent a ON a.id = s.agent_id WHERE r.check_id = ?1"
        " ORDER BY r.first_ms DESC LIMIT 1";
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, check->id);
    int rc = query_step(&query);
    if (rc == 1) {
        const struct ledger_run run = read_run(check, &query);
        struct wall since = run.first;
        rc = find_since(view, check->id, run.outcome, &since);
        if (rc == 0) {
            *result = each(context, &run, since);
        }
    }
    query_end(&query);
    return rc;
}

int ledger_view_current(struct ledger_view *view,
                        int (*each)(void *context, const struct ledger_run *run, struct wall since),
                        void *context)
{
    struct check_cursor cursor = start_checks(view, NULL, NULL);
    int rc = next_check(&cursor);
    int result = 0;
    while (rc == 1 && result == 0) {
        rc = show_current(view, &cursor, each, context, &result);
        if (rc == 0 && result == 0) {
            rc = next_check(&cursor);
        }
    }
    query_end(&cursor.query);
    return rc < 0 ? rc : result;
}
