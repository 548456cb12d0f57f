/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "batcher.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "sample/object_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 5000,     /* how often it looks for what is due when nothing else wakes it */
    LOOKS_A_REPEAT = 2, /* and at least so often in the time after which statements repeat */
    RETRY_MS = 1000,    /* while the disk refuses */
    REFUSED_LOG_MS = 60000,
};

struct batcher {
    struct batcher_options options;
    uv_timer_t tick;
    struct sample_sink sink;
    struct observer *observer;
    struct clock_watch *clock;
    struct batch_writer *writer;
    struct mono opened;          /* when the open batch got its first item */
    struct spool_chain appended; /* of the statements that the spool was given */
    struct object_store *objects;
    uint64_t rows;
    uint64_t refused;
    struct log_limit refusing;
    bool flushing;
};

static void batcher_close_batch(struct batcher *batcher);
static void batcher_on_tick(uv_timer_t *timer);

/* How long it need not look. */
static int64_t batcher_rest_ms(const struct batcher *batcher)
{
    int64_t repeat_ms = batcher->options.repeat_ms / LOOKS_A_REPEAT;
    return repeat_ms < LOOK_MS ? repeat_ms : LOOK_MS;
}

/* The next look: at the latest when the open batch is old enough. */
static void batcher_arm(struct batcher *batcher, struct mono now)
{
    int64_t wait_ms = batcher_rest_ms(batcher);
    if (spool_failing(batcher->options.spool) != 0 && wait_ms > RETRY_MS) {
        wait_ms = RETRY_MS;
    }
    if (batch_writer_items(batcher->writer) > 0) {
        int64_t left_ms = batcher->options.batch_age_ms - mono_elapsed_ms(batcher->opened, now);
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    uv_update_time(batcher->tick.loop);
    (void)uv_timer_start(&batcher->tick, batcher_on_tick, wait_ms > 0 ? (uint64_t)wait_ms : 0,
                         0); /* fails only without a call-back */
}

static void batcher_note_opened(struct batcher *batcher)
{
    batcher->opened = clock_mono();
    batcher_arm(batcher, batcher->opened);
}

static void batcher_note_item(struct batcher *batcher)
{
    if (batch_writer_items(batcher->writer) == 1) {
        batcher_note_opened(batcher);
    }
    if (batch_writer_size(batcher->writer) >= PROTO_BATCH_TARGET ||
        batch_writer_items(batcher->writer) >= PROTO_BATCH_ITEMS_MAX) {
        batcher_close_batch(batcher);
    }
}

static void batcher_refuse(struct batcher *batcher, const char *what, const struct object *object)
{
    uint64_t held = 0;
    batcher->refused++;
    if (log_limit_allow(&batcher->refusing, REFUSED_LOG_MS, &held)) {
        log_error("batch", "%s refused device=%.64s kind=%.32s name=%.64s more=%llu", what,
                  object->device, object->kind, object->name, (unsigned long long)held);
    }
}

static const struct object unnamed = {.device = "", .kind = "", .name = ""};

static uint32_t batcher_define(void *context, const struct object *object)
{
    struct batcher *batcher = context;
    const struct stored_object *stored = object_store_find(batcher->objects, object);
    if (stored != NULL) {
        return stored->object.number;
    }
    if (object_store_named(batcher->objects, object) != NULL) {
        /* Its rows so far go out before a new segment could begin without the old definition. */
        batcher_close_batch(batcher);
    }
    struct object numbered = *object;
    numbered.number = object_store_count(batcher->objects) + 1;
    if (numbered.number > PROTO_OBJECTS_MAX ||
        batch_add_definition(batcher->writer, &numbered) != 0) {
        batcher_refuse(batcher, "object", object);
        return 0;
    }
    stored = object_store_add(batcher->objects, object);
    assert(stored != NULL && stored->object.number == numbered.number);
    if (strcmp(object->kind, "check") == 0) {
        observer_define(batcher->observer, &stored->object);
    }
    batcher_note_item(batcher);
    return numbered.number;
}

static void batcher_row(void *context, const struct row *row)
{
    struct batcher *batcher = context;
    const struct stored_object *stored = object_store_get(batcher->objects, row->object);
    if (row->object == 0) {
        return; /* its definition was refused */
    }
    if (stored != NULL && batch_add_row(batcher->writer, &stored->object, row) == 0) {
        batcher->rows++;
        batcher_note_item(batcher);
        return;
    }
    /* It breaks a limit, or another sampler has defined an object of the same name since. */
    batcher_refuse(batcher, "row", stored != NULL ? &stored->object : &unnamed);
    struct gap gap = {.from = row->time, .to = {row->time.ms + 1}, .rows = 1, .reason = GAP_ENCODE};
    batcher_gap(batcher, &gap);
}

static void batcher_talkers(void *context, const struct talker_report *report)
{
    struct batcher *batcher = context;
    const struct stored_object *stored = object_store_get(batcher->objects, report->object);
    if (report->object == 0) {
        return; /* its definition was refused */
    }
    if (stored != NULL && strcmp(stored->object.kind, "traffic") == 0 &&
        batch_add_talkers(batcher->writer, report) == 0) {
        batcher_note_item(batcher);
        return;
    }
    batcher_refuse(batcher, "talker report", stored != NULL ? &stored->object : &unnamed);
    struct gap gap = {.from = report->from, .to = report->to, .rows = 1, .reason = GAP_ENCODE};
    batcher_gap(batcher, &gap);
}

static void batcher_result(void *context, const struct result *result)
{
    struct batcher *batcher = context;
    clock_watch_look(batcher->clock); /* before what a changed clock has dated is believed */
    observer_result(batcher->observer, result);
}

static void batcher_on_clock(void *context, const struct clock_change *change)
{
    struct batcher *batcher = context;
    observer_clock_changed(batcher->observer, change);
    if (change->slept_ms != 0) {
        struct gap gap = {.from = change->before, .to = change->after, .reason = GAP_SUSPENDED};
        if (gap.to.ms < gap.from.ms) { /* and then the clock was set back */
            gap.to.ms = gap.from.ms + change->slept_ms;
        }
        batcher_gap(batcher, &gap);
    }
}

static void batcher_on_observation(void *context, const struct observation *observation,
                                   bool urgent)
{
    struct batcher *batcher = context;
    if (batch_add_observation(batcher->writer, observation) != 0) {
        log_error("batch", "observation refused size=%zu", observation->statement_size);
        return;
    }
    batcher_note_item(batcher);
    if (urgent) {
        batcher_close_batch(batcher);
    }
}

const struct object *batcher_find(struct batcher *batcher, const char *device, const char *kind,
                                  const char *name)
{
    const struct object wanted = {.device = device, .kind = kind, .name = name};
    struct stored_object *stored = object_store_named(batcher->objects, &wanted);
    return stored != NULL ? &stored->object : NULL;
}

void batcher_gap(struct batcher *batcher, const struct gap *gap)
{
    if (batch_add_gap(batcher->writer, gap) != 0) {
        log_error("batch", "gap refused from_ms=%lld to_ms=%lld", (long long)gap->from.ms,
                  (long long)gap->to.ms);
    } else if (batch_writer_items(batcher->writer) == 1) {
        batcher_note_opened(batcher);
    }
    /* The batch is not closed here, however large: the spool may be the one that calls. */
}

static void batcher_sink_gap(void *context, const struct gap *gap)
{
    batcher_gap(context, gap);
}

/* Hand what a writer holds to the spool, under the next position. */
static void batcher_append(struct batcher *batcher, struct batch_writer *writer)
{
    struct stream_position position = spool_next_position(batcher->options.spool);
    size_t size = 0;
    const uint8_t *bytes = batch_writer_finish(writer, &position, &size);
    uint8_t *copy = xmemdup(bytes, size); /* a gap may use the writer from within the append */
    spool_append(batcher->options.spool, copy, size, &batcher->appended);
    free(copy);
}

/* A spool segment begins with every definition, so that it stands alone when older ones are
 * dropped. They may fill several batches. */
static void batcher_repeat_definitions(struct batcher *batcher)
{
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    uint32_t count = object_store_count(batcher->objects);
    for (uint32_t number = 1; number <= count; number++) {
        const struct stored_object *stored = object_store_get(batcher->objects, number);
        if (stored != NULL) {
            (void)batch_add_definition(writer, &stored->object); /* was valid before */
        }
        if (batch_writer_size(writer) >= PROTO_BATCH_TARGET ||
            batch_writer_items(writer) >= PROTO_BATCH_ITEMS_MAX) {
            batcher_append(batcher, writer);
        }
    }
    if (batch_writer_items(writer) > 0) {
        batcher_append(batcher, writer);
    }
    batch_writer_free(writer);
}

static void batcher_sync(struct batcher *batcher)
{
    spool_sync(batcher->options.spool);
    batcher->options.on_batch(batcher->options.context);
}

static void batcher_close_batch(struct batcher *batcher)
{
    if (batcher->flushing || batch_writer_items(batcher->writer) == 0) {
        return;
    }
    batcher->flushing = true; /* a gap that the append reports goes into the next batch */
    if (spool_next_begins_segment(batcher->options.spool)) {
        batcher_repeat_definitions(batcher);
    }
    batcher->appended = observer_chain(batcher->observer); /* its statements are in this one */
    batcher_append(batcher, batcher->writer);
    batcher_sync(batcher);
    batcher->flushing = false;
    batcher_arm(batcher, clock_mono());
}

static void batcher_on_tick(uv_timer_t *timer)
{
    struct batcher *batcher = timer->data;
    struct mono now = clock_mono();
    clock_watch_look(batcher->clock);
    bool is_old = batch_writer_items(batcher->writer) > 0 &&
                  mono_elapsed_ms(batcher->opened, now) >= batcher->options.batch_age_ms;
    /* What would be due before the next look goes along with what is sent now. */
    struct wall until = {clock_wall().ms + batcher_rest_ms(batcher)};
    observer_repeat(batcher->observer, until);
    if (is_old) {
        batcher_close_batch(batcher);
    } else if (spool_failing(batcher->options.spool) != 0) {
        batcher_sync(batcher); /* what the disk refused is tried again */
    }
    batcher_arm(batcher, now);
}

struct batcher *batcher_new(uv_loop_t *loop, const struct batcher_options *options)
{
    struct batcher *batcher = xcalloc(1, sizeof *batcher);
    batcher->options = *options;
    batcher->appended = options->chain;
    batcher->objects = object_store_new();
    batcher->writer = batch_writer_new(BATCH_WIRE);
    batcher->sink = (struct sample_sink){.context = batcher,
                                         .define = batcher_define,
                                         .row = batcher_row,
                                         .result = batcher_result,
                                         .talkers = batcher_talkers,
                                         .gap = batcher_sink_gap};
    struct observer_options observer = {
        .keys = options->keys,
        .chain = options->chain,
        .repeat_ms = options->repeat_ms,
        .on_observation = batcher_on_observation,
        .context = batcher,
    };
    struct stream_position position = spool_next_position(options->spool);
    memcpy(observer.stream, position.stream, sizeof observer.stream);
    batcher->observer = observer_new(&observer);
    const struct clock_watch_options clock = {.on_change = batcher_on_clock, .context = batcher};
    batcher->clock = clock_watch_open(loop, &clock);
    (void)uv_timer_init(loop, &batcher->tick); /* cannot fail */
    batcher->tick.data = batcher;
    batcher_arm(batcher, clock_mono());
    return batcher;
}

const struct sample_sink *batcher_sink(struct batcher *batcher)
{
    return &batcher->sink;
}

void batcher_flush(struct batcher *batcher, bool final)
{
    if (final) {
        observer_flush(batcher->observer);
    }
    batcher_close_batch(batcher);
}

const struct clock_watch_stats *batcher_clock(const struct batcher *batcher)
{
    return clock_watch_stats(batcher->clock);
}

uint64_t batcher_rows(const struct batcher *batcher)
{
    return batcher->rows;
}

uint64_t batcher_refused(const struct batcher *batcher)
{
    return batcher->refused;
}

static void batcher_on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void batcher_free(struct batcher *batcher)
{
    if (batcher == NULL) {
        return;
    }
    clock_watch_close(batcher->clock);
    object_store_free(batcher->objects);
    observer_free(batcher->observer);
    batch_writer_free(batcher->writer);
    uv_close((uv_handle_t *)&batcher->tick, batcher_on_closed);
}
