/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metering.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "config.h"
#include "gather.h"
#include "lane.h"
#include "offload.h"
#include "rows.h"
#include "sample/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOOK_MS = 1000, /* at the interface, besides what the kernel tells at once */
};
static const char services_path[] = "/etc/services";

struct metering {
    const struct capture_config *config;
    const char *interface;
    struct watch *watch;
    struct privacy *privacy;
    struct services *service_names;
    size_t n_services;
    struct service_range services[SERVICES_OWN_MAX];
    struct offload offload;
    char link_type[48];
    bool is_decoded;
    struct lanes *lanes;
    bool prepared;
    /* Once started. */
    uv_poll_t answers; /* of the lanes */
    uv_poll_t events;  /* of the interface */
    uv_timer_t look;
    int n_handles; /* of these that are not closed */
    struct schedule_task *tick;
    struct wall due; /* of the interval that the lanes were asked for */
    struct rows *rows;
    struct gather *gather;
    metering_end *on_end;
    void *context;
    bool ended;
};

/* --- opening --- */

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* the clock of the kernel's time stamps */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int open_export(struct metering *metering, struct ipfix **ipfix, char *reason,
                       size_t reason_size)
{
    const struct capture_ipfix *config = &metering->config->ipfix;
    *ipfix = NULL;
    return config->present ? ipfix_open(ipfix, config->collector, (uint32_t)config->domain,
                                        metering->privacy, reason, reason_size)
                           : 0;
}

static int add_lane(struct metering *metering, struct source *source, char *reason,
                    size_t reason_size)
{
    struct ipfix *ipfix;
    int rc = open_export(metering, &ipfix, reason, reason_size);
    if (rc != 0) {
        source_close(source);
        return rc;
    }
    const struct meter_options options = {
        .flows = (size_t)metering->config->flows,
        .hosts = GATHER_HOSTS,
        .prefixes = GATHER_PREFIXES,
        .services = GATHER_SERVICES,
        .mtu_bytes = metering->offload.mtu_bytes,
        .privacy = metering->privacy,
        .service_names = metering->service_names,
    };
    (void)snprintf(metering->link_type, sizeof metering->link_type, "%s", source_link_name(source));
    metering->is_decoded = source_is_decoded(source);
    rc = lanes_add(metering->lanes, source, ipfix, &options);
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "a table of %lld flows cannot be had: %s",
                       (long long)metering->config->flows, strerror(-rc));
    }
    return rc;
}

static int open_sources(struct metering *metering, char *reason, size_t reason_size)
{
    const struct capture_config *config = metering->config;
    struct source *sources[CAPTURE_WORKERS_MAX] = {0};
    size_t count = (size_t)config->workers;
    uint16_t fanout_id = 0;
    const struct source_options options = {
        .promiscuous = config->promiscuous,
        .ring_bytes = config->buffer_bytes,
        .filter = config->filter,
        .fanout_id = count > 1 ? &fanout_id : NULL,
    };
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = source_open_interface(&sources[i], metering->interface, &options, reason, reason_size);
    }
    if (rc == 0) {
        rc = watch_bind(metering->watch);
        if (rc != 0) {
            (void)snprintf(reason, reason_size, "there is no interface %s", metering->interface);
        }
    }
    int64_t all_joined_ns = now_ns();
    for (size_t i = 0; i < count; i++) {
        if (rc != 0) {
            source_close(sources[i]);
            continue;
        }
        if (count > 1) {
            source_skip_until(sources[i], all_joined_ns);
        }
        rc = add_lane(metering, sources[i], reason, reason_size);
    }
    return rc;
}

int metering_open(struct metering **out, const struct capture_config *config, const char *interface,
                  struct watch *watch, char *reason, size_t reason_size)
{
    struct metering *metering = xcalloc(1, sizeof *metering);
    metering->config = config;
    metering->interface = interface;
    metering->watch = watch;
    metering->privacy = config_privacy(config);
    metering->n_services = config_services(config, metering->services);
    metering->service_names = services_new(services_path, metering->services, metering->n_services);
    offload_read(interface, &metering->offload);
    int rc = lanes_new(&metering->lanes);
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "%s", strerror(-rc));
    } else {
        rc = open_sources(metering, reason, reason_size);
    }
    if (rc != 0) {
        metering_close(metering);
        return rc;
    }
    *out = metering;
    return 0;
}

int metering_prepare(struct metering *metering)
{
    int rc = metering->prepared ? 0 : lanes_start(metering->lanes);
    metering->prepared = rc == 0;
    return rc;
}

/* --- running --- */

static void end(struct metering *metering, const char *reason)
{
    if (!metering->ended) {
        metering->ended = true;
        (void)uv_poll_stop(&metering->answers); /* none of these can fail */
        (void)uv_poll_stop(&metering->events);
        (void)uv_timer_stop(&metering->look);
        metering->on_end(metering->context, reason);
    }
}

static void deliver(struct metering *metering, const struct lanes_interval *interval)
{
    const struct rows_interval rows = {
        .time = metering->due,
        .summary = interval->summary,
        .dropped = interval->dropped,
        .interface_dropped = watch_interface_dropped(metering->watch),
        .ipfix = interval->ipfix,
    };
    rows_send(metering->rows, &rows);
    gather_add(metering->gather, interval->summary, metering->due);
}

static void on_answer(uv_poll_t *poll, int status, int events)
{
    struct metering *metering = poll->data;
    struct lanes_interval interval;
    char reason[256] = "";
    (void)status; /* an eventfd has no errors */
    (void)events;
    int rc = lanes_look(metering->lanes, &interval, reason, sizeof reason);
    if (rc > 0) {
        deliver(metering, &interval);
    } else if (rc < 0) {
        end(metering, reason[0] != '\0' ? reason : strerror(-rc));
    }
}

static void on_tick(void *context, struct wall due)
{
    struct metering *metering = context;
    if (metering->ended) {
        return;
    }
    if (lanes_ask(metering->lanes)) {
        metering->due = due;
    } else {
        log_warn("capture", "an interval is left out, the one before is not complete: interface=%s",
                 metering->interface);
    }
}

static void look(struct metering *metering)
{
    static const char *const reasons[] = {
        [WATCH_DOWN] = "the interface went down",
        [WATCH_GONE] = "there is no interface of this name any more",
        [WATCH_ANOTHER] = "another interface has this name now",
    };
    enum watch_state state = watch_look(metering->watch);
    if (state != WATCH_UP) {
        end(metering, reasons[state]);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    (void)status; /* what was lost is seen by looking */
    (void)events;
    look(poll->data);
}

static void on_look(uv_timer_t *timer)
{
    look(timer->data);
}

static int start_handles(struct metering *metering, uv_loop_t *loop)
{
    metering->answers.data = metering;
    metering->events.data = metering;
    metering->look.data = metering;
    (void)uv_timer_init(loop, &metering->look); /* neither can fail */
    (void)uv_timer_start(&metering->look, on_look, LOOK_MS, LOOK_MS);
    metering->n_handles++;
    int rc = uv_poll_init(loop, &metering->answers, lanes_fd(metering->lanes));
    if (rc != 0) {
        return rc;
    }
    metering->n_handles++;
    rc = uv_poll_init(loop, &metering->events, watch_fd(metering->watch));
    if (rc != 0) {
        return rc;
    }
    metering->n_handles++;
    rc = uv_poll_start(&metering->answers, UV_READABLE, on_answer);
    return rc != 0 ? rc : uv_poll_start(&metering->events, UV_READABLE, on_event);
}

static void make_rows(struct metering *metering, const char *device, const struct sample_sink *sink)
{
    const struct rows_options rows = {
        .sink = sink,
        .device = device,
        .interface = metering->interface,
        .interval_ms = metering->config->interval_ms,
        .offload = metering->offload.text,
        .link_type = metering->link_type,
        .services = metering->services,
        .n_services = metering->n_services,
        .has_ipfix = metering->config->ipfix.present,
    };
    metering->rows = rows_new(&rows);
    const struct gather_options gather = {
        .sink = sink,
        .object = rows_object(metering->rows),
        .interval_ms = metering->config->talkers.interval_ms,
        .top = (size_t)metering->config->talkers.top,
        .service_names = metering->service_names,
    };
    metering->gather = gather_new(&gather, clock_wall());
}

int metering_start(struct metering *metering, uv_loop_t *loop, const char *device,
                   const struct sample_sink *sink, metering_end *on_end, void *context)
{
    int rc = metering_prepare(metering);
    if (rc != 0) {
        return rc;
    }
    metering->on_end = on_end;
    metering->context = context;
    rc = start_handles(metering, loop);
    if (rc != 0) {
        return rc;
    }
    if (!metering->is_decoded) {
        log_warn("capture",
                 "frames of this link type are only counted by their bytes, nothing "
                 "more is known of them: interface=%s link=%s",
                 metering->interface, metering->link_type);
    }
    make_rows(metering, device, sink);
    char *name = xasprintf("capture/%s/%s", device, metering->interface);
    metering->tick = schedule_start(loop, name, metering->config->interval_ms, on_tick, metering);
    free(name);
    lanes_go(metering->lanes);
    return 0;
}

/* --- the end --- */

static void free_all(struct metering *metering)
{
    rows_free(metering->rows);
    gather_free(metering->gather);
    lanes_free(metering->lanes);
    services_free(metering->service_names);
    privacy_free(metering->privacy);
    free(metering);
}

static void on_closed(uv_handle_t *handle)
{
    struct metering *metering = handle->data;
    if (--metering->n_handles == 0) {
        free_all(metering); /* the descriptors have left the loop */
    }
}

void metering_close(struct metering *metering)
{
    if (metering == NULL) {
        return;
    }
    schedule_stop(metering->tick);
    uv_handle_t *handles[] = {(uv_handle_t *)&metering->look, (uv_handle_t *)&metering->answers,
                              (uv_handle_t *)&metering->events};
    int count = metering->n_handles;
    if (count == 0) {
        free_all(metering);
    }
    for (int i = 0; i < count; i++) {
        uv_close(handles[i], on_closed);
    }
}
