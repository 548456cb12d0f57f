/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talkers/writer.h"

#include "common/xalloc.h"
#include "items.h"
#include "schema.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct talker_writer {
    struct database database;
    bool in_transaction;
    int error; /* of the transaction: nothing more goes in, and commit fails with it */
};

/* --- the handle --- */

static int set_up(struct database *database, int version)
{
    int error = 0;
    if (version == 0) {
        /* Only before the first table: what is deleted can be given back to the disk. */
        error = database_execute(database, "PRAGMA auto_vacuum = INCREMENTAL");
    }
    if (error == 0) {
        error = database_set_up(database);
    }
    if (error == 0) {
        /* What is no longer kept shall not be found in the file's free pages. */
        error = database_execute(database, "PRAGMA secure_delete = ON");
    }
    return error;
}

int talker_writer_open(struct talker_writer **out, const char *path, char *reason,
                       size_t reason_size)
{
    struct talker_writer *writer = xcalloc(1, sizeof *writer);
    int version = 0;
    int error = database_make_file(path);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be made: %s", path, strerror(-error));
        goto no_database;
    }
    error = database_open(&writer->database, path, SQLITE_OPEN_READWRITE, reason, reason_size);
    if (error != 0) {
        goto no_database;
    }
    error = database_check_schema(&writer->database, &talker_schema, path, &version, reason,
                                  reason_size);
    if (error != 0) {
        goto fail;
    }
    error = set_up(&writer->database, version);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be set up: %s", path, strerror(-error));
        goto fail;
    }
    error = database_migrate(&writer->database, &talker_schema, path, reason, reason_size);
    if (error != 0) {
        goto fail;
    }
    *out = writer;
    return 0;
fail:
    database_close(&writer->database);
no_database:
    free(writer);
    return error;
}

void talker_writer_close(struct talker_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->in_transaction) {
        talker_writer_rollback(writer);
    }
    database_close(&writer->database);
    free(writer);
}

/* --- transactions --- */

int talker_writer_begin(struct talker_writer *writer)
{
    static const char sql[] = "BEGIN IMMEDIATE";
    assert(!writer->in_transaction);
    struct query query = query_start(&writer->database, sql);
    int error = query_run(&query);
    writer->in_transaction = error == 0;
    writer->error = 0;
    return error;
}

int talker_writer_commit(struct talker_writer *writer)
{
    static const char sql[] = "COMMIT";
    assert(writer->in_transaction);
    int error = writer->error;
    if (error == 0) {
        struct query query = query_start(&writer->database, sql);
        error = query_run(&query);
    }
    if (error != 0) {
        talker_writer_rollback(writer);
    }
    writer->in_transaction = false;
    return error;
}

void talker_writer_rollback(struct talker_writer *writer)
{
    static const char sql[] = "ROLLBACK";
    assert(writer->in_transaction);
    if (sqlite3_get_autocommit(writer->database.handle) == 0) {
        struct query query = query_start(&writer->database, sql);
        (void)query_run(&query); /* SQLite: a failed one is rolled back by the next reader */
    }
    writer->in_transaction = false;
    writer->error = 0;
}

bool talker_writer_is_open(const struct talker_writer *writer)
{
    return writer->in_transaction;
}

/* --- putting --- */

static int put_source(struct talker_writer *writer, const char *agent, const uint8_t *stream,
                      const struct object *object, struct wall to, int64_t *id)
{
    static const char sql[] =
        "INSERT INTO source (stream, device, object, agent, last_ms) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (stream, device, object) DO UPDATE SET agent = excluded.agent,"
        " last_ms = max(last_ms, excluded.last_ms) RETURNING id";
    struct query query = query_start(&writer->database, sql);
    query_bind_blob(&query, stream, PROTO_STREAM_SIZE);
    query_bind_text(&query, object->device);
    query_bind_text(&query, object->name);
    query_bind_text(&query, agent);
    query_bind_int(&query, to.ms);
    return query_run_int(&query, id);
}

static int put_report(struct talker_writer *writer, int64_t source_id,
                      const struct talker_report *report)
{
    static const char sql[] =
        "INSERT INTO report (source_id, list, to_ms, from_ms, total, bound, items)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT (source_id, list, to_ms, from_ms) DO UPDATE SET total = excluded.total,"
        " bound = excluded.bound, items = excluded.items";
    uint8_t items[TALKER_ITEMS_MAX_BYTES];
    size_t size = talker_items_encode(report->items, report->n_items, items);
    struct query query = query_start(&writer->database, sql);
    query_bind_int(&query, source_id);
    query_bind_int(&query, (int64_t)report->list);
    query_bind_int(&query, report->to.ms);
    query_bind_int(&query, report->from.ms);
    query_bind_int(&query, (int64_t)report->total_ip_bytes);
    query_bind_int(&query, (int64_t)report->error_bound_bytes);
    query_bind_blob(&query, items, size);
    return query_run(&query);
}

int talker_writer_put(struct talker_writer *writer, const char *agent,
                      const uint8_t stream[PROTO_STREAM_SIZE], const struct object *object,
                      const struct talker_report *report)
{
    int64_t id = 0;
    assert(writer->in_transaction);
    if (writer->error != 0) {
        return writer->error;
    }
    if (report->total_ip_bytes > INT64_MAX || report->error_bound_bytes > INT64_MAX) {
        return -EINVAL;
    }
    writer->error = put_source(writer, agent, stream, object, report->to, &id);
    if (writer->error == 0) {
        writer->error = put_report(writer, id, report);
    }
    return writer->error;
}

/* --- deleting --- */

static int delete_reports(struct talker_writer *writer, struct wall before, size_t most,
                          size_t *deleted)
{
    static const char sql[] = "DELETE FROM report WHERE id IN"
                              " (SELECT id FROM report WHERE to_ms < ?1 ORDER BY to_ms LIMIT ?2)";
    struct query query = query_start(&writer->database, sql);
    query_bind_int(&query, before.ms);
    query_bind_int(&query, (int64_t)most);
    int error = query_run(&query);
    *deleted = error == 0 ? (size_t)sqlite3_changes64(writer->database.handle) : 0;
    return error;
}

static int delete_sources(struct talker_writer *writer, struct wall before)
{
    static const char sql[] = "DELETE FROM source WHERE last_ms < ?1 AND NOT EXISTS"
                              " (SELECT 1 FROM report WHERE source_id = source.id)";
    struct query query = query_start(&writer->database, sql);
    query_bind_int(&query, before.ms);
    return query_run(&query);
}

int talker_writer_delete(struct talker_writer *writer, struct wall before, size_t most,
                         size_t *deleted)
{
    *deleted = 0;
    int error = talker_writer_begin(writer);
    if (error != 0) {
        return error;
    }
    writer->error = delete_reports(writer, before, most, deleted);
    if (writer->error == 0 && *deleted < most) {
        writer->error = delete_sources(writer, before);
    }
    error = talker_writer_commit(writer);
    if (error != 0) {
        *deleted = 0;
        return error;
    }
    /* 8 MiB at a time: about what a step deletes at the most. A failure loses nothing but room,
     * and a disk that fails shows at the next step. */
    if (*deleted > 0) {
        (void)database_execute(&writer->database, "PRAGMA incremental_vacuum(2000)");
    }
    return 0;
}

int talker_writer_bytes(struct talker_writer *writer, uint64_t *bytes)
{
    static const char sql[] =
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    int64_t value = 0;
    struct query query = query_start(&writer->database, sql);
    int error = query_run_int(&query, &value);
    *bytes = (uint64_t)value;
    return error;
}
