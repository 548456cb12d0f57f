/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A contract as the report works with it, and what it says about one service and one stretch of
 * time. */
#ifndef SLA_CONTRACT_INTERNAL_H
#define SLA_CONTRACT_INTERNAL_H

#include "contract_config.h"
#include "sla/contract.h"
#include "sla/figures.h"

struct check_name {
    char *device;
    const char *check; /* within the config */
};

struct service {
    const struct service_config *config;
    const struct sla_calendar *calendar; /* NULL: around the clock */
    struct sla_policy policy;
    struct sla_node tree;
    size_t n_checks; /* leaves of the tree, each name once */
    struct check_name *checks;
};

struct sla_contract {
    struct contract_config config;
    const struct sla_zone *zone;
    struct sla_calendar *calendars; /* in the order of the config */
    size_t n_services;
    struct service *services;
};

/* The windows of a service that matter to a report over `period` as of `now`: from the first quota
 * start at or before it on. To be cleared by the caller. */
struct plan {
    struct sla_spans hours;
    struct sla_spans excluded;
    struct sla_spans planned;       /* of the whole service */
    struct sla_spans *leaf_planned; /* by check */
    size_t n_leaves;
    size_t n_quota_starts;
    struct wall *quota_starts;
};
void plan_make(const struct sla_contract *contract, const struct service *service,
               struct sla_interval period, struct wall now, struct plan *plan);
void plan_clear(struct plan *plan);

/* "planned", "remove" …: the words of the contract file. */
const char *policy_planned_name(enum sla_planned_policy policy);
const char *policy_unknown_name(enum sla_unknown_policy policy);
const char *policy_initial_name(enum sla_initial initial);
const char *policy_per_name(enum sla_quota_per per);

#endif
