/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ifEntry and ifXEntry. */
static const unsigned long if_entry[] = {1, 3, 6, 1, 2, 1, 2, 2, 1};
static const unsigned long if_x_entry[] = {1, 3, 6, 1, 2, 1, 31, 1, 1, 1};

static const struct {
    bool is_x;
    unsigned long number;
    enum plan_keep keep;
} columns[IF_COLUMNS] = {
    [IF_NAME] = {true, 1, PLAN_KEEP_BYTES},
    [IF_DESCR] = {false, 2, PLAN_KEEP_BYTES},
    [IF_TYPE] = {false, 3, PLAN_KEEP_NUMBER},
    [IF_ALIAS] = {true, 18, PLAN_KEEP_BYTES},
    [IF_PHYS_ADDRESS] = {false, 6, PLAN_KEEP_BYTES},
    [IF_MTU] = {false, 4, PLAN_KEEP_NUMBER},
    [IF_HC_IN_OCTETS] = {true, 6, PLAN_KEEP_NUMBER},
    [IF_HC_OUT_OCTETS] = {true, 10, PLAN_KEEP_NUMBER},
    [IF_CHANGE] = {true, 19, PLAN_KEEP_NUMBER},
    [IF_HC_IN_UCAST] = {true, 7, PLAN_KEEP_NUMBER},
    [IF_HC_OUT_UCAST] = {true, 11, PLAN_KEEP_NUMBER},
    [IF_HC_IN_MCAST] = {true, 8, PLAN_KEEP_NUMBER},
    [IF_HC_OUT_MCAST] = {true, 12, PLAN_KEEP_NUMBER},
    [IF_HC_IN_BCAST] = {true, 9, PLAN_KEEP_NUMBER},
    [IF_HC_OUT_BCAST] = {true, 13, PLAN_KEEP_NUMBER},
    [IF_IN_DISCARDS] = {false, 13, PLAN_KEEP_NUMBER},
    [IF_OUT_DISCARDS] = {false, 19, PLAN_KEEP_NUMBER},
    [IF_IN_ERRORS] = {false, 14, PLAN_KEEP_NUMBER},
    [IF_OUT_ERRORS] = {false, 20, PLAN_KEEP_NUMBER},
    [IF_IN_UNKNOWN] = {false, 15, PLAN_KEEP_NUMBER},
    [IF_ADMIN_STATUS] = {false, 7, PLAN_KEEP_NUMBER},
    [IF_OPER_STATUS] = {false, 8, PLAN_KEEP_NUMBER},
    [IF_SPEED] = {false, 5, PLAN_KEEP_NUMBER},
    [IF_HIGH_SPEED] = {true, 15, PLAN_KEEP_NUMBER},
    [IF_IN_OCTETS] = {false, 10, PLAN_KEEP_NUMBER},
    [IF_OUT_OCTETS] = {false, 16, PLAN_KEEP_NUMBER},
    [IF_IN_UCAST] = {false, 11, PLAN_KEEP_NUMBER},
    [IF_OUT_UCAST] = {false, 17, PLAN_KEEP_NUMBER},
};

static const struct {
    const char *name;
    const char *unit;
    uint8_t column;
    uint8_t second;
} metrics[IF_METRICS] = {
    [M_IN_OCTETS] = {"in_octets", "octets", IF_HC_IN_OCTETS, IF_IN_OCTETS},
    [M_OUT_OCTETS] = {"out_octets", "octets", IF_HC_OUT_OCTETS, IF_OUT_OCTETS},
    [M_IN_UCAST] = {"in_ucast_packets", "packets", IF_HC_IN_UCAST, IF_IN_UCAST},
    [M_OUT_UCAST] = {"out_ucast_packets", "packets", IF_HC_OUT_UCAST, IF_OUT_UCAST},
    [M_IN_MCAST] = {"in_multicast_packets", "packets", IF_HC_IN_MCAST, PLAN_NO_COLUMN},
    [M_OUT_MCAST] = {"out_multicast_packets", "packets", IF_HC_OUT_MCAST, PLAN_NO_COLUMN},
    [M_IN_BCAST] = {"in_broadcast_packets", "packets", IF_HC_IN_BCAST, PLAN_NO_COLUMN},
    [M_OUT_BCAST] = {"out_broadcast_packets", "packets", IF_HC_OUT_BCAST, PLAN_NO_COLUMN},
    [M_IN_DISCARDS] = {"in_discards", "packets", IF_IN_DISCARDS, PLAN_NO_COLUMN},
    [M_OUT_DISCARDS] = {"out_discards", "packets", IF_OUT_DISCARDS, PLAN_NO_COLUMN},
    [M_IN_ERRORS] = {"in_errors", "packets", IF_IN_ERRORS, PLAN_NO_COLUMN},
    [M_OUT_ERRORS] = {"out_errors", "packets", IF_OUT_ERRORS, PLAN_NO_COLUMN},
    [M_OPER_STATUS] = {"oper_status", "1", IF_OPER_STATUS, PLAN_NO_COLUMN},
    [M_ADMIN_STATUS] = {"admin_status", "1", IF_ADMIN_STATUS, PLAN_NO_COLUMN},
    [M_SPEED] = {"speed_bps", "bit/s", IF_HIGH_SPEED, IF_SPEED},
    [M_IN_UNKNOWN] = {"in_unknown_protos", "packets", IF_IN_UNKNOWN, PLAN_NO_COLUMN},
};

static const struct plan_label labels[IF_LABELS] = {
    {.key = "if_name", .format = PLAN_FORMAT_TEXT, .column = IF_NAME},
    {.key = "if_descr", .format = PLAN_FORMAT_TEXT, .column = IF_DESCR},
    {.key = "if_alias", .format = PLAN_FORMAT_TEXT, .column = IF_ALIAS},
    {.key = "if_type", .format = PLAN_FORMAT_NUMBER, .column = IF_TYPE},
    {.key = "phys_address", .format = PLAN_FORMAT_HEX, .column = IF_PHYS_ADDRESS},
    {.key = "if_mtu", .format = PLAN_FORMAT_NUMBER, .column = IF_MTU},
};

static const struct plan_group groups[IF_GROUPS] = {
    {3, {IF_NAME, IF_DESCR, IF_TYPE}, PLAN_FIXED, 0, false},
    {3, {IF_ALIAS, IF_PHYS_ADDRESS, IF_MTU}, PLAN_FIXED, 0, false},
    {3, {IF_HC_IN_OCTETS, IF_HC_OUT_OCTETS, IF_CHANGE}, PLAN_EACH_CYCLE, 0, false},
    {6,
     {IF_HC_IN_UCAST, IF_HC_OUT_UCAST, IF_HC_IN_MCAST, IF_HC_OUT_MCAST, IF_HC_IN_BCAST,
      IF_HC_OUT_BCAST},
     PLAN_EACH_CYCLE,
     0,
     false},
    {5,
     {IF_IN_DISCARDS, IF_OUT_DISCARDS, IF_IN_ERRORS, IF_OUT_ERRORS, IF_IN_UNKNOWN},
     PLAN_EACH_CYCLE,
     0,
     false},
    {4, {IF_ADMIN_STATUS, IF_OPER_STATUS, IF_SPEED, IF_HIGH_SPEED}, PLAN_EACH_CYCLE, 0, false},
    {2, {IF_IN_OCTETS, IF_OUT_OCTETS}, PLAN_EACH_CYCLE, 1, false},
    {2, {IF_IN_UCAST, IF_OUT_UCAST}, PLAN_EACH_CYCLE, 1, false},
};

static void set_columns(struct if_plan *plan)
{
    for (size_t i = 0; i < IF_COLUMNS; i++) {
        bool is_x = columns[i].is_x;
        size_t n =
            is_x ? sizeof if_x_entry / sizeof if_x_entry[0] : sizeof if_entry / sizeof if_entry[0];
        memcpy(plan->oids[i], is_x ? if_x_entry : if_entry, n * sizeof(unsigned long));
        plan->oids[i][n] = columns[i].number;
        plan->columns[i] = (struct plan_column){.oid = {plan->oids[i], n + 1},
                                                .text = "a column",
                                                .keep = columns[i].keep,
                                                .when = PLAN_EACH_CYCLE};
    }
}

static void set_groups(struct if_plan *plan)
{
    memcpy(plan->groups, groups, sizeof groups);
    for (size_t i = 0; i < IF_GROUPS; i++) {
        for (size_t j = 0; j < groups[i].n_columns; j++) {
            plan->columns[groups[i].columns[j]].when = groups[i].when;
            plan->columns[groups[i].columns[j]].rank = groups[i].rank;
        }
    }
}

void if_plan_metric(struct plan_metric *metric, const char *name, const char *unit,
                    enum metric_type type, uint8_t column)
{
    *metric = (struct plan_metric){.metric = {name, unit, type},
                                   .n_sources = 1,
                                   .sources = {{.column = column, .scale = 1}},
                                   .multiply = PLAN_NO_COLUMN,
                                   .decimals = PLAN_NO_COLUMN,
                                   .prefix = PLAN_NO_COLUMN,
                                   .valid_column = PLAN_NO_COLUMN,
                                   .unit_column = PLAN_NO_COLUMN};
}

static void set_metrics(struct if_plan *plan)
{
    for (size_t i = 0; i < IF_METRICS; i++) {
        bool is_gauge = i >= M_OPER_STATUS && i <= M_SPEED;
        struct plan_metric *metric = &plan->metrics[i];
        if_plan_metric(metric, metrics[i].name, metrics[i].unit,
                       is_gauge ? METRIC_GAUGE : METRIC_COUNTER, metrics[i].column);
        if (metrics[i].second != PLAN_NO_COLUMN) {
            metric->n_sources = 2;
            metric->sources[1] = (struct plan_source){.column = metrics[i].second, .scale = 1};
        }
    }
    struct plan_source *speed = plan->metrics[M_SPEED].sources;
    speed[0].scale = 1e6;
    speed[0].rounded = true;
    speed[0].unknown = (struct plan_values){1, {0}};
    speed[1].unknown = (struct plan_values){1, {4294967295}};
    plan->metrics[M_IN_UNKNOWN].optional = true;
}

static void set_table(struct if_plan *plan)
{
    plan->table = (struct plan_table){
        .name = "if-mib/interface",
        .kind = "interface",
        .reread_ms = 3600000,
        .index_parts = 1,
        .index_label = "if_index",
        .n_columns = IF_COLUMNS,
        .columns = plan->columns,
        .n_metrics = IF_METRICS,
        .metrics = plan->metrics,
        .n_counters = M_COUNTERS + 1,
        .n_labels = IF_LABELS,
        .labels = plan->labels,
        .n_names = 3,
        .names = {{"{if_name}", 1, {IF_NAME}},
                  {"{if_descr}", 1, {IF_DESCR}},
                  {"if{index}", 0, {0}}},
        .n_groups = IF_GROUPS,
        .groups = plan->groups,
        .rate_metric = M_SPEED,
        .rate_column = IF_TYPE,
        .rate_values = {5, {6, 62, 69, 117, 161}},
        .discontinuity = IF_CHANGE,
        .last_change = SIZE_MAX,
    };
}

struct if_plan *if_plan_new(void)
{
    struct if_plan *plan = calloc(1, sizeof *plan);
    assert_non_null(plan);
    set_columns(plan);
    set_groups(plan);
    set_metrics(plan);
    memcpy(plan->labels, labels, sizeof labels);
    for (size_t i = 0; i < IF_LABELS; i++) {
        plan->labels[i].hex_column = PLAN_NO_COLUMN;
    }
    set_table(plan);
    plan->plan = (struct plan){.name = "if-mib", .n_tables = 1, .tables = &plan->table};
    return plan;
}

void if_plan_free(struct if_plan *plan)
{
    free(plan);
}
