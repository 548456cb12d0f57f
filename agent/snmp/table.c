/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include "common/xalloc.h"
#include "gauge.h"
#include "slab.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_DIGITS = 10, ROOM_FIRST = 32 };

struct full_row {
    struct table_row row;
    bool is_dated; /* by a column of each cycle */
};

/* The rows by one part of their index: where a foreign column's cells go. */
struct part_order {
    size_t part; /* 0: not made */
    struct full_row **rows;
};

struct table {
    const struct plan_table *plan;
    struct snmp_counts *counts;
    struct slab slab;
    struct full_row **rows; /* by index */
    size_t n_rows;
    size_t room;
    struct part_order order;
    struct {
        enum column_end end;
        size_t next; /* place of the row after the last one: columns are walked in order */
    } columns[PLAN_COLUMNS_MAX];
};

struct table *table_new(const struct plan_table *plan, struct snmp_counts *counts)
{
    assert(plan->n_columns <= PLAN_COLUMNS_MAX);
    struct table *table = xcalloc(1, sizeof *table);
    table->plan = plan;
    table->counts = counts;
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL) {
        return;
    }
    slab_clear(&table->slab);
    free(table->order.rows);
    free(table->rows);
    free(table);
}

size_t table_rows(const struct table *table)
{
    return table->n_rows;
}

const struct table_row *table_row(const struct table *table, size_t n)
{
    assert(n < table->n_rows);
    return &table->rows[n]->row;
}

void table_set_end(struct table *table, size_t column, enum column_end end)
{
    assert(column < table->plan->n_columns);
    table->columns[column].end = end;
}

enum column_end table_end(const struct table *table, size_t column)
{
    assert(column < table->plan->n_columns);
    return table->columns[column].end;
}

/* --- rows --- */

static int compare_index(const struct table_row *row, const uint32_t *index, size_t n_index)
{
    size_t n = row->n_index < n_index ? row->n_index : n_index;
    for (size_t i = 0; i < n; i++) {
        if (row->index[i] != index[i]) {
            return row->index[i] < index[i] ? -1 : 1;
        }
    }
    return (row->n_index > n_index) - (row->n_index < n_index);
}

/* Where the index is, or would be; `guess` is looked at first. */
static size_t find_place(const struct table *table, size_t guess, const uint32_t *index,
                         size_t n_index)
{
    size_t low = 0;
    size_t high = table->n_rows;
    if (guess < high) {
        int order = compare_index(&table->rows[guess]->row, index, n_index);
        if (order == 0) {
            return guess;
        }
        low = order < 0 ? guess + 1 : low;
        high = order > 0 ? guess : high;
    }
    if (guess > 0 && guess == table->n_rows &&
        compare_index(&table->rows[guess - 1]->row, index, n_index) < 0) {
        return guess; /* a first column goes on at the end */
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_index(&table->rows[middle]->row, index, n_index) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct table *table, size_t place, const uint32_t *index, size_t n_index)
{
    return place < table->n_rows && compare_index(&table->rows[place]->row, index, n_index) == 0;
}

const struct table_row *table_find(const struct table *table, const uint32_t *index, size_t n_index)
{
    size_t place = find_place(table, 0, index, n_index);
    return is_at(table, place, index, n_index) ? &table->rows[place]->row : NULL;
}

static struct full_row *add_row(struct table *table, size_t place, const uint32_t *index,
                                size_t n_index)
{
    if (table->n_rows == TABLE_ROWS_MAX || table->slab.taken_bytes >= TABLE_MEMORY_MAX) {
        return NULL;
    }
    if (table->n_rows == table->room) {
        table->room = table->room == 0 ? ROOM_FIRST : table->room * 2;
        table->rows = xreallocarray(table->rows, table->room, sizeof(table->rows[0]));
    }
    size_t cells_size = table->plan->n_columns * sizeof(struct table_cell);
    struct full_row *row = slab_take(&table->slab, sizeof *row);
    uint32_t *kept = slab_take(&table->slab, n_index * sizeof *kept);
    if (n_index > 0) {
        memcpy(kept, index, n_index * sizeof *kept);
    }
    row->row.index = kept;
    row->row.n_index = n_index;
    row->row.cells = slab_take(&table->slab, cells_size);
    memmove(&table->rows[place + 1], &table->rows[place],
            (table->n_rows - place) * sizeof(table->rows[0]));
    table->rows[place] = row;
    table->n_rows++;
    return row;
}

/* --- cells --- */

/* Bytes of an OCTET STRING that are kept: where it is UTF-8, cut after a whole character. */
static size_t cut_size(const uint8_t *bytes, size_t size)
{
    size_t cut = TABLE_BYTES_MAX;
    if (size <= TABLE_BYTES_MAX) {
        return size;
    }
    while (cut > TABLE_BYTES_MAX - 4 && (bytes[cut] & 0xc0) == 0x80) {
        cut--;
    }
    return cut;
}

static bool keep_bytes(struct table *table, const uint8_t *bytes, size_t size,
                       struct table_cell *cell)
{
    size = cut_size(bytes, size);
    if (table->slab.taken_bytes + size > TABLE_MEMORY_MAX) {
        return false;
    }
    uint8_t *kept = slab_take(&table->slab, size);
    if (size > 0) {
        memcpy(kept, bytes, size);
    }
    cell->bytes = kept;
    cell->n_bytes = (uint32_t)size;
    return true;
}

static bool keep_oid(struct table *table, struct oid_view oid, struct table_cell *cell)
{
    char text[OID_IDS_MAX * (ID_DIGITS + 1) + 1];
    size_t used = 0;
    for (size_t i = 0; i < oid.n && i < OID_IDS_MAX; i++) {
        int more = snprintf(text + used, sizeof text - used, "%s%lu", i > 0 ? "." : "",
                            oid.ids[i] & UINT32_MAX);
        used += more > 0 ? (size_t)more : 0;
    }
    return keep_bytes(table, (const uint8_t *)text, used, cell);
}

static bool is_number(enum value_type type)
{
    return type == VALUE_INTEGER || type == VALUE_COUNTER32 || type == VALUE_GAUGE32 ||
           type == VALUE_TIMETICKS || type == VALUE_COUNTER64;
}

static bool is_kept(enum plan_keep keep, enum value_type type)
{
    switch (keep) {
    case PLAN_KEEP_NUMBER:
        return is_number(type);
    case PLAN_KEEP_BYTES:
        return type == VALUE_OCTETS;
    case PLAN_KEEP_OID:
        return type == VALUE_OID;
    case PLAN_KEEP_ANY:
        return is_number(type) || type == VALUE_OCTETS || type == VALUE_OID;
    }
    return false;
}

/* The cell of a value, without a row yet. False: there is no memory for it. */
static bool make_cell(struct table *table, const struct varbind *varbind, struct table_cell *cell)
{
    *cell = (struct table_cell){.type = varbind->type};
    if (varbind->type == VALUE_OCTETS) {
        return keep_bytes(table, varbind->bytes, varbind->n_bytes, cell);
    }
    if (varbind->type == VALUE_OID) {
        return keep_oid(table, varbind->oid, cell);
    }
    cell->number = varbind->number;
    return true;
}

static void date_row(struct full_row *row, const struct plan_column *column,
                     const struct reply *reply)
{
    if (!row->is_dated) {
        row->row.time = reply->arrived;
        row->row.at = reply->arrived_mono;
        row->is_dated = column->when == PLAN_EACH_CYCLE && column->rank == 0 && !column->foreign;
    }
}

static void set_cell(struct full_row *row, size_t column, const struct table_cell *cell, bool good)
{
    uint64_t bit = UINT64_C(1) << column;
    if (good) {
        row->row.cells[column] = *cell;
        row->row.known |= bit;
    } else {
        row->row.refused |= bit;
    }
}

/* --- foreign columns --- */

static uint32_t part_of(const struct full_row *row, size_t part)
{
    return part <= row->row.n_index ? row->row.index[part - 1] : 0;
}

static int compare_parts(const void *a, const void *b, void *context)
{
    const size_t *part = context;
    uint32_t left = part_of(*(struct full_row *const *)a, *part);
    uint32_t right = part_of(*(struct full_row *const *)b, *part);
    return (left > right) - (left < right);
}

static void order_by(struct table *table, size_t part)
{
    struct part_order *order = &table->order;
    if (order->part == part) {
        return;
    }
    free(order->rows);
    order->part = part;
    order->rows = xcalloc(table->n_rows + 1, sizeof(order->rows[0]));
    memcpy(order->rows, table->rows, table->n_rows * sizeof(order->rows[0]));
    qsort_r(order->rows, table->n_rows, sizeof(order->rows[0]), compare_parts, &part);
}

static void fill_part(struct table *table, size_t column, uint32_t id,
                      const struct table_cell *cell, bool good)
{
    size_t part = table->plan->columns[column].foreign_part;
    size_t low = 0;
    size_t high = table->n_rows;
    order_by(table, part);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (part_of(table->order.rows[middle], part) < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = low; i < table->n_rows && part_of(table->order.rows[i], part) == id; i++) {
        set_cell(table->order.rows[i], column, cell, good);
    }
}

static bool take_foreign(struct table *table, size_t column, const uint32_t *index, size_t n_index,
                         const struct varbind *varbind)
{
    struct table_cell cell = {0};
    bool good = is_kept(table->plan->columns[column].keep, varbind->type);
    if (!good) {
        table->counts->n[COUNT_BAD_TYPE]++;
    } else if (!make_cell(table, varbind, &cell)) {
        return false;
    }
    if (table->plan->columns[column].foreign_part > 0) {
        if (n_index == 1) {
            fill_part(table, column, index[0], &cell, good);
        }
        return true;
    }
    size_t place = find_place(table, table->columns[column].next, index, n_index);
    if (is_at(table, place, index, n_index)) {
        table->columns[column].next = place + 1;
        set_cell(table->rows[place], column, &cell, good);
    }
    return true;
}

/* --- taking --- */

/* False: no index that the plan allows. */
static bool copy_index(const struct plan_table *plan, bool is_own, struct oid_view index,
                       uint32_t copy[TABLE_INDEX_MAX])
{
    size_t parts = plan->index_parts;
    bool good = index.n <= TABLE_INDEX_MAX && (plan->is_scalar ? index.n == 0 : index.n > 0);
    good = good && (!is_own || plan->is_scalar || parts == 0 || index.n == parts);
    for (size_t i = 0; good && i < index.n; i++) {
        good = index.ids[i] <= UINT32_MAX;
        copy[i] = (uint32_t)index.ids[i];
    }
    return good;
}

/* The row after the column's last one, if it has that index: nearly always it has. */
static struct full_row *next_row(struct table *table, size_t column, struct oid_view index)
{
    size_t place = table->columns[column].next;
    if (place >= table->n_rows || table->rows[place]->row.n_index != index.n) {
        return NULL;
    }
    struct full_row *row = table->rows[place];
    for (size_t i = 0; i < index.n; i++) {
        if (row->row.index[i] != index.ids[i]) {
            return NULL;
        }
    }
    table->columns[column].next = place + 1;
    return row;
}

/* NULL: there is no room for another row. */
static struct full_row *find_or_add_row(struct table *table, size_t column, const uint32_t *index,
                                        size_t n_index)
{
    size_t place = find_place(table, table->columns[column].next, index, n_index);
    struct full_row *row = is_at(table, place, index, n_index)
                               ? table->rows[place]
                               : add_row(table, place, index, n_index);
    table->columns[column].next = row != NULL ? place + 1 : table->columns[column].next;
    return row;
}

bool table_take(struct table *table, size_t column, struct oid_view index,
                const struct varbind *varbind, const struct reply *reply)
{
    const struct plan_column *info = &table->plan->columns[column];
    uint32_t ids[TABLE_INDEX_MAX];
    struct table_cell cell;
    assert(column < table->plan->n_columns);
    struct full_row *row = info->foreign ? NULL : next_row(table, column, index);
    if (row == NULL) {
        if (!copy_index(table->plan, !info->foreign, index, ids)) {
            table->counts->n[COUNT_OID_MISMATCH]++;
            return true;
        }
        if (info->foreign) {
            return take_foreign(table, column, ids, index.n, varbind);
        }
        row = find_or_add_row(table, column, ids, index.n);
        if (row == NULL) {
            return false;
        }
    }
    date_row(row, info, reply);
    bool good = is_kept(info->keep, varbind->type);
    if (!good) {
        table->counts->n[COUNT_BAD_TYPE]++;
    } else if (!make_cell(table, varbind, &cell)) {
        return false;
    }
    set_cell(row, column, &cell, good);
    return true;
}

/* --- what else is wanted --- */

/* Rows for which the metric's source of that rank is the next one. */
static bool lacks(const struct table *table, const struct plan_metric *metric, size_t n_before)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        bool has = false;
        for (size_t j = 0; j < n_before && !has; j++) {
            has = gauge_source_tells(metric, &metric->sources[j], &table->rows[i]->row);
        }
        if (!has) {
            return true;
        }
    }
    return false;
}

static bool is_of_group(const struct plan_group *group, uint8_t column)
{
    return memchr(group->columns, column, group->n_columns) != NULL;
}

bool table_wants(const struct table *table, const struct plan_group *group)
{
    if (group->rank == 0) {
        return true;
    }
    for (size_t i = 0; i < table->plan->n_metrics; i++) {
        const struct plan_metric *metric = &table->plan->metrics[i];
        for (size_t j = 0; j < metric->n_sources; j++) {
            if (is_of_group(group, metric->sources[j].column) && lacks(table, metric, j)) {
                return true;
            }
        }
    }
    return false;
}
