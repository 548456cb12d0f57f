/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interface.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Cycles that may be interrupted before names are chosen from what there is. */
    CHOOSE_TRIES = 3,
    FALLBACK_SIZE = 16, /* "if2147483647" */
    NUMBER_SIZE = 16,
};

enum scheme { SCHEME_NONE, SCHEME_NAME, SCHEME_DESCR, SCHEME_INDEX };

enum label_key { LABEL_DESCR, LABEL_ALIAS, LABEL_TYPE, LABEL_PHYS_ADDRESS, LABELS_KEPT };

struct entry {
    char *name;
    uint32_t index;
    uint64_t generation; /* of the device, when the index was seen */
    uint64_t epoch;      /* another one: the counters are not those of before */
    uint64_t cycle;      /* when it was seen last */
    uint32_t number;     /* the sink's; 0: refused */
    bool defined;
    char *labels[LABELS_KEPT]; /* NULL: absent */
    struct meter meter;
};

struct interfaces {
    const char *device;
    int64_t interval_ms;
    const struct sample_sink *sink;
    struct snmp_counts *counts;
    enum scheme scheme;
    unsigned tries;
    uint64_t generation;
    uint64_t cycle;
    bool delivered; /* a cycle before this one */
    struct entry *entries;
    size_t n_entries;
    size_t room;
    size_t next; /* devices list things in the same order each time: look here first */
};

struct interfaces *interfaces_new(const char *device, int64_t interval_ms,
                                  const struct sample_sink *sink, struct snmp_counts *counts)
{
    struct interfaces *interfaces = xcalloc(1, sizeof *interfaces);
    interfaces->device = device;
    interfaces->interval_ms = interval_ms;
    interfaces->sink = sink;
    interfaces->counts = counts;
    return interfaces;
}

static void free_entry(struct entry *entry)
{
    for (size_t i = 0; i < LABELS_KEPT; i++) {
        free(entry->labels[i]);
    }
    free(entry->name);
}

void interfaces_free(struct interfaces *interfaces)
{
    if (interfaces == NULL) {
        return;
    }
    for (size_t i = 0; i < interfaces->n_entries; i++) {
        free_entry(&interfaces->entries[i]);
    }
    free(interfaces->entries);
    free(interfaces);
}

void interfaces_restarted(struct interfaces *interfaces)
{
    interfaces->generation++;
}

/* --- names --- */

static const char *row_text(const struct if_row *row, enum scheme scheme)
{
    return scheme == SCHEME_NAME ? row->name : scheme == SCHEME_DESCR ? row->descr : NULL;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Does every row have such a text, and no two the same? */
static bool is_key(const struct if_table *table, enum scheme scheme)
{
    const char **texts = xcalloc(table->n_rows + 1, sizeof *texts);
    bool good = true;
    for (size_t i = 0; i < table->n_rows && good; i++) {
        texts[i] = row_text(&table->rows[i], scheme);
        good = texts[i] != NULL;
    }
    if (good) {
        qsort(texts, table->n_rows, sizeof *texts, compare_texts);
    }
    for (size_t i = 1; i < table->n_rows && good; i++) {
        good = strcmp(texts[i - 1], texts[i]) != 0;
    }
    free(texts);
    return good;
}

static bool is_complete(const struct if_table *table, enum scheme scheme)
{
    return scheme == SCHEME_INDEX ||
           table->ends[scheme == SCHEME_NAME ? IF_NAME : IF_DESCR] == COLUMN_COMPLETE;
}

/* False: not yet, the next cycle will tell more. */
static bool choose_scheme(struct interfaces *interfaces, const struct if_table *table,
                          bool interrupted)
{
    static const char *const words[] = {"", "ifName", "ifDescr", "ifIndex"};
    bool sure = is_complete(table, SCHEME_NAME) && is_complete(table, SCHEME_DESCR);
    if (interfaces->scheme != SCHEME_NONE) {
        return true;
    }
    if (table->n_rows == 0 || (interrupted && !sure && ++interfaces->tries < CHOOSE_TRIES)) {
        return false;
    }
    interfaces->scheme = SCHEME_INDEX;
    for (enum scheme scheme = SCHEME_NAME; scheme < SCHEME_INDEX; scheme++) {
        if (is_complete(table, scheme) && is_key(table, scheme)) {
            interfaces->scheme = scheme;
            break;
        }
    }
    log_info("snmp", "interfaces named: device=%s by=%s rows=%zu", interfaces->device,
             words[interfaces->scheme], table->n_rows);
    return true;
}

static struct entry *find_by_name(struct interfaces *interfaces, const char *name)
{
    for (size_t i = 0; i < interfaces->n_entries; i++) {
        size_t at = (interfaces->next + i) % interfaces->n_entries;
        if (strcmp(interfaces->entries[at].name, name) == 0) {
            interfaces->next = at + 1;
            return &interfaces->entries[at];
        }
    }
    return NULL;
}

/* Whose index it was since the device last started. */
static const struct entry *find_by_index(const struct interfaces *interfaces, uint32_t index)
{
    for (size_t i = 0; i < interfaces->n_entries; i++) {
        size_t at = (interfaces->next + i) % interfaces->n_entries;
        const struct entry *entry = &interfaces->entries[at];
        if (entry->index == index && entry->generation == interfaces->generation) {
            return entry;
        }
    }
    return NULL;
}

/* A row's name: what it says; else what it said before; else, if it surely has none, its index.
 * NULL: not known in this cycle. */
static const char *name_row(const struct interfaces *interfaces, const struct if_table *table,
                            const struct if_row *row, const char *fallback)
{
    const char *text = row_text(row, interfaces->scheme);
    if (text != NULL) {
        return text;
    }
    const struct entry *known = find_by_index(interfaces, row->index);
    if (known != NULL) {
        return known->name;
    }
    return is_complete(table, interfaces->scheme) ? fallback : NULL;
}

static struct entry *add_entry(struct interfaces *interfaces, const char *name)
{
    if (interfaces->n_entries == interfaces->room) {
        interfaces->room = interfaces->room == 0 ? 16 : interfaces->room * 2;
        interfaces->entries =
            xreallocarray(interfaces->entries, interfaces->room, sizeof *interfaces->entries);
    }
    struct entry *entry = &interfaces->entries[interfaces->n_entries++];
    *entry = (struct entry){.name = xstrdup(name)};
    return entry;
}

/* The entry of a row, or NULL when no name is surely its own: two rows of one name in one cycle
 * must not become one interface. */
static struct entry *find_entry(struct interfaces *interfaces, const struct if_table *table,
                                const struct if_row *row)
{
    char fallback[FALLBACK_SIZE];
    snprintf(fallback, sizeof fallback, "if%" PRIu32, row->index);
    const char *name = name_row(interfaces, table, row, fallback);
    for (int tries = 0; tries < 2 && name != NULL; tries++) {
        struct entry *entry = find_by_name(interfaces, name);
        if (entry == NULL) {
            entry = add_entry(interfaces, name);
        }
        if (entry->cycle != interfaces->cycle) {
            return entry;
        }
        name = fallback;
    }
    interfaces->counts->n[COUNT_NAMELESS_ROWS]++;
    return NULL;
}

/* --- definitions --- */

/* What the row says of itself; a text that this cycle could not read stays what it was. */
static bool update_labels(struct entry *entry, const struct if_row *row,
                          const struct if_table *table)
{
    char type[NUMBER_SIZE];
    snprintf(type, sizeof type, "%" PRIu64, row->numbers[IF_TYPE]);
    const struct {
        enum if_column column;
        const char *text;
    } news[LABELS_KEPT] = {
        [LABEL_DESCR] = {IF_DESCR, row->descr},
        [LABEL_ALIAS] = {IF_ALIAS, row->alias},
        [LABEL_TYPE] = {IF_TYPE, if_row_knows(row, IF_TYPE) ? type : NULL},
        [LABEL_PHYS_ADDRESS] = {IF_PHYS_ADDRESS, row->phys_address},
    };
    bool changed = false;
    for (size_t i = 0; i < LABELS_KEPT; i++) {
        char **old = &entry->labels[i];
        bool missing = !if_row_knows(row, news[i].column);
        if (missing && table->ends[news[i].column] != COLUMN_COMPLETE) {
            continue;
        }
        if ((*old == NULL) != (news[i].text == NULL) ||
            (*old != NULL && strcmp(*old, news[i].text) != 0)) {
            free(*old);
            *old = news[i].text == NULL ? NULL : xstrdup(news[i].text);
            changed = true;
        }
    }
    return changed;
}

static void define(struct interfaces *interfaces, struct entry *entry)
{
    static const char *const keys[LABELS_KEPT] = {
        [LABEL_DESCR] = "if_descr",
        [LABEL_ALIAS] = "if_alias",
        [LABEL_TYPE] = "if_type",
        [LABEL_PHYS_ADDRESS] = "phys_address",
    };
    char index[NUMBER_SIZE];
    struct label labels[LABELS_KEPT + 2];
    size_t n_labels = 0;
    snprintf(index, sizeof index, "%" PRIu32, entry->index);
    labels[n_labels++] = (struct label){"if_index", index};
    for (size_t i = 0; i < LABELS_KEPT; i++) {
        if (entry->labels[i] != NULL) {
            labels[n_labels++] = (struct label){keys[i], entry->labels[i]};
        }
    }
    labels[n_labels++] = (struct label){"source", "snmp"};
    const struct object object = {
        .device = interfaces->device,
        .kind = "interface",
        .name = entry->name,
        .interval_ms = interfaces->interval_ms,
        .metrics = meter_metrics,
        .n_metrics = METER_METRICS,
        .labels = labels,
        .n_labels = n_labels,
    };
    entry->number = interfaces->sink->define(interfaces->sink->context, &object);
    entry->defined = true;
}

/* --- rows --- */

static void send_row(struct interfaces *interfaces, const struct entry *entry,
                     const struct if_row *row, const struct meter_values *values, bool partial)
{
    /* A port without a link, and many a virtual one, has no speed: that is no part of a cut. */
    const uint64_t all = ((UINT64_C(1) << METER_METRICS) - 1) & ~(UINT64_C(1) << METER_SPEED);
    const uint64_t missing = values->unknown_mask & all;
    const struct row sent = {
        .object = entry->number,
        .time = row->time,
        .status = missing == all            ? ROW_FAILED
                  : missing != 0 || partial ? ROW_PARTIAL
                                            : ROW_OK,
        .unknown_mask = values->unknown_mask,
        .discontinuity_mask = values->discontinuity_mask,
        .values = values->values,
    };
    if (entry->number != 0) {
        interfaces->sink->row(interfaces->sink->context, &sent);
    }
}

static void deliver_row(struct interfaces *interfaces, const struct if_table *table,
                        const struct if_row *row, bool partial)
{
    struct meter_values values;
    struct entry *entry = find_entry(interfaces, table, row);
    if (entry == NULL) {
        return;
    }
    bool returned = !entry->defined && interfaces->delivered;
    bool renumbered = entry->index != row->index;
    bool moved = renumbered || entry->generation != interfaces->generation;
    entry->epoch += moved && entry->defined ? 1 : 0;
    entry->index = row->index;
    entry->generation = interfaces->generation;
    entry->cycle = interfaces->cycle;
    if (update_labels(entry, row, table) || renumbered || !entry->defined) {
        define(interfaces, entry);
    }
    meter_take(&entry->meter, row, entry->epoch, interfaces->interval_ms, &values,
               interfaces->counts);
    if (returned) {
        /* It may have been here before, and was forgotten: what it counted meanwhile is unknown. */
        values.discontinuity_mask |= (uint64_t)METER_COUNTERS_MASK & ~values.unknown_mask;
    }
    send_row(interfaces, entry, row, &values, partial);
}

/* Forget what the device does not have any more: at once if that is sure, else when there is too
 * much of it. */
static void sweep(struct interfaces *interfaces, bool sure)
{
    size_t kept = 0;
    if (!sure && interfaces->n_entries <= 2 * IFTABLE_ROWS_MAX) {
        return;
    }
    for (size_t i = 0; i < interfaces->n_entries; i++) {
        if (interfaces->entries[i].cycle == interfaces->cycle) {
            interfaces->entries[kept++] = interfaces->entries[i];
        } else {
            free_entry(&interfaces->entries[i]);
        }
    }
    interfaces->n_entries = kept;
    interfaces->next = 0;
}

static bool is_cut(const struct if_table *table)
{
    for (size_t i = 0; i < IF_COLUMNS; i++) {
        if (table->ends[i] == COLUMN_CUT) {
            return true;
        }
    }
    return false;
}

void interfaces_deliver(struct interfaces *interfaces, const struct if_table *table,
                        bool interrupted)
{
    bool partial = interrupted || is_cut(table);
    interfaces->cycle++;
    if (!choose_scheme(interfaces, table, interrupted)) {
        return;
    }
    for (size_t i = 0; i < table->n_rows; i++) {
        deliver_row(interfaces, table, &table->rows[i], partial);
    }
    interfaces->delivered = true;
    sweep(interfaces, !interrupted && is_complete(table, interfaces->scheme));
}
