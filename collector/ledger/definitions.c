/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ledger_handle.h"

#include "shape.h"

#include <errno.h>
#include <stdlib.h>

static int put_shape(struct ledger *ledger, const struct object *object, int64_t *id)
{
    static const char find_sql[] = "SELECT id FROM shape WHERE metrics = ?1";
    static const char make_sql[] = "INSERT INTO shape (metrics) VALUES (?1)";
    char *text = shape_format(object->metrics, object->n_metrics);
    if (text == NULL) {
        return -EINVAL;
    }
    struct query query = query_start(&ledger->database, find_sql);
    query_bind_text(&query, text);
    int error = query_run_int(&query, id);
    if (error == -ENOENT) {
        query = query_start(&ledger->database, make_sql);
        query_bind_text(&query, text);
        error = query_run(&query);
        *id = sqlite3_last_insert_rowid(ledger->database.handle);
    }
    free(text);
    return error;
}

static int put_object(struct ledger *ledger, const char *agent, const struct object *object,
                      int64_t shape_id, int64_t *id)
{
    static const char put_sql[] =
        "INSERT INTO object (agent_id, device, kind, name, interval_ms, shape_id)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (device, kind, name) DO UPDATE SET"
        " agent_id = ?1, interval_ms = ?5, shape_id = ?6";
    static const char find_sql[] =
        "SELECT id FROM object WHERE device = ?1 AND kind = ?2 AND name = ?3";
    int64_t agent_id = 0;
    int error = ledger_agent_id(ledger, agent, &agent_id);
    if (error != 0) {
        return error;
    }
    struct query query = query_start(&ledger->database, put_sql);
    query_bind_int(&query, agent_id);
    query_bind_text(&query, object->device);
    query_bind_text(&query, object->kind);
    query_bind_text(&query, object->name);
    query_bind_int(&query, object->interval_ms);
    query_bind_int(&query, shape_id);
    error = query_run(&query);
    if (error == 0) {
        query = query_start(&ledger->database, find_sql);
        query_bind_text(&query, object->device);
        query_bind_text(&query, object->kind);
        query_bind_text(&query, object->name);
        error = query_run_int(&query, id);
    }
    return error;
}

static int put_labels(struct ledger *ledger, const struct object *object, int64_t object_id)
{
    static const char clear_sql[] = "DELETE FROM label WHERE object_id = ?1";
    static const char put_sql[] =
        "INSERT INTO label (object_id, position, key, value) VALUES (?1, ?2, ?3, ?4)";
    struct query query = query_start(&ledger->database, clear_sql);
    query_bind_int(&query, object_id);
    int error = query_run(&query);
    for (size_t i = 0; error == 0 && i < object->n_labels; i++) {
        query = query_start(&ledger->database, put_sql);
        query_bind_int(&query, object_id);
        query_bind_int(&query, (int64_t)i);
        query_bind_text(&query, object->labels[i].key);
        query_bind_text(&query, object->labels[i].value);
        error = query_run(&query);
    }
    return error;
}

static int bind_number(struct ledger *ledger, int64_t stream_id, uint64_t epoch,
                       const struct object *object, int64_t object_id, int64_t shape_id)
{
    static const char sql[] =
        "INSERT INTO definition (stream_id, epoch, number, object_id, shape_id, interval_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (stream_id, epoch, number) DO UPDATE SET"
        " object_id = ?4, shape_id = ?5, interval_ms = ?6";
    struct query query = query_start(&ledger->database, sql);
    query_bind_int(&query, stream_id);
    query_bind_int(&query, (int64_t)epoch);
    query_bind_int(&query, object->number);
    query_bind_int(&query, object_id);
    query_bind_int(&query, shape_id);
    query_bind_int(&query, object->interval_ms);
    return query_run(&query);
}

int ledger_put_definition(struct ledger *ledger, const char *agent,
                          const struct stream_position *position, const struct object *object)
{
    int64_t stream_id = 0;
    int64_t shape_id = 0;
    int64_t object_id = 0;
    int error = ledger_ready(ledger);
    if (error != 0) {
        return error;
    }
    if (!ledger_fits(position->epoch)) {
        return -EINVAL;
    }
    error = put_shape(ledger, object, &shape_id);
    if (error == 0) {
        error = ledger_stream_id(ledger, agent, position->stream, &stream_id);
    }
    if (error == 0) {
        error = put_object(ledger, agent, object, shape_id, &object_id);
    }
    if (error == 0) {
        error = put_labels(ledger, object, object_id);
    }
    if (error == 0) {
        error = bind_number(ledger, stream_id, position->epoch, object, object_id, shape_id);
    }
    return ledger_note(ledger, error);
}

int ledger_each_definition(struct ledger *ledger,
                           int (*each)(void *context, const struct stream_position *position,
                                       const struct object *object),
                           void *context)
{
    static const char sql[] =
        "SELECT s.stream, d.epoch, d.number, o.device, o.kind, o.name, d.interval_ms, p.metrics"
        " FROM definition d JOIN stream s ON s.id = d.stream_id JOIN object o ON o.id = d.object_id"
        " JOIN shape p ON p.id = d.shape_id ORDER BY d.stream_id, d.epoch, d.number";
    struct query query = query_start(&ledger->database, sql);
    int rc = query_step(&query);
    int result = 0;
    while (rc == 1 && result == 0) {
        struct shape shape;
        struct stream_position position = {.epoch = (uint64_t)query_int(&query, 1)};
        query_bytes(&query, 0, position.stream, sizeof position.stream);
        rc = shape_parse(query_text(&query, 7), &shape);
        if (rc == 0) {
            const struct object object = {.number = (uint32_t)query_int(&query, 2),
                                          .device = query_text(&query, 3),
                                          .kind = query_text(&query, 4),
                                          .name = query_text(&query, 5),
                                          .interval_ms = query_int(&query, 6),
                                          .metrics = shape.metrics,
                                          .n_metrics = shape.n_metrics};
            result = each(context, &position, &object);
            shape_clear(&shape);
            rc = result == 0 ? query_step(&query) : 0;
        }
    }
    query_end(&query);
    return rc < 0 ? rc : result;
}

int ledger_put_last_row(struct ledger *ledger, const struct object *object, struct wall time,
                        enum row_status status)
{
    static const char sql[] = "UPDATE object SET last_ms = ?4, last_status = ?5"
                              " WHERE device = ?1 AND kind = ?2 AND name = ?3 AND last_ms < ?4";
    int error = ledger_ready(ledger);
    if (error != 0) {
        return error;
    }
    struct query query = query_start(&ledger->database, sql);
    query_bind_text(&query, object->device);
    query_bind_text(&query, object->kind);
    query_bind_text(&query, object->name);
    query_bind_int(&query, time.ms);
    query_bind_int(&query, (int64_t)status);
    return ledger_note(ledger, query_run(&query));
}
