/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iftable.h"

#include "common/xalloc.h"
#include "proto/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t bit(enum if_column column)
{
    return UINT32_C(1) << column;
}

bool if_row_knows(const struct if_row *row, enum if_column column)
{
    return (row->known & bit(column)) != 0;
}

void if_table_init(struct if_table *table, struct snmp_counts *counts)
{
    *table = (struct if_table){.counts = counts};
}

void if_table_clear(struct if_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        free(table->rows[i].name);
        free(table->rows[i].descr);
        free(table->rows[i].alias);
        free(table->rows[i].phys_address);
    }
    table->n_rows = 0;
    table->hint = 0;
    memset(table->ends, 0, sizeof table->ends);
}

void if_table_free(struct if_table *table)
{
    if_table_clear(table);
    free(table->rows);
    table->rows = NULL;
    table->room = 0;
}

/* Where the index is, or would be. Columns are walked in order: mostly the next one. */
static size_t find_place(const struct if_table *table, uint32_t index)
{
    size_t low = 0;
    size_t high = table->n_rows;
    if (table->hint < table->n_rows && table->rows[table->hint].index == index) {
        return table->hint;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->rows[middle].index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct if_row *find_row(struct if_table *table, uint32_t index)
{
    size_t place = find_place(table, index);
    if (place == table->n_rows || table->rows[place].index != index) {
        if (table->n_rows == IFTABLE_ROWS_MAX) {
            return NULL;
        }
        if (table->n_rows == table->room) {
            table->room = table->room == 0 ? 16 : table->room * 2;
            table->rows = xreallocarray(table->rows, table->room, sizeof *table->rows);
        }
        memmove(&table->rows[place + 1], &table->rows[place],
                (table->n_rows - place) * sizeof *table->rows);
        table->rows[place] = (struct if_row){.index = index};
        table->n_rows++;
    }
    table->hint = place + 1;
    return &table->rows[place];
}

/* Agents pad with blanks and NULs. NULL when nothing is left. */
static char *copy_text(const uint8_t *bytes, size_t size)
{
    char text[IFTABLE_TEXT_SIZE];
    while (size > 0 && bytes[size - 1] <= ' ') {
        size--;
    }
    return size > 0 && text_sanitize(bytes, size, text, sizeof text) > 0 ? xstrdup(text) : NULL;
}

static char *copy_phys_address(const uint8_t *bytes, size_t size)
{
    char text[IFTABLE_PHYS_MAX * 3 + 1] = "";
    if (size == 0 || size > IFTABLE_PHYS_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < size; i++) {
        snprintf(text + i * 3, sizeof text - i * 3, "%02x:", (unsigned)bytes[i]);
    }
    text[size * 3 - 1] = '\0';
    return xstrdup(text);
}

static void set_text(struct if_row *row, enum if_column column, const struct varbind *varbind)
{
    char **to = column == IF_NAME    ? &row->name
                : column == IF_DESCR ? &row->descr
                : column == IF_ALIAS ? &row->alias
                                     : &row->phys_address;
    free(*to);
    *to = column == IF_PHYS_ADDRESS ? copy_phys_address(varbind->bytes, varbind->n_bytes)
                                    : copy_text(varbind->bytes, varbind->n_bytes);
}

static void set_time(struct if_row *row, const struct reply *reply)
{
    static const enum if_column octets[] = {IF_HC_IN_OCTETS, IF_HC_OUT_OCTETS, IF_IN_OCTETS,
                                            IF_OUT_OCTETS};
    for (size_t i = 0; i < sizeof octets / sizeof octets[0]; i++) {
        if (if_row_knows(row, octets[i])) {
            return;
        }
    }
    row->time = reply->arrived;
    row->at = reply->arrived_mono;
}

bool if_table_cell(struct if_table *table, enum if_column column, uint32_t index,
                   const struct varbind *varbind, const struct reply *reply)
{
    enum value_type type = if_columns[column].type;
    struct if_row *row = find_row(table, index);
    if (row == NULL) {
        return false;
    }
    set_time(row, reply);
    if (varbind->type != type || (type == VALUE_INTEGER && varbind->number > INT32_MAX)) {
        table->counts->n[COUNT_BAD_TYPE]++;
        return true;
    }
    if (type == VALUE_OCTETS) {
        set_text(row, column, varbind);
    } else {
        row->numbers[column] = varbind->number;
    }
    row->known |= bit(column);
    return true;
}

bool if_table_wants(const struct if_table *table, const struct if_group *group)
{
    uint32_t wide = 0;
    for (size_t i = 0; i < group->n_instead; i++) {
        wide |= bit(group->instead_of[i]);
    }
    for (size_t i = 0; i < table->n_rows; i++) {
        if ((table->rows[i].known & wide) != wide) {
            return true;
        }
    }
    return group->n_instead == 0;
}
