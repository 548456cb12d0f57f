/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the cells of a row say in words: labels, names, and whether the row is wanted at all. The
 * bytes are a device's; what leaves here may travel.
 *
 * Pure. */
#ifndef SNMP_ROWTEXT_H
#define SNMP_ROWTEXT_H

#include "table.h"

enum {
    LABEL_TEXT_SIZE = PROTO_LABEL_MAX + 1,
    NAME_TEXT_SIZE = PROTO_NAME_MAX + 1,
    INDEX_TEXT_SIZE = TABLE_INDEX_MAX * 11 + 1,
};

/* "3", "1.2.4294967295"; a scalar's is "0". */
void index_text(const struct table_row *row, char text[INDEX_TEXT_SIZE]);

/* A label's value; false: the row has none. */
bool label_text(const struct plan_label *label, const struct table_row *row,
                char text[LABEL_TEXT_SIZE]);

/* The row's name in that way; false: it lacks a part of it. A longer one is cut. */
bool name_text(const struct plan_table *plan, const struct plan_name *way,
               const struct table_row *row, char text[NAME_TEXT_SIZE]);

enum row_verdict {
    ROW_WANTED,
    ROW_UNWANTED,
    ROW_UNDECIDED, /* a cell that decides was not read */
};
/* Does the row pass the table's conditions? Those whose column is PLAN_FIXED are left out where the
 * fixed columns were not read. */
enum row_verdict row_is_wanted(const struct plan_table *plan, const struct table *table,
                               const struct table_row *row, bool fixed_read);

#endif
