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

/* How many ids two names have in common at their beginnings, of which `same` are known to be. */
static size_t same_ids(struct oid_view a, struct oid_view b, size_t same)
{
    size_t n = a.n < b.n ? a.n : b.n;
    while (same < n && a.ids[same] == b.ids[same]) {
        same++;
    }
    return same;
}

/* The first `same` ids are those of the last name already. */
static void set_last(struct walk_column *column, struct oid_view name, size_t same)
{
    memcpy(column->last + same, name.ids + same, (name.n - same) * sizeof name.ids[0]);
    column->n_last = name.n;
}

void walk_begin(struct walk *walk, const struct oid_view *prefixes, size_t n_columns,
                size_t rows_max, const struct walk_sink *sink, struct snmp_counts *counts)
{
    assert(n_columns >= 1 && n_columns <= SHAPE_COLUMNS_MAX);
    walk->counts = counts;
    walk->sink = *sink;
    walk->rows_max = rows_max;
    walk->n_rows = 0;
    walk->varbind_bytes = SHAPE_VARBIND_BYTES;
    walk->n_columns = n_columns;
    walk->n_asked = 0;
    walk->repetitions = 0;
    for (size_t i = 0; i < n_columns; i++) {
        assert(prefixes[i].n < OID_IDS_MAX);
        walk->columns[i].prefix = prefixes[i];
        walk->columns[i].end = COLUMN_OPEN;
        walk->columns[i].view_ended = false;
        walk->columns[i].n_seen = 0;
        walk->columns[i].limit = SIZE_MAX;
        set_last(&walk->columns[i], prefixes[i], 0);
    }
}

void walk_limit(struct walk *walk, size_t column, size_t limit)
{
    assert(column < walk->n_columns && limit >= 1);
    walk->columns[column].limit = limit;
}

void walk_expect(struct walk *walk, size_t n_rows, unsigned varbind_bytes)
{
    walk->n_rows = n_rows;
    walk->varbind_bytes = varbind_bytes;
}

void walk_resume(struct walk *walk, size_t column, struct oid_view index)
{
    assert(column < walk->n_columns);
    struct walk_column *to = &walk->columns[column];
    assert(to->prefix.n + index.n <= OID_IDS_MAX);
    memcpy(to->last, to->prefix.ids, to->prefix.n * sizeof to->last[0]);
    memcpy(to->last + to->prefix.n, index.ids, index.n * sizeof to->last[0]);
    to->n_last = to->prefix.n + index.n;
    to->end = COLUMN_OPEN;
    to->view_ended = false;
}

/* Columns that were begun are finished first. */
static bool is_next(const struct walk_column *column, bool some_begun)
{
    return column->end == COLUMN_OPEN && (!some_begun || column->n_seen > 0);
}

/* Names that a column has left; 0: not known. One more proves its end. */
static size_t names_left(const struct walk *walk, const struct walk_column *column)
{
    size_t expected = walk->n_rows + 1;
    return walk->n_rows > 0 && column->n_seen < expected ? expected - column->n_seen : 0;
}

bool walk_ask(struct walk *walk, const struct shape *shape, struct request *request)
{
    size_t n_next = 0;
    size_t n_left = 0;
    bool some_begun = false;
    for (size_t i = 0; i < walk->n_columns; i++) {
        const struct walk_column *column = &walk->columns[i];
        some_begun = some_begun || (column->end == COLUMN_OPEN && column->n_seen > 0);
    }
    for (size_t i = 0; i < walk->n_columns; i++) {
        if (is_next(&walk->columns[i], some_begun)) {
            size_t left = names_left(walk, &walk->columns[i]);
            n_left = left > n_left ? left : n_left;
            n_next++;
        }
    }
    walk->n_asked = 0;
    if (n_next == 0) {
        return false;
    }
    struct shape_fit fit = shape_fit(shape, walk->varbind_bytes, n_next, n_left);
    for (size_t i = 0; i < walk->n_columns && walk->n_asked < fit.columns; i++) {
        const struct walk_column *column = &walk->columns[i];
        if (is_next(column, some_begun)) {
            request->names[walk->n_asked] = (struct oid_view){column->last, column->n_last};
            walk->asked[walk->n_asked++] = i;
        }
    }
    walk->repetitions = fit.repetitions;
    walk->is_bounded = fit.is_bounded;
    for (size_t i = 0; i < walk->n_asked; i++) {
        const struct walk_column *column = &walk->columns[walk->asked[i]];
        size_t left = column->limit - column->n_seen; /* at least 1: it is open */
        walk->repetitions = left < walk->repetitions ? (unsigned)left : walk->repetitions;
    }
    bool bulk = shape_has_bulk(shape);
    request->type = bulk ? REQUEST_GETBULK : REQUEST_GETNEXT;
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
        column->view_ended = true;
        return;
    }
    const struct oid_view prefix = column->prefix; /* the last name begins with it */
    bool under =
        name.n > prefix.n && memcmp(name.ids, prefix.ids, prefix.n * sizeof prefix.ids[0]) == 0;
    size_t same =
        same_ids(name, (struct oid_view){column->last, column->n_last}, under ? prefix.n : 0);
    bool increases = same < column->n_last ? same < name.n && name.ids[same] > column->last[same]
                                           : name.n > column->n_last;
    if (!increases) {
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
    set_last(column, name, same);
    if (column->n_seen == column->limit) {
        column->end = COLUMN_CUT; /* the cell itself is good */
    }
    const struct oid_view index = {name.ids + prefix.n, name.n - prefix.n};
    if (varbind->type != VALUE_NO_SUCH &&
        !walk->sink.cell(walk->sink.context, number, index, varbind, reply)) {
        cut(walk, column, COUNT_ROW_LIMIT);
    }
}

/* SNMPv1's way to say that a column is at the end of all (RFC 1157 section 4.1.3), and that of some
 * SNMPv2c agents. Another index than those of the request can only mean the one that was asked. */
static bool take_no_such_name(struct walk *walk, const struct reply *reply)
{
    long at = walk->n_asked == 1 ? 1 : reply->error_index;
    if (reply->error_status != ERROR_STATUS_NO_SUCH_NAME || at < 1 || at > (long)walk->n_asked) {
        return false;
    }
    walk->columns[walk->asked[at - 1]].end = COLUMN_COMPLETE;
    walk->columns[walk->asked[at - 1]].view_ended = true;
    return true;
}

/* The device answered with an error. The index counts the request's varbinds from 1. */
static enum walk_step take_error(struct walk *walk, const struct reply *reply)
{
    if (reply->error_status == ERROR_STATUS_TOO_BIG) {
        walk->counts->n[COUNT_TOO_BIG]++;
        return WALK_TOO_BIG;
    }
    if (take_no_such_name(walk, reply)) {
        return WALK_ADVANCED;
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
    for (size_t i = 0, next = 0; i < reply->n_varbinds && i < n_wanted; i++) {
        size_t number = walk->asked[next];
        next = next + 1 < walk->n_asked ? next + 1 : 0;
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

size_t walk_longest(const struct walk *walk)
{
    size_t most = 0;
    for (size_t i = 0; i < walk->n_columns; i++) {
        most = walk->columns[i].n_seen > most ? walk->columns[i].n_seen : most;
    }
    return most;
}
