/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "presence.h"

static const struct metric check_metrics[] = {{"rtt", "s", METRIC_GAUGE}};
static const struct metric system_metrics[] = {{"uptime", "s", METRIC_GAUGE}};

static uint32_t define(const struct presence *presence, const char *kind, const char *name,
                       const struct metric *metric, const struct label *labels, size_t n_labels)
{
    const struct object object = {
        .device = presence->device,
        .kind = kind,
        .name = name,
        .interval_ms = presence->interval_ms,
        .metrics = metric,
        .n_metrics = 1,
        .labels = labels,
        .n_labels = n_labels,
    };
    return presence->sink->define(presence->sink->context, &object);
}

void presence_init(struct presence *presence, const struct sample_sink *sink, const char *device,
                   const char *address, int64_t interval_ms)
{
    const struct label labels[] = {{"type", "snmp"}, {"target", address}};
    *presence = (struct presence){
        .sink = sink, .device = device, .address = address, .interval_ms = interval_ms};
    presence->check = define(presence, "check", "snmp", check_metrics, labels, 2);
}

/* `status` of a row whose value is not known. */
static void send_gauge(const struct presence *presence, uint32_t object, struct wall time,
                       bool known, double gauge, enum row_status status)
{
    const union value value = {.gauge = gauge};
    const struct row row = {
        .object = object,
        .time = time,
        .status = known ? ROW_OK : status,
        .unknown_mask = known ? 0 : 1,
        .values = &value,
    };
    if (object != 0) {
        presence->sink->row(presence->sink->context, &row);
    }
}

static void send_result(const struct presence *presence, const struct result *result)
{
    if (presence->check != 0) {
        presence->sink->result(presence->sink->context, result);
    }
}

void presence_probed(struct presence *presence, const struct probe *probe, struct wall started)
{
    bool up = probe->outcome == OUTCOME_UP;
    const struct result result = {
        .object = presence->check,
        .time = probe->time,
        .outcome = probe->outcome,
        .reason = probe->reason,
        .detail = probe_detail(probe),
    };
    send_gauge(presence, presence->check, up ? probe->time : started, up, probe->rtt_s, ROW_FAILED);
    send_result(presence, &result);
}

void presence_heard(struct presence *presence, struct wall sent, double rtt_s)
{
    const struct result result = {
        .object = presence->check, .time = sent, .outcome = OUTCOME_UP, .reason = "", .detail = ""};
    send_gauge(presence, presence->check, sent, true, rtt_s, ROW_OK);
    send_result(presence, &result);
}

void presence_identify(struct presence *presence, const struct probe_system *system,
                       const char *profile)
{
    const struct label known[] = {{"sys_name", system->name},
                                  {"sys_descr", system->descr},
                                  {"sys_object_id", system->object_id},
                                  {"profile", profile}};
    struct label labels[1 + sizeof known / sizeof known[0]] = {{"address", presence->address}};
    size_t n_labels = 1;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].value[0] != '\0') {
            labels[n_labels++] = known[i];
        }
    }
    presence->system = define(presence, "device", "system", system_metrics, labels, n_labels);
}

void presence_uptime(struct presence *presence, struct wall time, bool known, double uptime_s)
{
    /* It answered, and has none: nothing failed. */
    send_gauge(presence, presence->system, time, known, uptime_s, ROW_OK);
}
