/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contract_internal.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Calendars */

static struct sla_day day_or(const char *text, int64_t otherwise)
{
    struct sla_day day = {otherwise};
    if (text != NULL) {
        (void)sla_day_parse(text, &day); /* the schema has let it through */
    }
    return day;
}

static void make_hours(const struct hours_config *config, struct sla_hours *hours)
{
    for (size_t i = 0; i < config->days.count; i++) {
        int weekday = 0;
        (void)contract_read_weekday(config->days.items[i], &weekday);
        hours->weekdays |= 1U << weekday;
    }
    (void)contract_read_clock(config->from, &hours->from_minute);
    (void)contract_read_clock(config->to, &hours->to_minute);
    hours->valid_from = day_or(config->valid_from, INT64_MIN);
    hours->valid_to = day_or(config->valid_to, INT64_MAX);
}

static void make_calendar(const struct calendar_config *config, struct sla_calendar *calendar)
{
    const struct hours_config *hours = config->hours.items;
    calendar->n_hours = config->hours.count;
    calendar->hours = xcalloc(calendar->n_hours + 1, sizeof *calendar->hours);
    for (size_t i = 0; i < calendar->n_hours; i++) {
        make_hours(&hours[i], &calendar->hours[i]);
    }
    calendar->holidays = (enum sla_holidays)config->holidays;
    calendar->worked = xcalloc(config->worked.count + 1, sizeof *calendar->worked);
    for (size_t i = 0; i < config->worked.count; i++) {
        size_t name;
        if (contract_read_holiday(config->worked.items[i], &name) == 0) {
            calendar->worked_names |= 1U << name;
        } else {
            calendar->worked[calendar->n_worked++] = day_or(config->worked.items[i], 0);
        }
    }
    calendar->n_closed = config->closed.count;
    calendar->closed = xcalloc(calendar->n_closed + 1, sizeof *calendar->closed);
    for (size_t i = 0; i < calendar->n_closed; i++) {
        calendar->closed[i] = day_or(config->closed.items[i], 0);
    }
}

/* Trees */

static size_t check_number(struct service *service, const char *name)
{
    size_t device_size = 0;
    const char *check = NULL;
    (void)contract_read_check(name, &device_size, &check); /* the schema has let it through */
    for (size_t i = 0; i < service->n_checks; i++) {
        const struct check_name *known = &service->checks[i];
        if (strcmp(known->check, check) == 0 && strlen(known->device) == device_size &&
            strncmp(known->device, name, device_size) == 0) {
            return i;
        }
    }
    if ((service->n_checks & (service->n_checks + 1)) == 0) { /* 0, 1, 3, 7 … are full */
        service->checks =
            xreallocarray(service->checks, 2 * service->n_checks + 1, sizeof *service->checks);
    }
    service->checks[service->n_checks] = (struct check_name){xstrndup(name, device_size), check};
    return service->n_checks++;
}

static void make_node(struct service *service, const struct node_config *config,
                      struct sla_node *node);

static void make_children(struct service *service, const struct config_list *list,
                          struct sla_node *node)
{
    const struct node_config *configs = list->items;
    node->count = list->count;
    node->children = xcalloc(node->count, sizeof *node->children);
    for (size_t i = 0; i < node->count; i++) {
        make_node(service, &configs[i], &node->children[i]);
    }
}

static void make_parts(struct service *service, const struct config_list *list,
                       struct sla_node *node)
{
    const struct part_config *parts = list->items;
    node->count = list->count;
    node->children = xcalloc(node->count, sizeof *node->children);
    for (size_t i = 0; i < node->count; i++) {
        node->children[i].weight = parts[i].weight;
        make_node(service, &parts[i].requires, &node->children[i]);
    }
}

static void make_node(struct service *service, const struct node_config *config,
                      struct sla_node *node)
{
    if (config->check != NULL) {
        node->kind = SLA_CHECK;
        node->check = check_number(service, config->check);
    } else if (config->all.count > 0) {
        node->kind = SLA_ALL;
        make_children(service, &config->all, node);
    } else if (config->any.count > 0) {
        node->kind = SLA_ANY;
        make_children(service, &config->any, node);
    } else if (config->quorum.present) {
        node->kind = SLA_QUORUM;
        node->at_least = config->quorum.at_least;
        make_children(service, &config->quorum.of, node);
    } else {
        node->kind = SLA_WEIGHTED;
        node->at_least = config->weighted.at_least;
        make_parts(service, &config->weighted.of, node);
    }
}

static void free_node(struct sla_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        free_node(&node->children[i]);
    }
    free(node->children);
}

/* Services */

static int own_or(int own, int contract)
{
    return own == INHERIT ? contract : own;
}

static struct sla_policy make_policy(const struct policy_config *contract,
                                     const struct override_config *own)
{
    int64_t weight = INHERIT;
    (void)contract_read_weight(own->degraded_weight, &weight);
    return (struct sla_policy){
        .planned = (enum sla_planned_policy)own_or(own->planned, contract->planned),
        .unknown = (enum sla_unknown_policy)own_or(own->unknown, contract->unknown),
        .initial = (enum sla_initial)own_or(own->initial_state, contract->initial_state),
        .degraded_weight = weight == INHERIT ? contract->degraded_weight : weight,
        .sample_valid_ms = contract->sample_valid_ms,
        .ignore_outages_shorter_ms = contract->ignore_outages_shorter_ms,
        .minimum_notice_ms = contract->minimum_notice_ms,
        .planned_quota_ms = contract->planned_quota_ms,
        .planned_quota_per = (enum sla_quota_per)contract->planned_quota_per,
    };
}

static void make_service(struct sla_contract *contract, const struct service_config *config,
                         struct service *service)
{
    const struct calendar_config *calendars = contract->config.calendars.items;
    service->config = config;
    service->policy = make_policy(&contract->config.policy, &config->policy);
    make_node(service, &config->requires, &service->tree);
    for (size_t i = 0; i < contract->config.calendars.count && config->hours != NULL; i++) {
        if (strcmp(calendars[i].name, config->hours) == 0) {
            service->calendar = &contract->calendars[i];
        }
    }
}

static struct sla_contract *make_contract(const struct contract_config *config)
{
    struct sla_contract *contract = xcalloc(1, sizeof *contract);
    const struct calendar_config *calendars = config->calendars.items;
    const struct service_config *services = config->services.items;
    contract->config = *config;
    contract->zone = sla_zone_get(config->contract.timezone);
    contract->calendars = xcalloc(config->calendars.count + 1, sizeof *contract->calendars);
    for (size_t i = 0; i < config->calendars.count; i++) {
        make_calendar(&calendars[i], &contract->calendars[i]);
    }
    contract->n_services = config->services.count;
    contract->services = xcalloc(contract->n_services, sizeof *contract->services);
    for (size_t i = 0; i < contract->n_services; i++) {
        make_service(contract, &services[i], &contract->services[i]);
    }
    return contract;
}

int sla_contract_load(const char *path, struct sla_contract **contract,
                      struct config_errors *errors)
{
    struct contract_config config;
    int error = config_load(path, &contract_schema, &config, errors);
    *contract = error == 0 ? make_contract(&config) : NULL;
    return error;
}

int sla_contract_parse(const char *name, const char *text, size_t size,
                       struct sla_contract **contract, struct config_errors *errors)
{
    struct contract_config config;
    int error = config_parse(name, text, size, &contract_schema, &config, errors);
    *contract = error == 0 ? make_contract(&config) : NULL;
    return error;
}

void sla_contract_free(struct sla_contract *contract)
{
    if (contract == NULL) {
        return;
    }
    for (size_t i = 0; i < contract->n_services; i++) {
        struct service *service = &contract->services[i];
        for (size_t k = 0; k < service->n_checks; k++) {
            free(service->checks[k].device);
        }
        free(service->checks);
        free_node(&service->tree);
    }
    for (size_t i = 0; i < contract->config.calendars.count; i++) {
        free(contract->calendars[i].hours);
        free(contract->calendars[i].worked);
        free(contract->calendars[i].closed);
    }
    free(contract->services);
    free(contract->calendars);
    config_free(&contract_schema, &contract->config);
    free(contract);
}

void sla_contract_print(FILE *out, const struct sla_contract *contract)
{
    config_print(out, &contract_schema, &contract->config);
}

const char *sla_contract_name(const struct sla_contract *contract)
{
    return contract->config.contract.name;
}

const char *sla_contract_title(const struct sla_contract *contract)
{
    return contract->config.contract.title;
}

const char *sla_contract_timezone(const struct sla_contract *contract)
{
    return contract->config.contract.timezone;
}

size_t sla_contract_services(const struct sla_contract *contract)
{
    return contract->n_services;
}

const char *sla_contract_service_name(const struct sla_contract *contract, size_t service)
{
    return contract->services[service].config->name;
}

bool sla_contract_service_check(const struct sla_contract *contract, size_t service, size_t n,
                                const char **device, const char **check)
{
    const struct service *of = &contract->services[service];
    if (n >= of->n_checks) {
        return false;
    }
    *device = of->checks[n].device;
    *check = of->checks[n].check;
    return true;
}
