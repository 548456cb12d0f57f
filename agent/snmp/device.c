/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "device.h"

#include "address.h"
#include "collect.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "interface.h"
#include "probe.h"
#include "sample/schedule.h"
#include "session.h"
#include "uptime.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A slow device's cycle may take the turns of the next ones, but not for ever. */
    CYCLE_LIMIT_INTERVALS = 4,
    TROUBLE_LOG_MS = 600000,
};

struct device {
    uv_loop_t *loop;
    const struct snmp_device_config *config;
    const struct sample_sink *sink;
    struct schedule_task *task;
    struct session *session; /* NULL: it could not be opened, each turn tries again */
    struct probe probe;
    struct collect *collect;
    struct if_table table;
    struct interfaces *interfaces;
    struct uptime uptime;
    bool is_running;
    struct wall started;
    struct mono started_mono;
    uint32_t check; /* the sink's numbers; 0: refused */
    uint32_t system;
    bool system_defined;
    struct probe_system defined_as;
    struct snmp_counts counts;
    struct snmp_counts told; /* in the log */
    struct log_limit trouble;
    struct log_limit slow;
};

static const struct metric check_metrics[] = {{"rtt", "s", METRIC_GAUGE}};
static const struct metric system_metrics[] = {{"uptime", "s", METRIC_GAUGE}};

/* --- objects --- */

static void define_check(struct device *device)
{
    const struct label labels[] = {{"type", "snmp"}, {"target", device->config->address}};
    const struct object object = {
        .device = device->config->name,
        .kind = "check",
        .name = "snmp",
        .interval_ms = device->config->snmp.interval_ms,
        .metrics = check_metrics,
        .n_metrics = 1,
        .labels = labels,
        .n_labels = 2,
    };
    device->check = device->sink->define(device->sink->context, &object);
}

static void define_system(struct device *device)
{
    const struct probe_system *system = &device->probe.system;
    const struct label all[] = {{"address", device->config->address},
                                {"sys_name", system->name},
                                {"sys_descr", system->descr},
                                {"sys_object_id", system->object_id}};
    struct label labels[sizeof all / sizeof all[0]];
    size_t n_labels = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].value[0] != '\0') {
            labels[n_labels++] = all[i];
        }
    }
    const struct object object = {
        .device = device->config->name,
        .kind = "device",
        .name = "system",
        .interval_ms = device->config->snmp.interval_ms,
        .metrics = system_metrics,
        .n_metrics = 1,
        .labels = labels,
        .n_labels = n_labels,
    };
    device->system = device->sink->define(device->sink->context, &object);
    device->system_defined = true;
    device->defined_as = *system;
}

static bool is_defined_as(const struct device *device, const struct probe_system *system)
{
    const struct probe_system *before = &device->defined_as;
    return device->system_defined && strcmp(before->name, system->name) == 0 &&
           strcmp(before->descr, system->descr) == 0 &&
           strcmp(before->object_id, system->object_id) == 0;
}

static void send_gauge(struct device *device, uint32_t object, struct wall time, bool known,
                       double gauge)
{
    const union value value = {.gauge = gauge};
    const struct row row = {
        .object = object,
        .time = time,
        .status = known ? ROW_OK : ROW_FAILED,
        .unknown_mask = known ? 0 : 1,
        .values = &value,
    };
    if (object != 0) {
        device->sink->row(device->sink->context, &row);
    }
}

/* --- the end of a cycle --- */

/* Says in one line what went wrong since it was said last. */
static void log_trouble(struct device *device)
{
    char text[512] = "";
    size_t used = 0;
    uint64_t held;
    for (enum snmp_count i = 0; i < COUNT_N; i++) {
        uint64_t more = device->counts.n[i] - device->told.n[i];
        if (more == 0 || i == COUNT_REQUESTS || i == COUNT_WRAPS || i == COUNT_OVERRUN) {
            continue;
        }
        int size =
            snprintf(text + used, sizeof text - used, " %s=%" PRIu64, snmp_count_name(i), more);
        used += size > 0 ? (size_t)size : 0;
        used = used < sizeof text ? used : sizeof text - 1;
    }
    if (used > 0 && log_limit_allow(&device->trouble, TROUBLE_LOG_MS, &held)) {
        log_warn("snmp", "trouble: device=%s%s", device->config->name, text);
        device->told = device->counts;
    }
}

static void end_cycle(struct device *device)
{
    int64_t took_ms = mono_elapsed_ms(device->started_mono, clock_mono());
    uint64_t held;
    device->is_running = false;
    if (took_ms > device->config->snmp.interval_ms &&
        log_limit_allow(&device->slow, TROUBLE_LOG_MS, &held)) {
        log_warn(
            "snmp",
            "a cycle takes longer than the interval, turns are skipped: device=%s took_ms=%lld "
            "interval_ms=%lld",
            device->config->name, (long long)took_ms, (long long)device->config->snmp.interval_ms);
    }
    log_trouble(device);
}

static void on_collected(void *context, enum collect_end end)
{
    struct device *device = context;
    interfaces_deliver(device->interfaces, &device->table, end == COLLECT_INTERRUPTED);
    end_cycle(device);
}

/* --- the probe --- */

static void deliver_result(struct device *device)
{
    const struct probe *probe = &device->probe;
    bool up = probe->outcome == OUTCOME_UP;
    const struct result result = {
        .object = device->check,
        .time = probe->time,
        .outcome = probe->outcome,
        .reason = probe->reason,
        .detail = probe->detail,
    };
    send_gauge(device, device->check, up ? probe->time : device->started, up, probe->rtt_s);
    if (device->check != 0) {
        device->sink->result(device->sink->context, &result);
    }
}

static void take_uptime(struct device *device)
{
    const struct probe *probe = &device->probe;
    if (probe->system.has_uptime &&
        uptime_take(&device->uptime, probe->system.uptime_ticks, probe->arrived_mono)) {
        device->counts.n[COUNT_RESTARTS]++;
        interfaces_restarted(device->interfaces);
        log_info("snmp", "device restarted: device=%s uptime_s=%.0f", device->config->name,
                 uptime_seconds(&device->uptime));
    }
    if (!is_defined_as(device, &probe->system)) {
        define_system(device);
    }
    send_gauge(device, device->system, probe->arrived, probe->system.has_uptime,
               uptime_seconds(&device->uptime));
}

static void on_probed(void *context)
{
    struct device *device = context;
    deliver_result(device);
    if (device->probe.outcome != OUTCOME_UP) {
        end_cycle(device);
        return;
    }
    take_uptime(device);
    collect_start(device->collect, device->session, &device->table);
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
            session_open(device->loop, &address, device->config->snmp.community, &device->counts);
    }
    return device->session != NULL ? 0 : -errno;
}

static void on_turn(void *context, struct wall due)
{
    struct device *device = context;
    (void)due; /* rows are dated by when the answer came */
    if (device->is_running) {
        device->counts.n[COUNT_OVERRUN]++;
        return;
    }
    device->is_running = true;
    device->started = clock_wall();
    device->started_mono = clock_mono();
    int rc = open_session(device);
    if (rc == 0) {
        probe_start(&device->probe, device->session);
        return;
    }
    device->probe.time = device->started;
    device->counts.n[COUNT_NOT_SENT]++;
    probe_not_sent(&device->probe, -rc);
    deliver_result(device);
    end_cycle(device);
}

/* --- life --- */

struct device *device_start(uv_loop_t *loop, const struct snmp_device_config *config,
                            const struct sample_sink *sink)
{
    const struct snmp_access_config *access = &config->snmp;
    struct device *device = xcalloc(1, sizeof *device);
    const struct probe_options probe = {.timeout_ms = access->timeout_ms,
                                        .retries = access->retries,
                                        .limit_ms = access->interval_ms * 3 / 4,
                                        .counts = &device->counts,
                                        .done = on_probed,
                                        .context = device};
    const struct collect_options collect = {.device = config->name,
                                            .timeout_ms = access->timeout_ms,
                                            .retries = access->retries,
                                            .limit_ms = access->interval_ms * CYCLE_LIMIT_INTERVALS,
                                            .counts = &device->counts,
                                            .done = on_collected,
                                            .context = device};
    device->loop = loop;
    device->config = config;
    device->sink = sink;
    probe_init(&device->probe, &probe);
    device->collect = collect_new(&collect);
    if_table_init(&device->table, &device->counts);
    device->interfaces = interfaces_new(config->name, access->interval_ms, sink, &device->counts);
    define_check(device);
    char *name = xasprintf("snmp/%s", config->name);
    device->task = schedule_start(loop, name, access->interval_ms, on_turn, device);
    free(name);
    return device;
}

const struct snmp_counts *device_counts(const struct device *device)
{
    return &device->counts;
}

uint64_t device_missed(const struct device *device)
{
    return schedule_missed(device->task);
}

void device_stop(struct device *device)
{
    schedule_stop(device->task);
    session_close(device->session);
    collect_free(device->collect);
    if_table_free(&device->table);
    interfaces_free(device->interfaces);
    free(device);
}
