/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What of a contract can only be judged as a whole: names that refer to others, and local times,
 * which need the zone. */
#include "contract_config.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

struct checker {
    const struct contract_config *config;
    const struct sla_zone *zone;
    struct config_error_sink *errors;
    size_t n_checks; /* all that the trees name, sorted */
    size_t room;
    const char **checks;
};

static void report(struct checker *checker, int line, char *key, const char *value,
                   const char *reason)
{
    config_error_at(checker->errors, line, key, value, "%s", reason);
    free(key);
}

static void collect(struct checker *checker, const struct node_config *node);

static void collect_list(struct checker *checker, const struct config_list *list)
{
    const struct node_config *nodes = list->items;
    for (size_t i = 0; i < list->count; i++) {
        collect(checker, &nodes[i]);
    }
}

static void collect(struct checker *checker, const struct node_config *node)
{
    const struct part_config *parts = node->weighted.of.items;
    if (node->check != NULL) {
        if (checker->n_checks == checker->room) {
            checker->room = checker->room * 2 + 16;
            checker->checks =
                xreallocarray(checker->checks, checker->room, sizeof *checker->checks);
        }
        checker->checks[checker->n_checks++] = node->check;
    }
    collect_list(checker, &node->all);
    collect_list(checker, &node->any);
    collect_list(checker, &node->quorum.of);
    for (size_t i = 0; i < node->weighted.of.count; i++) {
        collect(checker, &parts[i].requires);
    }
}

static bool names_service(const struct checker *checker, const char *name)
{
    const struct service_config *services = checker->config->services.items;
    for (size_t i = 0; i < checker->config->services.count; i++) {
        if (strcmp(services[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool names_check(const struct checker *checker, const char *name)
{
    for (size_t i = 0; i < checker->n_checks; i++) {
        if (strcmp(checker->checks[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool names_device(const struct checker *checker, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < checker->n_checks; i++) {
        if (strncmp(checker->checks[i], name, size) == 0 && checker->checks[i][size] == '/') {
            return true;
        }
    }
    return false;
}

static void check_scope(struct checker *checker, int line, const char *where, size_t n,
                        const char *key, const struct config_strings *names,
                        bool (*names_it)(const struct checker *checker, const char *name),
                        const char *reason)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!names_it(checker, names->items[i])) {
            report(checker, line, xasprintf("%s[%zu].%s[%zu]", where, n, key, i), names->items[i],
                   reason);
        }
    }
}

/* True with the time when the text is there and reads; one that does not is reported. */
static bool read_time(struct checker *checker, int line, const char *where, size_t n,
                      const char *key, const char *text, struct wall *time)
{
    if (text == NULL) {
        return false;
    }
    if (sla_zone_parse(checker->zone, text, time) != 0) {
        report(checker, line, xasprintf("%s[%zu].%s", where, n, key), text,
               "must be a time of the years 1970 to 2037, \"2026-11-24T08:00\" in the contract's "
               "zone or with an offset, \"2026-11-24T08:00:00+01:00\"");
        return false;
    }
    return true;
}

static void check_interval(struct checker *checker, int line, const char *where, size_t n,
                           const char *from_text, const char *to_text)
{
    struct wall from;
    struct wall to;
    bool begins = read_time(checker, line, where, n, "from", from_text, &from);
    bool ends = read_time(checker, line, where, n, "to", to_text, &to);
    if (begins && ends && from.ms >= to.ms) {
        report(checker, line, xasprintf("%s[%zu].to", where, n), to_text, "must be after from");
    }
}

static void check_maintenance(struct checker *checker, size_t n)
{
    const struct maintenance_config *work =
        &((const struct maintenance_config *)checker->config->maintenance.items)[n];
    static const char where[] = "maintenance";
    int line = work->place.line;
    struct wall unused;
    bool once = work->from != NULL && work->to != NULL;
    bool partly = work->from != NULL || work->to != NULL;
    if (work->repeat.present ? partly : !once) {
        report(checker, line, xasprintf("%s[%zu]", where, n), NULL,
               "must have either from and to, or repeat");
    }
    check_interval(checker, line, where, n, work->from, work->to);
    (void)read_time(checker, line, where, n, "announced", work->announced, &unused);
    (void)read_time(checker, line, where, n, "cancelled", work->cancelled, &unused);
    if (checker->config->policy.minimum_notice_ms > 0 && work->announced == NULL &&
        !work->repeat.present) {
        report(checker, line, xasprintf("%s[%zu].announced", where, n), NULL,
               "the policy has a minimum_notice: say when this work was announced");
    }
    check_scope(checker, line, where, n, "services", &work->services, names_service,
                "no service has this name");
    check_scope(checker, line, where, n, "devices", &work->devices, names_device,
                "no service requires a check of this device");
    check_scope(checker, line, where, n, "checks", &work->checks, names_check,
                "no service requires this check");
}

static void check_exclusion(struct checker *checker, size_t n)
{
    const struct exclusion_config *exclusion =
        &((const struct exclusion_config *)checker->config->exclusions.items)[n];
    static const char where[] = "exclusions";
    int line = exclusion->place.line;
    struct wall unused;
    check_interval(checker, line, where, n, exclusion->from, exclusion->to);
    (void)read_time(checker, line, where, n, "recorded", exclusion->recorded, &unused);
    (void)read_time(checker, line, where, n, "withdrawn", exclusion->withdrawn, &unused);
    check_scope(checker, line, where, n, "services", &exclusion->services, names_service,
                "no service has this name");
}

static void check_hours(struct checker *checker, size_t calendar, size_t n,
                        const struct hours_config *hours)
{
    struct sla_day from;
    struct sla_day to;
    if (hours->valid_from != NULL && hours->valid_to != NULL &&
        sla_day_parse(hours->valid_from, &from) == 0 && sla_day_parse(hours->valid_to, &to) == 0 &&
        from.n >= to.n) {
        report(checker, hours->place.line,
               xasprintf("calendars[%zu].hours[%zu].valid_to", calendar, n), hours->valid_to,
               "must be after valid_from");
    }
}

static void check_calendar(struct checker *checker, size_t n)
{
    const struct calendar_config *calendars = checker->config->calendars.items;
    const struct calendar_config *calendar = &calendars[n];
    const struct hours_config *hours = calendar->hours.items;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(calendars[i].name, calendar->name) == 0) {
            report(checker, calendar->place.line, xasprintf("calendars[%zu].name", n),
                   calendar->name, "another calendar has this name");
            break;
        }
    }
    for (size_t i = 0; i < calendar->hours.count; i++) {
        check_hours(checker, n, i, &hours[i]);
    }
    for (size_t i = 0; i < calendar->worked.count; i++) {
        for (size_t k = 0; k < calendar->closed.count; k++) {
            if (strcmp(calendar->worked.items[i], calendar->closed.items[k]) == 0) {
                report(checker, calendar->place.line, xasprintf("calendars[%zu].worked[%zu]", n, i),
                       calendar->worked.items[i], "is closed, too");
            }
        }
    }
    if (calendar->holidays == SLA_HOLIDAYS_NONE && calendar->worked.count > 0) {
        report(checker, calendar->place.line, xasprintf("calendars[%zu].worked", n), NULL,
               "without holidays every day is worked");
    }
}

static void check_service(struct checker *checker, size_t n)
{
    const struct service_config *services = checker->config->services.items;
    const struct calendar_config *calendars = checker->config->calendars.items;
    const struct service_config *service = &services[n];
    bool found = service->hours == NULL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(services[i].name, service->name) == 0) {
            report(checker, service->place.line, xasprintf("services[%zu].name", n), service->name,
                   "another service has this name");
            break;
        }
    }
    for (size_t i = 0; i < checker->config->calendars.count && !found; i++) {
        found = strcmp(calendars[i].name, service->hours) == 0;
    }
    if (!found) {
        report(checker, service->place.line, xasprintf("services[%zu].hours", n), service->hours,
               "no calendar has this name");
    }
}

void contract_check(const void *object, struct config_error_sink *errors)
{
    const struct contract_config *config = object;
    struct checker checker = {
        .config = config, .zone = sla_zone_get(config->contract.timezone), .errors = errors};
    const struct service_config *services = config->services.items;
    for (size_t i = 0; i < config->services.count; i++) {
        collect(&checker, &services[i].requires);
    }
    for (size_t i = 0; i < config->calendars.count; i++) {
        check_calendar(&checker, i);
    }
    for (size_t i = 0; i < config->maintenance.count; i++) {
        check_maintenance(&checker, i);
    }
    for (size_t i = 0; i < config->exclusions.count; i++) {
        check_exclusion(&checker, i);
    }
    for (size_t i = 0; i < config->services.count; i++) {
        check_service(&checker, i);
    }
    free(checker.checks);
}
