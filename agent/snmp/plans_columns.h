/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The columns of a table while it is made: each OID once, whatever refers to it, and in the end the
 * groups in which they are read. */
#ifndef SNMP_PLANS_COLUMNS_H
#define SNMP_PLANS_COLUMNS_H

#include "common/config.h"
#include "plan.h"
#include "plans_memory.h"

struct plans_maker {
    struct plan_table *table;
    struct plans_memory *memory;
    struct config_error_sink *errors; /* NULL: errors are only noted */
    bool failed;
};

/* What somebody wants of a column. */
struct plans_use {
    enum plan_keep keep;
    enum plan_when when;
    uint8_t rank;
    bool foreign;
    uint8_t foreign_part;
};

/* Notes an error; `key` and `value` as config_error_at. `reason` is freed. */
void plans_refuse(struct plans_maker *maker, int line, const char *key, const char *value,
                  char *reason);
/* The number of the column with this OID, which is new or serves one more purpose;
 * PLAN_NO_COLUMN when `text` is NULL, and when an error was noted. */
uint8_t plans_add_column(struct plans_maker *maker, int line, const char *key, const char *text,
                         const struct plans_use *use);
/* An OID in the maker's memory. */
struct oid_view plans_copy_oid(struct plans_memory *memory, const char *text);
/* Once all columns are there. */
void plans_make_groups(struct plans_maker *maker);

#endif
