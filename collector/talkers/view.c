/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talkers/view.h"

#include "common/xalloc.h"
#include "items.h"
#include "schema.h"

#include <stdlib.h>

struct talker_view {
    struct database database;
    struct talker_item items[PROTO_TALKERS_MAX]; /* of the row at hand */
};

int talker_view_open(struct talker_view **out, const char *path, char *reason, size_t reason_size)
{
    struct talker_view *view = xcalloc(1, sizeof *view);
    int error = database_open_view(&view->database, &talker_schema, path, reason, reason_size);
    if (error != 0) {
        free(view);
        return error;
    }
    *out = view;
    return 0;
}

void talker_view_close(struct talker_view *view)
{
    if (view != NULL) {
        database_close(&view->database);
        free(view);
    }
}

static int read_row(struct talker_view *view, const struct query *query, enum talker_list list,
                    struct talker_row *row)
{
    size_t size = 0;
    const uint8_t *blob = query_blob(query, 6, &size);
    *row = (struct talker_row){.device = query_text(query, 0),
                               .object = query_text(query, 1),
                               .report = {.from = {query_int(query, 2)},
                                          .to = {query_int(query, 3)},
                                          .list = list,
                                          .total_ip_bytes = (uint64_t)query_int(query, 4),
                                          .error_bound_bytes = (uint64_t)query_int(query, 5),
                                          .items = view->items}};
    return talker_items_decode(blob, size, view->items, &row->report.n_items);
}

int talker_view_reports(struct talker_view *view, const struct talker_filter *filter,
                        int (*each)(void *context, const struct talker_row *row), void *context)
{
    /* Cross: the few sources first, then each one's stretch of the key. */
    static const char sql[] =
        "SELECT s.device, s.object, r.from_ms, r.to_ms, r.total, r.bound, r.items FROM source s"
        " CROSS JOIN report r ON r.source_id = s.id AND r.list = ?1 AND r.to_ms > ?2"
        " AND r.to_ms <= ?3 WHERE (?4 IS NULL OR s.device = ?4) AND (?5 IS NULL OR s.object = ?5)"
        " ORDER BY s.id, r.to_ms, r.from_ms";
    struct query query = query_start(&view->database, sql);
    query_bind_int(&query, (int64_t)filter->list);
    query_bind_int(&query, filter->from.ms);
    query_bind_int(&query, filter->to.ms);
    query_bind_text(&query, filter->device);
    query_bind_text(&query, filter->object);
    int rc = query_step(&query);
    int result = 0;
    while (rc == 1 && result == 0) {
        struct talker_row row;
        result = read_row(view, &query, filter->list, &row);
        if (result == 0) {
            result = each(context, &row);
        }
        rc = result == 0 ? query_step(&query) : 0;
    }
    query_end(&query);
    return rc < 0 ? rc : result;
}

int talker_view_last(struct talker_view *view, const char *device, const char *object,
                     struct wall *last)
{
    static const char sql[] = "SELECT last_ms FROM source WHERE (?1 IS NULL OR device = ?1)"
                              " AND (?2 IS NULL OR object = ?2) ORDER BY last_ms DESC LIMIT 1";
    struct query query = query_start(&view->database, sql);
    query_bind_text(&query, device);
    query_bind_text(&query, object);
    return query_run_int(&query, &last->ms);
}
