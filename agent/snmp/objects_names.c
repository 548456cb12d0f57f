/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "objects_private.h"

#include "common/log.h"
#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Cycles that may be interrupted before names are chosen from what there is. */
    CHOOSE_TRIES = 3,
};

bool objects_way_is_complete(const struct plan_table *plan, const struct table *table, size_t way)
{
    const struct plan_name *name = &plan->names[way];
    for (size_t i = 0; i < name->n_columns; i++) {
        if (table_end(table, name->columns[i]) != COLUMN_COMPLETE) {
            return false;
        }
    }
    return true;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Does every row have such a name, and no two the same? */
static bool is_key(const struct delivery *delivery, size_t way)
{
    size_t n_rows = table_rows(delivery->table);
    uint64_t *hashes = xcalloc(n_rows + 1, sizeof *hashes);
    size_t n = 0;
    bool good = true;
    for (size_t i = 0; i < n_rows && good; i++) {
        const struct table_row *row = table_row(delivery->table, i);
        char name[NAME_TEXT_SIZE];
        if (row_is_wanted(delivery->plan, delivery->table, row, true) != ROW_WANTED) {
            continue;
        }
        good = name_text(delivery->plan, &delivery->plan->names[way], row, name);
        hashes[n++] = good ? objects_hash(delivery->objects, name, strlen(name)) : 0;
    }
    if (good) {
        qsort(hashes, n, sizeof *hashes, compare_hashes);
    }
    for (size_t i = 1; i < n && good; i++) {
        good = hashes[i - 1] != hashes[i];
    }
    free(hashes);
    return good;
}

bool objects_choose_way(struct delivery *delivery)
{
    struct objects *objects = delivery->objects;
    const struct plan_table *plan = delivery->plan;
    bool sure = true;
    if (objects->way != WAY_NONE) {
        return true;
    }
    for (size_t i = 0; i < plan->n_names; i++) {
        sure = sure && objects_way_is_complete(plan, delivery->table, i);
    }
    /* Of the only cycle there is, what there is must do. */
    bool waits = delivery->cycle->interrupted && !sure && !objects->options.once &&
                 ++objects->tries < CHOOSE_TRIES;
    if (table_rows(delivery->table) == 0 || !delivery->cycle->fixed_read || waits) {
        return false;
    }
    size_t way = 0;
    while (way + 1 < plan->n_names &&
           (!objects_way_is_complete(plan, delivery->table, way) || !is_key(delivery, way))) {
        way++;
    }
    objects->way = (uint8_t)way;
    log_info("snmp", "rows named: device=%s table=%s by=%s rows=%zu", objects->options.device,
             plan->name, plan->names[way].template, table_rows(delivery->table));
    return true;
}

static size_t add_entry(struct delivery *delivery, uint64_t name)
{
    struct entries *entries = &delivery->objects->entries;
    entries_add(entries)->name = name;
    return entries->n - 1;
}

/* By what the row says; else by what its index was; else, if it surely has no name, by the last
 * way, which is that of the index. SIZE_MAX: not known in this cycle. */
static size_t find_named(struct delivery *delivery, const struct table_row *row, uint64_t index)
{
    struct objects *objects = delivery->objects;
    const struct plan_table *plan = delivery->plan;
    const struct plan_name *ways[] = {&plan->names[objects->way], &plan->names[plan->n_names - 1]};
    bool has_text = name_text(plan, ways[0], row, delivery->name);
    if (!has_text) {
        delivery->name[0] = '\0';
        size_t known = finder_index(&delivery->finder, index, objects->generation);
        if (known != SIZE_MAX && entries_at(&objects->entries, known)->cycle != objects->cycle) {
            return known;
        }
        if (!objects_way_is_complete(plan, delivery->table, objects->way)) {
            return SIZE_MAX;
        }
    }
    for (size_t i = has_text ? 0 : 1; i < sizeof ways / sizeof ways[0]; i++) {
        if (!name_text(plan, ways[i], row, delivery->name)) {
            continue;
        }
        uint64_t name = objects_hash(objects, delivery->name, strlen(delivery->name));
        size_t found = finder_name(&delivery->finder, name);
        if (found == SIZE_MAX) {
            return add_entry(delivery, name);
        }
        if (entries_at(&objects->entries, found)->cycle != objects->cycle) {
            return found;
        }
    }
    return SIZE_MAX;
}

size_t objects_find(struct delivery *delivery, const struct table_row *row, uint64_t index)
{
    struct objects *objects = delivery->objects;
    delivery->name[0] = '\0';
    if (delivery->cycle->fixed_read) {
        size_t found = find_named(delivery, row, index);
        objects->options.counts->n[COUNT_NAMELESS_ROWS] += found == SIZE_MAX ? 1 : 0;
        return found;
    }
    size_t found = finder_index(&delivery->finder, index, objects->generation);
    return found != SIZE_MAX && entries_at(&objects->entries, found)->cycle != objects->cycle
               ? found
               : SIZE_MAX;
}
