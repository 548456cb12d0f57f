/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a contract says about one service and one stretch of time: hours, exclusions, planned work.
 */
#include "contract_internal.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

struct planner {
    const struct sla_contract *contract;
    const struct service *service;
    struct sla_interval range;
    struct wall now;
    struct plan *plan;
    const struct maintenance_config *work; /* the one being laid out */
};

/* False when the text is absent. The contract's check has let it through. */
static bool read_time(const struct planner *planner, const char *text, struct wall *time)
{
    return text != NULL && sla_zone_parse(planner->contract->zone, text, time) == 0;
}

static bool lists(const struct config_strings *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool lists_check(const struct config_strings *names, const struct check_name *name)
{
    for (size_t i = 0; i < names->count; i++) {
        size_t device_size = 0;
        const char *check = NULL;
        (void)contract_read_check(names->items[i], &device_size, &check);
        if (strcmp(check, name->check) == 0 && strlen(name->device) == device_size &&
            strncmp(name->device, names->items[i], device_size) == 0) {
            return true;
        }
    }
    return false;
}

static void add_exclusion(struct planner *planner, const struct exclusion_config *exclusion)
{
    struct wall from;
    struct wall to;
    struct wall recorded = {INT64_MIN};
    struct wall withdrawn = {INT64_MAX};
    if (exclusion->services.count > 0 &&
        !lists(&exclusion->services, planner->service->config->name)) {
        return;
    }
    (void)read_time(planner, exclusion->recorded, &recorded);
    (void)read_time(planner, exclusion->withdrawn, &withdrawn);
    if (recorded.ms <= planner->now.ms && planner->now.ms < withdrawn.ms &&
        read_time(planner, exclusion->from, &from) && read_time(planner, exclusion->to, &to)) {
        sla_spans_add(&planner->plan->excluded, from, to);
    }
}

/* One window into the service's plan, or into those of the checks that it is on. */
static void add_window(struct planner *planner, struct wall from, struct wall to)
{
    const struct maintenance_config *work = planner->work;
    const struct service *service = planner->service;
    struct wall announced = {INT64_MIN};
    struct wall cancelled = {INT64_MAX};
    bool whole = work->services.count + work->devices.count + work->checks.count == 0 ||
                 lists(&work->services, service->config->name);
    (void)read_time(planner, work->cancelled, &cancelled);
    if (read_time(planner, work->announced, &announced) &&
        (announced.ms > planner->now.ms ||
         announced.ms > from.ms - service->policy.minimum_notice_ms)) {
        return;
    }
    to = cancelled.ms < to.ms ? cancelled : to;
    if (whole) {
        sla_spans_add(&planner->plan->planned, from, to);
        return;
    }
    for (size_t i = 0; i < service->n_checks; i++) {
        if (lists(&work->devices, service->checks[i].device) ||
            lists_check(&work->checks, &service->checks[i])) {
            sla_spans_add(&planner->plan->leaf_planned[i], from, to);
        }
    }
}

static void add_day(void *context, struct sla_day day)
{
    struct planner *planner = context;
    const struct repeat_config *repeat = &planner->work->repeat;
    const struct sla_zone *zone = planner->contract->zone;
    int start = 0;
    int end = 0;
    (void)contract_read_clock(repeat->start, &start);
    (void)contract_read_clock(repeat->end, &end);
    struct sla_day end_day = {end > start ? day.n : day.n + 1};
    add_window(planner, sla_zone_instant(zone, day, start * INT64_C(60000)),
               sla_zone_instant(zone, end_day, end * INT64_C(60000)));
}

static void add_maintenance(struct planner *planner, const struct maintenance_config *work)
{
    struct wall from;
    struct wall to;
    struct sla_day first = {0};
    planner->work = work;
    if (!work->repeat.present) {
        if (read_time(planner, work->from, &from) && read_time(planner, work->to, &to)) {
            add_window(planner, from, to);
        }
        return;
    }
    /* One day before: a window may last into the next day. */
    struct sla_day from_day = {sla_zone_day(planner->contract->zone, planner->range.from).n - 1};
    (void)sla_day_parse(work->repeat.first, &first); /* the schema has let it through */
    sla_rule_days(work->repeat.rule, first, from_day,
                  sla_zone_day(planner->contract->zone, planner->range.to), add_day, planner);
}

/* The begins of months, quarters or years: the one before the period, and those in it. */
static void add_quota_starts(struct planner *planner)
{
    static const int months_of[] = {
        [SLA_QUOTA_MONTH] = 1, [SLA_QUOTA_QUARTER] = 3, [SLA_QUOTA_YEAR] = 12};
    const struct sla_policy *policy = &planner->service->policy;
    const struct sla_zone *zone = planner->contract->zone;
    struct plan *plan = planner->plan;
    int months = months_of[policy->planned_quota_per];
    int64_t year;
    int month;
    int day;
    if (policy->planned_quota_ms == 0) {
        return;
    }
    sla_day_split(sla_zone_day(zone, planner->range.from), &year, &month, &day);
    month -= (month - 1) % months;
    struct wall start = sla_zone_instant(zone, sla_day_of(year, month, 1), 0);
    planner->range.from = start;
    while (start.ms < planner->range.to.ms) {
        plan->quota_starts =
            xreallocarray(plan->quota_starts, plan->n_quota_starts + 1, sizeof *plan->quota_starts);
        plan->quota_starts[plan->n_quota_starts++] = start;
        month += months;
        if (month > 12) {
            month -= 12;
            year++;
        }
        start = sla_zone_instant(zone, sla_day_of(year, month, 1), 0);
    }
}

void plan_make(const struct sla_contract *contract, const struct service *service,
               struct sla_interval period, struct wall now, struct plan *plan)
{
    struct planner planner = {
        .contract = contract, .service = service, .range = period, .now = now, .plan = plan};
    const struct exclusion_config *exclusions = contract->config.exclusions.items;
    const struct maintenance_config *maintenance = contract->config.maintenance.items;
    *plan = (struct plan){
        .leaf_planned = xcalloc(service->n_checks, sizeof *plan->leaf_planned),
        .n_leaves = service->n_checks,
    };
    add_quota_starts(&planner);
    if (service->calendar == NULL) {
        sla_spans_add(&plan->hours, planner.range.from, planner.range.to);
    } else {
        sla_calendar_spans(service->calendar, contract->zone, planner.range, &plan->hours);
    }
    for (size_t i = 0; i < contract->config.exclusions.count; i++) {
        add_exclusion(&planner, &exclusions[i]);
    }
    for (size_t i = 0; i < contract->config.maintenance.count; i++) {
        add_maintenance(&planner, &maintenance[i]);
    }
    sla_spans_normalise(&plan->excluded);
    sla_spans_normalise(&plan->planned);
    for (size_t i = 0; i < plan->n_leaves; i++) {
        sla_spans_normalise(&plan->leaf_planned[i]);
    }
}

void plan_clear(struct plan *plan)
{
    sla_spans_clear(&plan->hours);
    sla_spans_clear(&plan->excluded);
    sla_spans_clear(&plan->planned);
    for (size_t i = 0; i < plan->n_leaves; i++) {
        sla_spans_clear(&plan->leaf_planned[i]);
    }
    free(plan->leaf_planned);
    free(plan->quota_starts);
    *plan = (struct plan){0};
}
