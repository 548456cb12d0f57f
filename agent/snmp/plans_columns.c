/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plans_columns.h"

#include "common/xalloc.h"
#include "profile_value.h"

#include <stdlib.h>
#include <string.h>

void plans_refuse(struct plans_maker *maker, int line, const char *key, const char *value,
                  char *reason)
{
    maker->failed = true;
    if (maker->errors != NULL) {
        config_error_at(maker->errors, line, key, value, "%s", reason);
    }
    free(reason);
}

struct oid_view plans_copy_oid(struct plans_memory *memory, const char *text)
{
    unsigned long ids[PROFILE_OID_IDS_MAX];
    size_t n = 0;
    (void)profile_read_oid(text, ids, &n); /* the schema has let it through */
    return (struct oid_view){plans_memory_adopt(memory, xmemdup(ids, n * sizeof *ids)), n};
}

static bool same_oid(struct oid_view a, struct oid_view b)
{
    return a.n == b.n && profile_oid_is_under(a, b);
}

/* --- one column, several purposes --- */

/* Its cells must be kept so that all purposes are served. */
static bool join_keep(enum plan_keep *keep, enum plan_keep other)
{
    if (*keep != other && *keep != PLAN_KEEP_ANY && other != PLAN_KEEP_ANY) {
        return false;
    }
    if (*keep != other) {
        *keep = PLAN_KEEP_ANY;
    }
    return true;
}

static uint8_t join_use(struct plans_maker *maker, int line, const char *key, uint8_t number,
                        const struct plans_use *use)
{
    struct plan_column *column = &maker->table->columns[number];
    if (column->foreign != use->foreign || column->foreign_part != use->foreign_part) {
        plans_refuse(maker, line, key, column->text,
                     xstrdup("another key of this table says otherwise of whether this column is "
                             "foreign"));
        return PLAN_NO_COLUMN;
    }
    if (!join_keep(&column->keep, use->keep)) {
        plans_refuse(maker, line, key, column->text,
                     xstrdup("another key of this table takes this column for another type "
                             "(numbers, octets or OIDs)"));
        return PLAN_NO_COLUMN;
    }
    if (use->when == PLAN_EACH_CYCLE &&
        (column->when != PLAN_EACH_CYCLE || use->rank < column->rank)) {
        column->when = PLAN_EACH_CYCLE;
        column->rank = use->rank;
    }
    return number;
}

static uint8_t new_column(struct plans_maker *maker, int line, const char *key, struct oid_view oid,
                          const char *text, const struct plans_use *use)
{
    struct plan_table *table = maker->table;
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct plan_column *other = &table->columns[i];
        if (profile_oid_is_under(oid, other->oid) || profile_oid_is_under(other->oid, oid)) {
            plans_refuse(maker, line, key, text,
                         xasprintf("one cannot be within the other: %s", other->text));
            return PLAN_NO_COLUMN;
        }
    }
    if (table->n_columns == PLAN_COLUMNS_MAX) {
        plans_refuse(
            maker, line, key, text,
            xasprintf("is one more than the %d columns that a table can have", PLAN_COLUMNS_MAX));
        return PLAN_NO_COLUMN;
    }
    table->columns[table->n_columns] = (struct plan_column){
        .oid = oid,
        .text = plans_memory_text(maker->memory, text),
        .keep = use->keep,
        .when = use->when,
        .rank = use->when == PLAN_EACH_CYCLE ? use->rank : 0,
        .foreign = use->foreign,
        .foreign_part = use->foreign_part,
    };
    return (uint8_t)table->n_columns++;
}

uint8_t plans_add_column(struct plans_maker *maker, int line, const char *key, const char *text,
                         const struct plans_use *use)
{
    if (text == NULL) {
        return PLAN_NO_COLUMN;
    }
    struct oid_view oid = plans_copy_oid(maker->memory, text);
    for (size_t i = 0; i < maker->table->n_columns; i++) {
        if (same_oid(maker->table->columns[i].oid, oid)) {
            return join_use(maker, line, key, (uint8_t)i, use);
        }
    }
    return new_column(maker, line, key, oid, text + (text[0] == '.' ? 1 : 0), use);
}

/* --- groups --- */

struct class
{
    enum plan_when when;
    uint8_t rank;
    bool foreign;
};

static bool is_of_class(const struct plan_column *column, const struct class *class)
{
    return column->when == class->when && column->rank == class->rank &&
           column->foreign == class->foreign;
}

static struct plan_group *open_group(struct plan_table *table, const struct class *class)
{
    struct plan_group *group = &table->groups[table->n_groups++];
    *group =
        (struct plan_group){.when = class->when, .rank = class->rank, .foreign = class->foreign};
    return group;
}

/* In the order of the profile, in which what belongs together (in and out) stands in pairs. The
 * time of the last discontinuity comes with the first of each cycle's columns, the octets, and
 * leaves room for whole pairs. */
static void group_class(struct plan_table *table, const struct class *class)
{
    uint8_t last = table->discontinuity;
    bool has_last = last != PLAN_NO_COLUMN && is_of_class(&table->columns[last], class);
    struct plan_group *group = NULL;
    size_t room = has_last ? (PLAN_GROUP_COLUMNS - 1) / 2 * 2 : PLAN_GROUP_COLUMNS;
    struct plan_group *first = NULL;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!is_of_class(&table->columns[i], class) || (has_last && i == last)) {
            continue;
        }
        if (group == NULL || group->n_columns >= room) {
            room = group == NULL ? room : PLAN_GROUP_COLUMNS;
            group = open_group(table, class);
            first = first == NULL ? group : first;
        }
        group->columns[group->n_columns++] = (uint8_t)i;
    }
    if (has_last) {
        first = first == NULL ? open_group(table, class) : first;
        first->columns[first->n_columns++] = last;
    }
}

void plans_make_groups(struct plans_maker *maker)
{
    struct plan_table *table = maker->table;
    table->groups = plans_memory_take(maker->memory, table->n_columns, sizeof *table->groups);
    group_class(table, &(struct class){.when = PLAN_FIXED});
    for (uint8_t rank = 0; rank < PLAN_SOURCES_MAX; rank++) {
        group_class(table, &(struct class){.when = PLAN_EACH_CYCLE, .rank = rank});
    }
    group_class(table, &(struct class){.when = PLAN_FIXED, .foreign = true});
}
