/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ledger_handle.h"

#include "common/xalloc.h"
#include "proto/keys.h"
#include "schema.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the handle --- */

int ledger_open(struct ledger **out, const char *path, char *reason, size_t reason_size)
{
    struct ledger *ledger = xcalloc(1, sizeof *ledger);
    int version = 0;
    int error = keys_init();
    if (error == 0) {
        error = database_make_file(path);
    }
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be made: %s", path, strerror(-error));
        goto no_database;
    }
    error = database_open(&ledger->database, path, SQLITE_OPEN_READWRITE, reason, reason_size);
    if (error != 0) {
        goto no_database;
    }
    error = database_check_schema(&ledger->database, &ledger_schema, path, &version, reason,
                                  reason_size);
    if (error != 0) {
        goto fail;
    }
    error = database_set_up(&ledger->database);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be set up: %s", path, strerror(-error));
        goto fail;
    }
    error = database_migrate(&ledger->database, &ledger_schema, path, reason, reason_size);
    if (error != 0) {
        goto fail;
    }
    *out = ledger;
    return 0;
fail:
    database_close(&ledger->database);
no_database:
    free(ledger);
    return error;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    if (ledger->in_transaction) {
        ledger_rollback(ledger);
    }
    database_close(&ledger->database);
    free(ledger);
}

/* --- transactions --- */

int ledger_ready(const struct ledger *ledger)
{
    assert(ledger->in_transaction);
    return ledger->error;
}

int ledger_note(struct ledger *ledger, int error)
{
    if (error != 0 && error != -EINVAL && ledger->in_transaction && ledger->error == 0) {
        ledger->error = error;
    }
    return error;
}

bool ledger_fits(uint64_t value)
{
    return value <= INT64_MAX;
}

int ledger_begin(struct ledger *ledger)
{
    static const char sql[] = "BEGIN IMMEDIATE";
    assert(!ledger->in_transaction);
    struct query query = query_start(&ledger->database, sql);
    int error = query_run(&query);
    ledger->in_transaction = error == 0;
    ledger->error = 0;
    return error;
}

int ledger_commit(struct ledger *ledger)
{
    static const char sql[] = "COMMIT";
    int error = ledger_ready(ledger);
    if (error == 0) {
        struct query query = query_start(&ledger->database, sql);
        error = query_run(&query);
    }
    if (error != 0) {
        ledger_rollback(ledger);
    }
    ledger->in_transaction = false;
    return error;
}

void ledger_rollback(struct ledger *ledger)
{
    static const char sql[] = "ROLLBACK";
    assert(ledger->in_transaction);
    if (sqlite3_get_autocommit(ledger->database.handle) == 0) {
        struct query query = query_start(&ledger->database, sql);
        (void)query_run(&query); /* SQLite: a failed one is rolled back by the next reader */
    }
    ledger->in_transaction = false;
    ledger->error = 0;
}

/* --- positions --- */

int ledger_get_applied(struct ledger *ledger, struct seglog_position *applied,
                       struct seglog_position *rrd_watermark)
{
    static const char sql[] = "SELECT applied_segment, applied_offset, watermark_segment,"
                              " watermark_offset FROM state WHERE id = 1";
    struct query query = query_start(&ledger->database, sql);
    int rc = query_step(&query);
    if (rc == 1) {
        applied->segment = (uint64_t)query_int(&query, 0);
        applied->offset = (uint64_t)query_int(&query, 1);
        rrd_watermark->segment = (uint64_t)query_int(&query, 2);
        rrd_watermark->offset = (uint64_t)query_int(&query, 3);
    }
    query_end(&query);
    return rc == 1 ? 0 : rc == 0 ? -EBADMSG : rc;
}

static int set_position(struct ledger *ledger, const char *sql, struct seglog_position position)
{
    int error = ledger_ready(ledger);
    if (error != 0) {
        return error;
    }
    struct query query = query_start(&ledger->database, sql);
    query_bind_int(&query, (int64_t)position.segment);
    query_bind_int(&query, (int64_t)position.offset);
    return ledger_note(ledger, query_run(&query));
}

int ledger_set_applied(struct ledger *ledger, struct seglog_position applied)
{
    static const char sql[] =
        "UPDATE state SET applied_segment = ?1, applied_offset = ?2 WHERE id = 1";
    return set_position(ledger, sql, applied);
}

/* Nothing before the position will be read again, so that no row of an older epoch can come. */
static int forget_definitions(struct ledger *ledger)
{
    static const char sql[] =
        "DELETE FROM definition WHERE id IN (SELECT d.id FROM stream s CROSS JOIN definition d"
        " ON d.stream_id = s.id AND d.epoch < s.epoch)";
    struct query query = query_start(&ledger->database, sql);
    return ledger_note(ledger, query_run(&query));
}

int ledger_set_rrd_watermark(struct ledger *ledger, struct seglog_position watermark)
{
    static const char sql[] =
        "UPDATE state SET watermark_segment = ?1, watermark_offset = ?2 WHERE id = 1";
    struct seglog_position applied;
    struct seglog_position before;
    int error = set_position(ledger, sql, watermark);
    if (error == 0) {
        error = ledger_note(ledger, ledger_get_applied(ledger, &applied, &before));
    }
    if (error == 0 && seglog_position_compare(watermark, applied) >= 0) {
        error = forget_definitions(ledger);
    }
    return error;
}

/* --- agents --- */

int ledger_agent_id(struct ledger *ledger, const char *agent, int64_t *id)
{
    static const char find_sql[] = "SELECT id FROM agent WHERE name = ?1";
    static const char make_sql[] = "INSERT INTO agent (name) VALUES (?1)";
    struct query query = query_start(&ledger->database, find_sql);
    query_bind_text(&query, agent);
    int error = query_run_int(&query, id);
    if (error == -ENOENT) {
        query = query_start(&ledger->database, make_sql);
        query_bind_text(&query, agent);
        error = query_run(&query);
        *id = sqlite3_last_insert_rowid(ledger->database.handle);
    }
    return error;
}

int ledger_stream_id(struct ledger *ledger, const char *agent,
                     const uint8_t stream[PROTO_STREAM_SIZE], int64_t *id)
{
    static const char find_sql[] = "SELECT id FROM stream WHERE stream = ?1";
    static const char make_sql[] = "INSERT INTO stream (agent_id, stream, epoch, sequence,"
                                   " received_ms) VALUES (?1, ?2, 0, 0, 0)";
    struct query query = query_start(&ledger->database, find_sql);
    query_bind_blob(&query, stream, PROTO_STREAM_SIZE);
    int error = query_run_int(&query, id);
    if (error != -ENOENT) {
        return error;
    }
    int64_t agent_id = 0;
    error = ledger_agent_id(ledger, agent, &agent_id);
    if (error == 0) {
        query = query_start(&ledger->database, make_sql);
        query_bind_int(&query, agent_id);
        query_bind_blob(&query, stream, PROTO_STREAM_SIZE);
        error = query_run(&query);
        *id = sqlite3_last_insert_rowid(ledger->database.handle);
    }
    return error;
}

int ledger_put_agent(struct ledger *ledger, const char *agent,
                     const struct stream_position *position, struct wall received)
{
    static const char sql[] = "UPDATE stream SET epoch = ?2, sequence = ?3, received_ms = ?4"
                              " WHERE id = ?1 AND (epoch, sequence) < (?2, ?3)";
    int64_t id = 0;
    int error = ledger_ready(ledger);
    if (error != 0) {
        return error;
    }
    if (!ledger_fits(position->epoch) || !ledger_fits(position->sequence)) {
        return -EINVAL;
    }
    error = ledger_stream_id(ledger, agent, position->stream, &id);
    if (error == 0) {
        struct query query = query_start(&ledger->database, sql);
        query_bind_int(&query, id);
        query_bind_int(&query, (int64_t)position->epoch);
        query_bind_int(&query, (int64_t)position->sequence);
        query_bind_int(&query, received.ms);
        error = query_run(&query);
    }
    return ledger_note(ledger, error);
}

int ledger_each_stream(struct ledger *ledger,
                       int (*each)(void *context, const char *agent,
                                   const struct stream_position *position),
                       void *context)
{
    static const char sql[] = "SELECT a.name, s.stream, s.epoch, s.sequence FROM stream s"
                              " JOIN agent a ON a.id = s.agent_id ORDER BY s.id";
    struct query query = query_start(&ledger->database, sql);
    int rc = query_step(&query);
    int result = 0;
    while (rc == 1 && result == 0) {
        struct stream_position position = {.epoch = (uint64_t)query_int(&query, 2),
                                           .sequence = (uint64_t)query_int(&query, 3)};
        query_bytes(&query, 1, position.stream, sizeof position.stream);
        result = each(context, query_text(&query, 0), &position);
        rc = result == 0 ? query_step(&query) : 0;
    }
    query_end(&query);
    return rc < 0 ? rc : result;
}

/* --- gaps --- */

int ledger_put_gap(struct ledger *ledger, const char *agent, const struct gap *gap,
                   struct wall received)
{
    static const char sql[] = "INSERT INTO gap (agent_id, from_ms, to_ms, rows, observations,"
                              " reason, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    int64_t id = 0;
    int error = ledger_ready(ledger);
    if (error != 0) {
        return error;
    }
    if (!ledger_fits(gap->rows) || !ledger_fits(gap->observations)) {
        return -EINVAL;
    }
    error = ledger_agent_id(ledger, agent, &id);
    if (error == 0) {
        struct query query = query_start(&ledger->database, sql);
        query_bind_int(&query, id);
        query_bind_int(&query, gap->from.ms);
        query_bind_int(&query, gap->to.ms);
        query_bind_int(&query, (int64_t)gap->rows);
        query_bind_int(&query, (int64_t)gap->observations);
        query_bind_int(&query, (int64_t)gap->reason);
        query_bind_int(&query, received.ms);
        error = query_run(&query);
    }
    return ledger_note(ledger, error);
}
