/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "objects.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "gauge.h"
#include "objects_private.h"

#include <stdlib.h>
#include <string.h>

uint64_t objects_hash(const struct objects *objects, const void *bytes, size_t size)
{
    uint64_t hash;
    _Static_assert(sizeof hash == crypto_shorthash_BYTES, "a hash is a number of 64 bits");
    crypto_shorthash((unsigned char *)&hash, bytes, size, objects->key);
    return hash;
}

uint64_t objects_index(const struct objects *objects, const struct table_row *row)
{
    if (row->n_index == 1) {
        return row->index[0];
    }
    return objects_hash(objects, row->index, row->n_index * sizeof row->index[0]) | UINT64_C(1)
                                                                                        << 63;
}

static int64_t objects_interval(const struct objects *objects, int64_t interval_ms)
{
    int64_t every_ms = objects->options.plan->every_ms;
    return every_ms > interval_ms ? every_ms : interval_ms;
}

/* --- metrics --- */

/* Those that every object has. */
static uint64_t always_active(const struct plan_table *plan)
{
    uint64_t active = 0;
    for (size_t i = 0; i < plan->n_metrics; i++) {
        active |= plan->metrics[i].optional ? 0 : UINT64_C(1) << i;
    }
    return active;
}

/* Optional metrics that the row has and objects do not. */
static uint64_t more_metrics(const struct objects *objects, const struct table_row *row)
{
    const struct plan_table *plan = objects->options.plan;
    uint64_t more = 0;
    for (size_t i = 0; i < plan->n_metrics; i++) {
        const struct plan_metric *metric = &plan->metrics[i];
        if ((objects->active >> i & 1) != 0 || metric_is_void(metric, row)) {
            continue;
        }
        for (size_t j = 0; j < metric->n_sources; j++) {
            more |= gauge_source_tells(metric, &metric->sources[j], row) ? UINT64_C(1) << i : 0;
        }
    }
    return more;
}

static bool has_inactive(const struct objects *objects)
{
    size_t n = objects->options.plan->n_metrics;
    uint64_t all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    return (objects->active & all) != all;
}

/* Objects have these metrics from now on, and must be defined so. */
static void activate(struct objects *objects, uint64_t active)
{
    struct layout old;
    struct layout new;
    size_t from[PLAN_METRICS_MAX];
    layout_make(&old, objects->options.plan, objects->active);
    layout_make(&new, objects->options.plan, active);
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        from[i] = SIZE_MAX;
    }
    for (size_t i = 0; i < objects->options.plan->n_metrics; i++) {
        if ((active & objects->active) >> i & 1 &&
            objects->options.plan->metrics[i].metric.type == METRIC_COUNTER) {
            from[new.counters[i]] = old.counters[i];
        }
    }
    entries_shape(&objects->entries, new.n_kept, new.n_counters, from);
    objects->active = active;
    for (size_t i = 0; i < objects->entries.n; i++) {
        struct entry *entry = entries_at(&objects->entries, i);
        entry->flags = (uint8_t)(entry->flags & ~ENTRY_DEFINED);
    }
}

static void activate_more(struct objects *objects, const struct table *table)
{
    uint64_t more = 0;
    for (size_t i = 0; has_inactive(objects) && i < table_rows(table); i++) {
        const struct table_row *row = table_row(table, i);
        uint64_t rows = more_metrics(objects, row);
        if (rows != 0 && row_is_wanted(objects->options.plan, table, row, true) == ROW_WANTED) {
            more |= rows;
        }
    }
    if (more != 0) {
        activate(objects, objects->active | more);
    }
}

/* --- life --- */

struct objects *objects_new(const struct objects_options *options)
{
    struct objects *objects = xcalloc(1, sizeof *objects);
    objects->options = *options;
    objects->way = WAY_NONE;
    objects->interval_ms = objects_interval(objects, options->interval_ms);
    randombytes_buf(objects->key, sizeof objects->key);
    activate(objects, always_active(options->plan));
    return objects;
}

void objects_free(struct objects *objects)
{
    if (objects == NULL) {
        return;
    }
    entries_free(&objects->entries);
    free(objects->left_out);
    free(objects);
}

static void forget_left_out(struct objects *objects)
{
    free(objects->left_out);
    objects->left_out = NULL;
    objects->n_left_out = 0;
}

void objects_restarted(struct objects *objects)
{
    objects->generation++;
    forget_left_out(objects);
}

void objects_set_interval(struct objects *objects, int64_t interval_ms)
{
    objects->interval_ms = objects_interval(objects, interval_ms);
    objects->wants_fixed =
        objects->wants_fixed ||
        (objects->defined_interval_ms != 0 && objects->defined_interval_ms != objects->interval_ms);
}

bool objects_are_partial(const struct objects *objects)
{
    return objects->partial;
}

/* --- is it the same table as before? --- */

uint64_t objects_key_columns(const struct objects *objects)
{
    uint64_t columns = 0;
    if (objects->way == WAY_NONE) {
        return 0;
    }
    const struct plan_name *way = &objects->options.plan->names[objects->way];
    for (size_t i = 0; i < way->n_columns; i++) {
        columns |= UINT64_C(1) << way->columns[i];
    }
    return columns;
}

static bool is_left_out(const struct objects *objects, uint64_t index, size_t *next)
{
    for (size_t i = 0; i < objects->n_left_out; i++) {
        size_t at = (*next + i) % objects->n_left_out;
        if (objects->left_out[at] == index) {
            *next = at + 1;
            return true;
        }
    }
    return false;
}

/* Does the row say another name than that of the entry? One that it lost says nothing. */
static bool is_renamed(const struct objects *objects, const struct entry *entry,
                       const struct table_row *row)
{
    const struct plan_table *plan = objects->options.plan;
    char name[NAME_TEXT_SIZE];
    return name_text(plan, &plan->names[objects->way], row, name) &&
           objects_hash(objects, name, strlen(name)) != entry->name;
}

bool objects_need_fixed(const struct objects *objects, const struct table *table, bool keys_read)
{
    struct finder finder;
    bool need = objects->wants_fixed || objects->way == WAY_NONE;
    bool reads_names = keys_read && objects_key_columns(objects) != 0;
    size_t next = 0;
    finder_begin(&finder, &objects->entries);
    for (size_t i = 0; !need && i < table_rows(table); i++) {
        const struct table_row *row = table_row(table, i);
        uint64_t index = objects_index(objects, row);
        size_t found = finder_index(&finder, index, objects->generation);
        if (found == SIZE_MAX) {
            need = !is_left_out(objects, index, &next);
            continue;
        }
        const struct entry *entry = entries_at(&objects->entries, found);
        need =
            (entry->flags & ENTRY_DEFINED) == 0 || (reads_names && is_renamed(objects, entry, row));
    }
    finder_end(&finder);
    return need && table_rows(table) > 0;
}

/* --- rows --- */

static void send_row(const struct delivery *delivery, const struct entry *entry,
                     const struct table_row *row, const struct meter_values *values)
{
    size_t n = delivery->layout.n_metrics;
    const uint64_t all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    bool partial = delivery->is_cut || row->refused != 0;
    const struct row sent = {
        .object = entry->number,
        .time = row->time,
        .status = !partial                      ? ROW_OK
                  : values->unknown_mask == all ? ROW_FAILED
                                                : ROW_PARTIAL,
        .unknown_mask = values->unknown_mask,
        .discontinuity_mask = values->discontinuity_mask,
        .values = values->values,
    };
    const struct sample_sink *sink = delivery->objects->options.sink;
    if (entry->number != 0 && n > 0) {
        sink->row(sink->context, &sent);
    }
}

static void leave_out(struct objects *objects, uint64_t index, bool fixed_read)
{
    if (fixed_read) {
        objects->left_out[objects->n_left_out++] = index;
    }
}

/* The row is the entry's, in this cycle. Returns whether its index is another one than before. */
static bool move_entry(struct delivery *delivery, struct entry *entry, uint64_t index)
{
    struct objects *objects = delivery->objects;
    bool renumbered = entry->index != index;
    bool moved = renumbered || entry->generation != objects->generation;
    bool was_gone = entry->cycle < objects->sure_cycle;
    if ((entry->flags & ENTRY_SEEN) != 0 && (moved || was_gone)) {
        meter_break(&delivery->meter, entry);
    }
    entry->index = index;
    entry->generation = objects->generation;
    entry->cycle = objects->cycle;
    return renumbered;
}

static void distrust_changes(struct objects *objects)
{
    objects->distrusts_changes = true;
    log_warn("snmp",
             "the time of counters' discontinuity changes all the time, it is not believed any "
             "more: device=%s table=%s",
             objects->options.device, objects->options.plan->name);
}

static void deliver_entry(struct delivery *delivery, struct entry *entry,
                          const struct table_row *row, uint64_t index)
{
    struct objects *objects = delivery->objects;
    struct meter_values values;
    bool is_new = (entry->flags & ENTRY_SEEN) == 0;
    bool renumbered = move_entry(delivery, entry, index);
    if (delivery->cycle->fixed_read) {
        meter_keep(&delivery->meter, entry, delivery->table, row);
        objects_define(delivery, entry, row,
                       renumbered || delivery->redefine || (entry->flags & ENTRY_DEFINED) == 0);
    }
    meter_take(&delivery->meter, entry, row, &values);
    if (is_new && objects->delivered) {
        /* It may have been here before, and was forgotten: what it counted meanwhile is unknown. */
        values.discontinuity_mask |= meter_counters_mask(&delivery->layout) & ~values.unknown_mask;
    }
    if (values.lies && !objects->distrusts_changes) {
        distrust_changes(objects);
        delivery->meter.trusts_changes = false;
    }
    entry->flags |= ENTRY_SEEN;
    if ((entry->flags & ENTRY_DEFINED) != 0) {
        send_row(delivery, entry, row, &values);
    }
}

static void deliver_row(struct delivery *delivery, const struct table_row *row)
{
    struct objects *objects = delivery->objects;
    bool fixed_read = delivery->cycle->fixed_read;
    uint64_t index = objects_index(objects, row);
    size_t found = SIZE_MAX;
    switch (row_is_wanted(delivery->plan, delivery->table, row, fixed_read)) {
    case ROW_UNWANTED:
        break;
    case ROW_WANTED:
        found = objects_find(delivery, row, index);
        break;
    case ROW_UNDECIDED: /* as it was decided before */
        if (finder_index(&delivery->finder, index, objects->generation) != SIZE_MAX) {
            found = objects_find(delivery, row, index);
        }
        break;
    }
    if (found == SIZE_MAX) {
        leave_out(objects, index, fixed_read);
        return;
    }
    delivery->order[delivery->n_order++] = (uint32_t)found;
    struct entry *entry = entries_at(&objects->entries, found);
    deliver_entry(delivery, entry, row, index);
    if (!fixed_read && has_inactive(objects) && more_metrics(objects, row) != 0) {
        objects->wants_fixed = true;
    }
}

/* --- cycles --- */

static bool is_cut(const struct plan_table *plan, const struct table *table)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        if (table_end(table, i) == COLUMN_CUT) {
            return true;
        }
    }
    return false;
}

/* Puts what is remembered into the order of the rows, and forgets what the device does not have any
 * more: at once if that is sure, else when there is too much of it. */
static void arrange(struct delivery *delivery)
{
    struct objects *objects = delivery->objects;
    bool sure =
        !delivery->is_cut && objects_way_is_complete(delivery->plan, delivery->table, objects->way);
    bool drop = sure || objects->entries.n > 2 * (size_t)TABLE_ROWS_MAX;
    bool in_order = true;
    for (size_t i = 0; i < delivery->n_order; i++) {
        in_order = in_order && delivery->order[i] == i;
    }
    if (!in_order || (drop && delivery->n_order < objects->entries.n)) {
        entries_arrange(&objects->entries, delivery->order, delivery->n_order, !drop);
    }
}

static void begin_delivery(struct delivery *delivery, const struct table *table)
{
    struct objects *objects = delivery->objects;
    size_t n_rows = table_rows(table);
    if (!objects->delivered && n_rows > 0) {
        objects->birth = table_row(table, 0)->at;
    }
    if (delivery->cycle->fixed_read) {
        activate_more(objects, table);
        forget_left_out(objects);
        objects->left_out = xcalloc(n_rows + 1, sizeof objects->left_out[0]);
        delivery->definition = definition_new();
        delivery->redefine = objects->defined_interval_ms != objects->interval_ms;
        if (objects->entries.n == 0) {
            entries_reserve(&objects->entries, n_rows);
        }
    }
    layout_make(&delivery->layout, delivery->plan, objects->active);
    delivery->meter = (struct meter){.layout = &delivery->layout,
                                     .entries = &objects->entries,
                                     .counts = objects->options.counts,
                                     .birth = objects->birth,
                                     .interval_ms = objects->interval_ms,
                                     .once = objects->options.once,
                                     .trusts_changes = !objects->distrusts_changes};
    delivery->order = xcalloc(n_rows + 1, sizeof delivery->order[0]);
    finder_begin(&delivery->finder, &objects->entries);
}

static void end_delivery(struct delivery *delivery)
{
    struct objects *objects = delivery->objects;
    finder_end(&delivery->finder);
    objects->delivered = true;
    if (delivery->cycle->fixed_read) {
        arrange(delivery);
        objects->wants_fixed = false;
        objects->defined_interval_ms = objects->interval_ms;
        objects->left_out =
            xreallocarray(objects->left_out, objects->n_left_out + 1, sizeof objects->left_out[0]);
    }
    if (!delivery->is_cut) {
        objects->sure_cycle = objects->cycle;
    }
    free(delivery->definition);
    free(delivery->order);
}

void objects_deliver(struct objects *objects, const struct table *table,
                     const struct objects_cycle *cycle)
{
    struct delivery delivery = {
        .objects = objects, .plan = objects->options.plan, .table = table, .cycle = cycle};
    delivery.is_cut = cycle->interrupted || is_cut(delivery.plan, table);
    objects->partial = delivery.is_cut;
    objects->cycle++;
    if (!objects_choose_way(&delivery)) {
        return;
    }
    begin_delivery(&delivery, table);
    for (size_t i = 0; i < table_rows(table); i++) {
        deliver_row(&delivery, table_row(table, i));
    }
    end_delivery(&delivery);
}
