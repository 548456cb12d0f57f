/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one cycle read of a device's interfaces: cells joined into rows by ifIndex. A cell that did
 * not come, or came with another type than its column's, is simply not known.
 *
 * Pure; memory is bounded by IFTABLE_ROWS_MAX and the limits of texts. */
#ifndef SNMP_IFTABLE_H
#define SNMP_IFTABLE_H

#include "counts.h"
#include "ifmib.h"
#include "walk.h"

#include <stdbool.h>

enum {
    IFTABLE_ROWS_MAX = 4096, /* the largest chassis have about half of it */
    IFTABLE_TEXT_SIZE = 256, /* ifDescr and ifName have 255 bytes, ifAlias 64 */
    IFTABLE_PHYS_MAX = 32,   /* InfiniBand has 20 */
};

struct if_row {
    uint32_t index;
    uint32_t known; /* bit: enum if_column */
    uint64_t numbers[IF_COLUMNS];
    char *name; /* the texts: UTF-8, or NULL where not known or empty */
    char *descr;
    char *alias;
    char *phys_address; /* "00:00:5e:00:53:01" */
    /* When the octets arrived; before they do, the last other cell. */
    struct wall time;
    struct mono at;
};

struct if_table {
    struct snmp_counts *counts;
    struct if_row *rows; /* by ifIndex */
    size_t n_rows;
    size_t room;
    size_t hint;
    enum column_end ends[IF_COLUMNS]; /* COLUMN_OPEN: not walked */
};

bool if_row_knows(const struct if_row *row, enum if_column column);

void if_table_init(struct if_table *table, struct snmp_counts *counts);
/* Empty again, for the next cycle. */
void if_table_clear(struct if_table *table);
/* Frees what it holds. */
void if_table_free(struct if_table *table);
/* False: the cell is of a new row, and the table is full. */
bool if_table_cell(struct if_table *table, enum if_column column, uint32_t index,
                   const struct varbind *varbind, const struct reply *reply);
/* Is there something to walk the group for? */
bool if_table_wants(const struct if_table *table, const struct if_group *group);

#endif
