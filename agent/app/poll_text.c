/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "poll_text.h"

#include "json_writer.h"
#include "text_table.h"

#include "common/xalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 2, NUMBER_SIZE = 40 };

/* --- the line of the device --- */

static void print_status(FILE *out, enum snmp_status status, bool coloured)
{
    static const char *const colours[] = {
        [SNMP_STATUS_OK] = "32",   [SNMP_STATUS_PARTIAL] = "33", [SNMP_STATUS_TIMEOUT] = "31",
        [SNMP_STATUS_AUTH] = "31", [SNMP_STATUS_ERROR] = "31",
    };
    if (coloured) {
        fprintf(out, "\033[%sm%s\033[0m", colours[status], snmp_status_name(status));
    } else {
        fputs(snmp_status_name(status), out);
    }
}

static void print_uptime(FILE *out, double uptime_s)
{
    int64_t minutes = (int64_t)(uptime_s / 60);
    fprintf(out, ", up %" PRId64 "d %" PRId64 "h %" PRId64 "m", minutes / 1440, minutes / 60 % 24,
            minutes % 60);
}

static void print_named(FILE *out, const char *name, const char *text)
{
    if (text[0] != '\0') {
        fprintf(out, ", %s ", name);
        text_print_clean(out, text);
    }
}

static void print_device(FILE *out, const struct poll_result *result, bool coloured)
{
    const struct snmp_report *report = result->report;
    if (coloured) {
        fputs("\033[1m", out);
    }
    text_print_clean(out, report->device);
    fprintf(out, "%s %s: ", coloured ? "\033[0m" : "", report->address);
    print_status(out, report->status, coloured);
    print_named(out, "name", report->sys_name);
    if (report->has_uptime) {
        print_uptime(out, report->uptime_s);
    }
    print_named(out, "profile", report->profile);
    fputc('\n', out);
    if (report->reason[0] != '\0') {
        fprintf(out, "%*s", INDENT, "");
        text_print_clean(out, report->reason);
        fputc('\n', out);
    }
    if (report->sys_descr[0] != '\0') {
        fprintf(out, "%*s", INDENT, "");
        text_print_clean(out, report->sys_descr);
        fputc('\n', out);
    }
}

/* --- a table of one kind --- */

/* IF-MIB's words for what its numbers mean. */
static const char *word_of(const char *metric, double value)
{
    static const char *const words[] = {NULL,      "up",      "down",        "testing",
                                        "unknown", "dormant", "not-present", "lower-down"};
    bool named = strcmp(metric, "oper_status") == 0 || strcmp(metric, "admin_status") == 0;
    for (size_t i = 1; named && i < sizeof words / sizeof words[0]; i++) {
        if (value == (double)i) {
            return words[i];
        }
    }
    return NULL;
}

/* Names of the columns in the order in which the rows bring them. */
struct names {
    size_t count;
    const char **items;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return;
        }
    }
    names->items = xreallocarray(names->items, names->count + 1, sizeof(names->items[0]));
    names->items[names->count++] = name;
}

static bool is_known(const struct poll_row *row, size_t metric)
{
    return (row->unknown_mask >> metric & 1) == 0;
}

static bool says_something(const struct poll_row *row, size_t metric)
{
    bool is_counter = row->object->metrics[metric].type == METRIC_COUNTER;
    return is_known(row, metric) &&
           (is_counter ? row->values[metric].counter != 0 : row->values[metric].gauge != 0);
}

static void print_value(const struct poll_row *row, size_t metric, char text[NUMBER_SIZE])
{
    const struct metric *kind = &row->object->metrics[metric];
    if (!is_known(row, metric)) {
        snprintf(text, NUMBER_SIZE, "-");
    } else if (kind->type == METRIC_COUNTER) {
        snprintf(text, NUMBER_SIZE, "%" PRIu64, row->values[metric].counter);
    } else if (word_of(kind->name, row->values[metric].gauge) != NULL) {
        snprintf(text, NUMBER_SIZE, "%s", word_of(kind->name, row->values[metric].gauge));
    } else {
        json_format_double(row->values[metric].gauge, text, NUMBER_SIZE);
    }
}

static void put_metric(struct text_table *table, const struct poll_row *row, const char *name)
{
    char text[NUMBER_SIZE] = "-";
    for (size_t i = 0; i < row->object->n_metrics; i++) {
        if (strcmp(row->object->metrics[i].name, name) == 0) {
            print_value(row, i, text);
        }
    }
    text_table_cell(table, text);
}

static void put_label(struct text_table *table, const struct poll_row *row, const char *key)
{
    const char *text = "";
    for (size_t i = 0; i < row->object->n_labels; i++) {
        if (strcmp(row->object->labels[i].key, key) == 0) {
            text = row->object->labels[i].value;
        }
    }
    text_table_cell(table, text);
}

/* The labels of objects without metrics; of others only what people wrote themselves. */
static bool label_is_wanted(const struct poll_row *row, size_t label)
{
    return poll_label_shows(row, label) &&
           (row->object->n_metrics == 0 || strcmp(row->object->labels[label].key, "if_alias") == 0);
}

static void collect_names(const struct poll_row *row, struct names *metrics, struct names *labels)
{
    for (size_t i = 0; i < row->object->n_metrics; i++) {
        if (says_something(row, i)) {
            add_name(metrics, row->object->metrics[i].name);
        }
    }
    for (size_t i = 0; i < row->object->n_labels; i++) {
        if (label_is_wanted(row, i)) {
            add_name(labels, row->object->labels[i].key);
        }
    }
}

static void print_kind(FILE *out, const struct poll_result *result, const char *kind)
{
    struct text_table *table = text_table_new();
    struct names metrics = {0};
    struct names labels = {0};
    for (size_t i = 0; i < result->n_rows; i++) {
        if (strcmp(result->rows[i].object->kind, kind) == 0) {
            collect_names(&result->rows[i], &metrics, &labels);
        }
    }
    text_table_column(table, kind, false);
    for (size_t i = 0; i < metrics.count; i++) {
        text_table_column(table, metrics.items[i], true);
    }
    for (size_t i = 0; i < labels.count; i++) {
        text_table_column(table, labels.items[i], false);
    }
    for (size_t i = 0; i < result->n_rows; i++) {
        const struct poll_row *row = &result->rows[i];
        if (strcmp(row->object->kind, kind) != 0) {
            continue;
        }
        text_table_cell(table, row->object->name);
        for (size_t j = 0; j < metrics.count; j++) {
            put_metric(table, row, metrics.items[j]);
        }
        for (size_t j = 0; j < labels.count; j++) {
            put_label(table, row, labels.items[j]);
        }
    }
    text_table_print(table, out, INDENT);
    text_table_free(table);
    free(metrics.items);
    free(labels.items);
}

void poll_text_print(FILE *out, const struct poll_result *result, bool timed, bool coloured)
{
    struct names kinds = {0};
    char time[WALL_TEXT_SIZE];
    if (timed) {
        fprintf(out, "%s ", wall_format_utc(result->time, time));
    }
    print_device(out, result, coloured);
    for (size_t i = 0; i < result->n_rows; i++) {
        add_name(&kinds, result->rows[i].object->kind);
    }
    for (size_t i = 0; i < kinds.count; i++) {
        fputc('\n', out);
        print_kind(out, result, kinds.items[i]);
    }
    fputc('\n', out);
    free(kinds.items);
}
