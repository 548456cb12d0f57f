/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "uplink.h"

#include "clock_offset.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "proto/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    WINDOW = 8, /* batches sent and not acknowledged */
    NOISE_LOG_MS = 60000,
    TICKS_PER_ANSWER = 15, /* how finely the wait for an answer is measured */
};

const struct uplink_times uplink_times_default = {
    .answer_ms = 15000,
    .restart_max_ms = 5000,
    .room_min_ms = 5000,
    .room_max_ms = 60000,
    .foreign_ms = 60000,
};

/* Where the conversation stands. */
enum phase {
    PHASE_DOWN,   /* no link */
    PHASE_HELLO,  /* we said hello, or are about to */
    PHASE_FLOW,   /* the collector answered: batches go, ACKs come */
    PHASE_PAUSED, /* it has no room, or does not take this stream: later */
};

struct uplink {
    struct uplink_options options;
    struct uplink_times times;
    struct link_client *link;
    uv_timer_t tick;
    enum phase phase;
    bool hello_sent;
    struct mono heard; /* the last progress, or when we began to wait for some */
    struct mono pause_began;
    int64_t pause_ms;
    int64_t room_ms; /* the last pause for want of room; 0: there was room */
    struct stream_position window[WINDOW];
    size_t n_window;
    struct stream_position sent_last; /* the furthest position that was ever sent */
    uint8_t *held;                    /* a message that the link did not take yet */
    size_t held_size;
    struct stream_position held_position;
    struct clock_offset clock; /* against the collector's */
    uint64_t sent;
    uint64_t refused;
    uint64_t unanswered;
    enum refusal_reason complained; /* logged for this state already; 0: nothing */
    struct log_limit noise;
    enum link_state logged;
};

/* --- the tick, which runs while something is waited for --- */

static void uplink_on_tick(uv_timer_t *timer);

static bool uplink_is_waiting(const struct uplink *uplink)
{
    switch (uplink->phase) {
    case PHASE_DOWN:
        return false;
    case PHASE_HELLO:
    case PHASE_PAUSED:
        return true;
    case PHASE_FLOW:
        return uplink->n_window > 0 || uplink->held != NULL;
    }
    return true;
}

/* After whatever may have begun or ended a wait. */
static void uplink_arm(struct uplink *uplink)
{
    int64_t tick_ms = uplink->times.answer_ms / TICKS_PER_ANSWER;
    tick_ms = tick_ms > 0 ? tick_ms : 1;
    bool runs = uv_is_active((const uv_handle_t *)&uplink->tick) != 0;
    if (!uplink_is_waiting(uplink)) {
        (void)uv_timer_stop(&uplink->tick); /* cannot fail */
    } else if (!runs) {
        (void)uv_timer_start(&uplink->tick, uplink_on_tick, (uint64_t)tick_ms,
                             (uint64_t)tick_ms); /* fails only without a call-back */
    }
}

/* --- sending --- */

/* With the time of now: what waited, or is tried again, was not sent before. */
static int uplink_send(struct uplink *uplink, uint8_t *message, size_t size)
{
    size = agent_message_stamp(message, size, (uint64_t)clock_mono().ns);
    return link_client_send(uplink->link, message, size);
}

static void uplink_drop_held(struct uplink *uplink)
{
    free(uplink->held);
    uplink->held = NULL;
}

/* Forget what is on its way: it is read from the spool again. */
static void uplink_forget(struct uplink *uplink)
{
    uplink_drop_held(uplink);
    uplink->n_window = 0;
    spool_rewind(uplink->options.spool);
}

static void uplink_hello(struct uplink *uplink)
{
    struct stream_position hello = spool_next_position(uplink->options.spool);
    hello.sequence = 0;
    size_t size = 0;
    uint8_t *message = agent_hello_encode(&hello, BEFFROI_VERSION, &size);
    int rc = uplink_send(uplink, message, size);
    free(message);
    uplink->hello_sent = rc == 0; /* else on_writable tries again */
    uplink->heard = clock_mono();
}

/* The next message of the spool; false: nothing to send now. */
static bool uplink_fetch(struct uplink *uplink)
{
    const uint8_t *batch = NULL;
    size_t size = 0;
    struct spool *spool = uplink->options.spool;
    if (uplink->held != NULL) {
        return true;
    }
    if (spool_read(spool, &batch, &size, &uplink->held_position) != 1) {
        return false;
    }
    uplink->held = agent_batch_encode(batch, size, spool_first_sequence(spool), &uplink->held_size);
    return true;
}

static void uplink_pump(struct uplink *uplink)
{
    while (uplink->phase == PHASE_FLOW && uplink->n_window < WINDOW && uplink_fetch(uplink)) {
        if (uplink_send(uplink, uplink->held, uplink->held_size) != 0) {
            return; /* on_writable */
        }
        if (uplink->n_window == 0) {
            uplink->heard = clock_mono();
        }
        uplink->window[uplink->n_window++] = uplink->held_position;
        if (stream_position_compare(&uplink->held_position, &uplink->sent_last) > 0) {
            uplink->sent_last = uplink->held_position;
        }
        uplink->sent++;
        uplink_drop_held(uplink);
    }
}

static void uplink_pause(struct uplink *uplink, int64_t pause_ms)
{
    uplink_forget(uplink);
    uplink->phase = PHASE_PAUSED;
    uplink->pause_began = clock_mono();
    uplink->pause_ms = pause_ms;
}

/* --- what the collector says --- */

static bool uplink_complain(struct uplink *uplink, enum refusal_reason reason)
{
    bool first = uplink->complained != reason;
    uplink->complained = reason;
    return first;
}

/* The collector answers in order, so all is well again. */
static void uplink_note_progress(struct uplink *uplink)
{
    if (uplink->complained != 0) {
        log_info("uplink", "the collector takes batches again");
    }
    uplink->complained = 0;
    uplink->room_ms = 0;
    uplink->heard = clock_mono();
}

static void uplink_go_back(struct uplink *uplink, const struct stream_position *position)
{
    log_warn("uplink",
             "the collector has lost what it acknowledged, sending again what is here "
             "from_sequence=%llu",
             (unsigned long long)position->sequence + 1);
    spool_go_back(uplink->options.spool, position);
}

/* It holds what we never sent: someone else sends as this stream, or our clock was set back by more
 * than this spool knows. */
static void uplink_note_stranger(struct uplink *uplink, const struct stream_position *position)
{
    if (uplink_complain(uplink, REFUSAL_FOREIGN_STREAM)) {
        log_error("uplink",
                  "the collector has batches of this stream that were never sent from here: does "
                  "another agent use a copy of this key and spool? epoch=%llu sequence=%llu",
                  (unsigned long long)position->epoch, (unsigned long long)position->sequence);
    }
    uplink_pause(uplink, uplink->times.foreign_ms);
}

static void uplink_greeted(struct uplink *uplink, const struct stream_position *position)
{
    struct spool *spool = uplink->options.spool;
    struct stream_position next = spool_next_position(spool);
    struct stream_position known = spool_acknowledged(spool);
    if (stream_position_compare(position, &next) >= 0) {
        uplink_note_stranger(uplink, position);
        return;
    }
    if (stream_position_compare(position, &known) < 0) {
        uplink_go_back(uplink, position);
    } else {
        spool_acknowledge(spool, position);
    }
    uplink_forget(uplink);
    uplink->phase = PHASE_FLOW;
    uplink->heard = clock_mono();
    uplink_pump(uplink);
}

static void uplink_acknowledged(struct uplink *uplink, const struct stream_position *position)
{
    struct spool *spool = uplink->options.spool;
    struct stream_position known = spool_acknowledged(spool);
    int order = stream_position_compare(position, &known);
    if (stream_position_compare(position, &uplink->sent_last) > 0 && order != 0) {
        uint64_t held;
        if (log_limit_allow(&uplink->noise, NOISE_LOG_MS, &held)) {
            log_warn("uplink", "an acknowledgement of what was never sent is ignored");
        }
        return;
    }
    if (order < 0) {
        uplink_go_back(uplink, position);
        uplink_forget(uplink);
        uplink_pump(uplink);
        return;
    }
    if (order == 0) {
        return; /* heard before */
    }
    spool_acknowledge(spool, position);
    size_t gone = 0;
    while (gone < uplink->n_window &&
           stream_position_compare(&uplink->window[gone], position) <= 0) {
        gone++;
    }
    uplink->n_window -= gone;
    memmove(uplink->window, uplink->window + gone, uplink->n_window * sizeof uplink->window[0]);
    uplink_note_progress(uplink);
    uplink_pump(uplink);
}

static void uplink_take_ack(struct uplink *uplink, const struct stream_position *acknowledged)
{
    struct stream_position position = *acknowledged;
    if (position.sequence == 0) {
        position.epoch = 0; /* it holds nothing of this stream, whatever epoch it repeats */
    }
    switch (uplink->phase) {
    case PHASE_HELLO:
        uplink_greeted(uplink, &position);
        break;
    case PHASE_FLOW:
        uplink_acknowledged(uplink, &position);
        break;
    case PHASE_PAUSED: /* the answer to hello, when the pause is over, tells it again */
    case PHASE_DOWN:
        break;
    }
}

static bool uplink_is_on_its_way(const struct uplink *uplink,
                                 const struct stream_position *position)
{
    for (size_t i = 0; i < uplink->n_window; i++) {
        if (stream_position_compare(&uplink->window[i], position) == 0) {
            return true;
        }
    }
    return false;
}

static void uplink_no_room(struct uplink *uplink)
{
    if (uplink->phase == PHASE_PAUSED) {
        return; /* of the same window */
    }
    int64_t twice_ms = 2 * uplink->room_ms;
    uplink->room_ms = uplink->room_ms == 0                   ? uplink->times.room_min_ms
                      : twice_ms < uplink->times.room_max_ms ? twice_ms
                                                             : uplink->times.room_max_ms;
    if (uplink_complain(uplink, REFUSAL_NO_ROOM)) {
        log_warn("uplink", "the collector has no room, batches stay in the spool");
    }
    uplink_pause(uplink, uplink->room_ms);
}

static void uplink_take_refusal(struct uplink *uplink, const struct collector_message *message)
{
    uplink->refused++;
    switch (message->reason) {
    case REFUSAL_MALFORMED:
        if (!uplink_is_on_its_way(uplink, &message->position)) {
            return;
        }
        log_error("uplink", "the collector cannot read a batch, it is skipped sequence=%llu: %s",
                  (unsigned long long)message->position.sequence, message->text);
        spool_skip(uplink->options.spool, &message->position, GAP_ENCODE);
        uplink_forget(uplink);
        uplink->heard = clock_mono();
        uplink_pump(uplink);
        return;
    case REFUSAL_FOREIGN_STREAM:
        if (uplink_complain(uplink, REFUSAL_FOREIGN_STREAM)) {
            log_error("uplink", "the collector knows this stream as another agent's: %s",
                      message->text);
        }
        uplink_pause(uplink, uplink->times.foreign_ms);
        return;
    case REFUSAL_NO_ROOM:
        uplink_no_room(uplink);
        return;
    }
}

static void uplink_compare_clocks(struct uplink *uplink, const struct exchange *exchange)
{
    struct clock_reading now = clock_read();
    if (clock_offset_add(&uplink->clock, exchange, now.mono)) {
        clock_offset_judge(&uplink->clock, &now);
    }
}

static void uplink_on_message(void *context, const uint8_t *bytes, size_t size)
{
    struct uplink *uplink = context;
    struct collector_message message;
    struct stream_position ours = spool_next_position(uplink->options.spool);
    if (collector_message_decode(bytes, size, &message) != 0 ||
        memcmp(message.position.stream, ours.stream, sizeof ours.stream) != 0) {
        uint64_t held;
        if (log_limit_allow(&uplink->noise, NOISE_LOG_MS, &held)) {
            log_warn("uplink", "a message of the collector is not understood size=%zu", size);
        }
        return;
    }
    uplink_compare_clocks(uplink, &message.exchange);
    switch (message.type) {
    case COLLECTOR_ACK:
        uplink_take_ack(uplink, &message.position);
        break;
    case COLLECTOR_REFUSAL:
        uplink_take_refusal(uplink, &message);
        break;
    }
    uplink_arm(uplink);
}

/* --- the link --- */

static void uplink_log_state(struct uplink *uplink, enum link_state state)
{
    if (state == uplink->logged) {
        return;
    }
    switch (state) {
    case LINK_UP:
        log_info("uplink", "link up collector=%s", uplink->options.endpoint);
        break;
    case LINK_CONNECTING:
        if (uplink->logged == LINK_UP) { /* a refused key is told of once, not with every dial */
            log_warn("uplink", "link down collector=%s", uplink->options.endpoint);
        } else {
            return;
        }
        break;
    case LINK_REFUSED:
        log_error("uplink",
                  "the collector refuses our key, or has another one than ours says "
                  "collector=%s key=%s",
                  uplink->options.endpoint, keys_curve_public(uplink->options.keys));
        break;
    }
    uplink->logged = state;
}

static void uplink_on_state(void *context, enum link_state state)
{
    struct uplink *uplink = context;
    uplink_log_state(uplink, state);
    uplink_forget(uplink);
    uplink->hello_sent = false;
    uplink->phase = PHASE_DOWN;
    if (state == LINK_UP) {
        uplink->phase = PHASE_HELLO;
        uplink_hello(uplink);
    }
    uplink_arm(uplink);
}

static void uplink_on_writable(void *context)
{
    struct uplink *uplink = context;
    if (uplink->phase == PHASE_HELLO && !uplink->hello_sent) {
        uplink_hello(uplink);
    }
    uplink_pump(uplink);
    uplink_arm(uplink);
}

static void uplink_restart(struct uplink *uplink)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) {
        random = (uint32_t)clock_mono().ns; /* early in boot: it only spreads */
    }
    int64_t delay_ms = random % (uplink->times.restart_max_ms + 1);
    log_warn("uplink", "the collector does not answer, dialling anew delay_ms=%lld",
             (long long)delay_ms);
    uplink->unanswered++;
    uplink_forget(uplink);
    uplink->phase = PHASE_DOWN;
    link_client_restart(uplink->link, delay_ms);
}

static void uplink_on_tick(uv_timer_t *timer)
{
    struct uplink *uplink = timer->data;
    struct mono now = clock_mono();
    switch (uplink->phase) {
    case PHASE_DOWN:
        break;
    case PHASE_HELLO:
    case PHASE_FLOW:
        if ((uplink->phase == PHASE_HELLO || uplink->n_window > 0) &&
            mono_elapsed_ms(uplink->heard, now) >= uplink->times.answer_ms) {
            uplink_restart(uplink);
        } else {
            uplink_pump(uplink);
        }
        break;
    case PHASE_PAUSED:
        if (mono_elapsed_ms(uplink->pause_began, now) >= uplink->pause_ms) {
            uplink->phase = PHASE_HELLO; /* where does it stand by now? */
            uplink_hello(uplink);
        }
        break;
    }
    uplink_arm(uplink);
}

/* --- the handle --- */

int uplink_open(struct uplink **out, uv_loop_t *loop, const struct uplink_options *options)
{
    struct uplink *uplink = xcalloc(1, sizeof *uplink);
    uplink->options = *options;
    uplink->times = options->times != NULL ? *options->times : uplink_times_default;
    uplink->logged = LINK_CONNECTING;
    struct link_client_options link = {
        .endpoint = options->endpoint,
        .server_key = options->server_key,
        .keys = options->keys,
        .on_message = uplink_on_message,
        .on_state = uplink_on_state,
        .on_writable = uplink_on_writable,
        .context = uplink,
    };
    int rc = link_client_open(&uplink->link, loop, &link);
    if (rc != 0) {
        free(uplink);
        return rc;
    }
    (void)uv_timer_init(loop, &uplink->tick); /* cannot fail */
    uplink->tick.data = uplink;
    *out = uplink;
    return 0;
}

void uplink_wake(struct uplink *uplink)
{
    uplink_pump(uplink);
    uplink_arm(uplink);
}

enum link_state uplink_state(const struct uplink *uplink)
{
    return link_client_state(uplink->link);
}

uint64_t uplink_unacknowledged(const struct uplink *uplink)
{
    return uplink->n_window;
}

uint64_t uplink_sent(const struct uplink *uplink)
{
    return uplink->sent;
}

uint64_t uplink_refused(const struct uplink *uplink)
{
    return uplink->refused;
}

bool uplink_clock_offset(const struct uplink *uplink, double *offset_s, double *delay_s)
{
    struct clock_reading now = clock_read();
    return clock_offset_get(&uplink->clock, &now, offset_s, delay_s);
}

uint64_t uplink_reconnects(const struct uplink *uplink)
{
    return link_client_reconnects(uplink->link);
}

uint64_t uplink_unanswered(const struct uplink *uplink)
{
    return uplink->unanswered;
}

static void uplink_on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void uplink_close(struct uplink *uplink)
{
    if (uplink == NULL) {
        return;
    }
    link_client_close(uplink->link);
    uplink_drop_held(uplink);
    uv_close((uv_handle_t *)&uplink->tick, uplink_on_closed);
}
