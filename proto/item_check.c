/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "item_check.h"

#include "proto/statement.h"
#include "text.h"
#include <string.h>

#define TIME_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
/* What a database and a JSON number of 64 bits with a sign hold. */
#define TALKER_NUMBER_MAX ((uint64_t)INT64_MAX)

bool item_time_is_valid(struct wall time)
{
    return time.ms >= 0 && time.ms <= TIME_MAX_MS;
}

bool item_outcome_is_known(int64_t outcome)
{
    return outcome >= OUTCOME_UP && outcome <= OUTCOME_UNKNOWN;
}

static bool number_is_valid(uint32_t number)
{
    return number >= 1 && number <= PROTO_OBJECTS_MAX;
}

static bool is_name(const char *name)
{
    return name_is_valid(name, strlen(name));
}

static bool is_metric_name(const char *name)
{
    if (name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return name[size] == '\0' && size <= PROTO_METRIC_NAME_MAX;
}

static const char *check_metrics(const struct metric *metrics, size_t n_metrics)
{
    if (n_metrics > PROTO_METRICS_MAX) {
        return "too many metrics";
    }
    for (size_t i = 0; i < n_metrics; i++) {
        if (!is_metric_name(metrics[i].name)) {
            return "a metric's name is not 1 to 63 of a-z, 0-9 and _";
        }
        if (!is_name(metrics[i].unit)) {
            return "a metric's unit is not a valid name";
        }
        if (metrics[i].type != METRIC_COUNTER && metrics[i].type != METRIC_GAUGE) {
            return "a metric's type is not known";
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(metrics[k].name, metrics[i].name) == 0) {
                return "two metrics have one name";
            }
        }
    }
    return NULL;
}

static const char *check_labels(const struct label *labels, size_t n_labels)
{
    if (n_labels > PROTO_LABELS_MAX) {
        return "too many labels";
    }
    for (size_t i = 0; i < n_labels; i++) {
        if (!is_name(labels[i].key)) {
            return "a label's key is not a valid name";
        }
        if (!text_is_valid(labels[i].value, strlen(labels[i].value), PROTO_LABEL_MAX)) {
            return "a label's value is too long or no text";
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(labels[k].key, labels[i].key) == 0) {
                return "two labels have one key";
            }
        }
    }
    return NULL;
}

const char *item_check_object(const struct object *object)
{
    if (!number_is_valid(object->number)) {
        return "its number is out of range";
    }
    if (!is_name(object->device) || !is_name(object->kind) || !is_name(object->name)) {
        return "its device, kind or name is not a valid name";
    }
    if (object->interval_ms < PROTO_INTERVAL_MIN_MS ||
        object->interval_ms > PROTO_INTERVAL_MAX_MS) {
        return "its interval is out of range";
    }
    const char *wrong = check_metrics(object->metrics, object->n_metrics);
    return wrong != NULL ? wrong : check_labels(object->labels, object->n_labels);
}

const char *item_check_row(uint32_t object, struct wall time, int status)
{
    if (!number_is_valid(object)) {
        return "its object's number is out of range";
    }
    if (!item_time_is_valid(time)) {
        return "its time is not within 1970 to 9999";
    }
    return status < ROW_OK || status > ROW_FAILED ? "its status is not known" : NULL;
}

const char *item_check_result(const struct result *result)
{
    if (!number_is_valid(result->object)) {
        return "its object's number is out of range";
    }
    if (!item_time_is_valid(result->time)) {
        return "its time is not within 1970 to 9999";
    }
    if (!item_outcome_is_known(result->outcome)) {
        return "its outcome is not known";
    }
    if (!text_is_valid(result->reason, strlen(result->reason), PROTO_REASON_MAX) ||
        !text_is_valid(result->detail, strlen(result->detail), PROTO_DETAIL_MAX)) {
        return "its reason or detail is too long or no text";
    }
    return NULL;
}

const char *item_check_observation(const struct observation *observation)
{
    return observation->statement_size < 1 || observation->statement_size > STATEMENT_SIZE_MAX
               ? "its statement is empty or too long"
               : NULL;
}

const char *item_check_gap(const struct gap *gap)
{
    if (!item_time_is_valid(gap->from) || !item_time_is_valid(gap->to)) {
        return "its times are not within 1970 to 9999";
    }
    if (gap->from.ms > gap->to.ms) {
        return "it ends before it begins";
    }
    return gap->reason < GAP_SPOOL_FULL || gap->reason > GAP_SUSPENDED ? "its reason is not known"
                                                                       : NULL;
}

static const char *check_talker_items(const struct talker_item *items, size_t n_items)
{
    for (size_t i = 0; i < n_items; i++) {
        if (!is_name(items[i].key)) {
            return "an item's key is not a valid name";
        }
        if (items[i].ip_bytes > TALKER_NUMBER_MAX || items[i].packets > TALKER_NUMBER_MAX) {
            return "an item's numbers are out of range";
        }
        if (items[i].error_bytes > items[i].ip_bytes) {
            return "an item's error is larger than what it is of";
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(items[k].key, items[i].key) == 0) {
                return "two items have one key";
            }
        }
    }
    return NULL;
}

const char *item_check_talkers(const struct talker_report *report)
{
    if (!number_is_valid(report->object)) {
        return "its object's number is out of range";
    }
    if (!item_time_is_valid(report->from) || !item_time_is_valid(report->to)) {
        return "its times are not within 1970 to 9999";
    }
    if (report->from.ms >= report->to.ms) {
        return "it ends before it begins";
    }
    if (report->list < TALKERS_HOSTS || report->list > TALKERS_SERVICES) {
        return "its list is not known";
    }
    if (report->total_ip_bytes > TALKER_NUMBER_MAX ||
        report->error_bound_bytes > TALKER_NUMBER_MAX) {
        return "its numbers are out of range";
    }
    return report->n_items > PROTO_TALKERS_MAX ? "it has too many items"
                                               : check_talker_items(report->items, report->n_items);
}
