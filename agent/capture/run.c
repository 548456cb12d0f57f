/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture/run.h"

#include "common/clock.h"
#include "common/privilege.h"
#include "ipfix.h"
#include "offload.h"
#include "source.h"
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAMES_AT_ONCE = 65536, /* of a file: between two looks at what else is to be done */
    LIVE_FRAMES_AT_ONCE = 4096,
    POLL_MS = 100, /* an idle ring does not wake anybody: it is looked at so often */
    RING_BYTES = 16 * 1024 * 1024,
    PROGRESS_MS = 200,
};
static const int64_t MS_NS = 1000000;

struct running {
    const struct capture_run *run;
    struct source *source;
    struct watch *watch; /* of an interface */
    struct meter *meter;
    struct ipfix *ipfix; /* NULL: none */
    struct capture_document document;
    uint32_t export_s;
    int error; /* of on_document */
    uint64_t dropped_before;
    uint64_t interface_dropped_before;
    struct mono progress_shown;
};

/* --- what both have --- */

static void on_flow(void *context, const struct flow_report *report)
{
    struct running *running = context;
    ipfix_add(running->ipfix, report, running->export_s);
}

static int open_ipfix(struct running *running, char *reason, size_t reason_size)
{
    return running->run->ipfix == NULL ? 0
                                       : ipfix_open(&running->ipfix, running->run->ipfix, 0,
                                                    running->run->privacy, reason, reason_size);
}

static int open_meter(struct running *running, uint32_t mtu_bytes, char *reason, size_t reason_size)
{
    const struct meter_options options = {
        .flows = running->run->flows,
        .mtu_bytes = mtu_bytes,
        .privacy = running->run->privacy,
        .service_names = running->run->service_names,
        .on_flow = running->ipfix != NULL ? on_flow : NULL,
        .context = running,
    };
    running->meter = meter_new(&options);
    if (running->meter == NULL) {
        int rc = -errno;
        (void)snprintf(reason, reason_size, "no memory for the table of flows: %s", strerror(-rc));
        return rc;
    }
    return 0;
}

static int confine(const struct capture_run *run, char *reason, size_t reason_size)
{
    struct privilege_report report;
    int rc = privilege_confine(run->user, &report);
    if (rc != 0) {
        (void)snprintf(reason, reason_size,
                       "the privileges cannot be given up, so nothing is read: %s", strerror(-rc));
        return rc;
    }
    (void)privilege_filter_syscalls(&report); /* a kernel that cannot leaves it confined as it is */
    return 0;
}

static bool is_stopped(const struct running *running)
{
    return running->error != 0 || (running->run->stop != NULL && *running->run->stop != 0);
}

/* Takes what was metered since the last time and hands it on. */
static void tell(struct running *running, bool ends, const char *error)
{
    struct capture_document *document = &running->document;
    running->export_s = (uint32_t)(clock_wall().ms / 1000);
    document->summary = meter_take(running->meter, ends);
    document->error = error;
    if (running->ipfix != NULL) {
        ipfix_flush(running->ipfix, running->export_s);
    }
    if (running->error == 0) {
        running->error = running->run->on_document(running->run->context, document);
    }
}

static void end(struct running *running)
{
    meter_free(running->meter); /* tells nobody */
    ipfix_close(running->ipfix);
    watch_close(running->watch);
    source_close(running->source);
}

/* --- a file --- */

/* The interval that holds this time, from multiples of its length on. */
static void set_interval(struct running *running, int64_t time_ns)
{
    int64_t length_ns = running->run->interval_ns;
    int64_t from_ns = time_ns / length_ns * length_ns; /* no time is before 1970 */
    running->document.has_interval = true;
    running->document.from_ns = from_ns;
    running->document.to_ns = from_ns > INT64_MAX - length_ns ? INT64_MAX : from_ns + length_ns;
}

static int64_t on_limit(void *context, int64_t time_ns)
{
    struct running *running = context;
    if (running->document.has_interval) {
        tell(running, false, NULL);
    }
    set_interval(running, time_ns);
    return running->document.to_ns;
}

static void show_progress(struct running *running)
{
    struct mono now = clock_mono();
    if (running->run->on_progress != NULL &&
        mono_elapsed_ms(running->progress_shown, now) >= PROGRESS_MS) {
        running->progress_shown = now;
        running->run->on_progress(running->run->context, source_bytes_read(running->source),
                                  source_file_bytes(running->source));
    }
}

static int read_file(struct running *running, char *reason, size_t reason_size)
{
    int n = 1;
    if (running->run->interval_ns != 0) {
        source_set_limit(running->source, INT64_MIN, on_limit, running);
    }
    running->progress_shown = clock_mono();
    while (n >= 0 && !is_stopped(running)) {
        n = source_read(running->source, running->meter, FRAMES_AT_ONCE, reason, reason_size);
        show_progress(running);
    }
    int rc = n < 0 && n != -ENODATA ? n : 0;
    /* A file without a frame is one empty document, whatever the interval. */
    tell(running, true, rc != 0 ? reason : NULL);
    if (running->error != 0) {
        (void)snprintf(reason, reason_size, "cannot print: %s", strerror(-running->error));
        return running->error;
    }
    return rc;
}

int capture_run_file(const struct capture_run *run, char *reason, size_t reason_size)
{
    struct running running = {.run = run, .document = {.name = run->name, .is_file = true}};
    const struct source_options options = {.filter = run->filter};
    int rc = source_open_file(&running.source, run->name, &options, reason, reason_size);
    if (rc == 0) {
        rc = open_ipfix(&running, reason, reason_size);
    }
    if (rc == 0) {
        rc = open_meter(&running, 0, reason, reason_size);
    }
    if (rc == 0) {
        running.document.link_type = source_link_name(running.source);
        running.document.is_decoded = source_is_decoded(running.source);
        rc = confine(run, reason, reason_size);
    }
    if (rc == 0) {
        rc = read_file(&running, reason, reason_size);
    }
    end(&running);
    return rc;
}

/* --- an interface --- */

static int64_t wall_ns(void)
{
    return clock_wall().ms * MS_NS;
}

static void tell_live(struct running *running, int64_t from_ns, int64_t to_ns, bool ends)
{
    struct capture_document *document = &running->document;
    uint64_t dropped = source_dropped(running->source);
    uint64_t interface_dropped = watch_interface_dropped(running->watch);
    document->has_interval = true;
    document->from_ns = from_ns;
    document->to_ns = to_ns;
    document->kernel_dropped = dropped - running->dropped_before;
    document->interface_dropped = interface_dropped - running->interface_dropped_before;
    running->dropped_before = dropped;
    running->interface_dropped_before = interface_dropped;
    tell(running, ends, NULL);
}

/* 0, or -ENODEV …: the interface is not what it was. */
static int look_at_interface(struct running *running, char *reason, size_t reason_size)
{
    static const char *const words[] = {
        [WATCH_UP] = NULL,
        [WATCH_DOWN] = "the interface went down",
        [WATCH_GONE] = "the interface is gone",
        [WATCH_ANOTHER] = "another interface has its name now",
    };
    enum watch_state state = watch_look(running->watch);
    if (words[state] == NULL) {
        return 0;
    }
    (void)snprintf(reason, reason_size, "%s: %s", running->run->name, words[state]);
    return state == WATCH_DOWN ? -ENETDOWN : -ENODEV;
}

static int wait_for_frames(struct running *running, int64_t until_ns, char *reason,
                           size_t reason_size)
{
    struct pollfd fds[] = {{source_fd(running->source), POLLIN, 0},
                           {watch_fd(running->watch), POLLIN, 0}};
    int64_t left_ms = (until_ns - wall_ns()) / MS_NS;
    left_ms = left_ms < 0 ? 0 : left_ms > POLL_MS ? POLL_MS : left_ms;
    if (poll(fds, sizeof fds / sizeof fds[0], (int)left_ms) > 0 && fds[1].revents != 0) {
        return look_at_interface(running, reason, reason_size);
    }
    return 0; /* a signal: *stop tells */
}

static int meter_interface(struct running *running, char *reason, size_t reason_size)
{
    const struct capture_run *run = running->run;
    int64_t from_ns = wall_ns();
    struct mono began = clock_mono();
    int64_t length_ns = run->interval_ns != 0 ? run->interval_ns : INT64_MAX - from_ns;
    int64_t to_ns = from_ns + length_ns;
    int rc = 0;
    bool over = false;
    while (rc == 0 && !over && !is_stopped(running)) {
        int64_t left_ns = run->duration_ns - mono_elapsed_ms(began, clock_mono()) * MS_NS;
        int64_t until_ns =
            run->duration_ns != 0 && wall_ns() + left_ns < to_ns ? wall_ns() + left_ns : to_ns;
        rc = wait_for_frames(running, until_ns, reason, reason_size);
        int n = rc != 0 ? rc
                        : source_read(running->source, running->meter, LIVE_FRAMES_AT_ONCE, reason,
                                      reason_size);
        rc = n < 0 ? n : 0;
        over = run->duration_ns != 0 && left_ns <= 0;
        if (rc == 0 && !over && wall_ns() >= to_ns) {
            tell_live(running, from_ns, to_ns, false);
            /* After a clock that was set, or a long sleep, from now on. */
            from_ns = wall_ns() < to_ns + length_ns ? to_ns : wall_ns();
            to_ns = from_ns + length_ns;
        }
    }
    tell_live(running, from_ns, wall_ns(), true);
    if (rc == 0 && running->error != 0) {
        (void)snprintf(reason, reason_size, "cannot print: %s", strerror(-running->error));
        rc = running->error;
    }
    return rc;
}

static int open_interface(struct running *running, char *reason, size_t reason_size)
{
    const struct capture_run *run = running->run;
    const struct source_options options = {
        .promiscuous = run->promiscuous, .ring_bytes = RING_BYTES, .filter = run->filter};
    struct offload offload;
    int rc = source_open_interface(&running->source, run->name, &options, reason, reason_size);
    if (rc != 0) {
        return rc;
    }
    rc = watch_open(&running->watch, run->name);
    if (rc == 0) {
        rc = watch_bind(running->watch);
    }
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be watched: %s", run->name, strerror(-rc));
        return rc;
    }
    offload_read(run->name, &offload);
    rc = open_ipfix(running, reason, reason_size);
    return rc == 0 ? open_meter(running, offload.mtu_bytes, reason, reason_size) : rc;
}

int capture_run_interface(const struct capture_run *run, char *reason, size_t reason_size)
{
    struct running running = {.run = run, .document = {.name = run->name}};
    int rc = open_interface(&running, reason, reason_size);
    if (rc == 0) {
        running.document.link_type = source_link_name(running.source);
        running.document.is_decoded = source_is_decoded(running.source);
        rc = confine(run, reason, reason_size);
    }
    if (rc == 0) {
        rc = meter_interface(&running, reason, reason_size);
    }
    end(&running);
    return rc;
}
