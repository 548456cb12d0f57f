/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "device.h"

#include "address.h"
#include "collect.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "presence.h"
#include "probe.h"
#include "sample/schedule.h"
#include "session.h"
#include "stretch.h"
#include "uptime.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A slow device's cycle may take the turns of the next ones, but not for ever. */
    CYCLE_LIMIT_INTERVALS = 4,
    ONCE_LIMIT_MS = 600000, /* one cycle of the slowest device that somebody waits for */
    /* Turns of an interval: a device's first request goes out with those of a few others. */
    SLOTS = 16,
    TROUBLE_LOG_MS = 600000,
    TROUBLE_SIZE = 512,
};

enum phase { DEVICE_IDLE, DEVICE_PROBING, DEVICE_COLLECTING };

struct device {
    struct device_options options;
    const struct snmp_device_config *config;
    char *name; /* of the configuration, which may move */
    char *address;
    struct schedule_task *task; /* NULL: once */
    uv_timer_t *first;          /* once: its only turn */
    struct session *session;    /* NULL: it could not be opened, each turn tries again */
    struct probe probe;
    struct presence presence;
    const struct plan *plan; /* NULL: it never answered */
    struct collect *collect;
    struct stretch stretch;
    struct uptime uptime;
    uint32_t boots;
    bool restarted; /* since its tables were last read */
    enum phase phase;
    struct wall started;
    struct mono started_mono;
    struct mono heard; /* the last answer that gave a result */
    struct snmp_counts counts;
    /* Modulo 2^32, of which only differences are of use: there are thousands of devices. */
    uint32_t told[COUNT_N]; /* in the log */
    uint32_t *before;       /* this cycle; NULL: nobody wants a report */
    struct log_limit trouble;
};

/* --- the end of a cycle --- */

/* What went wrong since `since`: " too_big=1 walks_cut=2"; "": nothing. */
static void describe_trouble(const struct device *device, const uint32_t since[COUNT_N],
                             char text[TROUBLE_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (enum snmp_count i = 0; i < COUNT_N; i++) {
        uint32_t more = (uint32_t)device->counts.n[i] - since[i];
        if (more == 0 || !snmp_count_is_trouble(i)) {
            continue;
        }
        int size =
            snprintf(text + used, TROUBLE_SIZE - used, " %s=%" PRIu32, snmp_count_name(i), more);
        used += size > 0 ? (size_t)size : 0;
        used = used < TROUBLE_SIZE ? used : TROUBLE_SIZE - 1;
    }
}

static void note_counts(const struct device *device, uint32_t noted[COUNT_N])
{
    for (size_t i = 0; i < COUNT_N; i++) {
        noted[i] = (uint32_t)device->counts.n[i];
    }
}

/* Says in one line what went wrong since it was said last. */
static void log_trouble(struct device *device)
{
    char text[TROUBLE_SIZE];
    uint64_t held;
    describe_trouble(device, device->told, text);
    if (text[0] != '\0' && log_limit_allow(&device->trouble, TROUBLE_LOG_MS, &held)) {
        log_warn("snmp", "trouble: device=%s%s", device->name, text);
        note_counts(device, device->told);
    }
}

static void report(struct device *device, enum snmp_status status, const char *reason)
{
    const struct probe_system *system = &device->probe.system;
    const struct snmp_report report = {
        .device = device->name,
        .address = device->address,
        .status = status,
        .reason = reason,
        .sys_name = system->name,
        .sys_object_id = system->object_id,
        .sys_descr = system->descr,
        .has_uptime = status <= SNMP_STATUS_PARTIAL && system->has_uptime,
        .uptime_s = uptime_seconds(&device->uptime),
        .profile = device->plan != NULL ? device->plan->name : "",
    };
    device->phase = DEVICE_IDLE;
    log_trouble(device);
    if (device->options.on_report != NULL) {
        device->options.on_report(device->options.context, &report);
    }
}

static void take_duration(struct device *device)
{
    int64_t interval_ms = device->config->snmp.interval_ms;
    int64_t took_ms = mono_elapsed_ms(device->started_mono, clock_mono());
    unsigned before = device->stretch.factor;
    if (device->options.once || !stretch_take(&device->stretch, interval_ms, took_ms)) {
        return;
    }
    unsigned now = device->stretch.factor;
    collect_set_interval(device->collect, stretch_interval_ms(&device->stretch, interval_ms));
    if (now > before) {
        log_warn("snmp",
                 "slow device, its tables are read less often: device=%s took_ms=%" PRId64
                 " interval_ms=%" PRId64 " now_ms=%" PRId64,
                 device->name, took_ms, interval_ms * before, interval_ms * now);
    } else {
        log_info("snmp", "device is faster again: device=%s took_ms=%" PRId64 " now_ms=%" PRId64,
                 device->name, took_ms, interval_ms * now);
    }
}

static void on_collected(void *context, enum collect_end end)
{
    struct device *device = context;
    char trouble[TROUBLE_SIZE] = "";
    device->restarted = device->restarted && end == COLLECT_INTERRUPTED;
    take_duration(device);
    if (device->before != NULL) {
        describe_trouble(device, device->before, trouble);
    }
    const char *details = trouble[0] == ' ' ? trouble + 1 : trouble;
    switch (end) {
    case COLLECT_COMPLETE:
        report(device, SNMP_STATUS_OK, "");
        return;
    case COLLECT_PARTIAL:
        report(device, SNMP_STATUS_PARTIAL, details[0] != '\0' ? details : "a table was cut");
        return;
    case COLLECT_INTERRUPTED:
        report(device, SNMP_STATUS_PARTIAL, "stopped answering, or took too long");
        return;
    }
}

/* --- the probe --- */

static void deliver_result(struct device *device)
{
    presence_probed(&device->presence, &device->probe, device->started);
    device->heard = device->probe.arrived_mono;
}

/* Did the device (or its agent) restart since it was heard last? */
static bool has_restarted(struct device *device)
{
    const struct probe *probe = &device->probe;
    uint32_t boots = session_engine_boots(device->session);
    bool restarted = boots != 0 && device->boots != 0 && boots != device->boots;
    device->boots = boots != 0 ? boots : device->boots;
    if (probe->system.has_uptime) {
        restarted = uptime_take(&device->uptime, probe->system.uptime_ticks, probe->arrived_mono) ||
                    restarted;
    }
    return restarted;
}

static void choose_plan(struct device *device)
{
    const struct plan *plan =
        plans_choose(device->options.plans, device->config->snmp.profile,
                     device->probe.system.object_id, device->probe.system.descr);
    if (plan == device->plan) {
        return;
    }
    log_info("snmp", "device polled: device=%s profile=%s sys_object_id=%s", device->name,
             plan->name, device->probe.system.object_id);
    device->plan = plan;
    probe_watch(&device->probe, plan);
    collect_set_plan(device->collect, plan);
}

static void take_system(struct device *device)
{
    if (has_restarted(device)) {
        device->counts.n[COUNT_RESTARTS]++;
        device->restarted = true;
        probe_forget(&device->probe); /* it may have other software now */
        log_info("snmp", "device restarted: device=%s uptime_s=%.0f", device->name,
                 uptime_seconds(&device->uptime));
    }
    choose_plan(device);
    if (device->probe.is_identifying) {
        presence_identify(&device->presence, &device->probe.system, device->plan->name);
    }
    presence_uptime(&device->presence, device->probe.arrived, device->probe.system.has_uptime,
                    uptime_seconds(&device->uptime));
}

static void collect_tables(struct device *device)
{
    int64_t interval_ms = device->config->snmp.interval_ms;
    struct collect_turn turn = {
        .limit_ms = device->options.once
                        ? ONCE_LIMIT_MS
                        : interval_ms * CYCLE_LIMIT_INTERVALS * device->stretch.factor,
        .restarted = device->restarted,
        .watched_known = device->probe.watched_known,
    };
    memcpy(turn.watched, device->probe.watched_values, sizeof turn.watched);
    device->phase = DEVICE_COLLECTING;
    collect_start(device->collect, device->session, &turn);
}

static enum snmp_status failed_status(const struct probe *probe)
{
    return strcmp(probe->reason, "timeout") == 0 ? SNMP_STATUS_TIMEOUT
           : strcmp(probe->reason, "auth") == 0  ? SNMP_STATUS_AUTH
                                                 : SNMP_STATUS_ERROR;
}

static void on_probed(void *context)
{
    struct device *device = context;
    deliver_result(device);
    if (device->probe.outcome != OUTCOME_UP) {
        report(device, failed_status(&device->probe), probe_detail(&device->probe));
        return;
    }
    take_system(device);
    if (stretch_is_turn(&device->stretch)) {
        collect_tables(device);
    } else {
        device->phase = DEVICE_IDLE;
    }
}

/* --- turns --- */

static int open_session(struct device *device)
{
    struct sockaddr_storage address;
    char reason[128];
    if (device->session == NULL) {
        int rc = address_parse(device->config->address, &address, reason, sizeof reason);
        if (rc != 0) {
            return rc;
        }
        device->session =
            session_open(device->options.engine, &address, &device->config->snmp, &device->counts);
    }
    return device->session != NULL ? 0 : -errno;
}

/* The cycle before goes on. What the device answered since the last result is as good as a probe's
 * answer; without one, the cycle itself finds out whether it is still there. */
static void take_turn_of_running(struct device *device)
{
    const struct collect_answer *answer = collect_last_answer(device->collect);
    device->counts.n[COUNT_OVERRUN]++;
    if (device->phase != DEVICE_COLLECTING || !answer->any ||
        answer->arrived.ns <= device->heard.ns) {
        return;
    }
    device->heard = answer->arrived;
    presence_heard(&device->presence, answer->sent, answer->rtt_s);
}

static void on_turn(void *context, struct wall due)
{
    struct device *device = context;
    (void)due; /* rows are dated by when the answer came */
    stretch_next_turn(&device->stretch);
    if (device->phase != DEVICE_IDLE) {
        take_turn_of_running(device);
        return;
    }
    device->started = clock_wall();
    device->started_mono = clock_mono();
    if (device->before != NULL) {
        note_counts(device, device->before);
    }
    device->phase = DEVICE_PROBING;
    int rc = open_session(device);
    if (rc == 0) {
        probe_start(&device->probe, device->session);
        return;
    }
    device->probe.time = device->started;
    device->counts.n[COUNT_NOT_SENT]++;
    probe_not_sent(&device->probe, -rc);
    deliver_result(device);
    report(device, SNMP_STATUS_ERROR, probe_detail(&device->probe));
}

static void on_first(uv_timer_t *timer)
{
    on_turn(timer->data, clock_wall());
}

/* --- life --- */

static void start_turns(struct device *device)
{
    if (device->options.once) {
        device->first = xcalloc(1, sizeof *device->first);
        uv_timer_init(device->options.loop, device->first);
        device->first->data = device;
        uv_timer_start(device->first, on_first, 0, 0);
        return;
    }
    char *name = xasprintf("snmp/%s", device->name);
    int64_t interval_ms = device->config->snmp.interval_ms;
    int64_t slot_ms = interval_ms > SLOTS ? interval_ms / SLOTS : 1;
    device->task =
        schedule_start_in_slot(device->options.loop, name, interval_ms, slot_ms, on_turn, device);
    free(name);
}

struct device *device_start(const struct device_options *options,
                            const struct snmp_device_config *config)
{
    const struct snmp_access_config *access = &config->snmp;
    struct device *device = xcalloc(1, sizeof *device);
    device->options = *options;
    device->config = config;
    device->name = xstrdup(config->name);
    device->address = xstrdup(config->address);
    const struct probe_options probe = {.timeout_ms = access->timeout_ms,
                                        .retries = access->retries,
                                        .counts = &device->counts,
                                        .done = on_probed,
                                        .context = device};
    const struct collect_options collect = {.device = device->name,
                                            .interval_ms = access->interval_ms,
                                            .timeout_ms = access->timeout_ms,
                                            .retries = access->retries,
                                            .repetitions = (unsigned)access->repetitions,
                                            .once = options->once,
                                            .sink = options->sink,
                                            .counts = &device->counts,
                                            .done = on_collected,
                                            .context = device};
    probe_init(&device->probe, &probe);
    device->collect = collect_new(&collect);
    stretch_begin(&device->stretch);
    presence_init(&device->presence, options->sink, device->name, device->address,
                  access->interval_ms);
    if (options->on_report != NULL) {
        device->before = xcalloc(COUNT_N, sizeof device->before[0]);
    }
    start_turns(device);
    return device;
}

void device_configure(struct device *device, const struct snmp_device_config *config)
{
    device->config = config;
}

const struct snmp_device_config *device_config(const struct device *device)
{
    return device->config;
}

const struct snmp_counts *device_counts(const struct device *device)
{
    return &device->counts;
}

uint64_t device_missed(const struct device *device)
{
    return device->task != NULL ? schedule_missed(device->task) : 0;
}

unsigned device_stretch(const struct device *device)
{
    return device->stretch.factor;
}

static void on_first_closed(uv_handle_t *handle)
{
    free(handle);
}

void device_stop(struct device *device)
{
    schedule_stop(device->task);
    if (device->first != NULL) {
        uv_close((uv_handle_t *)device->first, on_first_closed);
    }
    session_close(device->session);
    collect_free(device->collect);
    probe_clear(&device->probe);
    free(device->before);
    free(device->name);
    free(device->address);
    free(device);
}
