/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is read of one table in one cycle, and in which order: identity before counters, counters
 * before what other tables add; and what of it is remembered for the next cycle.
 *
 * Pure, but for its objects. */
#ifndef SNMP_READING_H
#define SNMP_READING_H

#include "collect.h"
#include "denials.h"

/* What was learnt of a group of columns. */
struct group_memory {
    uint16_t varbind_bytes;
    uint16_t rows; /* of its longest column; 0: not known */
};

/* A table between cycles. */
struct table_memory {
    struct objects *objects; /* NULL: it never had a row */
    struct group_memory *groups;
    struct mono due;
    struct mono absent_until;
    struct mono fixed_due;
    struct mono empty_until;
    uint64_t empty;  /* bit: column that the device does not have */
    uint64_t change; /* the plan's last_change when the fixed columns were read */
    bool has_change;
    bool fixed_known; /* the fixed columns were read since it (re)started */
};

void table_memory_init(struct table_memory *memory, const struct plan_table *plan);
void table_memory_clear(struct table_memory *memory);
/* The device restarted. */
void table_memory_restarted(struct table_memory *memory);
/* `interval_ms`: of the cycles; a table that is due within half of it is due now. */
bool table_memory_is_due(const struct table_memory *memory, const struct plan_table *plan,
                         int64_t interval_ms, struct mono now);

enum reading_pass { READING_IDENTITY, READING_VALUES, READING_FOREIGN };

/* One table in one cycle. */
struct reading {
    const struct plan_table *plan;
    struct table_memory *memory;
    const struct denials *denials;
    struct table *table;
    struct mono now;
    bool fixed; /* all fixed columns are read */
    bool keys;  /* those that make the names are */
    bool asks_empty;
    bool has_change;
    uint64_t change;
    uint64_t read; /* bit: column that was read, or left out, in this cycle */
    enum reading_pass pass;
    size_t group;
};

/* The table is the reading's from then on. */
void reading_begin(struct reading *reading, const struct plan_table *plan,
                   struct table_memory *memory, const struct denials *denials,
                   const struct collect_turn *turn, struct snmp_counts *counts, struct mono now);

/* What to read next, side by side. */
struct reading_step {
    size_t group; /* of the first column */
    size_t n_columns;
    uint8_t columns[PLAN_COLUMNS_MAX]; /* a scalar's: all of the pass; else of one group */
};
/* False: everything was read. */
bool reading_next(struct reading *reading, struct reading_step *step);

/* How often a column went on after it had ended. Zero-initialise with each walk. */
struct resume {
    unsigned n;
    unsigned in_vain;
    size_t n_seen;
};
/* After a walk of the step, whose columns have all ended: lets those go on of which the device said
 * that nothing follows where other columns know more rows; some say so of a single value that they
 * cannot encode. A few times, and no more than twice in vain. Returns whether one goes on. */
bool reading_resume(const struct reading *reading, const struct reading_step *step,
                    struct walk *walk, struct resume *resumes);

/* Delivers; frees the table. Returns whether something of it was cut. */
bool reading_end(struct reading *reading, const struct objects_options *options, bool interrupted,
                 int64_t interval_ms);
/* Frees the table. */
void reading_drop(struct reading *reading);

#endif
