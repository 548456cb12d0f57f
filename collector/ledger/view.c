/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view_handle.h"

#include "common/xalloc.h"
#include "schema.h"
#include "shape.h"

#include <assert.h>
#include <stdlib.h>

int ledger_view_open(struct ledger_view **out, const char *path, char *reason, size_t reason_size)
{
    struct ledger_view *view = xcalloc(1, sizeof *view);
    int error = database_open_view(&view->database, &ledger_schema, path, reason, reason_size);
    if (error != 0) {
        free(view);
        return error;
    }
    *out = view;
    return 0;
}

void ledger_view_close(struct ledger_view *view)
{
    if (view == NULL) {
        return;
    }
    database_close(&view->database);
    free(view);
}

int ledger_view_begin(struct ledger_view *view)
{
    static const char begin_sql[] = "BEGIN";
    /* A transaction sees nothing before its first read; without one it would begin later. */
    static const char look_sql[] = "SELECT id FROM state";
    int64_t id;
    assert(sqlite3_get_autocommit(view->database.handle) != 0);
    struct query query = query_start(&view->database, begin_sql);
    int error = query_run(&query);
    if (error == 0) {
        query = query_start(&view->database, look_sql);
        error = query_run_int(&query, &id);
        if (error != 0) {
            ledger_view_end(view);
        }
    }
    return error;
}

void ledger_view_end(struct ledger_view *view)
{
    static const char sql[] = "COMMIT";
    struct query query = query_start(&view->database, sql);
    (void)query_run(&query); /* of a reader: it lets its snapshot go in any case */
}

/* --- agents --- */

int ledger_view_agents(struct ledger_view *view,
                       int (*each)(void *context, const struct ledger_agent *agent), void *context)
{
    static const char sql[] =
        "SELECT a.name, s.stream, s.epoch, s.sequence, s.received_ms FROM agent a"
        " JOIN stream s ON s.id = (SELECT n.id FROM stream n WHERE n.agent_id = a.id"
        " ORDER BY n.received_ms DESC, n.id DESC LIMIT 1) ORDER BY a.name";
    struct query query = query_start(&view->database, sql);
    int rc = query_step(&query);
    int result = 0;
    while (rc == 1 && result == 0) {
        struct ledger_agent agent = {.name = query_text(&query, 0),
                                     .position = {.epoch = (uint64_t)query_int(&query, 2),
                                                  .sequence = (uint64_t)query_int(&query, 3)},
                                     .received = {query_int(&query, 4)}};
        query_bytes(&query, 1, agent.position.stream, sizeof agent.position.stream);
        result = each(context, &agent);
        rc = result == 0 ? query_step(&query) : 0;
    }
    query_end(&query);
    return rc < 0 ? rc : result;
}

/* --- objects --- */

struct labels {
    size_t n;
    struct label labels[PROTO_LABELS_MAX];
};

static void clear_labels(struct labels *labels)
{
    for (size_t i = 0; i < labels->n; i++) {
        free((void *)(uintptr_t)labels->labels[i].key); /* our own copies */
        free((void *)(uintptr_t)labels->labels[i].value);
    }
    labels->n = 0;
}

static int read_labels(struct ledger_view *view, int64_t object_id, struct labels *labels)
{
    static const char sql[] = "SELECT key, value FROM label WHERE object_id = ?1 ORDER BY position";
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, object_id);
    int rc = query_step(&query);
    labels->n = 0;
    while (rc == 1 && labels->n < PROTO_LABELS_MAX) {
        labels->labels[labels->n++] = (struct label){.key = xstrdup(query_text(&query, 0)),
                                                     .value = xstrdup(query_text(&query, 1))};
        rc = query_step(&query);
    }
    query_end(&query);
    if (rc < 0) {
        clear_labels(labels);
        return rc;
    }
    return 0;
}

/* Hand one row of the object queries on: `*result` is the call-back's. */
static int show_object(struct ledger_view *view, const struct query *query,
                       int (*each)(void *context, const struct ledger_object *object),
                       void *context, int *result)
{
    struct shape shape;
    struct labels labels;
    int error = shape_parse(query_text(query, 6), &shape);
    if (error != 0) {
        return error;
    }
    error = read_labels(view, query_int(query, 0), &labels);
    if (error == 0) {
        const struct ledger_object object = {
            .agent = query_text(query, 1),
            .object = {.device = query_text(query, 2),
                       .kind = query_text(query, 3),
                       .name = query_text(query, 4),
                       .interval_ms = query_int(query, 5),
                       .metrics = shape.metrics,
                       .n_metrics = shape.n_metrics,
                       .labels = labels.labels,
                       .n_labels = labels.n},
            .last = {query_int(query, 7)},
            .status = (enum row_status)query_int(query, 8),
        };
        *result = each(context, &object);
        clear_labels(&labels);
    }
    shape_clear(&shape);
    return error;
}

int ledger_view_objects(struct ledger_view *view, const char *device, const char *kind,
                        int (*each)(void *context, const struct ledger_object *object),
                        void *context)
{
    static const char all_sql[] =
        "SELECT o.id, a.name, o.device, o.kind, o.name, o.interval_ms, p.metrics, o.last_ms,"
        " o.last_status FROM object o CROSS JOIN agent a ON a.id = o.agent_id"
        " CROSS JOIN shape p ON p.id = o.shape_id WHERE (?1 IS NULL OR o.kind = ?1)"
        " ORDER BY o.device, o.kind, o.name";
    static const char device_sql[] =
        "SELECT o.id, a.name, o.device, o.kind, o.name, o.interval_ms, p.metrics, o.last_ms,"
        " o.last_status FROM object o CROSS JOIN agent a ON a.id = o.agent_id"
        " CROSS JOIN shape p ON p.id = o.shape_id WHERE o.device = ?2 AND"
        " (?1 IS NULL OR o.kind = ?1) ORDER BY o.device, o.kind, o.name";
    struct query query = query_start(&view->database, device == NULL ? all_sql : device_sql);
    query_bind_text(&query, kind);
    if (device != NULL) {
        query_bind_text(&query, device);
    }
    int rc = query_step(&query);
    int result = 0;
    while (rc == 1 && result == 0) {
        rc = show_object(view, &query, each, context, &result);
        if (rc == 0 && result == 0) {
            rc = query_step(&query);
        }
    }
    query_end(&query);
    return rc < 0 ? rc : result;
}

/* --- gaps --- */

int ledger_view_gaps(struct ledger_view *view, struct wall from, struct wall to,
                     int (*each)(void *context, const struct ledger_gap *gap), void *context)
{
    /* A gap of no length counts where it stands. */
    static const char sql[] =
        "SELECT a.name, g.from_ms, g.to_ms, g.rows, g.observations, g.reason, g.received_ms"
        " FROM gap g CROSS JOIN agent a ON a.id = g.agent_id"
        " WHERE g.to_ms >= ?1 AND g.from_ms < ?2 AND (g.to_ms > ?1 OR g.from_ms = g.to_ms)"
        " ORDER BY g.from_ms, g.id";
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, from.ms);
    query_bind_int(&query, to.ms);
    int rc = query_step(&query);
    int result = 0;
    while (rc == 1 && result == 0) {
        const struct ledger_gap gap = {.agent = query_text(&query, 0),
                                       .gap = {.from = {query_int(&query, 1)},
                                               .to = {query_int(&query, 2)},
                                               .rows = (uint64_t)query_int(&query, 3),
                                               .observations = (uint64_t)query_int(&query, 4),
                                               .reason = (enum gap_reason)query_int(&query, 5)},
                                       .received = {query_int(&query, 6)}};
        result = each(context, &gap);
        rc = result == 0 ? query_step(&query) : 0;
    }
    query_end(&query);
    return rc < 0 ? rc : result;
}
