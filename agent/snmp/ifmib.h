/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The columns of ifTable and ifXTable (RFC 2863) that are read, their object identifiers and
 * types, and in which order and company they are walked. Compiled in: no MIB is ever loaded. */
#ifndef SNMP_IFMIB_H
#define SNMP_IFMIB_H

#include "pdu.h"
#include "shape.h"

enum if_column {
    IF_NAME,
    IF_DESCR,
    IF_TYPE,
    IF_ALIAS,
    IF_PHYS_ADDRESS,
    IF_ADMIN_STATUS,
    IF_OPER_STATUS,
    IF_SPEED,
    IF_HIGH_SPEED,
    IF_HC_IN_OCTETS,
    IF_HC_OUT_OCTETS,
    IF_IN_OCTETS,
    IF_OUT_OCTETS,
    IF_HC_IN_UCAST,
    IF_HC_IN_MCAST,
    IF_HC_IN_BCAST,
    IF_HC_OUT_UCAST,
    IF_HC_OUT_MCAST,
    IF_HC_OUT_BCAST,
    IF_IN_UCAST,
    IF_IN_NUCAST,
    IF_OUT_UCAST,
    IF_OUT_NUCAST,
    IF_IN_DISCARDS,
    IF_IN_ERRORS,
    IF_OUT_DISCARDS,
    IF_OUT_ERRORS,
    IF_COLUMNS,
};

struct if_column_info {
    const char *name;
    enum value_type type;
    struct oid_view prefix;
};
extern const struct if_column_info if_columns[IF_COLUMNS];

/* Columns that are walked side by side, identity first: what a counter belongs to is known before
 * it is read. Those of a group arrive together, so that a row's octets have one time. */
struct if_group {
    size_t n_columns;
    enum if_column columns[SHAPE_COLUMNS_MAX];
    /* Walked only if a row lacks one of these (n_instead 0: always): 32-bit counters where the
     * device has no 64-bit ones. */
    size_t n_instead;
    enum if_column instead_of[SHAPE_COLUMNS_MAX];
};
enum { IF_GROUPS = 8 };
extern const struct if_group if_groups[IF_GROUPS];

#endif
