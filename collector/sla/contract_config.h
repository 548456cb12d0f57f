/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The contract file as it is written: one struct per mapping, filled by the schema, and the
 * readers of what the schema leaves as text. contract.c makes of it what the report works with. */
#ifndef SLA_CONTRACT_CONFIG_H
#define SLA_CONTRACT_CONFIG_H

#include "common/config.h"
#include "sla/calendar.h"

struct node_config;

struct quorum_config {
    bool present;
    int64_t at_least;
    struct config_list of; /* node_config */
};

struct weighted_config {
    bool present;
    int64_t at_least;
    struct config_list of; /* part_config */
};

struct node_config {
    struct config_place place;
    char *check;
    struct config_list all; /* node_config */
    struct config_list any; /* node_config */
    struct quorum_config quorum;
    struct weighted_config weighted;
};

struct part_config {
    int64_t weight;
    struct node_config requires;
};

struct head_config {
    char *name;
    char *title;
    char *timezone;
};

struct policy_config {
    int planned;
    int unknown;
    int initial_state;
    int64_t degraded_weight;
    int64_t sample_valid_ms;
    int64_t ignore_outages_shorter_ms;
    int64_t minimum_notice_ms;
    int64_t planned_quota_ms;
    int planned_quota_per;
};

/* What a service may have its own way; INHERIT or "inherit": as the contract. */
enum { INHERIT = -1 };
struct override_config {
    int planned;
    int unknown;
    int initial_state;
    char *degraded_weight;
};

struct hours_config {
    struct config_place place;
    struct config_strings days;
    char *from;
    char *to;
    char *valid_from;
    char *valid_to;
};

struct calendar_config {
    struct config_place place;
    char *name;
    struct config_list hours; /* hours_config */
    int holidays;
    struct config_strings worked;
    struct config_strings closed;
};

struct repeat_config {
    bool present;
    char *rule;
    char *first;
    char *start;
    char *end;
};

struct maintenance_config {
    struct config_place place;
    char *name;
    char *from;
    char *to;
    struct repeat_config repeat;
    char *announced;
    char *cancelled;
    struct config_strings services;
    struct config_strings devices;
    struct config_strings checks;
};

struct exclusion_config {
    struct config_place place;
    char *from;
    char *to;
    char *reason;
    struct config_strings services;
    char *requested_by;
    char *accepted_by;
    char *reference;
    char *recorded;
    char *withdrawn;
};

struct service_config {
    struct config_place place;
    char *name;
    int64_t target; /* millionths of a percent */
    char *hours;
    struct override_config policy;
    struct node_config requires;
};

struct contract_config {
    struct head_config contract;
    struct policy_config policy;
    struct config_list calendars;
    struct config_list maintenance;
    struct config_list exclusions;
    struct config_list services;
};

extern const struct config_schema contract_schema;
extern const struct config_schema contract_node_schema; /* of a tree's node */

/* A field's check: is it DEVICE/CHECK? */
int contract_check_name(const char *value, char *reason, size_t reason_size);

/* The schema's last check: all that needs the zone, or looks from one mapping into another. */
void contract_check(const void *object, struct config_error_sink *errors);

/* Readers of text that the schema has let through; each 0 or -EINVAL. */
int contract_read_weekday(const char *text, int *weekday);
/* "08:00", "24:00": minutes of the day, 0 to 1440. */
int contract_read_clock(const char *text, int *minute);
/* "inherit" (INHERIT) or "0" to "1" with at most six decimals, in millionths. */
int contract_read_weight(const char *text, int64_t *millionths);
int contract_read_holiday(const char *text, size_t *name);
/* "web-1/http": the device before the first slash, the check behind it. */
int contract_read_check(const char *text, size_t *device_size, const char **check);

#endif
