/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "walk.h"

#include <assert.h>
#include <string.h>

int oid_compare(struct oid_view a, struct oid_view b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        if (a.ids[i] != b.ids[i]) {
            return a.ids[i] < b.ids[i] ? -1 : 1;
        }
    }
    return (a.n > b.n) - (a.n < b.n);
}

bool oid_is_under(struct oid_view name, struct oid_view prefix)
{
    return name.n > prefix.n && oid_compare((struct oid_view){name.ids, prefix.n}, prefix) == 0;
}

static void set_last(struct walk_column *column, struct oid_view name)
{
    memcpy(column->last, name.ids, name.n * sizeof name.ids[0]);
    column->n_last = name.n;
}

void walk_begin(struct walk *walk, const struct oid_view *prefixes, size_t n_columns,
                size_t rows_max, const struct walk_sink *sink, struct snmp_counts *counts)
{
    assert(n_columns >= 1 && n_columns <= SHAPE_COLUMNS_MAX);
    walk->counts = counts;
    walk->sink = *sink;
    walk->rows_max = rows_max;
    walk->n_columns = n_columns;
    walk->n_asked = 0;
    for (size_t i = 0; i < n_columns; i++) {
        assert(prefixes[i].n < OID_IDS_MAX);
        walk->columns[i].prefix = prefixes[i];
        walk->columns[i].end = COLUMN_OPEN;
        walk->columns[i].n_seen = 0;
        walk->columns[i].limit = SIZE_MAX;
        set_last(&walk->columns[i], prefixes[i]);
    }
}

void walk_limit(struct walk *walk, size_t column, size_t limit)
{
    assert(column < walk->n_columns && limit >= 1);
    walk->columns[column].limit = limit;
}

bool walk_ask(struct walk *walk, const struct shape *shape, struct request *request)
{
    size_t n_open = 0;
    for (size_t i = 0; i < walk->n_columns; i++) {
        n_open += walk->columns[i].end == COLUMN_OPEN ? 1 : 0;
    }
    walk->n_asked = 0;
    if (n_open == 0) {
        return false;
    }
    size_t room = shape_columns(shape, n_open);
    for (size_t i = 0; i < walk->n_columns && walk->n_asked < room; i++) {
        const struct walk_column *column = &walk->columns[i];
        if (column->end == COLUMN_OPEN) {
            request->names[walk->n_asked] = (struct oid_view){column->last, column->n_last};
            walk->asked[walk->n_asked++] = i;
        }
    }
    walk->repetitions = shape->getnext ? 1 : shape_repetitions(shape, walk->n_asked);
    for (size_t i = 0; i < walk->n_asked; i++) {
        const struct walk_column *column = &walk->columns[walk->asked[i]];
        size_t left = column->limit - column->n_seen; /* at least 1: it is open */
        walk->repetitions = left < walk->repetitions ? (unsigned)left : walk->repetitions;
    }
    request->type = shape->getnext ? REQUEST_GETNEXT : REQUEST_GETBULK;
    request->repetitions = walk->repetitions;
    request->n_names = walk->n_asked;
    return true;
}

static void cut(struct walk *walk, struct walk_column *column, enum snmp_count why)
{
    column->end = COLUMN_CUT;
    walk->counts->n[why]++;
}

/* One varbind of a column that is open. */
static void take_varbind(struct walk *walk, size_t number, const struct varbind *varbind,
                         const struct reply *reply)
{
    struct walk_column *column = &walk->columns[number];
    const struct oid_view name = varbind->name;
    if (varbind->type == VALUE_END_OF_MIB) {
        column->end = COLUMN_COMPLETE;
        return;
    }
    bool under = oid_is_under(name, column->prefix);
    if (oid_compare(name, (struct oid_view){column->last, column->n_last}) <= 0) {
        cut(walk, column, under ? COUNT_NON_INCREASING : COUNT_OID_MISMATCH);
        return;
    }
    if (!under) {
        column->end = COLUMN_COMPLETE;
        return;
    }
    if (name.n > OID_IDS_MAX) {
        cut(walk, column, COUNT_OID_MISMATCH);
        return;
    }
    if (++column->n_seen > walk->rows_max) {
        cut(walk, column, COUNT_ROW_LIMIT);
        return;
    }
    set_last(column, name);
    if (column->n_seen == column->limit) {
        column->end = COLUMN_CUT; /* the cell itself is good */
    }
    unsigned long index = name.ids[column->prefix.n];
    if (name.n != column->prefix.n + 1 || index < 1 || index > INT32_MAX) {
        walk->counts->n[COUNT_OID_MISMATCH]++; /* InterfaceIndex: RFC 2863 */
        return;
    }
    if (varbind->type != VALUE_NO_SUCH &&
        !walk->sink.cell(walk->sink.context, number, (uint32_t)index, varbind, reply)) {
        cut(walk, column, COUNT_ROW_LIMIT);
    }
}

/* The device answered with an error. The index counts the request's varbinds from 1. */
static enum walk_step take_error(struct walk *walk, const struct reply *reply)
{
    if (reply->error_status == ERROR_STATUS_TOO_BIG) {
        walk->counts->n[COUNT_TOO_BIG]++;
        return WALK_TOO_BIG;
    }
    walk->counts->n[COUNT_ERROR_STATUS]++;
    if (reply->error_index >= 1 && reply->error_index <= (long)walk->n_asked) {
        walk->columns[walk->asked[reply->error_index - 1]].end = COLUMN_CUT;
        return WALK_ADVANCED;
    }
    if (reply->error_index != 0) {
        walk->counts->n[COUNT_ERROR_INDEX]++;
    }
    walk_cut_asked(walk);
    return WALK_ADVANCED;
}

enum walk_step walk_take(struct walk *walk, const struct reply *reply)
{
    size_t n_wanted = walk->n_asked * walk->repetitions;
    if (reply->error_status != ERROR_STATUS_NONE) {
        return take_error(walk, reply);
    }
    if (reply->n_varbinds == 0) {
        walk->counts->n[COUNT_EMPTY]++;
        walk_cut_asked(walk);
        return WALK_ADVANCED;
    }
    if (reply->n_varbinds > n_wanted) {
        walk->counts->n[COUNT_EXTRA_VARBINDS]++;
    }
    for (size_t i = 0; i < reply->n_varbinds && i < n_wanted; i++) {
        size_t number = walk->asked[i % walk->n_asked];
        if (walk->columns[number].end == COLUMN_OPEN) {
            take_varbind(walk, number, &reply->varbinds[i], reply);
        }
    }
    return WALK_ADVANCED;
}

void walk_cut_asked(struct walk *walk)
{
    for (size_t i = 0; i < walk->n_asked; i++) {
        if (walk->columns[walk->asked[i]].end == COLUMN_OPEN) {
            walk->columns[walk->asked[i]].end = COLUMN_CUT;
        }
    }
}

void walk_cut_all(struct walk *walk)
{
    for (size_t i = 0; i < walk->n_columns; i++) {
        if (walk->columns[i].end == COLUMN_OPEN) {
            walk->columns[i].end = COLUMN_CUT;
        }
    }
}
