/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

static uint32_t record_define(void *context, const struct object *object)
{
    struct recorder *recorder = context;
    struct recorded_object entry = {0};
    snprintf(entry.device, sizeof entry.device, "%s", object->device);
    snprintf(entry.kind, sizeof entry.kind, "%s", object->kind);
    snprintf(entry.name, sizeof entry.name, "%s", object->name);
    entry.n_metrics = object->n_metrics;
    for (size_t i = 0; i < object->n_metrics && i < 16; i++) {
        snprintf(entry.metrics[i], sizeof entry.metrics[i], "%s", object->metrics[i].name);
        entry.types[i] = object->metrics[i].type;
    }
    for (size_t i = 0; i < object->n_labels; i++) {
        size_t used = strlen(entry.label);
        snprintf(entry.label + used, sizeof entry.label - used, "%s%s=%s", i > 0 ? " " : "",
                 object->labels[i].key, object->labels[i].value);
    }
    recorder->n_defines++;
    for (size_t i = 0; i < recorder->n_objects; i++) {
        if (memcmp(&recorder->objects[i], &entry, sizeof entry) == 0) {
            return (uint32_t)i + 1;
        }
    }
    assert_true(recorder->n_objects < 64);
    recorder->objects[recorder->n_objects++] = entry;
    return (uint32_t)recorder->n_objects;
}

static void record_row(void *context, const struct row *row)
{
    struct recorder *recorder = context;
    assert_true(row->object >= 1 && row->object <= recorder->n_objects);
    if (recorder->n_rows < RECORD_MAX) {
        struct recorded_row *kept = &recorder->rows[recorder->n_rows];
        kept->row = *row;
        memcpy(kept->values, row->values,
               recorder->objects[row->object - 1].n_metrics * sizeof kept->values[0]);
        kept->row.values = kept->values;
    }
    recorder->n_rows++;
}

static void record_result(void *context, const struct result *result)
{
    struct recorder *recorder = context;
    if (recorder->n_results < RECORD_MAX) {
        struct recorded_result *kept = &recorder->results[recorder->n_results];
        kept->result = *result;
        snprintf(kept->reason, sizeof kept->reason, "%s", result->reason);
        snprintf(kept->detail, sizeof kept->detail, "%.250s", result->detail);
    }
    recorder->n_results++;
}

static void record_talkers(void *context, const struct talker_report *report)
{
    struct recorder *recorder = context;
    assert_true(report->object >= 1 && report->object <= recorder->n_objects);
    assert_true(recorder->n_talkers < 4);
    recorder->talkers[recorder->n_talkers++] = *report;
    if (report->n_items > 0) {
        snprintf(recorder->first_key, sizeof recorder->first_key, "%s", report->items[0].key);
        recorder->first = report->items[0];
        recorder->first.key = recorder->first_key;
    }
}

static void record_gap(void *context, const struct gap *gap)
{
    struct recorder *recorder = context;
    assert_true(recorder->n_gaps < 16);
    recorder->gaps[recorder->n_gaps++] = *gap;
}

struct recorder *recorder_new(void)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    assert_non_null(recorder);
    recorder->rows = calloc(RECORD_MAX, sizeof *recorder->rows);
    recorder->results = calloc(RECORD_MAX, sizeof *recorder->results);
    assert_non_null(recorder->rows);
    assert_non_null(recorder->results);
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
    free(recorder->rows);
    free(recorder->results);
    free(recorder);
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

static bool is_empty(void *context)
{
    return !uv_loop_alive(context);
}

void finish_loop(uv_loop_t *loop)
{
    int64_t end = now_ms() + 5000;
    while (!is_empty(loop) && now_ms() < end) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(uv_loop_close(loop), 0);
}

int listen_on_loopback(int backlog, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}
