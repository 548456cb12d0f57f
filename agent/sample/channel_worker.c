/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel_config.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "sample/object_index.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Each report wakes two processes, so what is no news waits for company: a quarter of the
     * shortest interval, within these. */
    REPORT_AGE_MIN_MS = 250,
    REPORT_AGE_MAX_MS = 2500,
    REPORT_AGE_SHARE = 4,
    NEWS_AGE_MS = 50, /* a switch takes many services with it: one report */
    REPORT_TARGET = 32 * 1024,
    /* Half a minute of 100,000 interface rows: main is busy, not dead. */
    BACKLOG_MAX = 4 * 1024 * 1024,
    CLOSE_WAIT_MS = 500,
    /* A row or result is below it (64 values of ten bytes; reason and detail), and so is what the
     * report needs around its items. */
    SMALL_ITEM_MAX = 2048,
};

enum item_kind { ITEM_ROW, ITEM_RESULT, ITEM_TALKERS };

/* A finished report that main has not taken yet. */
struct waiting {
    struct waiting *next;
    size_t size;
    uint8_t bytes[];
};

struct channel_worker {
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timer;
    int n_open; /* handles that are not closed yet */
    bool main_gone;
    struct sample_sink sink;
    int64_t shortest_interval_ms; /* of all that was defined */
    struct object_index *objects;
    struct batch_writer *writer;
    struct batch_writer *probe; /* measures definitions, always empty */
    struct waiting *first;
    struct waiting **last;
    size_t backlog_bytes;
    uint8_t *troubled; /* bit n - 1: the last result of object n was not "up" */
    size_t troubled_size;
    bool bare_waits; /* an object without metrics is not announced yet */
    struct gap lost; /* what was dropped since main stopped reading */
    void (*on_config)(void *context, char *text, size_t size);
    void *config_context;
    char *pending_config; /* came while nobody wanted it */
    size_t pending_size;
    struct log_limit dropping;
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

/* --- sending --- */

static int send_report(const uint8_t *bytes, size_t size)
{
    ssize_t sent;
    do {
        sent = send(CHANNEL_FD, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        return 0;
    }
    return errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}

static void note_main_gone(struct channel_worker *channel)
{
    if (!channel->main_gone) {
        channel->main_gone = true;
        uv_poll_stop(&channel->poll);
        uv_stop(channel->loop);
    }
}

static void watch(struct channel_worker *channel)
{
    if (!channel->main_gone) {
        uv_poll_start(&channel->poll, UV_READABLE | (channel->first != NULL ? UV_WRITABLE : 0),
                      on_poll);
    }
}

static bool is_full(const struct channel_worker *channel)
{
    return channel->backlog_bytes >= BACKLOG_MAX;
}

static void send_or_keep(struct channel_worker *channel, const uint8_t *bytes, size_t size)
{
    int rc = channel->first == NULL ? send_report(bytes, size) : -EAGAIN;
    if (rc == 0 || channel->main_gone) {
        return;
    }
    if (rc != -EAGAIN) {
        note_main_gone(channel);
        return;
    }
    struct waiting *waiting = xmalloc(sizeof *waiting + size);
    waiting->next = NULL;
    waiting->size = size;
    memcpy(waiting->bytes, bytes, size);
    *channel->last = waiting;
    channel->last = &waiting->next;
    channel->backlog_bytes += size;
    watch(channel);
}

static void flush(struct channel_worker *channel)
{
    (void)uv_timer_stop(&channel->timer); /* cannot fail */
    if (batch_writer_items(channel->writer) > 0) {
        size_t size;
        const uint8_t *bytes = batch_writer_finish(channel->writer, NULL, &size);
        send_or_keep(channel, bytes, size);
    }
}

static uint64_t report_age_ms(const struct channel_worker *channel)
{
    int64_t age_ms = channel->shortest_interval_ms / REPORT_AGE_SHARE;
    return age_ms < REPORT_AGE_MIN_MS   ? REPORT_AGE_MIN_MS
           : age_ms > REPORT_AGE_MAX_MS ? REPORT_AGE_MAX_MS
                                        : (uint64_t)age_ms;
}

/* Something was added: it is sent within that time. */
static void touch(struct channel_worker *channel, uint64_t age_ms)
{
    if (batch_writer_size(channel->writer) >= REPORT_TARGET) {
        flush(channel);
        return;
    }
    uv_update_time(channel->loop);
    if (!uv_is_active((const uv_handle_t *)&channel->timer) ||
        uv_timer_get_due_in(&channel->timer) > age_ms) {
        (void)uv_timer_start(&channel->timer, on_timer, age_ms, 0); /* it has a call-back */
    }
}

static void on_timer(uv_timer_t *timer)
{
    flush(timer->data);
}

/* Puts the definition into the report, if it is not handed on yet. What is in a report is sent, or
 * waits to be sent, so that the copy is needed no more. */
static void announce(struct channel_worker *channel, uint32_t number)
{
    const struct object *copy = object_index_copy(channel->objects, number);
    if (copy == NULL) {
        return;
    }
    if (batch_add_definition(channel->writer, copy) != 0) {
        flush(channel); /* there was no room beside what is in it; sink_define asked for the rest */
        if (batch_add_definition(channel->writer, copy) != 0) {
            return;
        }
    }
    object_index_announced(channel->objects, number);
    touch(channel, report_age_ms(channel));
}

/* Objects that no row will take along, and that were defined while there was no room. */
static void announce_bare(struct channel_worker *channel)
{
    uint32_t number = 0;
    while (channel->bare_waits && !is_full(channel)) {
        number = object_index_next_bare(channel->objects, number);
        channel->bare_waits = number != 0;
        announce(channel, number);
    }
}

/* Main reads again: tell what it missed meanwhile. */
static void report_lost(struct channel_worker *channel)
{
    if (channel->lost.from.ms != 0 && !is_full(channel)) {
        log_info("channel", "main reads again: rows_dropped=%llu results_dropped=%llu",
                 (unsigned long long)channel->lost.rows,
                 (unsigned long long)channel->lost.observations);
        channel->lost.to.ms++; /* [from, to) holds the last one too */
        if (batch_add_gap(channel->writer, &channel->lost) != 0) {
            log_error("channel", "a gap could not be reported");
        }
        channel->lost = (struct gap){0};
        touch(channel, report_age_ms(channel));
    }
}

static void drain(struct channel_worker *channel)
{
    while (channel->first != NULL) {
        struct waiting *waiting = channel->first;
        int rc = send_report(waiting->bytes, waiting->size);
        if (rc == -EAGAIN) {
            break;
        }
        if (rc != 0) {
            note_main_gone(channel);
            break;
        }
        channel->first = waiting->next;
        if (channel->first == NULL) {
            channel->last = &channel->first;
        }
        channel->backlog_bytes -= waiting->size;
        free(waiting);
    }
    report_lost(channel);
    announce_bare(channel);
}

static void drop_pending_config(struct channel_worker *channel)
{
    if (channel->pending_config != NULL) {
        explicit_bzero(channel->pending_config, channel->pending_size); /* it holds passphrases */
        free(channel->pending_config);
        channel->pending_config = NULL;
    }
}

/* Main has something to say, or is gone: false. */
static bool take_config(struct channel_worker *channel)
{
    size_t size = 0;
    char *text = channel_receive_config(&size);
    if (text == NULL) {
        if (errno == EAGAIN || errno == EINTR) {
            return true;
        }
        if (errno != ECONNRESET) {
            log_error("channel", "what main sent is no configuration, the worker stops: %s",
                      strerror(errno));
        }
        return false;
    }
    if (channel->on_config != NULL) {
        channel->on_config(channel->config_context, text, size);
        return true;
    }
    drop_pending_config(channel);
    channel->pending_config = text;
    channel->pending_size = size;
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct channel_worker *channel = poll->data;
    if (status < 0) {
        note_main_gone(channel);
        return;
    }
    if ((events & UV_READABLE) && !take_config(channel)) {
        note_main_gone(channel);
        return;
    }
    if (events & UV_WRITABLE) {
        drain(channel);
    }
    watch(channel);
}

/* --- the sink --- */

/* Its size as a definition; 0: it breaks a limit. */
static size_t measure(struct channel_worker *channel, const struct object *object)
{
    struct object trial = *object;
    size_t finished;
    trial.number = PROTO_OBJECTS_MAX; /* the longest */
    if (batch_add_definition(channel->probe, &trial) != 0) {
        return 0;
    }
    size_t size = batch_writer_size(channel->probe);
    (void)batch_writer_finish(channel->probe, NULL, &finished); /* empties it */
    return size;
}

static uint32_t sink_define(void *context, const struct object *object)
{
    struct channel_worker *channel = context;
    uint32_t number = object_index_find(channel->objects, object);
    if (number != 0) {
        return number;
    }
    size_t size = measure(channel, object);
    if (size == 0) {
        log_warn("channel", "object refused: it breaks a limit: device=%.64s kind=%.32s name=%.64s",
                 object->device, object->kind, object->name);
        return 0;
    }
    if (size + 2 * SMALL_ITEM_MAX > PROTO_REPORT_MAX) {
        log_warn("channel", "object refused: too large for a report: device=%.64s name=%.64s",
                 object->device, object->name);
        return 0;
    }
    if (channel->shortest_interval_ms == 0 || object->interval_ms < channel->shortest_interval_ms) {
        channel->shortest_interval_ms = object->interval_ms;
    }
    number = object_index_add(channel->objects, object);
    if (number == 0) {
        log_error("channel", "object refused: all %d numbers are used", PROTO_OBJECTS_MAX);
    } else if (object->n_metrics == 0 && is_full(channel)) {
        channel->bare_waits = true;
    } else if (object->n_metrics == 0) {
        announce(channel, number); /* no row will come to take it along */
    }
    return number;
}

static void note_dropped(struct channel_worker *channel, struct wall time)
{
    uint64_t held;
    if (channel->lost.from.ms == 0) {
        channel->lost.from = time;
        channel->lost.to = time;
        channel->lost.reason = GAP_WORKER_LOST;
    }
    channel->lost.from.ms = time.ms < channel->lost.from.ms ? time.ms : channel->lost.from.ms;
    channel->lost.to.ms = time.ms > channel->lost.to.ms ? time.ms : channel->lost.to.ms;
    if (log_limit_allow(&channel->dropping, 60000, &held)) {
        log_warn("channel", "main does not read: rows are dropped: backlog_bytes=%zu",
                 channel->backlog_bytes);
    }
}

/* What a row or result of it needs, its definition put before it. A definition travels only with
 * the first row that does, so that a dropped row never takes one along. False: not announced. */
static bool announced(struct channel_worker *channel, uint32_t number, struct object *object)
{
    announce(channel, number);
    return object_index_copy(channel->objects, number) == NULL &&
           object_index_get(channel->objects, number, object);
}

/* `rc` of adding an item to the report; a refused one is our sampler's bug, and a gap. */
static void added(struct channel_worker *channel, int rc, struct wall time, enum item_kind kind)
{
    static const char *const names[] = {
        [ITEM_ROW] = "row", [ITEM_RESULT] = "result", [ITEM_TALKERS] = "talker report"};
    if (rc != 0) {
        struct gap gap = {.from = time,
                          .to = {time.ms + 1},
                          .rows = kind != ITEM_RESULT ? 1 : 0,
                          .observations = kind == ITEM_RESULT ? 1 : 0,
                          .reason = GAP_ENCODE};
        log_warn("channel", "a %s breaks a limit and was dropped", names[kind]);
        (void)batch_add_gap(channel->writer, &gap); /* -EINVAL: even its time is nonsense */
    }
    touch(channel, report_age_ms(channel));
}

/* Anything but that all is still well: main will want to know at once. */
static bool is_news(struct channel_worker *channel, const struct result *result)
{
    size_t byte = (result->object - 1) / 8;
    uint8_t bit = (uint8_t)(1U << (result->object - 1) % 8);
    bool is_up = result->outcome == OUTCOME_UP;
    if (is_up && byte >= channel->troubled_size) {
        return false;
    }
    if (byte >= channel->troubled_size) {
        channel->troubled = xrealloc(channel->troubled, byte + 1);
        memset(channel->troubled + channel->troubled_size, 0, byte + 1 - channel->troubled_size);
        channel->troubled_size = byte + 1;
    }
    bool was_troubled = (channel->troubled[byte] & bit) != 0;
    channel->troubled[byte] =
        (uint8_t)(is_up ? channel->troubled[byte] & ~bit : channel->troubled[byte] | bit);
    return !is_up || was_troubled;
}

static void sink_row(void *context, const struct row *row)
{
    struct channel_worker *channel = context;
    if (is_full(channel)) {
        note_dropped(channel, row->time);
        channel->lost.rows++;
        return;
    }
    struct object object;
    bool known = announced(channel, row->object, &object);
    added(channel, known ? batch_add_row(channel->writer, &object, row) : -EINVAL, row->time,
          ITEM_ROW);
}

static void sink_result(void *context, const struct result *result)
{
    struct channel_worker *channel = context;
    if (is_full(channel)) {
        note_dropped(channel, result->time);
        channel->lost.observations++;
        return;
    }
    struct object object;
    bool known = announced(channel, result->object, &object);
    added(channel, known ? batch_add_result(channel->writer, result) : -EINVAL, result->time,
          ITEM_RESULT);
    if (known && is_news(channel, result)) {
        touch(channel, NEWS_AGE_MS);
    }
}

/* A hundred items of the longest keys are 30 kB: what is in the report stays below REPORT_TARGET,
 * so that there is room beside it. */
static void sink_talkers(void *context, const struct talker_report *report)
{
    struct channel_worker *channel = context;
    if (is_full(channel)) {
        note_dropped(channel, report->from);
        note_dropped(channel, (struct wall){report->to.ms - 1});
        channel->lost.rows++;
        return;
    }
    struct object object;
    bool known = announced(channel, report->object, &object);
    added(channel, known ? batch_add_talkers(channel->writer, report) : -EINVAL, report->from,
          ITEM_TALKERS);
}

static void sink_gap(void *context, const struct gap *gap)
{
    struct channel_worker *channel = context;
    if (is_full(channel)) {
        note_dropped(channel, gap->from);
        note_dropped(channel, gap->to);
        channel->lost.rows += gap->rows;
        channel->lost.observations += gap->observations;
        return;
    }
    if (batch_add_gap(channel->writer, gap) != 0) {
        log_warn("channel", "a gap breaks a limit and was dropped");
        return;
    }
    touch(channel, report_age_ms(channel));
}

/* --- life --- */

struct channel_worker *channel_worker_open(uv_loop_t *loop)
{
    struct channel_worker *channel = xcalloc(1, sizeof *channel);
    channel->loop = loop;
    int rc = uv_poll_init(loop, &channel->poll, CHANNEL_FD);
    if (rc != 0) {
        free(channel);
        errno = -rc;
        return NULL;
    }
    channel->poll.data = channel;
    uv_timer_init(loop, &channel->timer);
    channel->timer.data = channel;
    channel->n_open = 2;
    channel->last = &channel->first;
    channel->objects = object_index_new();
    channel->writer = batch_writer_new(BATCH_WORKER_REPORT);
    channel->probe = batch_writer_new(BATCH_WORKER_REPORT);
    channel->sink = (struct sample_sink){.context = channel,
                                         .define = sink_define,
                                         .row = sink_row,
                                         .result = sink_result,
                                         .talkers = sink_talkers,
                                         .gap = sink_gap};
    watch(channel);
    return channel;
}

const struct sample_sink *channel_worker_sink(struct channel_worker *channel)
{
    return &channel->sink;
}

void channel_worker_on_config(struct channel_worker *channel,
                              void (*on_config)(void *context, char *text, size_t size),
                              void *context)
{
    channel->on_config = on_config;
    channel->config_context = context;
    if (channel->pending_config != NULL) {
        char *text = channel->pending_config;
        channel->pending_config = NULL;
        on_config(context, text, channel->pending_size);
    }
}

static void send_rest(struct channel_worker *channel)
{
    struct mono end = mono_add_ms(clock_mono(), CLOSE_WAIT_MS);
    flush(channel);
    while ((channel->first != NULL || channel->lost.from.ms != 0 || channel->bare_waits) &&
           !channel->main_gone) {
        int64_t left_ms = mono_elapsed_ms(clock_mono(), end);
        struct pollfd wait = {.fd = CHANNEL_FD, .events = POLLOUT};
        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) < 0) {
            break;
        }
        drain(channel);
        flush(channel);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct channel_worker *channel = handle->data;
    if (--channel->n_open == 0) {
        close(CHANNEL_FD);
        free(channel);
    }
}

void channel_worker_close(struct channel_worker *channel)
{
    if (channel == NULL) {
        return;
    }
    send_rest(channel);
    while (channel->first != NULL) {
        struct waiting *waiting = channel->first;
        channel->first = waiting->next;
        free(waiting);
    }
    drop_pending_config(channel);
    batch_writer_free(channel->writer);
    batch_writer_free(channel->probe);
    free(channel->troubled);
    object_index_free(channel->objects);
    uv_close((uv_handle_t *)&channel->poll, on_closed);
    uv_close((uv_handle_t *)&channel->timer, on_closed);
}
