/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "objects_private.h"

#include "common/xalloc.h"

#include <string.h>

struct definition {
    struct metric metrics[PLAN_METRICS_MAX];
    uint8_t units[PLAN_METRICS_MAX];
    struct label labels[PLAN_LABELS_MAX + 2];
    size_t n_labels;
    uint64_t shape; /* hash of all of it */
    bool unread;    /* a label's column was not read to where its cell would be */
    char index[INDEX_TEXT_SIZE];
    char texts[PLAN_LABELS_MAX][LABEL_TEXT_SIZE];
};

struct definition *definition_new(void)
{
    return xcalloc(1, sizeof(struct definition));
}

/* Goes on from `hash` over some more bytes. */
static uint64_t hash_on(const struct objects *objects, uint64_t hash, const void *bytes,
                        size_t size)
{
    uint8_t buffer[sizeof hash + LABEL_TEXT_SIZE];
    memcpy(buffer, &hash, sizeof hash);
    memcpy(buffer + sizeof hash, bytes, size);
    return objects_hash(objects, buffer, sizeof hash + size);
}

static void add_label(struct definition *definition, const struct objects *objects, const char *key,
                      const char *value)
{
    definition->labels[definition->n_labels++] = (struct label){key, value};
    definition->shape = hash_on(objects, definition->shape, key, strlen(key));
    definition->shape = hash_on(objects, definition->shape, value, strlen(value));
}

static void set_metrics(struct definition *definition, const struct delivery *delivery,
                        struct entry *entry)
{
    const struct layout *layout = &delivery->layout;
    for (size_t i = 0; i < layout->n_metrics; i++) {
        const struct plan_metric *metric = &delivery->plan->metrics[layout->metrics[i]];
        size_t unit = meter_unit(&delivery->meter, entry, layout->metrics[i]);
        definition->metrics[i] = metric->metric;
        if (unit < metric->n_units) {
            definition->metrics[i].unit = metric->units[unit].unit;
        }
        definition->units[i] = (uint8_t)unit;
    }
    definition->shape =
        hash_on(delivery->objects, definition->shape, definition->units, layout->n_metrics);
}

static void set_labels(struct definition *definition, const struct delivery *delivery,
                       const struct table_row *row)
{
    const struct plan_table *plan = delivery->plan;
    if (plan->index_label != NULL && row->n_index > 0) {
        index_text(row, definition->index);
        add_label(definition, delivery->objects, plan->index_label, definition->index);
    }
    for (size_t i = 0; i < plan->n_labels; i++) {
        const struct plan_label *label = &plan->labels[i];
        if (label_text(label, row, definition->texts[i])) {
            add_label(definition, delivery->objects, label->key, definition->texts[i]);
        } else if (label->column != PLAN_NO_COLUMN && !table_row_knows(row, label->column) &&
                   table_end(delivery->table, label->column) != COLUMN_COMPLETE) {
            definition->unread = true;
        }
    }
    add_label(definition, delivery->objects, "source", "snmp");
}

void objects_define(struct delivery *delivery, struct entry *entry, const struct table_row *row,
                    bool force)
{
    struct objects *objects = delivery->objects;
    struct definition *definition = delivery->definition;
    const uint64_t begin[] = {entry->name, (uint64_t)objects->interval_ms, objects->active};
    if (delivery->name[0] == '\0') {
        return; /* only its index is known: it stays what it was */
    }
    definition->n_labels = 0;
    definition->unread = false;
    definition->shape = objects_hash(objects, begin, sizeof begin);
    set_metrics(definition, delivery, entry);
    set_labels(definition, delivery, row);
    if (!force && (definition->unread || (uint32_t)definition->shape == entry->shape)) {
        return;
    }
    const struct object object = {
        .device = objects->options.device,
        .kind = delivery->plan->kind,
        .name = delivery->name,
        .interval_ms = objects->interval_ms,
        .metrics = definition->metrics,
        .n_metrics = delivery->layout.n_metrics,
        .labels = definition->labels,
        .n_labels = definition->n_labels,
    };
    const struct sample_sink *sink = objects->options.sink;
    entry->number = sink->define(sink->context, &object);
    entry->shape = (uint32_t)definition->shape;
    entry->flags |= ENTRY_DEFINED;
}
