/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/batch.h"

#include "arena.h"
#include "beffroi.pb-c.h"
#include "item_check.h"
#include "wire.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a message of so many bytes may unpack to. The densest that is still valid, five bytes a
 * label, takes 26 times its size; 100,000 rows of six bytes take 25 MB. */
enum { UNPACK_FACTOR = 32, UNPACK_EXTRA = 16 * 1024 * 1024, CHUNK_FACTOR = 8, CHUNK_MIN = 4096 };

/* A batch and the memory that it points into. */
struct reading {
    struct batch batch;
    struct arena arena;
    char *reason;
    size_t reason_size;
};

/* The lists of either form. */
struct lists {
    int64_t base_time_ms;
    size_t n_definitions;
    Beffroi__V1__Definition **definitions;
    size_t n_rows;
    Beffroi__V1__Row **rows;
    size_t n_results;
    Beffroi__V1__Result **results;
    size_t n_observations;
    Beffroi__V1__Observation **observations;
    size_t n_gaps;
    Beffroi__V1__Gap **gaps;
    size_t n_talkers;
    Beffroi__V1__TalkerReport **talkers;
};

__attribute__((format(printf, 2, 3))) static int fail(struct reading *reading, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reading->reason, reading->reason_size, format, arguments); /* cut is fine */
    va_end(arguments);
    return -EBADMSG;
}

static void *take_array(struct reading *reading, size_t count, size_t size)
{
    void *array = arena_take_array(&reading->arena, count, size);
    if (array == NULL) {
        (void)fail(reading, "it unpacks to more than there is room for");
    }
    return array;
}

/* --- what protobuf-c leaves unchecked: a NUL within a string would cut it short --- */

static bool text_is_whole(const char *text)
{
    return text == protobuf_c_empty_string || strlen(text) + 1 == arena_piece_size(text);
}

/* --- items --- */

static const char *take_definition(struct reading *reading, const Beffroi__V1__Definition *from,
                                   struct object *object)
{
    if (!text_is_whole(from->device) || !text_is_whole(from->kind) || !text_is_whole(from->name)) {
        return "its device, kind or name holds a NUL";
    }
    if (from->n_metrics > PROTO_METRICS_MAX || from->n_labels > PROTO_LABELS_MAX) {
        return "too many metrics or labels";
    }
    struct metric *metrics = arena_take_array(&reading->arena, from->n_metrics, sizeof *metrics);
    struct label *labels = arena_take_array(&reading->arena, from->n_labels, sizeof *labels);
    if (metrics == NULL || labels == NULL) {
        return "there is no room for it";
    }
    for (size_t i = 0; i < from->n_metrics; i++) {
        const Beffroi__V1__Metric *metric = from->metrics[i];
        if (!text_is_whole(metric->name) || !text_is_whole(metric->unit)) {
            return "a metric's name or unit holds a NUL";
        }
        metrics[i] = (struct metric){metric->name, metric->unit, (enum metric_type)metric->type};
    }
    for (size_t i = 0; i < from->n_labels; i++) {
        const Beffroi__V1__Label *label = from->labels[i];
        if (!text_is_whole(label->key) || !text_is_whole(label->value)) {
            return "a label holds a NUL";
        }
        labels[i] = (struct label){label->key, label->value};
    }
    *object = (struct object){
        .number = from->object,
        .device = from->device,
        .kind = from->kind,
        .name = from->name,
        .interval_ms = from->interval_ms,
        .metrics = metrics,
        .n_metrics = from->n_metrics,
        .labels = labels,
        .n_labels = from->n_labels,
    };
    return item_check_object(object);
}

static size_t count_bits(uint64_t mask)
{
    size_t n = 0;
    for (; mask != 0; mask &= mask - 1) {
        n++;
    }
    return n;
}

static const char *take_row(int64_t base_time_ms, const Beffroi__V1__Row *from,
                            struct packed_row *row)
{
    struct wall time;
    if (__builtin_add_overflow(base_time_ms, from->time_offset_ms, &time.ms)) {
        return "its time is not within 1970 to 9999";
    }
    const char *wrong = item_check_row(from->object, time, (int)from->status);
    if (wrong != NULL) {
        return wrong;
    }
    if (from->n_counters > PROTO_METRICS_MAX || from->n_gauges > PROTO_METRICS_MAX ||
        from->n_counters + from->n_gauges + count_bits(from->unknown_mask) > PROTO_METRICS_MAX) {
        return "it has too many values";
    }
    for (size_t i = 0; i < from->n_gauges; i++) {
        if (!isfinite(from->gauges[i])) {
            return "a gauge is not finite";
        }
    }
    *row = (struct packed_row){
        .object = from->object,
        .time = time,
        .status = (enum row_status)from->status,
        .unknown_mask = from->unknown_mask,
        .discontinuity_mask = from->discontinuity_mask,
        .counters = from->counters,
        .n_counters = from->n_counters,
        .gauges = from->gauges,
        .n_gauges = from->n_gauges,
    };
    return NULL;
}

static const char *take_result(const Beffroi__V1__Result *from, struct result *result)
{
    if (!text_is_whole(from->reason) || !text_is_whole(from->detail)) {
        return "its reason or detail holds a NUL";
    }
    *result = (struct result){
        .object = from->object,
        .time = {from->time_ms},
        .outcome = (enum outcome)from->outcome,
        .reason = from->reason,
        .detail = from->detail,
    };
    return item_check_result(result);
}

static const char *take_observation(const Beffroi__V1__Observation *from,
                                    struct observation *observation)
{
    if (from->signature.len != sizeof observation->signature) {
        return "its signature has not 64 bytes";
    }
    observation->statement = from->statement.data;
    observation->statement_size = from->statement.len;
    memcpy(observation->signature, from->signature.data, sizeof observation->signature);
    return item_check_observation(observation);
}

static const char *take_gap(const Beffroi__V1__Gap *from, struct gap *gap)
{
    *gap = (struct gap){
        .from = {from->from_ms},
        .to = {from->to_ms},
        .rows = from->rows,
        .observations = from->observations,
        .reason = (enum gap_reason)from->reason,
    };
    return item_check_gap(gap);
}

static const char *take_report(struct reading *reading, const Beffroi__V1__TalkerReport *from,
                               struct talker_report *report)
{
    if (from->n_items > PROTO_TALKERS_MAX) {
        return "it has too many items";
    }
    struct talker_item *items = arena_take_array(&reading->arena, from->n_items, sizeof *items);
    if (items == NULL) {
        return "there is no room for it";
    }
    for (size_t i = 0; i < from->n_items; i++) {
        const Beffroi__V1__TalkerItem *item = from->items[i];
        if (!text_is_whole(item->key)) {
            return "an item's key holds a NUL";
        }
        items[i] =
            (struct talker_item){item->key, item->ip_bytes, item->packets, item->error_bytes};
    }
    *report = (struct talker_report){
        .object = from->object,
        .from = {from->from_ms},
        .to = {from->to_ms},
        .list = (enum talker_list)from->list,
        .total_ip_bytes = from->total_ip_bytes,
        .error_bound_bytes = from->error_bound_bytes,
        .n_items = from->n_items,
        .items = items,
    };
    return item_check_talkers(report);
}

/* --- lists --- */

static int take_definitions(struct reading *reading, const struct lists *lists)
{
    struct batch *batch = &reading->batch;
    batch->definitions = take_array(reading, lists->n_definitions, sizeof *batch->definitions);
    if (batch->definitions == NULL) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < lists->n_definitions; i++) {
        const char *wrong = take_definition(reading, lists->definitions[i], &batch->definitions[i]);
        if (wrong != NULL) {
            return fail(reading, "definition %zu: %s", i + 1, wrong);
        }
    }
    batch->n_definitions = lists->n_definitions;
    return 0;
}

static int take_rows(struct reading *reading, const struct lists *lists)
{
    struct batch *batch = &reading->batch;
    batch->rows = take_array(reading, lists->n_rows, sizeof *batch->rows);
    if (batch->rows == NULL) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < lists->n_rows; i++) {
        const char *wrong = take_row(lists->base_time_ms, lists->rows[i], &batch->rows[i]);
        if (wrong != NULL) {
            return fail(reading, "row %zu: %s", i + 1, wrong);
        }
    }
    batch->n_rows = lists->n_rows;
    return 0;
}

static int take_results(struct reading *reading, const struct lists *lists)
{
    struct batch *batch = &reading->batch;
    batch->results = take_array(reading, lists->n_results, sizeof *batch->results);
    if (batch->results == NULL) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < lists->n_results; i++) {
        const char *wrong = take_result(lists->results[i], &batch->results[i]);
        if (wrong != NULL) {
            return fail(reading, "result %zu: %s", i + 1, wrong);
        }
    }
    batch->n_results = lists->n_results;
    return 0;
}

static int take_observations(struct reading *reading, const struct lists *lists)
{
    struct batch *batch = &reading->batch;
    batch->observations = take_array(reading, lists->n_observations, sizeof *batch->observations);
    if (batch->observations == NULL) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < lists->n_observations; i++) {
        const char *wrong = take_observation(lists->observations[i], &batch->observations[i]);
        if (wrong != NULL) {
            return fail(reading, "observation %zu: %s", i + 1, wrong);
        }
    }
    batch->n_observations = lists->n_observations;
    return 0;
}

static int take_gaps(struct reading *reading, const struct lists *lists)
{
    struct batch *batch = &reading->batch;
    batch->gaps = take_array(reading, lists->n_gaps, sizeof *batch->gaps);
    if (batch->gaps == NULL) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < lists->n_gaps; i++) {
        const char *wrong = take_gap(lists->gaps[i], &batch->gaps[i]);
        if (wrong != NULL) {
            return fail(reading, "gap %zu: %s", i + 1, wrong);
        }
    }
    batch->n_gaps = lists->n_gaps;
    return 0;
}

/* Numbers that the batch itself defines as something else than traffic: a bit each. NULL: there is
 * no room. */
static uint8_t *mark_others(struct reading *reading)
{
    const struct batch *batch = &reading->batch;
    uint8_t *others = take_array(reading, PROTO_OBJECTS_MAX / 8 + 1, 1);
    for (size_t i = 0; others != NULL && i < batch->n_definitions; i++) {
        uint32_t number = batch->definitions[i].number;
        uint8_t bit = (uint8_t)(1U << number % 8);
        if (strcmp(batch->definitions[i].kind, "traffic") == 0) {
            others[number / 8] &= (uint8_t)~bit;
        } else {
            others[number / 8] |= bit;
        }
    }
    return others;
}

static int take_talkers(struct reading *reading, const struct lists *lists)
{
    struct batch *batch = &reading->batch;
    batch->talkers = take_array(reading, lists->n_talkers, sizeof *batch->talkers);
    if (batch->talkers == NULL) {
        return -EBADMSG;
    }
    const uint8_t *others = lists->n_talkers > 0 ? mark_others(reading) : NULL;
    if (lists->n_talkers > 0 && others == NULL) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < lists->n_talkers; i++) {
        const char *wrong = take_report(reading, lists->talkers[i], &batch->talkers[i]);
        uint32_t number = batch->talkers[i].object;
        if (wrong == NULL && (others[number / 8] >> number % 8 & 1) != 0) {
            wrong = "its object is not of kind traffic";
        }
        if (wrong != NULL) {
            return fail(reading, "talker report %zu: %s", i + 1, wrong);
        }
    }
    batch->n_talkers = lists->n_talkers;
    return 0;
}

static int take_lists(struct reading *reading, const struct lists *lists)
{
    /* No sum can overflow: each list is shorter than the message. */
    if (lists->n_definitions + lists->n_rows + lists->n_results + lists->n_observations +
            lists->n_gaps + lists->n_talkers >
        PROTO_BATCH_ITEMS_MAX) {
        return fail(reading, "it has over %d items", PROTO_BATCH_ITEMS_MAX);
    }
    if (!item_time_is_valid((struct wall){lists->base_time_ms})) {
        return fail(reading, "its base time is not within 1970 to 9999");
    }
    int rc = take_definitions(reading, lists);
    rc = rc != 0 ? rc : take_rows(reading, lists);
    rc = rc != 0 ? rc : take_results(reading, lists);
    rc = rc != 0 ? rc : take_observations(reading, lists);
    rc = rc != 0 ? rc : take_gaps(reading, lists);
    return rc != 0 ? rc : take_talkers(reading, lists);
}

/* --- unpacking --- */

static void *allocate(void *arena, size_t size)
{
    return arena_take(arena, size);
}

static void release(void *arena, void *piece)
{
    /* All of it goes at once, with the batch. */
    (void)arena;
    (void)piece;
}

/* The position as it stands in the bytes; NULL, or what is wrong with it. */
static const char *read_position(const uint8_t *bytes, size_t size,
                                 struct stream_position *position)
{
    struct wire_bytes stream = {0};
    const struct wire_target targets[] = {
        {1, NULL, &stream},
        {2, &position->epoch, NULL},
        {3, &position->sequence, NULL},
    };
    if (wire_read(bytes, size, targets, sizeof targets / sizeof targets[0]) != 0) {
        return "its encoding is broken";
    }
    if (stream.size != PROTO_STREAM_SIZE) {
        return "its stream has not 16 bytes";
    }
    memcpy(position->stream, stream.at, sizeof position->stream);
    return position->sequence == 0 ? "it has no sequence" : NULL;
}

static int read_wire(struct reading *reading, const uint8_t *bytes, size_t size)
{
    /* protobuf-c is more lenient with what no encoder writes: whoever peeks and whoever decodes
     * must see the same, so the stricter one is asked first. */
    const char *wrong = read_position(bytes, size, &reading->batch.position);
    if (wrong != NULL) {
        return fail(reading, "%s", wrong);
    }
    ProtobufCAllocator allocator = {allocate, release, &reading->arena};
    const Beffroi__V1__Batch *from = beffroi__v1__batch__unpack(&allocator, size, bytes);
    if (from == NULL) {
        return fail(reading, "its encoding is broken, or unpacks to too much");
    }
    struct lists lists = {
        .base_time_ms = from->base_time_ms,
        .n_definitions = from->n_definitions,
        .definitions = from->definitions,
        .n_rows = from->n_rows,
        .rows = from->rows,
        .n_observations = from->n_observations,
        .observations = from->observations,
        .n_gaps = from->n_gaps,
        .gaps = from->gaps,
        .n_talkers = from->n_talkers,
        .talkers = from->talkers,
    };
    return take_lists(reading, &lists);
}

static int read_report(struct reading *reading, const uint8_t *bytes, size_t size)
{
    ProtobufCAllocator allocator = {allocate, release, &reading->arena};
    const Beffroi__V1__WorkerReport *from =
        beffroi__v1__worker_report__unpack(&allocator, size, bytes);
    if (from == NULL) {
        return fail(reading, "its encoding is broken, or unpacks to too much");
    }
    struct lists lists = {
        .base_time_ms = from->base_time_ms,
        .n_definitions = from->n_definitions,
        .definitions = from->definitions,
        .n_rows = from->n_rows,
        .rows = from->rows,
        .n_results = from->n_results,
        .results = from->results,
        .n_gaps = from->n_gaps,
        .gaps = from->gaps,
        .n_talkers = from->n_talkers,
        .talkers = from->talkers,
    };
    return take_lists(reading, &lists);
}

struct batch *batch_decode(enum batch_form form, const uint8_t *bytes, size_t size, char *reason,
                           size_t reason_size)
{
    size_t size_max = form == BATCH_WIRE ? PROTO_MESSAGE_MAX : PROTO_REPORT_MAX;
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        (void)snprintf(reason, reason_size, "there is no memory for it");
        return NULL;
    }
    reading->reason = reason;
    reading->reason_size = reason_size;
    int rc;
    if (size > size_max) {
        rc = fail(reading, "it has over %zu bytes", size_max);
    } else {
        arena_init(&reading->arena, UNPACK_FACTOR * size + UNPACK_EXTRA,
                   CHUNK_FACTOR * size + CHUNK_MIN);
        rc = form == BATCH_WIRE ? read_wire(reading, bytes, size)
                                : read_report(reading, bytes, size);
    }
    if (rc != 0) {
        batch_free(&reading->batch);
        return NULL;
    }
    return &reading->batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL) {
        return;
    }
    struct reading *reading = (struct reading *)batch; /* its first member */
    arena_clear(&reading->arena);
    free(reading);
}

/* --- without unpacking --- */

int batch_peek_position(const uint8_t *bytes, size_t size, struct stream_position *position)
{
    struct stream_position found = {0};
    if (size > PROTO_MESSAGE_MAX || read_position(bytes, size, &found) != NULL) {
        return -EBADMSG;
    }
    *position = found;
    return 0;
}

int packed_row_expand(const struct packed_row *packed, const struct metric *metrics,
                      size_t n_metrics, union value values[PROTO_METRICS_MAX])
{
    uint64_t masks = packed->unknown_mask | packed->discontinuity_mask;
    if (n_metrics > PROTO_METRICS_MAX ||
        (n_metrics < PROTO_METRICS_MAX && masks >> n_metrics != 0)) {
        return -EPROTO;
    }
    size_t counters = 0;
    size_t gauges = 0;
    for (size_t i = 0; i < n_metrics; i++) {
        values[i].counter = 0;
        if ((packed->unknown_mask >> i & 1) != 0) {
            continue;
        }
        if (metrics[i].type == METRIC_COUNTER) {
            if (counters == packed->n_counters) {
                return -EPROTO;
            }
            values[i].counter = packed->counters[counters++];
        } else {
            if (gauges == packed->n_gauges) {
                return -EPROTO;
            }
            values[i].gauge = packed->gauges[gauges++];
        }
    }
    return counters == packed->n_counters && gauges == packed->n_gauges ? 0 : -EPROTO;
}
