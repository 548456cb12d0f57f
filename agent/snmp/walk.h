/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Walks a few columns of a table side by side, by GETBULK or GETNEXT: says what to ask next, judges
 * each reply and hands out the cells that passed. Nothing a device sends makes it ask for ever: a
 * column ends when its names leave it, do not increase, or are more than the row limit.
 *
 * Pure: no input or output, no clock. */
#ifndef SNMP_WALK_H
#define SNMP_WALK_H

#include "counts.h"
#include "pdu.h"
#include "shape.h"

#include <stdbool.h>

struct walk_sink {
    void *context;
    /* One cell: `column` as given to walk_begin, `index` what follows its prefix (at least one
     * sub-identifier). False: the table may not grow any more, and the column is cut. */
    bool (*cell)(void *context, size_t column, struct oid_view index, const struct varbind *varbind,
                 const struct reply *reply);
};

enum column_end {
    COLUMN_OPEN,     /* not at its end yet */
    COLUMN_COMPLETE, /* the device has no more of it */
    COLUMN_CUT,      /* given up before its end */
};

struct walk_column {
    struct oid_view prefix;
    enum column_end end;
    bool view_ended; /* the device said that nothing follows, in any column */
    size_t n_seen;
    size_t limit;  /* stops after so many names */
    size_t n_last; /* the last name that was seen */
    unsigned long last[OID_IDS_MAX];
};

struct walk {
    struct snmp_counts *counts;
    struct walk_sink sink;
    size_t rows_max;
    size_t n_rows;          /* expected; 0: not known */
    unsigned varbind_bytes; /* expected */
    size_t n_columns;
    struct walk_column columns[SHAPE_COLUMNS_MAX];
    /* The request under way. */
    size_t n_asked;
    size_t asked[SHAPE_COLUMNS_MAX];
    unsigned repetitions;
    bool is_bounded; /* by the shape */
};

enum walk_step {
    WALK_ADVANCED,
    WALK_TOO_BIG, /* nothing was taken: ask again in a smaller shape */
};

/* 1 to SHAPE_COLUMNS_MAX prefixes (RFC 2578 conceptual columns), whose memory must outlive it. */
void walk_begin(struct walk *walk, const struct oid_view *prefixes, size_t n_columns,
                size_t rows_max, const struct walk_sink *sink, struct snmp_counts *counts);
/* What to expect of the device: so many rows (0: not known), varbinds of so many bytes. Only sizes
 * requests. */
void walk_expect(struct walk *walk, size_t n_rows, unsigned varbind_bytes);
/* A column that has ended goes on after that index, where other columns know a row though the
 * device said that nothing follows: some say so of a single value that they cannot encode. */
void walk_resume(struct walk *walk, size_t column, struct oid_view index);
/* The column cannot be read beyond its first `limit` (at least 1) names: does not ask for more of
 * it, and then cuts it. */
void walk_limit(struct walk *walk, size_t column, size_t limit);
/* The next request, which points into `walk`. False: every column has ended. */
bool walk_ask(struct walk *walk, const struct shape *shape, struct request *request);
/* The answer to the last request. */
enum walk_step walk_take(struct walk *walk, const struct reply *reply);
/* Give up the columns of the last request, or all that are open. */
void walk_cut_asked(struct walk *walk);
void walk_cut_all(struct walk *walk);

/* The most names that were seen in one column. */
size_t walk_longest(const struct walk *walk);

/* Lexicographic order of names: < 0, 0, > 0. */
int oid_compare(struct oid_view a, struct oid_view b);
bool oid_is_under(struct oid_view name, struct oid_view prefix);

#endif
