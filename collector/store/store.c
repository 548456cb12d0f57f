/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store.h"

#include "common/durable.h"
#include "common/xalloc.h"
#include "store_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 100,
    TURN_MS = 50,       /* of applying, before requests are answered */
    GROUP_MS = 200,     /* from one commit to the next, while there is something to commit */
    FLUSH_MS = 1000,    /* between two looks for due rows */
    CATCH_UP_MS = 5000, /* of a reader's patience */
};

/* --- the loop's turn --- */

static bool is_after(struct mono now, struct mono then)
{
    return now.ns >= then.ns;
}

/* True if there is more to apply at once. */
static bool apply_some(struct store *store)
{
    struct mono began = clock_mono();
    int rc = is_after(began, store->wait) ? 1 : -EAGAIN;
    while (rc == 1 && mono_elapsed_ms(began, clock_mono()) < TURN_MS) {
        rc = store_apply_next(store);
    }
    return rc == 1;
}

static void flush_due(struct store *store, struct mono now)
{
    if (!is_after(now, store->flush)) {
        return;
    }
    store->flush = mono_add_ms(now, FLUSH_MS);
    const struct store_failing *failing = &store->failing[STORE_RRD];
    if (failing->now) {
        if (is_after(now, failing->retry)) {
            (void)store_flush_rows(store); /* noted */
        }
        return;
    }
    int error = rrd_cache_flush_due(store->rrd, now);
    if (error != 0) {
        store_note_failure(store, STORE_RRD, error);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct store *store = timer->data;
    bool more = apply_some(store);
    struct mono now = clock_mono();
    if (store->group.open && mono_elapsed_ms(store->committed, now) >= GROUP_MS) {
        (void)store_commit(store); /* a failure is noted, and tried again */
    }
    store_retire_talkers(store, now);
    flush_due(store, now);
    if (is_after(now, store->checkpoint)) {
        (void)store_checkpoint(store); /* noted */
    }
    (void)uv_timer_start(timer, on_tick, more ? 1 : TICK_MS, 0); /* fails only without call-back */
}

/* --- requests --- */

static json_t *say_error(const char *text, int error)
{
    char sentence[256];
    (void)snprintf(sentence, sizeof sentence, "%s: %s", text, strerror(-error));
    return json_pack("{s:s}", "error", sentence);
}

static json_t *answer_stats(struct store *store, const json_t *request)
{
    (void)request; /* has nothing more to say */
    struct stats stats = {0};
    store_stats(store, &stats);
    json_t *answer = control_stats_encode(&stats);
    stats_clear(&stats);
    return answer;
}

static json_t *answer_flush(struct store *store, const json_t *request)
{
    int error = store_catch_up(store, CATCH_UP_MS);
    int flushed = rrd_cache_flush(store->rrd, json_string_value(json_object_get(request, "device")),
                                  json_string_value(json_object_get(request, "kind")),
                                  json_string_value(json_object_get(request, "object")));
    if (flushed != 0) {
        store_note_failure(store, STORE_RRD, flushed);
        return say_error("not all rows could be written", flushed);
    }
    if (error != 0) {
        return say_error("the journal is not applied to its end", error);
    }
    return json_pack("{s:b}", "ok", 1);
}

static json_t *answer_checkpoint(struct store *store, const json_t *request)
{
    (void)request; /* has nothing more to say */
    int error = store_checkpoint(store);
    return error != 0 ? say_error("no watermark", error) : json_pack("{s:b}", "ok", 1);
}

static json_t *on_request(void *context, const json_t *request)
{
    static const struct {
        const char *name;
        json_t *(*answer)(struct store *store, const json_t *request);
    } table[] = {
        {"stats", answer_stats}, {"flush", answer_flush}, {"checkpoint", answer_checkpoint}};
    const char *name = json_string_value(json_object_get(request, "request"));
    for (size_t i = 0; name != NULL && i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) == 0) {
            return table[i].answer(context, request);
        }
    }
    return json_pack("{s:s}", "error", "store knows the requests stats, flush and checkpoint");
}

/* --- the handle --- */

static void on_alarm(void *context, const char *path, const char *reason)
{
    struct store *store = context;
    uint64_t held = 0;
    /* A full disk has one for each file, and is told of once. */
    int64_t pause_ms = store->failing[STORE_RRD].now ? STORE_LOG_MS : 1000;
    if (log_limit_allow(&store->alarm_limit, pause_ms, &held)) {
        log_error(STORE_TOPIC, "%s path=%s held_back=%" PRIu64, reason, path, held);
    }
}

static int remember_stream(void *context, const char *agent, const struct stream_position *position)
{
    (void)agent; /* the journal keeps streams to their agents */
    struct store *store = context;
    struct book_stream *stream = book_stream(store->book, position->stream);
    stream->applied = *position;
    stream->committed = *position;
    return 0;
}

static int remember_definition(void *context, const struct stream_position *position,
                               const struct object *object)
{
    struct store *store = context;
    book_define(store->book, book_stream(store->book, position->stream), position->epoch, object);
    return 0;
}

static int open_ledger(struct store *store, char *reason, size_t reason_size)
{
    int error = ledger_open(&store->ledger, store->options.ledger_path, reason, reason_size);
    if (error != 0) {
        return error;
    }
    error = ledger_get_applied(store->ledger, &store->applied, &store->watermark);
    if (error == 0) {
        error = ledger_each_stream(store->ledger, remember_stream, store);
    }
    if (error == 0) {
        error = ledger_each_definition(store->ledger, remember_definition, store);
    }
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be read: %s", store->options.ledger_path,
                       strerror(-error));
    }
    store->reached = store->watermark;
    if (seglog_position_compare(store->applied, store->reached) < 0) {
        store->reached = store->applied;
    }
    return error;
}

static void free_store(struct store *store)
{
    store_drop_entry(store);
    journal_reader_close(store->reader);
    rrd_cache_close(store->rrd);
    talker_writer_close(store->talkers);
    ledger_close(store->ledger);
    book_free(store->book);
    free(store);
}

int store_open(struct store **out, uv_loop_t *loop, const struct store_options *options,
               char *reason, size_t reason_size)
{
    struct store *store = xcalloc(1, sizeof *store);
    store->options = *options;
    store->loop = loop;
    store->book = book_new();
    store->checkpointed = clock_mono();
    store->checkpoint = mono_add_ms(store->checkpointed, options->checkpoint_ms);
    const struct rrd_cache_options cache_options = {.directory = options->rrd_directory,
                                                    .quarantine = options->quarantine_directory,
                                                    .flush_rows = options->flush_rows,
                                                    .flush_after_ms = options->flush_after_ms,
                                                    .on_alarm = on_alarm,
                                                    .context = store};
    store->rrd = rrd_cache_open(&cache_options);
    int error = durable_make_folder(options->rrd_directory);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be made: %s", options->rrd_directory,
                       strerror(-error));
        goto fail;
    }
    error = open_ledger(store, reason, reason_size);
    if (error != 0) {
        goto fail;
    }
    error = talker_writer_open(&store->talkers, options->talkers_path, reason, reason_size);
    if (error != 0) {
        goto fail;
    }
    error = control_server_open(&store->control, loop, options->control_path, on_request, store);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be listened at: %s", options->control_path,
                       strerror(-error));
        goto fail;
    }
    (void)uv_timer_init(loop, &store->timer); /* neither can fail */
    store->timer.data = store;
    (void)uv_timer_start(&store->timer, on_tick, 0, 0);
    *out = store;
    return 0;
fail:
    free_store(store);
    return error;
}

static void on_closed(uv_handle_t *timer)
{
    free_store(timer->data);
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    control_server_close(store->control);
    (void)store_checkpoint(store); /* noted; the journal keeps what it could not write */
    uv_close((uv_handle_t *)&store->timer, on_closed);
}
