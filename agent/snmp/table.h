/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one cycle read of one table of a device: cells joined into rows by index. A cell that did
 * not come, or came with another type than its column's, is simply not known. Lives for one cycle;
 * all of it is in one arena.
 *
 * Pure; memory is bounded by TABLE_ROWS_MAX and the limits of texts. */
#ifndef SNMP_TABLE_H
#define SNMP_TABLE_H

#include "counts.h"
#include "plan.h"
#include "walk.h"

#include <stdbool.h>

enum {
    TABLE_ROWS_MAX = 4096,  /* the largest chassis have about half of it */
    TABLE_INDEX_MAX = 32,   /* sub-identifiers: two IPv6 addresses */
    TABLE_BYTES_MAX = 1024, /* of an OCTET STRING's cell: no label may be longer */
    TABLE_MEMORY_MAX = 16 * 1024 * 1024,
};

struct table_cell {
    enum value_type type; /* VALUE_OTHER: not known */
    uint32_t n_bytes;
    union {                   /* they are most of a cycle's memory */
        const uint8_t *bytes; /* VALUE_OCTETS; VALUE_OID: its dotted text */
        uint64_t number;      /* else; a negative INTEGER as two's complement */
    };
};

struct table_row {
    const uint32_t *index;
    size_t n_index;
    uint64_t known;           /* bit: column */
    uint64_t refused;         /* bit: column; its cell came with another type */
    struct table_cell *cells; /* [n_columns] */
    /* When its first cell of a column of each cycle and rank 0 came (the octet counters of an
     * interface); before it does, when its last other cell came. */
    struct wall time;
    struct mono at;
};

struct table;

struct table *table_new(const struct plan_table *plan, struct snmp_counts *counts);
void table_free(struct table *table);

size_t table_rows(const struct table *table);
/* By index, ascending (lexicographic by sub-identifier). */
const struct table_row *table_row(const struct table *table, size_t n);
/* NULL: there is none. */
const struct table_row *table_find(const struct table *table, const uint32_t *index,
                                   size_t n_index);
static inline bool table_row_knows(const struct table_row *row, size_t column)
{
    return column < PLAN_COLUMNS_MAX && (row->known >> column & 1) != 0;
}

/* False: the cell is of a new row and the table is full, or its memory is. `index` follows the
 * column's prefix (a scalar's is empty); one that the plan does not allow is counted (oid_mismatch)
 * and left out. A foreign column's cell goes to the rows that it belongs to, if any: all other
 * columns must have been taken before. */
bool table_take(struct table *table, size_t column, struct oid_view index,
                const struct varbind *varbind, const struct reply *reply);
/* How each column ended: COLUMN_OPEN: it was not walked. */
void table_set_end(struct table *table, size_t column, enum column_end end);
enum column_end table_end(const struct table *table, size_t column);
/* Does some row lack a value for which the group's columns are the next source? Of rank 0 and of
 * none of the metrics' sources: always. */
bool table_wants(const struct table *table, const struct plan_group *group);

#endif
