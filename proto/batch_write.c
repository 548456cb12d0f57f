/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/batch.h"

#include "beffroi.pb-c.h"
#include "common/xalloc.h"
#include "item_check.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Room in front of the items: the header is known only at the end. Stream 2 + 16 bytes, epoch,
     * sequence and base time 1 + 10 each. */
    HEADER_MAX = 51,
    /* An agent wraps a batch into its message: tags, a size, the first sequence. */
    ENVELOPE_MAX = 32,
    BUFFER_FIRST = 4096,
    VARINT_MAX = 10,
    LENGTH_DELIMITED = 2, /* wire type */
    VALUES_MAX = PROTO_METRICS_MAX * VARINT_MAX,
    ROW_MAX = 7 * (1 + VARINT_MAX) + VALUES_MAX,
};

/* The fields of Batch and WorkerReport that hold items. */
enum field {
    FIELD_NONE,
    FIELD_DEFINITION,
    FIELD_ROW,
    FIELD_OBSERVATION,
    FIELD_RESULT,
    FIELD_GAP,
    FIELD_TALKERS
};

struct batch_writer {
    enum batch_form form;
    uint8_t *bytes; /* HEADER_MAX bytes of room, then the items */
    size_t room;
    size_t used; /* with HEADER_MAX */
    size_t items;
    size_t rows;
    struct wall base; /* once there is a row */
};

struct batch_writer *batch_writer_new(enum batch_form form)
{
    struct batch_writer *writer = xcalloc(1, sizeof *writer);
    writer->form = form;
    writer->room = BUFFER_FIRST;
    writer->bytes = xmalloc(writer->room);
    writer->used = HEADER_MAX;
    return writer;
}

void batch_writer_free(struct batch_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    free(writer->bytes);
    free(writer);
}

/* --- appending --- */

static uint8_t field_number(enum batch_form form, enum field field)
{
    static const uint8_t numbers[][2] = {
        [FIELD_NONE] = {0, 0},        [FIELD_DEFINITION] = {5, 2}, [FIELD_ROW] = {6, 3},
        [FIELD_OBSERVATION] = {7, 0}, [FIELD_RESULT] = {0, 4},     [FIELD_GAP] = {8, 5},
        [FIELD_TALKERS] = {9, 6},
    };
    return numbers[field][form == BATCH_WIRE ? 0 : 1];
}

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        at[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[n++] = (uint8_t)value;
    return n;
}

static void make_room(struct batch_writer *writer, size_t size)
{
    size_t room = writer->room;
    while (room - writer->used < size) {
        room *= 2;
    }
    if (room != writer->room) {
        writer->bytes = xrealloc(writer->bytes, room);
        writer->room = room;
    }
}

/* Where the `size` bytes of one more item go; NULL: it breaks a limit. */
static uint8_t *begin_item(struct batch_writer *writer, enum field field, size_t size)
{
    uint8_t number = field_number(writer->form, field);
    size_t size_max =
        writer->form == BATCH_WIRE ? PROTO_MESSAGE_MAX - ENVELOPE_MAX : PROTO_REPORT_MAX;
    size_t head = 1 + VARINT_MAX; /* tag and the longest size */
    if (number == 0 || writer->items >= PROTO_BATCH_ITEMS_MAX || size > size_max ||
        writer->used + head + size > size_max) {
        return NULL;
    }
    make_room(writer, head + size);
    uint8_t *at = writer->bytes + writer->used;
    *at++ = (uint8_t)(number << 3 | LENGTH_DELIMITED);
    return at + put_varint(at, size);
}

static void end_item(struct batch_writer *writer, const uint8_t *end)
{
    writer->used = (size_t)(end - writer->bytes);
    writer->items++;
}

static int append(struct batch_writer *writer, enum field field, const ProtobufCMessage *message)
{
    uint8_t *at = begin_item(writer, field, protobuf_c_message_get_packed_size(message));
    if (at == NULL) {
        return -EINVAL;
    }
    end_item(writer, at + protobuf_c_message_pack(message, at));
    return 0;
}

int batch_add_definition(struct batch_writer *writer, const struct object *object)
{
    if (item_check_object(object) != NULL) {
        return -EINVAL;
    }
    Beffroi__V1__Metric metrics[PROTO_METRICS_MAX];
    Beffroi__V1__Metric *metric_list[PROTO_METRICS_MAX];
    for (size_t i = 0; i < object->n_metrics; i++) {
        beffroi__v1__metric__init(&metrics[i]);
        metrics[i].name = (char *)object->metrics[i].name;
        metrics[i].unit = (char *)object->metrics[i].unit;
        metrics[i].type = (Beffroi__V1__MetricType)object->metrics[i].type;
        metric_list[i] = &metrics[i];
    }
    Beffroi__V1__Label labels[PROTO_LABELS_MAX];
    Beffroi__V1__Label *label_list[PROTO_LABELS_MAX];
    for (size_t i = 0; i < object->n_labels; i++) {
        beffroi__v1__label__init(&labels[i]);
        labels[i].key = (char *)object->labels[i].key;
        labels[i].value = (char *)object->labels[i].value;
        label_list[i] = &labels[i];
    }
    Beffroi__V1__Definition definition = BEFFROI__V1__DEFINITION__INIT;
    definition.object = object->number;
    definition.device = (char *)object->device;
    definition.kind = (char *)object->kind;
    definition.name = (char *)object->name;
    definition.interval_ms = (uint32_t)object->interval_ms;
    definition.n_metrics = object->n_metrics;
    definition.metrics = metric_list;
    definition.n_labels = object->n_labels;
    definition.labels = label_list;
    return append(writer, FIELD_DEFINITION, &definition.base);
}

/* --- rows: nearly all that is written, and so not by way of the library --- */

static uint8_t *put_number(uint8_t *at, uint8_t field, uint64_t value)
{
    if (value != 0) {
        *at++ = (uint8_t)(field << 3);
        at += put_varint(at, value);
    }
    return at;
}

static uint8_t *put_bytes(uint8_t *at, uint8_t field, const uint8_t *bytes, size_t size)
{
    if (size > 0) {
        *at++ = (uint8_t)(field << 3 | LENGTH_DELIMITED);
        at += put_varint(at, size);
        memcpy(at, bytes, size);
        at += size;
    }
    return at;
}

static size_t put_double(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (size_t i = 0; i < sizeof bits; i++) {
        at[i] = (uint8_t)(bits >> 8 * i);
    }
    return sizeof bits;
}

/* The message Row of beffroi.proto: its size, 0 when a gauge is not finite. */
static size_t encode_row(const struct object *object, const struct row *row, int64_t offset_ms,
                         uint8_t bytes[ROW_MAX])
{
    enum { OBJECT = 1, TIME_OFFSET_MS, STATUS, UNKNOWN, DISCONTINUITY, COUNTERS, GAUGES };
    uint8_t counters[VALUES_MAX];
    uint8_t gauges[VALUES_MAX];
    size_t n_counters = 0; /* bytes */
    size_t n_gauges = 0;
    for (size_t i = 0; i < object->n_metrics; i++) {
        if ((row->unknown_mask >> i & 1) != 0) {
            continue;
        }
        if (object->metrics[i].type == METRIC_COUNTER) {
            n_counters += put_varint(counters + n_counters, row->values[i].counter);
        } else if (isfinite(row->values[i].gauge)) {
            n_gauges += put_double(gauges + n_gauges, row->values[i].gauge);
        } else {
            return 0;
        }
    }
    uint8_t *at = put_number(bytes, OBJECT, row->object);
    at = put_number(at, TIME_OFFSET_MS, (uint64_t)offset_ms << 1 ^ (uint64_t)(offset_ms >> 63));
    at = put_number(at, STATUS, (uint64_t)row->status);
    at = put_number(at, UNKNOWN, row->unknown_mask);
    at = put_number(at, DISCONTINUITY, row->discontinuity_mask);
    at = put_bytes(at, COUNTERS, counters, n_counters);
    at = put_bytes(at, GAUGES, gauges, n_gauges);
    return (size_t)(at - bytes);
}

int batch_add_row(struct batch_writer *writer, const struct object *object, const struct row *row)
{
    size_t n = object->n_metrics;
    uint64_t masks = row->unknown_mask | row->discontinuity_mask;
    if (item_check_row(row->object, row->time, (int)row->status) != NULL ||
        row->object != object->number || n > PROTO_METRICS_MAX ||
        (n < PROTO_METRICS_MAX && masks >> n != 0)) {
        return -EINVAL;
    }
    struct wall base = writer->rows == 0 ? row->time : writer->base;
    uint8_t bytes[ROW_MAX];
    size_t size = encode_row(object, row, row->time.ms - base.ms, bytes);
    uint8_t *at = size > 0 ? begin_item(writer, FIELD_ROW, size) : NULL;
    if (at == NULL) {
        return -EINVAL;
    }
    memcpy(at, bytes, size);
    end_item(writer, at + size);
    writer->base = base;
    writer->rows++;
    return 0;
}

int batch_add_result(struct batch_writer *writer, const struct result *result)
{
    if (item_check_result(result) != NULL) {
        return -EINVAL;
    }
    Beffroi__V1__Result packed = BEFFROI__V1__RESULT__INIT;
    packed.object = result->object;
    packed.time_ms = result->time.ms;
    packed.outcome = (Beffroi__V1__Outcome)result->outcome;
    packed.reason = (char *)result->reason;
    packed.detail = (char *)result->detail;
    return append(writer, FIELD_RESULT, &packed.base);
}

int batch_add_observation(struct batch_writer *writer, const struct observation *observation)
{
    if (item_check_observation(observation) != NULL) {
        return -EINVAL;
    }
    Beffroi__V1__Observation packed = BEFFROI__V1__OBSERVATION__INIT;
    packed.statement.data = (uint8_t *)observation->statement;
    packed.statement.len = observation->statement_size;
    packed.signature.data = (uint8_t *)observation->signature;
    packed.signature.len = sizeof observation->signature;
    return append(writer, FIELD_OBSERVATION, &packed.base);
}

int batch_add_gap(struct batch_writer *writer, const struct gap *gap)
{
    if (item_check_gap(gap) != NULL) {
        return -EINVAL;
    }
    Beffroi__V1__Gap packed = BEFFROI__V1__GAP__INIT;
    packed.from_ms = gap->from.ms;
    packed.to_ms = gap->to.ms;
    packed.rows = gap->rows;
    packed.observations = gap->observations;
    packed.reason = (Beffroi__V1__GapReason)gap->reason;
    return append(writer, FIELD_GAP, &packed.base);
}

int batch_add_talkers(struct batch_writer *writer, const struct talker_report *report)
{
    if (item_check_talkers(report) != NULL) {
        return -EINVAL;
    }
    Beffroi__V1__TalkerItem items[PROTO_TALKERS_MAX];
    Beffroi__V1__TalkerItem *item_list[PROTO_TALKERS_MAX];
    for (size_t i = 0; i < report->n_items; i++) {
        beffroi__v1__talker_item__init(&items[i]);
        items[i].key = (char *)report->items[i].key;
        items[i].ip_bytes = report->items[i].ip_bytes;
        items[i].packets = report->items[i].packets;
        items[i].error_bytes = report->items[i].error_bytes;
        item_list[i] = &items[i];
    }
    Beffroi__V1__TalkerReport packed = BEFFROI__V1__TALKER_REPORT__INIT;
    packed.object = report->object;
    packed.from_ms = report->from.ms;
    packed.to_ms = report->to.ms;
    packed.list = (Beffroi__V1__TalkerList)report->list;
    packed.total_ip_bytes = report->total_ip_bytes;
    packed.error_bound_bytes = report->error_bound_bytes;
    packed.n_items = report->n_items;
    packed.items = item_list;
    return append(writer, FIELD_TALKERS, &packed.base);
}

size_t batch_writer_size(const struct batch_writer *writer)
{
    return writer->items == 0 ? 0 : writer->used;
}

size_t batch_writer_rows(const struct batch_writer *writer)
{
    return writer->rows;
}

size_t batch_writer_items(const struct batch_writer *writer)
{
    return writer->items;
}

/* --- finishing --- */

static size_t pack_header(const struct batch_writer *writer, const struct stream_position *position,
                          uint8_t header[HEADER_MAX])
{
    if (writer->form == BATCH_WORKER_REPORT) {
        Beffroi__V1__WorkerReport report = BEFFROI__V1__WORKER_REPORT__INIT;
        report.base_time_ms = writer->base.ms;
        return beffroi__v1__worker_report__pack(&report, header);
    }
    Beffroi__V1__Batch batch = BEFFROI__V1__BATCH__INIT;
    batch.stream.data = (uint8_t *)position->stream;
    batch.stream.len = sizeof position->stream;
    batch.epoch = position->epoch;
    batch.sequence = position->sequence;
    batch.base_time_ms = writer->base.ms;
    return beffroi__v1__batch__pack(&batch, header);
}

const uint8_t *batch_writer_finish(struct batch_writer *writer,
                                   const struct stream_position *position, size_t *size)
{
    uint8_t header[HEADER_MAX];
    size_t header_size = pack_header(writer, position, header);
    uint8_t *begin = writer->bytes + HEADER_MAX - header_size;
    memcpy(begin, header, header_size);
    *size = header_size + writer->used - HEADER_MAX;
    writer->used = HEADER_MAX;
    writer->items = 0;
    writer->rows = 0;
    writer->base = (struct wall){0};
    return begin;
}
