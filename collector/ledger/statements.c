/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ledger_handle.h"

#include <errno.h>
#include <string.h>

static int put_check(struct ledger *ledger, const struct statement *statement, int64_t *id)
{
    static const char find_sql[] = "SELECT id FROM \"check\" WHERE device = ?1 AND name = ?2";
    static const char make_sql[] = "INSERT INTO \"check\" (device, name) VALUES (?1, ?2)";
    struct query query = query_start(&ledger->database, find_sql);
    query_bind_text(&query, statement->device);
    query_bind_text(&query, statement->check);
    int error = query_run_int(&query, id);
    if (error == -ENOENT) {
        query = query_start(&ledger->database, make_sql);
        query_bind_text(&query, statement->device);
        query_bind_text(&query, statement->check);
        error = query_run(&query);
        *id = sqlite3_last_insert_rowid(ledger->database.handle);
    }
    return error;
}

static void bind_run_identity(struct query *query, const struct statement *statement,
                              int64_t check_id, int64_t stream_id)
{
    query_bind_int(query, check_id);
    query_bind_int(query, statement->first.ms);
    query_bind_int(query, stream_id);
    query_bind_int(query, (int64_t)statement->outcome);
    query_bind_text(query, statement->reason);
}

static int put_run(struct ledger *ledger, const struct statement *statement, int64_t check_id,
                   int64_t stream_id, struct wall received, int64_t *id)
{
    static const char put_sql[] =
        "INSERT INTO run (check_id, first_ms, stream_id, outcome, reason,"
        " detail, last_ms, results, interval_ms, received_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        " ON CONFLICT (check_id, first_ms, stream_id, outcome, reason) DO UPDATE SET"
        " detail = ?6, last_ms = max(last_ms, ?7), results = max(results, ?8),"
        " interval_ms = ?9, received_ms = max(received_ms, ?10)";
    static const char find_sql[] =
        "SELECT id FROM run WHERE check_id = ?1 AND first_ms = ?2 AND stream_id = ?3"
        " AND outcome = ?4 AND reason = ?5";
    struct query query = query_start(&ledger->database, put_sql);
    bind_run_identity(&query, statement, check_id, stream_id);
    query_bind_text(&query, statement->detail);
    query_bind_int(&query, statement->last.ms);
    query_bind_int(&query, (int64_t)statement->results);
    query_bind_int(&query, statement->interval_ms);
    query_bind_int(&query, received.ms);
    int error = query_run(&query);
    if (error == 0) {
        query = query_start(&ledger->database, find_sql);
        bind_run_identity(&query, statement, check_id, stream_id);
        error = query_run_int(&query, id);
    }
    return error;
}

/* Is the statement there? 0: no; -EALREADY: yes; -EEXIST: another one of its number. */
static int find_statement(struct ledger *ledger, const struct observation *observation,
                          int64_t stream_id, uint64_t number)
{
    static const char sql[] =
        "SELECT statement = ?3 FROM statement WHERE stream_id = ?1 AND number = ?2";
    int64_t same = 0;
    struct query query = query_start(&ledger->database, sql);
    query_bind_int(&query, stream_id);
    query_bind_int(&query, (int64_t)number);
    query_bind_blob(&query, observation->statement, observation->statement_size);
    int error = query_run_int(&query, &same);
    return error == -ENOENT ? 0 : error != 0 ? error : same != 0 ? -EALREADY : -EEXIST;
}

enum chain { CHAIN_BROKEN = 0, CHAIN_GOOD = 1, CHAIN_OPEN = 2 };

/* Does the statement carry the hash of the one before it? */
static int look_back(struct ledger *ledger, const struct statement *statement, int64_t stream_id,
                     enum chain *chain)
{
    static const char sql[] =
        "SELECT statement FROM statement WHERE stream_id = ?1 AND number = ?2";
    if (statement->number <= 1 || !statement->has_previous) {
        *chain = statement->number == 1 && !statement->has_previous ? CHAIN_GOOD : CHAIN_BROKEN;
        return 0;
    }
    struct query query = query_start(&ledger->database, sql);
    query_bind_int(&query, stream_id);
    query_bind_int(&query, (int64_t)statement->number - 1);
    int rc = query_step(&query);
    *chain = CHAIN_OPEN;
    if (rc == 1) {
        uint8_t hash[KEYS_HASH_SIZE];
        statement_hash(sqlite3_column_blob(query.statement, 0),
                       (size_t)sqlite3_column_bytes(query.statement, 0), hash);
        *chain = memcmp(hash, statement->previous, sizeof hash) == 0 ? CHAIN_GOOD : CHAIN_BROKEN;
    }
    query_end(&query);
    return rc < 0 ? rc : 0;
}

static int keep_statement(struct ledger *ledger, const struct observation *observation,
                          const struct statement *statement, int64_t stream_id, int64_t run_id,
                          struct wall received)
{
    static const char sql[] =
        "INSERT INTO statement (stream_id, number, run_id, statement, signature, received_ms,"
        " chain_ok) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    enum chain chain;
    int error = look_back(ledger, statement, stream_id, &chain);
    if (error != 0) {
        return error;
    }
    struct query query = query_start(&ledger->database, sql);
    query_bind_int(&query, stream_id);
    query_bind_int(&query, (int64_t)statement->number);
    query_bind_int(&query, run_id);
    query_bind_blob(&query, observation->statement, observation->statement_size);
    query_bind_blob(&query, observation->signature, sizeof observation->signature);
    query_bind_int(&query, received.ms);
    if (chain == CHAIN_OPEN) {
        query_bind_null(&query);
    } else {
        query_bind_int(&query, (int64_t)chain);
    }
    return query_run(&query);
}

int ledger_put_statement(struct ledger *ledger, const char *agent,
                         const struct observation *observation, const struct statement *statement,
                         struct wall received)
{
    int64_t stream_id = 0;
    int64_t check_id = 0;
    int64_t run_id = 0;
    int error = ledger_ready(ledger);
    if (error != 0) {
        return error;
    }
    if (!ledger_fits(statement->number) || !ledger_fits(statement->results)) {
        return -EINVAL;
    }
    error = ledger_stream_id(ledger, agent, statement->stream, &stream_id);
    if (error == 0) {
        error = find_statement(ledger, observation, stream_id, statement->number);
        if (error == -EALREADY || error == -EEXIST) {
            return error;
        }
    }
    if (error == 0) {
        error = put_check(ledger, statement, &check_id);
    }
    if (error == 0) {
        error = put_run(ledger, statement, check_id, stream_id, received, &run_id);
    }
    if (error == 0) {
        error = keep_statement(ledger, observation, statement, stream_id, run_id, received);
    }
    return ledger_note(ledger, error);
}

int ledger_count_chain_breaks(struct ledger *ledger, uint64_t *breaks)
{
    static const char sql[] = "SELECT count(*) FROM statement WHERE chain_ok = 0";
    int64_t count = 0;
    struct query query = query_start(&ledger->database, sql);
    int error = query_run_int(&query, &count);
    *breaks = (uint64_t)count;
    return error;
}
