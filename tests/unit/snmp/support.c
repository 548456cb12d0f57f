/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static uint32_t record_define(void *context, const struct object *object)
{
    struct recorder *recorder = context;
    for (size_t i = 0; i < recorder->n_objects; i++) {
        if (object_same_name(&recorder->objects[i], object) &&
            object_same_shape(&recorder->objects[i], object)) {
            return (uint32_t)i + 1;
        }
    }
    assert_true(recorder->n_objects < OBJECTS_MAX);
    assert_true(name_is_valid(object->name, strlen(object->name)));
    recorder->objects[recorder->n_objects++] = object_copy(object);
    return (uint32_t)recorder->n_objects;
}

static void record_row(void *context, const struct row *row)
{
    struct recorder *recorder = context;
    assert_true(row->object >= 1 && row->object <= recorder->n_objects);
    assert_true(recorder->n_rows < ROWS_MAX);
    assert_true(recorder->objects[row->object - 1].n_metrics <= VALUES_MAX);
    struct recorded_row *kept = &recorder->rows[recorder->n_rows++];
    kept->row = *row;
    memcpy(kept->values, row->values,
           recorder->objects[row->object - 1].n_metrics * sizeof kept->values[0]);
    kept->row.values = kept->values;
}

static void record_result(void *context, const struct result *result)
{
    struct recorder *recorder = context;
    assert_true(recorder->n_results < RESULTS_MAX);
    struct recorded_result *kept = &recorder->results[recorder->n_results++];
    kept->result = *result;
    snprintf(kept->reason, sizeof kept->reason, "%s", result->reason);
    snprintf(kept->detail, sizeof kept->detail, "%s", result->detail);
}

/* SNMP knows of none. */
static void record_talkers(void *context, const struct talker_report *report)
{
    (void)context;
    (void)report;
    fail_msg("a talker report from SNMP");
}

static void record_gap(void *context, const struct gap *gap)
{
    (void)context;
    (void)gap; /* the tests ask for none */
}

struct recorder *recorder_new(void)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    assert_non_null(recorder);
    recorder->objects = calloc(OBJECTS_MAX, sizeof *recorder->objects);
    recorder->rows = calloc(ROWS_MAX, sizeof *recorder->rows);
    recorder->results = calloc(RESULTS_MAX, sizeof *recorder->results);
    assert_true(recorder->objects != NULL && recorder->rows != NULL && recorder->results != NULL);
    recorder->sink = (struct sample_sink){.context = recorder,
                                          .define = record_define,
                                          .row = record_row,
                                          .result = record_result,
                                          .talkers = record_talkers,
                                          .gap = record_gap};
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    for (size_t i = 0; i < recorder->n_objects; i++) {
        object_clear(&recorder->objects[i]);
    }
    free(recorder->objects);
    free(recorder->rows);
    free(recorder->results);
    free(recorder);
}

void recorder_forget(struct recorder *recorder)
{
    recorder->n_rows = 0;
    recorder->n_results = 0;
}

static bool is_object(const struct object *object, const char *kind, const char *name)
{
    return strcmp(object->kind, kind) == 0 && strcmp(object->name, name) == 0;
}

const struct object *recorder_object(const struct recorder *recorder, const char *kind,
                                     const char *name)
{
    for (size_t i = recorder->n_objects; i > 0; i--) {
        if (is_object(&recorder->objects[i - 1], kind, name)) {
            return &recorder->objects[i - 1];
        }
    }
    return NULL;
}

const struct row *recorder_row(const struct recorder *recorder, const char *kind, const char *name)
{
    for (size_t i = recorder->n_rows; i > 0; i--) {
        const struct row *row = &recorder->rows[i - 1].row;
        if (is_object(&recorder->objects[row->object - 1], kind, name)) {
            return row;
        }
    }
    return NULL;
}

size_t recorder_rows(const struct recorder *recorder, const char *kind, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < recorder->n_rows; i++) {
        uint32_t number = recorder->rows[i].row.object;
        n += is_object(&recorder->objects[number - 1], kind, name) ? 1 : 0;
    }
    return n;
}

size_t recorder_names(const struct recorder *recorder, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < recorder->n_objects; i++) {
        const struct object *object = &recorder->objects[i];
        n += strcmp(object->kind, kind) == 0 &&
                     recorder_object(recorder, kind, object->name) == object
                 ? 1
                 : 0;
    }
    return n;
}

const char *object_label(const struct object *object, const char *key)
{
    for (size_t i = 0; i < object->n_labels; i++) {
        if (strcmp(object->labels[i].key, key) == 0) {
            return object->labels[i].value;
        }
    }
    return "";
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* only wakes the loop up */
}

static void on_tick_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

bool run_until(uv_loop_t *loop, bool (*is_true)(void *context), void *context, int64_t limit_ms)
{
    int64_t end = now_ms() + limit_ms;
    bool closed = false;
    uv_timer_t tick;
    uv_timer_init(loop, &tick);
    tick.data = &closed;
    uv_timer_start(&tick, on_tick, 5, 5);
    bool done = is_true(context);
    while (!done && now_ms() < end) {
        uv_run(loop, UV_RUN_ONCE);
        done = is_true(context);
    }
    uv_close((uv_handle_t *)&tick, on_tick_closed);
    while (!closed) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    return done;
}

void finish_loop(uv_loop_t *loop)
{
    int64_t end = now_ms() + 5000;
    while (uv_loop_alive(loop) && now_ms() < end) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(uv_loop_close(loop), 0);
}
