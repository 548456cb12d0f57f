/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/report.h"

#include "evaluate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const int64_t DAY_MS = INT64_C(86400000);

/* Millionths as a decimal without needless zeros: "99.9". */
static json_t *json_decimal(int64_t millionths)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64, millionths / SLA_MILLION,
                          millionths % SLA_MILLION);
    while (text[length - 1] == '0') {
        text[--length] = '\0';
    }
    if (text[length - 1] == '.') {
        text[--length] = '\0';
    }
    return json_string(text);
}

static json_t *json_time(struct wall time)
{
    char text[WALL_TEXT_SIZE];
    return json_string(wall_format_utc(time, text));
}

static json_t *json_local(const struct sla_contract *contract, struct wall time)
{
    char text[WALL_TEXT_SIZE];
    return json_string(sla_zone_format(contract->zone, time, text));
}

static json_t *json_percent(struct sla_fraction fraction)
{
    char text[SLA_PERCENT_SIZE];
    return fraction.denominator > 0 ? json_string(sla_fraction_percent(fraction, text))
                                    : json_null();
}

/* The three views of a service as fractions, sorted: what is not measurable leaves the bounds. */
struct bounds {
    struct sla_fraction counted;
    struct sla_fraction min;
    struct sla_fraction max;
};

static struct bounds bounds_of(const struct sla_figures *figures, const struct sla_policy *policy)
{
    struct bounds bounds;
    bounds.counted = sla_availability(figures->class_ms[SLA_COUNTED], policy);
    bounds.min = bounds.counted;
    bounds.max = bounds.counted;
    if (bounds.counted.denominator == 0) {
        return bounds;
    }
    for (int view = SLA_WORST; view < SLA_VIEWS; view++) {
        struct sla_fraction other = sla_availability(figures->class_ms[view], policy);
        if (other.denominator > 0) {
            bounds.min = sla_fraction_compare(other, bounds.min) < 0 ? other : bounds.min;
            bounds.max = sla_fraction_compare(other, bounds.max) > 0 ? other : bounds.max;
        }
    }
    return bounds;
}

/* Numerator and denominator in milliseconds; only a degraded weight can need them finer. */
static json_t *json_availability(const struct bounds *bounds)
{
    int64_t numerator = bounds->counted.numerator;
    int64_t denominator = bounds->counted.denominator;
    int64_t scale = SLA_MILLION;
    while (scale > 1 && numerator % 10 == 0 && denominator % 10 == 0) {
        numerator /= 10;
        denominator /= 10;
        scale /= 10;
    }
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "numerator_ms", (json_int_t)numerator,
                     "denominator_ms", (json_int_t)denominator, "scale", (json_int_t)scale, "pct",
                     json_percent(bounds->counted), "min_pct", json_percent(bounds->min), "max_pct",
                     json_percent(bounds->max));
}

static json_t *json_classes(const struct sla_figures *figures)
{
    static const char *const names[SLA_CLASSES] = {[SLA_CLASS_OUTSIDE_HOURS] = "outside_hours",
                                                   [SLA_CLASS_EXCLUDED] = "excluded",
                                                   [SLA_CLASS_PLANNED] = "planned",
                                                   [SLA_CLASS_UNKNOWN] = "unknown",
                                                   [SLA_CLASS_DOWN] = "down",
                                                   [SLA_CLASS_DEGRADED] = "degraded",
                                                   [SLA_CLASS_UP] = "up"};
    json_t *classes = json_object();
    for (int i = 0; i < SLA_CLASSES; i++) {
        json_object_set_new(classes, names[i], json_integer(figures->class_ms[SLA_COUNTED][i]));
    }
    return classes;
}

static json_t *json_causes(const struct sla_figures *figures)
{
    return json_pack("{s:I, s:I, s:I}", "no_data", (json_int_t)figures->unknown_ms[SLA_NO_DATA],
                     "agent_gap", (json_int_t)figures->unknown_ms[SLA_AGENT_GAP], "not_run",
                     (json_int_t)figures->unknown_ms[SLA_NOT_RUN]);
}

static json_t *json_coverage(const struct sla_figures *figures)
{
    int64_t unknown = figures->unknown_ms[SLA_NO_DATA] + figures->unknown_ms[SLA_AGENT_GAP] +
                      figures->unknown_ms[SLA_NOT_RUN];
    return json_percent((struct sla_fraction){figures->known_ms, figures->known_ms + unknown});
}

static json_t *json_outages(const struct evaluation *evaluation, const struct sla_figures *figures)
{
    json_t *outages = json_array();
    for (size_t i = 0; i < figures->n_outages; i++) {
        const struct sla_outage *outage = &figures->outages[i];
        json_array_append_new(
            outages, json_pack("{s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:o}", "from",
                               json_time(outage->from), "to", json_time(outage->to), "began_before",
                               outage->began_before, "open", outage->open, "duration_ms",
                               (json_int_t)(outage->to.ms - outage->from.ms), "counted_ms",
                               (json_int_t)outage->counted_ms, "min_ms", (json_int_t)outage->min_ms,
                               "max_ms", (json_int_t)outage->max_ms, "cause",
                               evaluation_cause(evaluation, outage->from)));
    }
    return outages;
}

static json_t *json_policy(const struct service *service)
{
    const struct sla_policy *policy = &service->policy;
    return json_pack("{s:s?, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:s}", "hours",
                     service->config->hours, "planned", policy_planned_name(policy->planned),
                     "unknown", policy_unknown_name(policy->unknown), "initial_state",
                     policy_initial_name(policy->initial), "degraded_weight",
                     json_decimal(policy->degraded_weight), "sample_valid_ms",
                     (json_int_t)policy->sample_valid_ms, "ignore_outages_shorter_ms",
                     (json_int_t)policy->ignore_outages_shorter_ms, "minimum_notice_ms",
                     (json_int_t)policy->minimum_notice_ms, "planned_quota_ms",
                     (json_int_t)policy->planned_quota_ms, "planned_quota_per",
                     policy_per_name(policy->planned_quota_per));
}

static json_t *json_meets(const struct bounds *bounds, int64_t target)
{
    return bounds->counted.denominator > 0
               ? json_boolean(sla_fraction_meets(bounds->counted, target))
               : json_null();
}

static json_t *json_decidable(const struct bounds *bounds, int64_t target)
{
    return bounds->counted.denominator > 0 ? json_boolean(sla_fraction_meets(bounds->min, target) ==
                                                          sla_fraction_meets(bounds->max, target))
                                           : json_null();
}

/* The step that holds the last millisecond before `end`. */
static const struct sla_step *last_step(const struct sla_steps *steps, struct wall end)
{
    size_t i = steps->count;
    while (i > 1 && steps->items[i - 1].from.ms >= end.ms) {
        i--;
    }
    return &steps->items[i - 1];
}

static json_t *json_service(const struct evaluation *evaluation, const struct sla_figures *figures,
                            struct wall end)
{
    const struct service *service = evaluation->service;
    int64_t target = service->config->target;
    struct bounds bounds = bounds_of(figures, &service->policy);
    const char *state = figures->period_ms > 0
                            ? state_name(last_step(&evaluation->steps, end)->state[SLA_COUNTED])
                            : state_name(SLA_UNKNOWN);
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:s}",
        "service", service->config->name, "target_pct", json_decimal(target), "meets",
        json_meets(&bounds, target), "decidable", json_decidable(&bounds, target), "availability",
        json_availability(&bounds), "period_ms", (json_int_t)figures->period_ms, "classes_ms",
        json_classes(figures), "unknown_ms_by_cause", json_causes(figures), "planned_down_ms",
        (json_int_t)figures->planned_down_ms, "outages", json_outages(evaluation, figures),
        "outage_count", (json_int_t)figures->n_outages, "ignored_outages",
        (json_int_t)figures->n_ignored, "ignored_ms", (json_int_t)figures->ignored_ms,
        "coverage_pct", json_coverage(figures), "policy", json_policy(service), "state", state);
}

static json_t *report_service(const struct sla_contract *contract, const struct service *service,
                              const struct sla_input *input, struct sla_interval period,
                              struct wall now, char *reason, size_t reason_size)
{
    struct evaluation evaluation = {.service = service, .input = input};
    struct sla_figures figures = {0};
    struct wall end = period.to.ms < now.ms ? period.to : now;
    if (end.ms <= period.from.ms) { /* nothing of it has passed yet */
        return json_service(&evaluation, &figures, end);
    }
    evaluate(contract, service, input, period, service->policy.initial, now, &evaluation);
    struct sla_masks masks = {
        .hours = &evaluation.plan.hours,
        .excluded = &evaluation.plan.excluded,
        .planned = &evaluation.plan.planned,
        .n_quota_starts = evaluation.plan.n_quota_starts,
        .quota_starts = evaluation.plan.quota_starts,
    };
    json_t *result = NULL;
    if (sla_figures_compute(&evaluation.steps, &masks, &service->policy,
                            (struct sla_interval){period.from, end}, &figures) == 0) {
        result = json_service(&evaluation, &figures, end);
    } else {
        (void)snprintf(reason, reason_size,
                       "The classes of service \"%s\" do not sum to the period; this is a fault of "
                       "the program, and no figure of it can be trusted.",
                       service->config->name);
    }
    sla_figures_clear(&figures);
    evaluation_clear(&evaluation);
    return result;
}

static json_t *report_services(const struct sla_contract *contract, const struct sla_input *input,
                               struct sla_interval period, struct wall now, const char *service,
                               char *reason, size_t reason_size)
{
    json_t *services = json_array();
    for (size_t i = 0; i < contract->n_services; i++) {
        const struct service *one = &contract->services[i];
        if (service != NULL && strcmp(one->config->name, service) != 0) {
            continue;
        }
        json_t *result = report_service(contract, one, input, period, now, reason, reason_size);
        if (result == NULL) {
            json_decref(services);
            return NULL;
        }
        json_array_append_new(services, result);
    }
    if (json_array_size(services) == 0) {
        (void)snprintf(reason, reason_size, "The contract has no service \"%s\".", service);
        json_decref(services);
        return NULL;
    }
    return services;
}

struct wall sla_report_from(const struct sla_contract *contract, struct sla_interval period)
{
    struct wall from = period.from;
    for (size_t i = 0; i < contract->n_services; i++) {
        struct plan plan;
        plan_make(contract, &contract->services[i], period, period.to, &plan);
        if (plan.n_quota_starts > 0 && plan.quota_starts[0].ms < from.ms) {
            from = plan.quota_starts[0];
        }
        plan_clear(&plan);
    }
    return from;
}

json_t *sla_report(const struct sla_contract *contract, const struct sla_input *input,
                   struct sla_interval period, struct wall now, const char *service, char *reason,
                   size_t reason_size)
{
    if (period.from.ms >= period.to.ms) {
        (void)snprintf(reason, reason_size, "The period's end must be after its start.");
        return NULL;
    }
    if (period.from.ms < sla_day_of(SLA_YEAR_MIN, 1, 1).n * DAY_MS - DAY_MS ||
        period.to.ms > sla_day_of(SLA_YEAR_MAX + 1, 1, 1).n * DAY_MS + DAY_MS) {
        (void)snprintf(reason, reason_size, "A period lies within the years 1970 to 2037.");
        return NULL;
    }
    json_t *services = report_services(contract, input, period, now, service, reason, reason_size);
    if (services == NULL) {
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:{s:o, s:o, s:o, s:o}, s:o, s:b, s:o}", "contract",
                     sla_contract_name(contract), "title", sla_contract_title(contract), "timezone",
                     sla_contract_timezone(contract), "period", "from", json_time(period.from),
                     "to", json_time(period.to), "from_local", json_local(contract, period.from),
                     "to_local", json_local(contract, period.to), "as_of", json_time(now),
                     "provisional", period.to.ms > now.ms, "services", services);
}

/* Since when the state is what it is at the end; null where it has never been another. */
static json_t *json_since(const struct sla_steps *steps)
{
    size_t i = steps->count - 1;
    enum sla_state state = steps->items[i].state[SLA_COUNTED];
    while (i > 0 && steps->items[i - 1].state[SLA_COUNTED] == state) {
        i--;
    }
    return i == 0 && state == SLA_UNKNOWN ? json_null() : json_time(steps->items[i].from);
}

json_t *sla_states(const struct sla_contract *contract, const struct sla_input *input,
                   struct wall now)
{
    json_t *states = json_array();
    /* One millisecond more than now, so that a result of now is heard. */
    struct wall end = {now.ms + 1};
    struct sla_interval instant = {now, {now.ms + 2}};
    for (size_t i = 0; i < contract->n_services; i++) {
        struct evaluation evaluation;
        evaluate(contract, &contract->services[i], input, instant, SLA_INITIAL_LAST_BEFORE, end,
                 &evaluation);
        const struct sla_steps *steps = &evaluation.steps;
        enum sla_state state = steps->items[steps->count - 1].state[SLA_COUNTED];
        json_array_append_new(states, json_pack("{s:s, s:s, s:o, s:o}", "service",
                                                contract->services[i].config->name, "state",
                                                state_name(state), "since", json_since(steps),
                                                "cause", evaluation_cause(&evaluation, now)));
        evaluation_clear(&evaluation);
    }
    return states;
}
