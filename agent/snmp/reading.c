/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reading.h"

#include "common/xalloc.h"

#include <stdlib.h>

enum {
    ABSENT_MS = 3600000, /* a table that the device does not have is asked for again */
    EMPTY_MS = 600000,   /* likewise a column, in a table that it has */
    CUT_FIXED_MS = 300000,
    RESUMES_MAX = 16,    /* of a column, in one cycle */
    RESUMES_IN_VAIN = 2, /* in a row */
};

/* --- between cycles --- */

void table_memory_init(struct table_memory *memory, const struct plan_table *plan)
{
    *memory = (struct table_memory){0};
    memory->groups = xcalloc(plan->n_groups + 1, sizeof(memory->groups[0]));
    for (size_t i = 0; i < plan->n_groups; i++) {
        memory->groups[i].varbind_bytes = SHAPE_VARBIND_BYTES;
    }
}

void table_memory_clear(struct table_memory *memory)
{
    objects_free(memory->objects);
    free(memory->groups);
    *memory = (struct table_memory){0};
}

void table_memory_restarted(struct table_memory *memory)
{
    memory->due = (struct mono){0};
    memory->absent_until = (struct mono){0};
    memory->fixed_known = false;
    if (memory->objects != NULL) {
        objects_restarted(memory->objects);
    }
}

bool table_memory_is_due(const struct table_memory *memory, const struct plan_table *plan,
                         int64_t interval_ms, struct mono now)
{
    if (now.ns < memory->absent_until.ns) {
        return false;
    }
    return plan->every_ms == 0 || mono_add_ms(now, interval_ms / 2).ns >= memory->due.ns;
}

static void set_due(struct table_memory *memory, const struct plan_table *plan, struct mono now)
{
    struct mono next = mono_add_ms(memory->due, plan->every_ms);
    memory->due = next.ns > now.ns ? next : mono_add_ms(now, plan->every_ms);
}

/* --- a cycle --- */

static bool has_each_cycle(const struct plan_table *plan)
{
    for (size_t i = 0; i < plan->n_groups; i++) {
        if (plan->groups[i].when == PLAN_EACH_CYCLE) {
            return true;
        }
    }
    return false;
}

static bool is_fixed_due(const struct reading *reading)
{
    const struct table_memory *memory = reading->memory;
    bool changed = reading->has_change && memory->has_change && reading->change != memory->change;
    bool reread = reading->plan->reread_ms > 0 || memory->fixed_due.ns > 0;
    return !memory->fixed_known || memory->objects == NULL || changed ||
           (reread && reading->now.ns >= memory->fixed_due.ns) || !has_each_cycle(reading->plan);
}

void reading_begin(struct reading *reading, const struct plan_table *plan,
                   struct table_memory *memory, const struct denials *denials,
                   const struct collect_turn *turn, struct snmp_counts *counts, struct mono now)
{
    *reading = (struct reading){.plan = plan,
                                .memory = memory,
                                .denials = denials,
                                .table = table_new(plan, counts),
                                .now = now};
    if (plan->last_change < PLAN_WATCHED_MAX && (turn->watched_known >> plan->last_change & 1)) {
        reading->has_change = true;
        reading->change = turn->watched[plan->last_change];
    }
    reading->fixed = is_fixed_due(reading);
    bool is_vouched = reading->has_change && memory->has_change;
    reading->keys = !reading->fixed && !is_vouched && plan->n_metrics > 0 &&
                    objects_key_columns(memory->objects) != 0;
    reading->asks_empty = reading->fixed || now.ns >= memory->empty_until.ns;
}

void reading_drop(struct reading *reading)
{
    table_free(reading->table);
    reading->table = NULL;
}

static bool is_key(const struct reading *reading, uint8_t column)
{
    return reading->keys && (objects_key_columns(reading->memory->objects) >> column & 1) != 0;
}

static bool is_of_pass(const struct reading *reading, const struct plan_group *group,
                       uint8_t column)
{
    bool is_wanted_fixed = reading->fixed || is_key(reading, column);
    switch (reading->pass) {
    case READING_IDENTITY:
        return group->when == PLAN_FIXED && !group->foreign && is_wanted_fixed;
    case READING_VALUES:
        return group->when == PLAN_EACH_CYCLE && !group->foreign;
    case READING_FOREIGN:
        return group->foreign && (group->when == PLAN_EACH_CYCLE || is_wanted_fixed) &&
               table_rows(reading->table) > 0;
    }
    return false;
}

/* Is there something to ask for? What is known to be missing has an end at once. */
static bool is_readable(struct reading *reading, uint8_t column)
{
    const struct denial *denial =
        denials_find(reading->denials, &reading->plan->columns[column], reading->now);
    if (denial != NULL && denial->after == 0) {
        table_set_end(reading->table, column, COLUMN_CUT);
        return false;
    }
    if (!reading->asks_empty && (reading->memory->empty >> column & 1) != 0) {
        table_set_end(reading->table, column, COLUMN_COMPLETE);
        return false;
    }
    return true;
}

static void add_group(struct reading *reading, const struct plan_group *group,
                      struct reading_step *step)
{
    for (size_t i = 0; i < group->n_columns; i++) {
        uint8_t column = group->columns[i];
        uint64_t bit = UINT64_C(1) << column;
        if ((reading->read & bit) == 0 && is_of_pass(reading, group, column)) {
            reading->read |= bit;
            if (is_readable(reading, column)) {
                step->columns[step->n_columns++] = column;
            }
        }
    }
}

static bool next_of_pass(struct reading *reading, struct reading_step *step)
{
    step->n_columns = 0;
    while (reading->group < reading->plan->n_groups) {
        const struct plan_group *group = &reading->plan->groups[reading->group];
        /* What a scalar's later rank is wanted for depends on the answers before. */
        if (step->n_columns > 0 && (!reading->plan->is_scalar || group->rank > 0)) {
            return true;
        }
        if (group->rank == 0 || table_wants(reading->table, group)) {
            size_t before = step->n_columns;
            add_group(reading, group, step);
            step->group = before == 0 ? reading->group : step->group;
        }
        reading->group++;
    }
    return step->n_columns > 0;
}

/* The fixed columns as well, if what was read so far says so. */
static bool turns_fixed(struct reading *reading)
{
    if (reading->fixed ||
        !objects_need_fixed(reading->memory->objects, reading->table, reading->keys)) {
        return false;
    }
    reading->fixed = true;
    return true;
}

bool reading_next(struct reading *reading, struct reading_step *step)
{
    for (;;) {
        if (next_of_pass(reading, step)) {
            return true;
        }
        reading->group = 0;
        bool again = reading->pass != READING_VALUES && turns_fixed(reading);
        if (again) {
            reading->pass = READING_IDENTITY;
        } else if (reading->pass == READING_FOREIGN) {
            return false;
        } else {
            reading->pass++;
        }
    }
}

/* The first row whose index is beyond that one. */
static bool find_beyond(const struct reading *reading, struct oid_view last,
                        unsigned long index[TABLE_INDEX_MAX], size_t *n_index)
{
    for (size_t i = 0; i < table_rows(reading->table); i++) {
        const struct table_row *row = table_row(reading->table, i);
        *n_index = row->n_index;
        for (size_t j = 0; j < row->n_index; j++) {
            index[j] = row->index[j];
        }
        if (oid_compare((struct oid_view){index, row->n_index}, last) > 0) {
            return true;
        }
    }
    return false;
}

bool reading_resume(const struct reading *reading, const struct reading_step *step,
                    struct walk *walk, struct resume *resumes)
{
    bool resumed = false;
    for (size_t i = 0; i < walk->n_columns; i++) {
        const struct walk_column *column = &walk->columns[i];
        const struct oid_view last = {column->last + column->prefix.n,
                                      column->n_last - column->prefix.n};
        struct resume *resume = &resumes[i];
        unsigned long index[TABLE_INDEX_MAX];
        size_t n_index;
        if (column->end != COLUMN_COMPLETE || !column->view_ended ||
            reading->plan->columns[step->columns[i]].foreign) {
            continue;
        }
        bool in_vain = resume->n > 0 && column->n_seen == resume->n_seen;
        resume->in_vain = in_vain ? resume->in_vain + 1 : 0;
        if (resume->in_vain < RESUMES_IN_VAIN && resume->n < RESUMES_MAX &&
            find_beyond(reading, last, index, &n_index)) {
            resume->n++;
            resume->n_seen = column->n_seen;
            walk_resume(walk, i, (struct oid_view){index, n_index});
            resumed = true;
        }
    }
    return resumed;
}

/* --- its end --- */

static uint64_t empty_columns(const struct reading *reading)
{
    const struct table *table = reading->table;
    uint64_t empty = 0;
    uint64_t seen = 0;
    for (size_t i = 0; i < table_rows(table); i++) {
        seen |= table_row(table, i)->known | table_row(table, i)->refused;
    }
    for (size_t i = 0; i < reading->plan->n_columns && table_rows(table) > 0; i++) {
        if (table_end(table, i) == COLUMN_COMPLETE) {
            empty |= UINT64_C(1) << i & ~seen;
        }
    }
    return empty;
}

static bool is_cut(const struct reading *reading, bool only_fixed)
{
    for (size_t i = 0; i < reading->plan->n_columns; i++) {
        bool counts = !only_fixed || reading->plan->columns[i].when == PLAN_FIXED;
        if (counts && table_end(reading->table, i) == COLUMN_CUT) {
            return true;
        }
    }
    return false;
}

static void set_fixed_due(struct reading *reading)
{
    int64_t wait_ms = reading->plan->reread_ms;
    if (is_cut(reading, true) && (wait_ms == 0 || wait_ms > CUT_FIXED_MS)) {
        wait_ms = CUT_FIXED_MS;
    }
    reading->memory->fixed_due =
        wait_ms > 0 ? mono_add_ms(reading->now, wait_ms) : (struct mono){0};
}

/* What the next cycles may rely on. */
static void remember(struct reading *reading)
{
    struct table_memory *memory = reading->memory;
    if (reading->asks_empty) {
        memory->empty = empty_columns(reading);
        memory->empty_until = mono_add_ms(reading->now, EMPTY_MS);
    }
    if (reading->fixed) {
        memory->fixed_known = true;
        memory->has_change = reading->has_change;
        memory->change = reading->change;
        set_fixed_due(reading);
    }
    if (memory->objects == NULL && !is_cut(reading, false)) {
        memory->absent_until = mono_add_ms(reading->now, ABSENT_MS);
    }
}

bool reading_end(struct reading *reading, const struct objects_options *options, bool interrupted,
                 int64_t interval_ms)
{
    struct table_memory *memory = reading->memory;
    const struct objects_cycle cycle = {.fixed_read = reading->fixed, .interrupted = interrupted};
    bool partial = interrupted || is_cut(reading, false);
    if (memory->objects == NULL && table_rows(reading->table) > 0) {
        struct objects_options own = *options;
        own.plan = reading->plan;
        own.interval_ms = interval_ms;
        memory->objects = objects_new(&own);
    }
    if (memory->objects != NULL) {
        objects_deliver(memory->objects, reading->table, &cycle);
        partial = partial || objects_are_partial(memory->objects);
    }
    if (!interrupted) {
        remember(reading);
        set_due(memory, reading->plan, reading->now);
    }
    reading_drop(reading);
    return partial;
}
