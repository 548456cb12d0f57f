/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "poll_json.h"

#include "json_writer.h"

#include <stdlib.h>
#include <string.h>

static void put_text(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

/* A number where the index has one part, else its dotted text. */
static void put_index(struct json_writer *json, const char *index)
{
    json_key(json, "index");
    if (index == NULL) {
        json_null(json);
    } else if (strchr(index, '.') != NULL) {
        json_string(json, index);
    } else {
        json_unsigned(json, strtoull(index, NULL, 10)); /* a sub-identifier: 32 bits */
    }
}

static void put_labels(struct json_writer *json, const struct poll_row *row)
{
    for (size_t i = 0; i < row->object->n_labels; i++) {
        if (poll_label_shows(row, i)) {
            put_text(json, row->object->labels[i].key, row->object->labels[i].value);
        }
    }
}

static void put_metrics(struct json_writer *json, const struct poll_row *row)
{
    for (size_t i = 0; i < row->object->n_metrics; i++) {
        if ((row->unknown_mask >> i & 1) != 0) {
            continue;
        }
        json_key(json, row->object->metrics[i].name);
        if (row->object->metrics[i].type == METRIC_COUNTER) {
            json_unsigned(json, row->values[i].counter);
        } else {
            json_double(json, row->values[i].gauge);
        }
    }
}

static void put_object(struct json_writer *json, const struct poll_row *row)
{
    json_begin_object(json);
    put_text(json, "kind", row->object->kind);
    put_text(json, "name", row->object->name);
    put_index(json, poll_row_index(row));
    put_text(json, "status", poll_row_status(row));
    json_key(json, "labels");
    json_begin_object(json);
    put_labels(json, row);
    json_end_object(json);
    json_key(json, "metrics");
    json_begin_object(json);
    put_metrics(json, row);
    json_end_object(json);
    json_end_object(json);
}

/* {"protocol": …, labels} */
static void put_neighbour(struct json_writer *json, const struct poll_row *row)
{
    const struct object *object = row->object;
    json_begin_object(json);
    for (size_t i = 0; i < object->n_labels; i++) {
        if (strcmp(object->labels[i].key, "protocol") == 0) {
            put_text(json, "protocol", object->labels[i].value);
        }
    }
    for (size_t i = 0; i < object->n_labels; i++) {
        if (strcmp(object->labels[i].key, "protocol") != 0 && poll_label_shows(row, i)) {
            put_text(json, object->labels[i].key, object->labels[i].value);
        }
    }
    json_end_object(json);
}

static void put_rows(struct json_writer *json, const struct poll_result *result, bool neighbours)
{
    json_key(json, neighbours ? "neighbours" : "objects");
    json_begin_array(json);
    for (size_t i = 0; i < result->n_rows; i++) {
        const struct poll_row *row = &result->rows[i];
        if (poll_row_is_neighbour(row) != neighbours) {
            continue;
        }
        if (neighbours) {
            put_neighbour(json, row);
        } else {
            put_object(json, row);
        }
    }
    json_end_array(json);
}

void poll_json_print(FILE *out, const struct poll_result *result, bool timed)
{
    const struct snmp_report *report = result->report;
    struct json_writer json = {.out = out};
    json_begin_object(&json);
    if (timed) {
        char time[WALL_TEXT_SIZE];
        put_text(&json, "time", wall_format_utc(result->time, time));
    }
    put_text(&json, "device", report->device);
    put_text(&json, "address", report->address);
    put_text(&json, "status", snmp_status_name(report->status));
    put_text(&json, "reason", report->reason);
    put_text(&json, "sys_name", report->sys_name);
    put_text(&json, "sys_object_id", report->sys_object_id);
    put_text(&json, "sys_descr", report->sys_descr);
    json_key(&json, "uptime_s");
    if (report->has_uptime) {
        json_double(&json, report->uptime_s);
    } else {
        json_null(&json);
    }
    put_text(&json, "profile", report->profile);
    put_rows(&json, result, true);
    put_rows(&json, result, false);
    json_end_object(&json);
}
