/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of interfaces as its profile makes it, built by hand: tests of the parts that work
 * through plans need no profile. A test may change its own. */
#ifndef TEST_SNMP_SUPPORT_PLAN_H
#define TEST_SNMP_SUPPORT_PLAN_H

#include "plan.h"

enum if_column {
    IF_NAME,
    IF_DESCR,
    IF_TYPE,
    IF_ALIAS,
    IF_PHYS_ADDRESS,
    IF_MTU,
    IF_HC_IN_OCTETS,
    IF_HC_OUT_OCTETS,
    IF_CHANGE,
    IF_HC_IN_UCAST,
    IF_HC_OUT_UCAST,
    IF_HC_IN_MCAST,
    IF_HC_OUT_MCAST,
    IF_HC_IN_BCAST,
    IF_HC_OUT_BCAST,
    IF_IN_DISCARDS,
    IF_OUT_DISCARDS,
    IF_IN_ERRORS,
    IF_OUT_ERRORS,
    IF_IN_UNKNOWN,
    IF_ADMIN_STATUS,
    IF_OPER_STATUS,
    IF_SPEED,
    IF_HIGH_SPEED,
    IF_IN_OCTETS, /* rank 1 from here */
    IF_OUT_OCTETS,
    IF_IN_UCAST,
    IF_OUT_UCAST,
    IF_COLUMNS,
};

enum if_metric {
    M_IN_OCTETS,
    M_OUT_OCTETS,
    M_IN_UCAST,
    M_OUT_UCAST,
    M_IN_MCAST,
    M_OUT_MCAST,
    M_IN_BCAST,
    M_OUT_BCAST,
    M_IN_DISCARDS,
    M_OUT_DISCARDS,
    M_IN_ERRORS,
    M_OUT_ERRORS,
    M_OPER_STATUS,
    M_ADMIN_STATUS,
    M_SPEED,
    M_IN_UNKNOWN, /* optional */
    IF_METRICS,
    M_COUNTERS = M_OPER_STATUS, /* of those that every interface has */
    M_ALWAYS = M_IN_UNKNOWN,
};

enum { IF_GROUPS = 8, IF_LABELS = 6, IF_OID_MAX = 12 };

struct if_plan {
    struct plan plan;
    struct plan_table table;
    unsigned long oids[IF_COLUMNS][IF_OID_MAX];
    struct plan_column columns[IF_COLUMNS];
    struct plan_metric metrics[IF_METRICS];
    struct plan_label labels[IF_LABELS];
    struct plan_group groups[IF_GROUPS];
};

struct if_plan *if_plan_new(void);
void if_plan_free(struct if_plan *plan);
/* A metric with one source and nothing else. */
void if_plan_metric(struct plan_metric *metric, const char *name, const char *unit,
                    enum metric_type type, uint8_t column);

#endif
