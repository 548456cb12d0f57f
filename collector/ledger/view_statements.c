/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view_handle.h"

static struct query start_all(struct ledger_view *view, const struct ledger_statements *wanted)
{
    static const char sql[] =
        "SELECT t.id, a.name, s.stream, t.number, t.statement, t.signature, t.received_ms,"
        " ifnull(t.chain_ok, 2) FROM statement t CROSS JOIN stream s ON s.id = t.stream_id"
        " CROSS JOIN agent a ON a.id = s.agent_id WHERE t.id > ?1 ORDER BY t.id LIMIT ?2";
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, wanted->after);
    query_bind_int(&query, wanted->most);
    return query;
}

static struct query start_check(struct ledger_view *view, const struct ledger_statements *wanted)
{
    static const char sql[] =
        "SELECT t.id, a.name, s.stream, t.number, t.statement, t.signature, t.received_ms,"
        " ifnull(t.chain_ok, 2) FROM \"check\" c CROSS JOIN run r ON r.check_id = c.id"
        " CROSS JOIN statement t ON t.run_id = r.id CROSS JOIN stream s ON s.id = t.stream_id"
        " CROSS JOIN agent a ON a.id = s.agent_id WHERE c.device = ?3 AND c.name = ?4"
        " AND r.last_ms >= ?5 AND r.first_ms < ?6 AND t.id > ?1 ORDER BY t.id LIMIT ?2";
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, wanted->after);
    query_bind_int(&query, wanted->most);
    query_bind_text(&query, wanted->device);
    query_bind_text(&query, wanted->check);
    query_bind_int(&query, wanted->from.ms);
    query_bind_int(&query, wanted->to.ms);
    return query;
}

static int show_statement(const struct query *query,
                          int (*each)(void *context, const struct ledger_statement *statement),
                          void *context)
{
    struct ledger_statement statement = {
        .id = query_int(query, 0),
        .agent = query_text(query, 1),
        .number = (uint64_t)query_int(query, 3),
        .received = {query_int(query, 6)},
        .chain = (enum ledger_chain)query_int(query, 7),
    };
    struct observation *observation = &statement.observation;
    query_bytes(query, 2, statement.stream, sizeof statement.stream);
    observation->statement = query_blob(query, 4, &observation->statement_size);
    query_bytes(query, 5, observation->signature, sizeof observation->signature);
    return each(context, &statement);
}

int ledger_view_statements(struct ledger_view *view, const struct ledger_statements *wanted,
                           int (*each)(void *context, const struct ledger_statement *statement),
                           void *context)
{
    struct query query =
        wanted->device == NULL ? start_all(view, wanted) : start_check(view, wanted);
    int rc = query_step(&query);
    int result = 0;
    while (rc == 1 && result == 0) {
        result = show_statement(&query, each, context);
        rc = result == 0 ? query_step(&query) : 0;
    }
    query_end(&query);
    return rc < 0 ? rc : result;
}
