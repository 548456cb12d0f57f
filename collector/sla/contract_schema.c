/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contract_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A year: nothing in a contract is longer, and doubling it overflows nothing. */
static const int64_t DURATION_MAX_MS = INT64_C(366) * 86400 * 1000;

static int refuse(char *reason, size_t reason_size, const char *text)
{
    (void)snprintf(reason, reason_size, "%s", text); /* cut if it must be */
    return -EINVAL;
}

static int check_name(const char *value, char *reason, size_t reason_size)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL) {
            return refuse(reason, reason_size, "a name has letters, digits, '.', '_' and '-' only");
        }
    }
    return 0;
}

static int check_zone(const char *value, char *reason, size_t reason_size)
{
    return sla_zone_get(value) != NULL
               ? 0
               : refuse(reason, reason_size,
                        "no such time zone; it has an IANA name, \"Europe/Paris\"");
}

static int check_weekday(const char *value, char *reason, size_t reason_size)
{
    int weekday;
    return contract_read_weekday(value, &weekday) == 0
               ? 0
               : refuse(reason, reason_size, "a day is mon, tue, wed, thu, fri, sat or sun");
}

static int check_clock(const char *value, char *reason, size_t reason_size)
{
    int minute;
    return contract_read_clock(value, &minute) == 0
               ? 0
               : refuse(reason, reason_size, "a time of day is hh:mm, 00:00 to 24:00");
}

/* A day begins at 00:00; 24:00 is its end. */
static int check_start(const char *value, char *reason, size_t reason_size)
{
    int minute;
    return contract_read_clock(value, &minute) == 0 && minute < 24 * 60
               ? 0
               : refuse(reason, reason_size, "a time of day is hh:mm, 00:00 to 23:59");
}

static int check_day(const char *value, char *reason, size_t reason_size)
{
    struct sla_day day;
    return sla_day_parse(value, &day) == 0
               ? 0
               : refuse(reason, reason_size, "a date is YYYY-MM-DD, and must exist");
}

static int check_worked(const char *value, char *reason, size_t reason_size)
{
    struct sla_day day;
    size_t name;
    return sla_day_parse(value, &day) == 0 || contract_read_holiday(value, &name) == 0
               ? 0
               : refuse(reason, reason_size,
                        "neither a date YYYY-MM-DD nor a holiday's name, \"whit-monday\"");
}

static int check_weight(const char *value, char *reason, size_t reason_size)
{
    int64_t weight;
    return contract_read_weight(value, &weight) == 0
               ? 0
               : refuse(reason, reason_size,
                        "must be inherit, or 0 to 1 with at most six decimals");
}

static const struct config_choice planned_choices[] = {{"remove", SLA_PLANNED_REMOVE},
                                                       {"credit", SLA_PLANNED_CREDIT},
                                                       {"count", SLA_PLANNED_COUNT},
                                                       {NULL, 0}};
static const struct config_choice unknown_choices[] = {{"exclude", SLA_UNKNOWN_EXCLUDE},
                                                       {"down", SLA_UNKNOWN_DOWN},
                                                       {"up", SLA_UNKNOWN_UP},
                                                       {NULL, 0}};
static const struct config_choice initial_choices[] = {{"last_before", SLA_INITIAL_LAST_BEFORE},
                                                       {"up", SLA_INITIAL_UP},
                                                       {"down", SLA_INITIAL_DOWN},
                                                       {NULL, 0}};
static const struct config_choice per_choices[] = {{"month", SLA_QUOTA_MONTH},
                                                   {"quarter", SLA_QUOTA_QUARTER},
                                                   {"year", SLA_QUOTA_YEAR},
                                                   {NULL, 0}};
static const struct config_choice holidays_choices[] = {
    {"none", SLA_HOLIDAYS_NONE},
    {"france", SLA_HOLIDAYS_FRANCE},
    {"france-alsace-moselle", SLA_HOLIDAYS_FRANCE_ALSACE_MOSELLE},
    {NULL, 0}};
static const struct config_choice own_planned_choices[] = {{"inherit", INHERIT},
                                                           {"remove", SLA_PLANNED_REMOVE},
                                                           {"credit", SLA_PLANNED_CREDIT},
                                                           {"count", SLA_PLANNED_COUNT},
                                                           {NULL, 0}};
static const struct config_choice own_unknown_choices[] = {{"inherit", INHERIT},
                                                           {"exclude", SLA_UNKNOWN_EXCLUDE},
                                                           {"down", SLA_UNKNOWN_DOWN},
                                                           {"up", SLA_UNKNOWN_UP},
                                                           {NULL, 0}};
static const struct config_choice own_initial_choices[] = {{"inherit", INHERIT},
                                                           {"last_before", SLA_INITIAL_LAST_BEFORE},
                                                           {"up", SLA_INITIAL_UP},
                                                           {"down", SLA_INITIAL_DOWN},
                                                           {NULL, 0}};

static const char *name_of(const struct config_choice *choices, int value)
{
    while (choices->value != value) {
        choices++; /* every value has a name */
    }
    return choices->name;
}

const char *policy_planned_name(enum sla_planned_policy policy)
{
    return name_of(planned_choices, (int)policy);
}

const char *policy_unknown_name(enum sla_unknown_policy policy)
{
    return name_of(unknown_choices, (int)policy);
}

const char *policy_initial_name(enum sla_initial initial)
{
    return name_of(initial_choices, (int)initial);
}

const char *policy_per_name(enum sla_quota_per per)
{
    return name_of(per_choices, (int)per);
}

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct config_field head_fields[] = {
    {"name", CONFIG_STRING, AT(head_config, name), .required = true, .min = 1, .max = 64,
     .check = check_name, .help = "names the contract in commands and files"},
    {"title", CONFIG_STRING, AT(head_config, title), .fallback = "", .max = 200,
     .help = "for people"},
    {"timezone", CONFIG_STRING, AT(head_config, timezone), .fallback = "Europe/Paris", .min = 1,
     .max = 64, .check = check_zone, .help = "whose clock the contract means"},
    {0},
};
static const struct config_schema head_schema = {
    .name = "contract",
    .size = sizeof(struct head_config),
    .fields = head_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static const struct config_field policy_fields[] = {
    {"planned", CONFIG_CHOICE, AT(policy_config, planned), .fallback = "remove",
     .choices = planned_choices, .help = "planned time leaves the denominator, is up, or counts"},
    {"unknown", CONFIG_CHOICE, AT(policy_config, unknown), .fallback = "exclude",
     .choices = unknown_choices, .help = "unknown time leaves the denominator, is down, or up"},
    {"initial_state", CONFIG_CHOICE, AT(policy_config, initial_state), .fallback = "last_before",
     .choices = initial_choices, .help = "of the time before a check's first result"},
    {"degraded_weight", CONFIG_DECIMAL, AT(policy_config, degraded_weight), .fallback = "0",
     .max = SLA_MILLION, .help = "how much of degraded time counts as down, 0 to 1"},
    {"sample_valid", CONFIG_DURATION, AT(policy_config, sample_valid_ms), .fallback = "0s",
     .max = DURATION_MAX_MS, .help = "how long a result speaks; 0s: the check's interval"},
    {"ignore_outages_shorter", CONFIG_DURATION, AT(policy_config, ignore_outages_shorter_ms),
     .fallback = "0s", .max = DURATION_MAX_MS, .help = "shorter outages count as up"},
    {"minimum_notice", CONFIG_DURATION, AT(policy_config, minimum_notice_ms), .fallback = "0s",
     .max = DURATION_MAX_MS, .help = "planned work must be announced so long before"},
    {"planned_quota", CONFIG_DURATION, AT(policy_config, planned_quota_ms), .fallback = "0s",
     .max = DURATION_MAX_MS, .help = "more planned time than this counts; 0s: no limit"},
    {"planned_quota_per", CONFIG_CHOICE, AT(policy_config, planned_quota_per), .fallback = "month",
     .choices = per_choices, .help = "where the quota begins anew"},
    {0},
};
static const struct config_schema policy_schema = {
    .name = "policy",
    .size = sizeof(struct policy_config),
    .fields = policy_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static const struct config_field override_fields[] = {
    {"planned", CONFIG_CHOICE, AT(override_config, planned), .fallback = "inherit",
     .choices = own_planned_choices, .help = "as in the contract's policy"},
    {"unknown", CONFIG_CHOICE, AT(override_config, unknown), .fallback = "inherit",
     .choices = own_unknown_choices, .help = "as in the contract's policy"},
    {"initial_state", CONFIG_CHOICE, AT(override_config, initial_state), .fallback = "inherit",
     .choices = own_initial_choices, .help = "as in the contract's policy"},
    {"degraded_weight", CONFIG_STRING, AT(override_config, degraded_weight), .fallback = "inherit",
     .check = check_weight, .help = "as in the contract's policy"},
    {0},
};
static const struct config_schema override_schema = {
    .name = "policy of a service",
    .size = sizeof(struct override_config),
    .fields = override_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static const struct config_field hours_fields[] = {
    {"days", CONFIG_STRING_LIST, AT(hours_config, days), .required = true, .min = 1, .max = 7,
     .check = check_weekday, .help = "on which the hours begin"},
    {"from", CONFIG_STRING, AT(hours_config, from), .required = true, .check = check_start,
     .help = "hh:mm"},
    {"to", CONFIG_STRING, AT(hours_config, to), .required = true, .check = check_clock,
     .help = "hh:mm; at or before from: of the next day"},
    {"valid_from", CONFIG_STRING, AT(hours_config, valid_from), .check = check_day,
     .help = "first day"},
    {"valid_to", CONFIG_STRING, AT(hours_config, valid_to), .check = check_day,
     .help = "first day on which the hours are no longer valid"},
    {0},
};
static const struct config_schema hours_schema = {
    .name = "hours",
    .size = sizeof(struct hours_config),
    .fields = hours_fields,
    .place_offset = offsetof(struct hours_config, place),
    .present_offset = SIZE_MAX,
};

static const struct config_field calendar_fields[] = {
    {"name", CONFIG_STRING, AT(calendar_config, name), .required = true, .min = 1, .max = 64,
     .check = check_name, .help = "what a service's hours refer to"},
    {"hours", CONFIG_LIST, AT(calendar_config, hours), .max = 100, .schema = &hours_schema,
     .help = "none: around the clock"},
    {"holidays", CONFIG_CHOICE, AT(calendar_config, holidays), .fallback = "none",
     .choices = holidays_choices, .help = "days on which no hours begin"},
    {"worked", CONFIG_STRING_LIST, AT(calendar_config, worked), .max = 1000, .check = check_worked,
     .help = "holidays that are worked, by date or name"},
    {"closed", CONFIG_STRING_LIST, AT(calendar_config, closed), .max = 1000, .check = check_day,
     .help = "further days on which no hours begin"},
    {0},
};
static const struct config_schema calendar_schema = {
    .name = "calendar",
    .size = sizeof(struct calendar_config),
    .fields = calendar_fields,
    .place_offset = offsetof(struct calendar_config, place),
    .present_offset = SIZE_MAX,
};

static const struct config_field repeat_fields[] = {
    {"rule", CONFIG_STRING, AT(repeat_config, rule), .required = true, .min = 1, .max = 200,
     .check = sla_rule_check, .help = "of days, RFC 5545: FREQ=MONTHLY;BYDAY=2TU"},
    {"first", CONFIG_STRING, AT(repeat_config, first), .required = true, .check = check_day,
     .help = "where the rule begins"},
    {"start", CONFIG_STRING, AT(repeat_config, start), .required = true, .check = check_start,
     .help = "hh:mm"},
    {"end", CONFIG_STRING, AT(repeat_config, end), .required = true, .check = check_clock,
     .help = "hh:mm; at or before start: of the next day"},
    {0},
};
static const struct config_schema repeat_schema = {
    .name = "repeat",
    .size = sizeof(struct repeat_config),
    .fields = repeat_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct repeat_config, present),
};

static const struct config_field maintenance_fields[] = {
    {"name", CONFIG_STRING, AT(maintenance_config, name), .max = 200, .help = "for people"},
    {"from", CONFIG_STRING, AT(maintenance_config, from), .help = "of work that is done once"},
    {"to", CONFIG_STRING, AT(maintenance_config, to), .help = "of work that is done once"},
    {"repeat", CONFIG_MAP, AT(maintenance_config, repeat), .schema = &repeat_schema,
     .help = "of work that recurs"},
    {"announced", CONFIG_STRING, AT(maintenance_config, announced),
     .help = "when it was announced"},
    {"cancelled", CONFIG_STRING, AT(maintenance_config, cancelled),
     .help = "from then on it is not planned"},
    {"services", CONFIG_STRING_LIST, AT(maintenance_config, services), .max = 1000,
     .help = "that the work is on; no services, devices or checks: all"},
    {"devices", CONFIG_STRING_LIST, AT(maintenance_config, devices), .max = 1000,
     .help = "that the work is on"},
    {"checks", CONFIG_STRING_LIST, AT(maintenance_config, checks), .max = 1000,
     .check = contract_check_name, .help = "that the work is on"},
    {0},
};
static const struct config_schema maintenance_schema = {
    .name = "maintenance",
    .size = sizeof(struct maintenance_config),
    .fields = maintenance_fields,
    .place_offset = offsetof(struct maintenance_config, place),
    .present_offset = SIZE_MAX,
};

static const struct config_field exclusion_fields[] = {
    {"from", CONFIG_STRING, AT(exclusion_config, from), .required = true, .help = "begin"},
    {"to", CONFIG_STRING, AT(exclusion_config, to), .required = true, .help = "end"},
    {"reason", CONFIG_STRING, AT(exclusion_config, reason), .required = true,
     .help = "why the time does not count"},
    {"services", CONFIG_STRING_LIST, AT(exclusion_config, services), .max = 1000,
     .help = "none: all"},
    {"requested_by", CONFIG_STRING, AT(exclusion_config, requested_by), .help = "who asked"},
    {"accepted_by", CONFIG_STRING, AT(exclusion_config, accepted_by), .help = "who agreed"},
    {"reference", CONFIG_STRING, AT(exclusion_config, reference), .help = "ticket or letter"},
    {"recorded", CONFIG_STRING, AT(exclusion_config, recorded),
     .help = "when it was agreed: reports as of before do not know it"},
    {"withdrawn", CONFIG_STRING, AT(exclusion_config, withdrawn),
     .help = "when it was taken back: reports as of later do not know it"},
    {0},
};
static const struct config_schema exclusion_schema = {
    .name = "exclusion",
    .size = sizeof(struct exclusion_config),
    .fields = exclusion_fields,
    .place_offset = offsetof(struct exclusion_config, place),
    .present_offset = SIZE_MAX,
};

static const struct config_field service_fields[] = {
    {"name", CONFIG_STRING, AT(service_config, name), .required = true, .min = 1, .max = 128,
     .help = "unique in the contract"},
    {"target", CONFIG_DECIMAL, AT(service_config, target), .required = true,
     .max = INT64_C(100) * SLA_MILLION, .help = "least availability in percent"},
    {"hours", CONFIG_STRING, AT(service_config, hours), .max = 64,
     .help = "a calendar's name; absent: around the clock"},
    {"policy", CONFIG_MAP, AT(service_config, policy), .schema = &override_schema,
     .help = "where it differs from the contract's"},
    {"requires", CONFIG_MAP, AT(service_config, requires), .required = true,
     .schema = &contract_node_schema, .help = "what must be up"},
    {0},
};
static const struct config_schema service_schema = {
    .name = "service",
    .size = sizeof(struct service_config),
    .fields = service_fields,
    .place_offset = offsetof(struct service_config, place),
    .present_offset = SIZE_MAX,
};

static const struct config_field contract_fields[] = {
    {"contract", CONFIG_MAP, AT(contract_config, contract), .required = true,
     .schema = &head_schema, .help = "which contract this is"},
    {"policy", CONFIG_MAP, AT(contract_config, policy), .schema = &policy_schema,
     .help = "by which rules time counts"},
    {"calendars", CONFIG_LIST, AT(contract_config, calendars), .max = 100,
     .schema = &calendar_schema, .help = "service hours"},
    {"maintenance", CONFIG_LIST, AT(contract_config, maintenance), .max = 10000,
     .schema = &maintenance_schema, .help = "planned work"},
    {"exclusions", CONFIG_LIST, AT(contract_config, exclusions), .max = 10000,
     .schema = &exclusion_schema, .help = "time that both sides agreed not to count"},
    {"services", CONFIG_LIST, AT(contract_config, services), .required = true, .min = 1,
     .max = 1000, .schema = &service_schema, .help = "what is promised"},
    {0},
};
const struct config_schema contract_schema = {
    .name = "contract file",
    .size = sizeof(struct contract_config),
    .fields = contract_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = contract_check,
};
