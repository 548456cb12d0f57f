/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Objects and their consolidated values. */
#include "internal.h"
#include "rrd/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_MS = 5000 }; /* a listing waits so long for the newest rows, no longer */

static const char *status_name(enum row_status status)
{
    switch (status) {
    case ROW_OK:
        return "ok";
    case ROW_PARTIAL:
        return "partial";
    case ROW_DEGRADED:
        return "degraded";
    case ROW_FAILED:
        return "failed";
    }
    return NULL; /* no row yet */
}

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Metric -> newest value; every value null when the file is not there yet. */
static json_t *latest_json(const struct query_sources *sources, const struct object *object,
                           struct wall now)
{
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    char own[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    double values[PROTO_METRICS_MAX];
    size_t n = 0;
    int64_t step_s = 0;
    json_t *latest = json_object();
    char *path = rrd_path(sources->rrd_directory, object->device, object->kind, object->name);
    query_rrd_lock(sources->shared);
    if (rrd_names(object->metrics, object->n_metrics, own) != 0 ||
        rrd_file_metrics(path, names, &n) != 0 ||
        rrd_file_latest(path, now, values, n, &step_s) != 0) {
        n = 0;
    }
    query_rrd_unlock(sources->shared);
    free(path);
    for (size_t i = 0; i < object->n_metrics; i++) {
        double value = NAN;
        for (size_t k = 0; k < n; k++) {
            value = strcmp(names[k], own[i]) == 0 ? values[k] : value;
        }
        (void)json_object_set_new(latest, object->metrics[i].name, number_or_null(value));
    }
    return latest;
}

static json_t *object_json(const struct ledger_object *from)
{
    const struct object *object = &from->object;
    json_t *labels = json_object();
    json_t *metrics = json_array();
    for (size_t i = 0; i < object->n_labels; i++) {
        (void)json_object_set_new(labels, object->labels[i].key,
                                  json_string(object->labels[i].value));
    }
    for (size_t i = 0; i < object->n_metrics; i++) {
        const struct metric *metric = &object->metrics[i];
        (void)json_array_append_new(
            metrics, json_pack("{s:s, s:s, s:s}", "name", metric->name, "unit", metric->unit,
                               "type", metric->type == METRIC_COUNTER ? "counter" : "gauge"));
    }
    const char *status = from->last.ms != 0 ? status_name(from->status) : NULL;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:s?, s:o, s:o}", "device", object->device,
                     "kind", object->kind, "name", object->name, "agent", from->agent,
                     "interval_ms", (json_int_t)object->interval_ms, "last", query_time(from->last),
                     "status", status, "labels", labels, "metrics", metrics);
}

struct listing {
    const struct query_sources *sources;
    const char *name; /* NULL: all */
    bool latest;
    struct wall now;
    json_t *objects;
};

static int list_object(void *context, const struct ledger_object *object)
{
    struct listing *listing = context;
    if (listing->name != NULL && strcmp(listing->name, object->object.name) != 0) {
        return 0;
    }
    json_t *item = object_json(object);
    if (item != NULL && listing->latest) {
        (void)json_object_set_new(item, "latest",
                                  latest_json(listing->sources, &object->object, listing->now));
    }
    return json_array_append_new(listing->objects, item);
}

static json_t *list_objects(struct listing *listing, const char *device, const char *kind,
                            struct query_failure *failure)
{
    struct ledger_view *view = NULL;
    if (query_view_open(listing->sources, &view, failure) != 0) {
        return NULL;
    }
    listing->objects = json_array();
    int rc = view != NULL ? ledger_view_objects(view, device, kind, list_object, listing) : 0;
    query_view_close(view);
    if (rc != 0) {
        json_decref(listing->objects);
        return query_fail(failure, QUERY_UNAVAILABLE, "the ledger cannot be read now");
    }
    return listing->objects;
}

struct flushing {
    const struct query_sources *sources;
    struct mono deadline;
};

static int flush_object(void *context, const struct ledger_object *object)
{
    const struct flushing *flushing = context;
    if (mono_elapsed_ms(clock_mono(), flushing->deadline) <= 0) {
        return 1;
    }
    query_flush(flushing->sources, object->object.device, object->object.kind, object->object.name);
    return 0;
}

/* A device's page must not have every file of the city rewritten. */
static void flush_device(const struct query_sources *sources, const char *device, const char *kind)
{
    struct flushing flushing = {sources, mono_add_ms(clock_mono(), FLUSH_MS)};
    struct query_failure failure;
    struct ledger_view *view = NULL;
    if (query_view_open(sources, &view, &failure) == 0 && view != NULL) {
        /* What fails here fails again, and is told, when the objects are listed. */
        (void)ledger_view_objects(view, device, kind, flush_object, &flushing);
    }
    query_view_close(view);
}

json_t *query_objects(const struct query_sources *sources, const char *device, const char *kind,
                      bool latest, struct wall now, struct query_failure *failure)
{
    struct listing listing = {.sources = sources, .latest = latest, .now = now};
    if (latest && device != NULL) {
        flush_device(sources, device, kind);
    } else if (latest) {
        query_flush(sources, NULL, NULL, NULL);
    }
    json_t *objects = list_objects(&listing, device, kind, failure);
    return objects != NULL ? json_pack("{s:o}", "objects", objects) : NULL;
}

json_t *query_object(const struct query_sources *sources, const char *device, const char *kind,
                     const char *name, struct wall now, struct query_failure *failure)
{
    struct listing listing = {.sources = sources, .name = name, .latest = true, .now = now};
    query_flush(sources, device, kind, name);
    json_t *objects = list_objects(&listing, device, kind, failure);
    if (objects == NULL) {
        return NULL;
    }
    json_t *object = json_incref(json_array_get(objects, 0));
    json_decref(objects);
    if (object == NULL) {
        return query_fail(failure, QUERY_NOT_FOUND, "there is no object %s/%s/%s", device, kind,
                          name);
    }
    (void)json_object_set_new(object, "graphs", query_graphs_of(object));
    return object;
}

/* One object as it is listed, or NULL: it is not known, or the ledger cannot be read (then with
 * the failure filled). */
static json_t *find_object(const struct query_sources *sources, const char *device,
                           const char *kind, const char *name, struct query_failure *failure)
{
    struct listing listing = {.sources = sources, .name = name};
    json_t *objects = list_objects(&listing, device, kind, failure);
    json_t *object = json_incref(json_array_get(objects, 0));
    json_decref(objects);
    return object;
}

json_t *query_graphs(const struct query_sources *sources, const char *device, const char *kind,
                     const char *name, struct query_failure *failure)
{
    *failure = (struct query_failure){.error = QUERY_OK};
    json_t *object = find_object(sources, device, kind, name, failure);
    json_t *graphs = object != NULL ? query_graphs_of(object) : NULL;
    json_decref(object);
    if (graphs == NULL && failure->error == QUERY_OK) {
        return query_fail(failure, QUERY_NOT_FOUND, "there is no object %s/%s/%s", device, kind,
                          name);
    }
    return graphs;
}

/* What the file's data sources are called: as the object's metrics, where it is known. */
static json_t *series_names(const struct rrd_series *series, const json_t *object)
{
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    json_t *called = json_array();
    memcpy(names, series->names, sizeof names);
    for (size_t i = 0; i < series->n_metrics; i++) {
        (void)json_array_append_new(called, json_string(series->names[i]));
    }
    size_t k;
    const json_t *metric;
    json_array_foreach(json_object_get(object, "metrics"), k, metric)
    {
        json_t *name = json_object_get(metric, "name");
        size_t at = rrd_names_find(names, series->n_metrics, json_string_value(name));
        if (at < series->n_metrics) {
            (void)json_array_set(called, at, name);
        }
    }
    return called;
}

static json_t *series_json(const struct rrd_series *series, const json_t *object)
{
    json_t *metrics = series_names(series, object);
    json_t *rows = json_array();
    for (size_t row = 0; row < series->n_rows; row++) {
        json_t *cells = json_array();
        int64_t time_s = series->first.ms / 1000 + (int64_t)row * series->step_s;
        (void)json_array_append_new(cells, json_integer((json_int_t)time_s));
        for (size_t i = 0; i < series->n_metrics; i++) {
            (void)json_array_append_new(
                cells, number_or_null(series->values[row * series->n_metrics + i]));
        }
        (void)json_array_append_new(rows, cells);
    }
    return json_pack("{s:I, s:o, s:o}", "step_s", (json_int_t)series->step_s, "metrics", metrics,
                     "rows", rows);
}

json_t *query_series(const struct query_sources *sources, const char *device, const char *kind,
                     const char *name, struct wall from, struct wall to, size_t rows_max,
                     struct query_failure *failure)
{
    struct rrd_series series;
    query_flush(sources, device, kind, name);
    char *path = rrd_path(sources->rrd_directory, device, kind, name);
    query_rrd_lock(sources->shared);
    int rc = rrd_file_series(path, from, to, false, rows_max, &series);
    query_rrd_unlock(sources->shared);
    free(path);
    if (rc == -ENOENT) {
        return query_fail(failure, QUERY_NOT_FOUND, "there are no values of %s/%s/%s", device, kind,
                          name);
    }
    if (rc == -EINVAL) {
        return query_fail(failure, QUERY_BAD_PARAMETER, "from must be before to, after 1970");
    }
    if (rc != 0) {
        return query_fail(failure, QUERY_UNAVAILABLE, "the values cannot be read: %s",
                          strerror(-rc));
    }
    struct query_failure no_ledger; /* the names are then the file's */
    json_t *object = find_object(sources, device, kind, name, &no_ledger);
    json_t *answer = series_json(&series, object);
    json_decref(object);
    rrd_series_free(&series);
    return answer;
}
