/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture/capture.h"

#include "common/xalloc.h"
#include "sample/schedule.h"
#include "source.h"
#include "traffic.h"

#include <errno.h>
#include <stdlib.h>

enum {
    FRAMES_AT_ONCE = 4096, /* of one wake-up: the row's tick shall have its turn */
    /* Above one in a hundred lost, a row's figures are doubtful. */
    DOUBTFUL_RATIO = 100,
};

struct capture {
    const struct capture_config *config;
    struct source *source;
    uv_poll_t poll;
    struct schedule_task *tick;
    const struct sample_sink *sink;
    uint32_t object;
    struct traffic traffic;
    uint64_t packets_before; /* at the row before */
    uint64_t dropped_before;
    void (*on_end)(void *context, const char *reason);
    void *context;
    bool started;
    bool ended;
};

static void count_frame(void *context, enum decode_link link, const uint8_t *frame, size_t captured,
                        size_t length)
{
    struct capture *capture = context;
    struct decoded decoded = decode_frame(link, frame, captured, length);
    traffic_count(&capture->traffic, &decoded, length);
}

static void drain(struct capture *capture)
{
    char reason[256] = "";
    if (capture->ended) {
        return;
    }
    int n =
        source_read(capture->source, FRAMES_AT_ONCE, count_frame, capture, reason, sizeof reason);
    if (n < 0) {
        capture->ended = true;
        (void)uv_poll_stop(&capture->poll); /* cannot fail */
        capture->on_end(capture->context, reason);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error of the descriptor is for libpcap to find */
    (void)events;
    drain(poll->data);
}

static void on_tick(void *context, struct wall due)
{
    struct capture *capture = context;
    (void)due; /* counters are of now */
    drain(capture);
    if (capture->ended) {
        return;
    }
    capture->traffic.counters[TRAFFIC_DROPPED].counter = source_dropped(capture->source);
    uint64_t packets = capture->traffic.counters[TRAFFIC_PACKETS].counter;
    uint64_t dropped = capture->traffic.counters[TRAFFIC_DROPPED].counter;
    uint64_t lost = dropped - capture->dropped_before;
    uint64_t seen = packets - capture->packets_before;
    struct row row = {
        .object = capture->object,
        .time = clock_wall(),
        .status = lost > (seen + lost) / DOUBTFUL_RATIO ? ROW_DEGRADED : ROW_OK,
        .values = capture->traffic.counters,
    };
    capture->packets_before = packets;
    capture->dropped_before = dropped;
    capture->sink->row(capture->sink->context, &row);
}

int capture_open(struct capture **out, const struct capture_config *config, char *reason,
                 size_t reason_size)
{
    struct capture *capture = xcalloc(1, sizeof *capture);
    capture->config = config;
    int rc = source_open_interface(&capture->source, config->interface, config->promiscuous,
                                   (int)config->buffer_bytes, reason, reason_size);
    if (rc != 0) {
        free(capture);
        return rc;
    }
    *out = capture;
    return 0;
}

int capture_start(struct capture *capture, uv_loop_t *loop, const char *device,
                  const struct sample_sink *sink, void (*on_end)(void *context, const char *reason),
                  void *context)
{
    int rc = uv_poll_init(loop, &capture->poll, source_fd(capture->source));
    if (rc != 0) {
        return rc;
    }
    capture->started = true;
    capture->poll.data = capture;
    capture->sink = sink;
    capture->on_end = on_end;
    capture->context = context;
    struct label labels[] = {{"interface", capture->config->interface}, {"source", "capture"}};
    struct object object = {
        .device = device,
        .kind = "traffic",
        .name = capture->config->interface,
        .interval_ms = capture->config->interval_ms,
        .metrics = traffic_metrics,
        .n_metrics = TRAFFIC_COUNTERS,
        .labels = labels,
        .n_labels = sizeof labels / sizeof *labels,
    };
    capture->object = sink->define(sink->context, &object);
    char *name = xasprintf("capture/%s/%s", device, capture->config->interface);
    capture->tick = schedule_start(loop, name, capture->config->interval_ms, on_tick, capture);
    free(name);
    return uv_poll_start(&capture->poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle)
{
    struct capture *capture = handle->data;
    source_close(capture->source);
    free(capture);
}

void capture_close(struct capture *capture)
{
    if (capture == NULL) {
        return;
    }
    if (!capture->started) {
        source_close(capture->source);
        free(capture);
        return;
    }
    schedule_stop(capture->tick);
    /* The descriptor leaves the loop before libpcap closes it. */
    uv_close((uv_handle_t *)&capture->poll, on_closed);
}
