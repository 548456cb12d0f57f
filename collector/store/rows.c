/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

#include <errno.h>
#include <inttypes.h>

enum { FUTURE_MS = 60 * 1000 }; /* as rrd_cache_add has it */

bool store_time_is_credible(struct wall time, struct wall received)
{
    return time.ms >= 1 && time.ms <= received.ms + FUTURE_MS;
}

static void refuse_row(struct store *store, enum store_refused reason, const struct object *object)
{
    static const char *const texts[STORE_ROW_REASONS] = {
        [STORE_ROW_REPEATED] = "a row is not after its object's last one",
        [STORE_ROW_TIME] =
            "a row's time is in the future or before 1970: is the agent's clock right?",
        [STORE_ROW_METRICS] = "no round-robin file can hold an object's metrics",
        [STORE_ROW_CONFLICT] = "an object's metrics change to and fro: do two senders claim it?",
        [STORE_ROW_MISFIT] = "a row does not fit its object's definition"};
    uint64_t held = 0;
    store->rows_refused[reason]++;
    if (log_limit_allow(&store->refused_limit[reason], STORE_LOG_MS, &held)) {
        log_warn(
            STORE_TOPIC, "%s; not stored agent=%s device=%s kind=%s object=%s held_back=%" PRIu64,
            texts[reason], store->entry.agent, object->device, object->kind, object->name, held);
    }
}

static void miss_definition(struct store *store, uint32_t number)
{
    struct book_stream *stream = store->entry.stream;
    uint64_t held = 0;
    store->rows_refused[STORE_ROW_UNDEFINED]++;
    if (log_limit_allow(&stream->undefined, 60 * STORE_LOG_MS, &held)) {
        char name[2 * PROTO_STREAM_SIZE + 1];
        stream_format(stream->stream, name);
        log_warn(STORE_TOPIC,
                 "a row's object was never defined; not stored agent=%s stream=%s epoch=%" PRIu64
                 " number=%" PRIu32 " held_back=%" PRIu64,
                 store->entry.agent, name, store->entry.batch->position.epoch, number, held);
    }
}

/* 0: taken, or refused for good; -errno: its place must be made first. */
static int add_row(struct store *store, const struct object *object, const struct row *row)
{
    /* Judged by when it was received, so that a replay judges as the first time. */
    int error = rrd_cache_add(store->rrd, object, row, store->entry.received);
    if (error == -ENOBUFS) {
        /* A long journal may bring more rows than its share between two looks. */
        error = rrd_cache_flush(store->rrd, object->device, object->kind, object->name);
        if (error == 0) {
            error = rrd_cache_add(store->rrd, object, row, store->entry.received);
        }
    }
    switch (error) {
    case 0:
        store->rows++;
        return 0;
    case -EALREADY:
        refuse_row(store, STORE_ROW_REPEATED, object);
        return 0;
    case -ERANGE:
        refuse_row(store, STORE_ROW_TIME, object);
        return 0;
    case -EINVAL:
        refuse_row(store, STORE_ROW_METRICS, object);
        return 0;
    case -EBUSY:
        refuse_row(store, STORE_ROW_CONFLICT, object);
        return 0;
    default:
        return error;
    }
}

static int feed_row(struct store *store, const struct packed_row *packed)
{
    const struct book_object *known =
        book_find(store->entry.stream, store->entry.batch->position.epoch, packed->object);
    if (known == NULL) {
        miss_definition(store, packed->object);
        return 0;
    }
    const struct object *object = &known->object;
    union value values[PROTO_METRICS_MAX];
    if (object->n_metrics > 0 &&
        packed_row_expand(packed, object->metrics, object->n_metrics, values) != 0) {
        refuse_row(store, STORE_ROW_MISFIT, object);
        return 0;
    }
    const struct row row = {.object = packed->object,
                            .time = packed->time,
                            .status = packed->status,
                            .unknown_mask = packed->unknown_mask,
                            .discontinuity_mask = packed->discontinuity_mask,
                            .values = values};
    return add_row(store, object, &row);
}

int store_feed_rows(struct store *store)
{
    const struct batch *batch = store->entry.batch;
    struct book_stream *stream = store->entry.stream;
    if (stream_position_compare(&batch->position, &stream->fed) <= 0) {
        return 0;
    }
    if (stream_position_compare(&batch->position, &stream->feeding) != 0) {
        stream->feeding = batch->position;
        stream->rows_fed = 0;
    }
    while (stream->rows_fed < batch->n_rows) {
        int error = feed_row(store, &batch->rows[stream->rows_fed]);
        if (error != 0) {
            store_note_failure(store, STORE_RRD, error);
            store->wait = mono_add_ms(clock_mono(), 1000);
            return -EAGAIN;
        }
        stream->rows_fed++;
    }
    stream->fed = batch->position;
    return 0;
}
