/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is, now: the collector's parts, services, devices, problems. */
#include "common/stats.h"
#include "internal.h"

#include <string.h>

/* --- the collector itself --- */

static const struct stat_value *find_stat(const struct stats *stats, const char *name,
                                          const char *label)
{
    for (size_t i = 0; i < stats->count; i++) {
        const struct stat_value *value = &stats->values[i];
        if (strcmp(value->name, name) == 0 &&
            (label == NULL ||
             (value->label_value != NULL && strcmp(value->label_value, label) == 0))) {
            return value;
        }
    }
    return NULL;
}

static double stat_or(const struct stats *stats, const char *name, const char *label,
                      double otherwise)
{
    const struct stat_value *value = find_stat(stats, name, label);
    return value != NULL ? value->value : otherwise;
}

static json_t *list_parts(const struct stats *stats)
{
    json_t *parts = json_array();
    for (size_t i = 0; i < stats->count; i++) {
        const struct stat_value *value = &stats->values[i];
        if (strcmp(value->name, "beffroi_part_up") != 0 || value->label_value == NULL) {
            continue;
        }
        const char *part = value->label_value;
        (void)json_array_append_new(
            parts,
            json_pack("{s:s, s:b, s:I, s:I}", "part", part, "up", value->value > 0, "restarts",
                      (json_int_t)stat_or(stats, "beffroi_part_restarts_total", part, 0), "pid",
                      (json_int_t)stat_or(stats, "beffroi_part_pid", part, 0)));
    }
    return parts;
}

/* What someone must act on, as sentences. */
static json_t *list_alarms(const struct stats *stats)
{
    static const struct {
        const char *stat;
        const char *sentence;
    } failing[] = {
        {"beffroi_intake_failing",
         "The journal cannot be written: agents keep their data until it can. Is its disk full?"},
        {"beffroi_store_failing", "The RRD files, the ledger or the talkers cannot be written: "
                                  "they are behind. Is their disk full?"},
    };
    static const struct {
        const char *part;
        const char *sentence;
    } silent[] = {
        {"intake", "The part intake does not answer: no data is taken in."},
        {"store", "The part store does not answer: graphs and states are not brought up to date."},
        {"supervisor", "The supervisor does not answer."},
    };
    json_t *alarms = json_array();
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        if (stat_or(stats, failing[i].stat, NULL, 0) > 0) {
            (void)json_array_append_new(alarms, json_string(failing[i].sentence));
        }
    }
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        if (stat_or(stats, "beffroi_part_answers", silent[i].part, 0) <= 0) {
            (void)json_array_append_new(alarms, json_string(silent[i].sentence));
        }
    }
    return alarms;
}

static json_t *collector_json(const struct query_sources *sources)
{
    struct stats stats = {0};
    query_stats(sources, &stats);
    const struct stat_value *lag = find_stat(&stats, "beffroi_store_journal_lag_seconds", NULL);
    json_t *collector =
        json_pack("{s:o, s:o, s:o}", "parts", list_parts(&stats), "journal_lag_s",
                  lag != NULL ? json_real(lag->value) : json_null(), "alarms", list_alarms(&stats));
    stats_clear(&stats);
    return collector;
}

/* --- services --- */

static json_t *find_service(const json_t *report, const char *name)
{
    size_t i;
    json_t *service;
    json_array_foreach(json_object_get(report, "services"), i, service)
    {
        const char *its = json_string_value(json_object_get(service, "service"));
        if (its != NULL && strcmp(its, name) == 0) {
            return service;
        }
    }
    return NULL;
}

/* Put the month's figures beside the present states. */
static void add_figures(json_t *states, const json_t *report)
{
    size_t i;
    json_t *state;
    json_array_foreach(states, i, state)
    {
        json_t *service =
            find_service(report, json_string_value(json_object_get(state, "service")));
        json_t *figure = json_object_get(service, "availability");
        (void)json_object_set(state, "target_pct", json_object_get(service, "target_pct"));
        (void)json_object_set(state, "availability_pct", json_object_get(figure, "pct"));
        (void)json_object_set(state, "meets", json_object_get(service, "meets"));
    }
}

static json_t *services_json(const struct query_sources *sources, struct ledger_view *view,
                             const struct sla_input *present, struct wall now,
                             struct query_failure *failure)
{
    struct sla_interval month;
    char reason[160] = "";
    if (sources->contract == NULL) {
        return json_array();
    }
    if (sla_period_parse("this-month", sla_contract_timezone(sources->contract), now, &month,
                         reason, sizeof reason) != 0) {
        return query_fail(failure, QUERY_UNAVAILABLE, "%s", reason);
    }
    struct sla_input *input = query_input(view, sources->contract, month, now, failure);
    if (input == NULL) {
        return NULL;
    }
    json_t *report = sla_report(sources->contract, input, month, now, NULL, reason, sizeof reason);
    json_t *states = report != NULL ? sla_states(sources->contract, present, now) : NULL;
    if (states != NULL) {
        add_figures(states, report);
    } else {
        (void)query_fail(failure, QUERY_UNAVAILABLE, "the services' figures are refused: %s",
                         reason);
    }
    json_decref(report);
    sla_input_free(input);
    return states;
}

json_t *query_status(const struct query_sources *sources, struct wall now,
                     struct query_failure *failure)
{
    struct query_state state;
    struct ledger_view *view = NULL;
    if (query_view_open(sources, &view, failure) != 0) {
        return NULL;
    }
    json_t *services = NULL;
    struct sla_input *present = sla_input_new();
    int rc = query_state_read(view, sources->agents, now, &state, present, failure);
    if (rc == 0) {
        services = services_json(sources, view, present, now, failure);
    }
    sla_input_free(present);
    query_view_close(view);
    if (rc != 0) {
        return NULL;
    }
    if (services == NULL) {
        query_state_clear(&state);
        return NULL;
    }
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "time", query_time(now), "version",
                     BEFFROI_VERSION, "collector", collector_json(sources), "agents", state.agents,
                     "services", services, "devices", state.devices, "problems", state.problems);
}
