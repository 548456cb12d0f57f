/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "perfdata_set.h"

#include "common/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char label[PERFDATA_LABEL_MAX + 1];
    char name[PROTO_METRIC_NAME_MAX + 1];
    char unit[PERFDATA_UNIT_MAX + 1];
    enum metric_type type;
    bool is_taken; /* this time */
    bool is_known;
    bool has_last; /* of a counter */
    union value value;
    uint64_t last;
};

struct perfdata_set {
    size_t n_entries;
    struct entry *entries; /* room for PROTO_METRICS_MAX, once there is one */
};

struct perfdata_set *perfdata_set_new(void)
{
    return xcalloc(1, sizeof(struct perfdata_set));
}

void perfdata_set_free(struct perfdata_set *set)
{
    if (set != NULL) {
        free(set->entries);
        free(set);
    }
}

/* --- names --- */

void perfdata_metric_name(const char *label, char name[PROTO_METRIC_NAME_MAX + 1])
{
    static const char prefix[] = "v_"; /* a name begins with a letter */
    size_t size = 0;
    bool is_parted = false;
    for (; *label != '\0' && size < PROTO_METRIC_NAME_MAX - 1; label++) {
        char c = *label >= 'A' && *label <= 'Z' ? (char)(*label - 'A' + 'a') : *label;
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            is_parted = true;
            continue;
        }
        if (size == 0 && c <= '9') {
            memcpy(name, prefix, sizeof prefix - 1);
            size = sizeof prefix - 1;
        } else if (size > 0 && is_parted) {
            name[size++] = '_';
        }
        is_parted = false;
        name[size++] = c;
    }
    name[size] = '\0';
    if (size == 0) {
        (void)snprintf(name, PROTO_METRIC_NAME_MAX + 1, "%s",
                       label[-1] == '/' ? "root" : "value"); /* no label is empty */
    }
}

static bool has_name(const struct perfdata_set *set, const char *name)
{
    for (size_t i = 0; i < set->n_entries; i++) {
        if (strcmp(set->entries[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "var", "var_2" … */
static void name_entry(const struct perfdata_set *set, struct entry *entry)
{
    enum { NUMBER_SIZE = 3 }; /* at most PROTO_METRICS_MAX of them */
    char name[PROTO_METRIC_NAME_MAX + 1];
    perfdata_metric_name(entry->label, name);
    memcpy(entry->name, name, sizeof name);
    for (unsigned n = 2; has_name(set, entry->name); n++) {
        (void)snprintf(entry->name, sizeof entry->name, "%.*s_%u",
                       PROTO_METRIC_NAME_MAX - NUMBER_SIZE, name, n);
    }
}

/* --- taking --- */

static struct entry *find_entry(const struct perfdata_set *set, const char *label)
{
    for (size_t i = 0; i < set->n_entries; i++) {
        if (strcmp(set->entries[i].label, label) == 0) {
            return &set->entries[i];
        }
    }
    return NULL;
}

/* NULL: there is no room, or it is not known of what unit it is. */
static struct entry *add_entry(struct perfdata_set *set, const struct perfdata_item *item)
{
    if (set->n_entries == PROTO_METRICS_MAX || !item->is_known) {
        return NULL;
    }
    if (set->entries == NULL) {
        set->entries = xcalloc(PROTO_METRICS_MAX, sizeof *set->entries);
    }
    struct entry *entry = &set->entries[set->n_entries];
    memcpy(entry->label, item->label, sizeof entry->label);
    memcpy(entry->unit, item->unit, sizeof entry->unit);
    entry->type = item->type;
    name_entry(set, entry);
    set->n_entries++;
    return entry;
}

static bool take_item(struct perfdata_set *set, const struct perfdata_item *item)
{
    struct entry *entry = find_entry(set, item->label);
    if (entry == NULL) {
        entry = add_entry(set, item);
        if (entry == NULL) {
            return !item->is_known; /* "U" from the first time on: nothing to refuse */
        }
    }
    if (entry->is_taken ||
        (item->is_known && (entry->type != item->type || strcmp(entry->unit, item->unit) != 0))) {
        return false;
    }
    entry->is_taken = true;
    entry->is_known = item->is_known;
    entry->value = item->value;
    return true;
}

size_t perfdata_set_take(struct perfdata_set *set, const struct plugin_output *output)
{
    size_t refused = 0;
    for (size_t i = 0; i < set->n_entries; i++) {
        set->entries[i].is_taken = false;
        set->entries[i].is_known = false;
    }
    for (size_t i = 0; i < 2; i++) {
        struct perfdata_item item;
        const char *at = output->perfdata[i].at;
        const char *end = at + output->perfdata[i].size;
        int rc;
        while ((rc = perfdata_next(&at, end, &item)) != 0) {
            refused += rc < 0 || !take_item(set, &item) ? 1 : 0;
        }
    }
    return refused;
}

/* --- delivering --- */

static uint32_t define(const struct perfdata_set *set, const struct sample_sink *sink,
                       const char *device, const char *name, int64_t interval_ms)
{
    struct metric metrics[PROTO_METRICS_MAX];
    struct label labels[PROTO_LABELS_MAX];
    char texts[PROTO_LABELS_MAX][PERFDATA_LABEL_MAX * 3 + 1]; /* U+FFFD has three bytes */
    size_t n_labels = 0;
    for (size_t i = 0; i < set->n_entries; i++) {
        const struct entry *entry = &set->entries[i];
        metrics[i] = (struct metric){entry->name, entry->unit, entry->type};
        if (n_labels < PROTO_LABELS_MAX && strcmp(entry->name, entry->label) != 0) {
            (void)text_sanitize((const uint8_t *)entry->label, strlen(entry->label),
                                texts[n_labels], sizeof texts[n_labels]);
            labels[n_labels] = (struct label){entry->name, texts[n_labels]};
            n_labels++;
        }
    }
    const struct object object = {
        .device = device,
        .kind = "perfdata",
        .name = name,
        .interval_ms = interval_ms,
        .metrics = metrics,
        .n_metrics = set->n_entries,
        .labels = labels,
        .n_labels = n_labels,
    };
    return sink->define(sink->context, &object);
}

/* A counter that went back began anew. */
static bool went_back(struct entry *entry)
{
    bool is_back = entry->has_last && entry->value.counter < entry->last;
    entry->has_last = true;
    entry->last = entry->value.counter;
    return is_back;
}

void perfdata_set_deliver(struct perfdata_set *set, const struct sample_sink *sink,
                          const char *device, const char *name, int64_t interval_ms,
                          struct wall time)
{
    union value values[PROTO_METRICS_MAX];
    struct row row = {.time = time, .status = ROW_OK, .values = values};
    size_t n_known = 0;
    for (size_t i = 0; i < set->n_entries; i++) {
        struct entry *entry = &set->entries[i];
        values[i] = entry->value;
        if (!entry->is_known) {
            row.unknown_mask |= UINT64_C(1) << i;
            continue;
        }
        n_known++;
        if (entry->type == METRIC_COUNTER && went_back(entry)) {
            row.discontinuity_mask |= UINT64_C(1) << i;
        }
    }
    if (n_known == 0) {
        return;
    }
    if (n_known < set->n_entries) {
        row.status = ROW_PARTIAL;
    }
    row.object = define(set, sink, device, name, interval_ms);
    if (row.object != 0) {
        sink->row(sink->context, &row);
    }
}
