/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/model.h"

#include "common/xalloc.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

const char *outcome_name(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_UP:
        return "up";
    case OUTCOME_DEGRADED:
        return "degraded";
    case OUTCOME_DOWN:
        return "down";
    case OUTCOME_UNKNOWN:
        return "unknown";
    }
    return "unknown";
}

const char *gap_reason_name(enum gap_reason reason)
{
    switch (reason) {
    case GAP_SPOOL_FULL:
        return "spool-full";
    case GAP_SPOOL_DAMAGED:
        return "spool-damaged";
    case GAP_WORKER_LOST:
        return "worker-lost";
    case GAP_ENCODE:
        return "encode";
    case GAP_DISK_ERROR:
        return "disk-error";
    case GAP_SUSPENDED:
        return "suspended";
    }
    return "unknown";
}

const char *talker_list_name(enum talker_list list)
{
    switch (list) {
    case TALKERS_HOSTS:
        return "hosts";
    case TALKERS_PREFIXES:
        return "prefixes";
    case TALKERS_SERVICES:
        return "services";
    }
    return "unknown";
}

int stream_position_compare(const struct stream_position *a, const struct stream_position *b)
{
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    return a->sequence == b->sequence ? 0 : a->sequence < b->sequence ? -1 : 1;
}

void stream_format(const uint8_t stream[PROTO_STREAM_SIZE], char text[2 * PROTO_STREAM_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < PROTO_STREAM_SIZE; i++) {
        text[2 * i] = digits[stream[i] >> 4];
        text[2 * i + 1] = digits[stream[i] & 0xf];
    }
    text[2 * PROTO_STREAM_SIZE] = '\0';
}

bool name_is_valid(const char *name, size_t size)
{
    return size > 0 && text_is_valid(name, size, PROTO_NAME_MAX);
}

size_t text_sanitize(const uint8_t *bytes, size_t size, char *text, size_t text_size)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    size_t used = 0;
    if (text_size == 0) {
        return 0;
    }
    while (size > 0) {
        uint32_t character = 0;
        size_t length = text_decode(bytes, size, &character);
        const void *from = bytes;
        size_t n = length;
        if (length == 0 || text_is_control(character)) {
            length = length == 0 ? 1 : length;
            from = replacement;
            n = sizeof replacement - 1;
        }
        if (n > text_size - 1 - used) {
            break;
        }
        memcpy(text + used, from, n);
        used += n;
        bytes += length;
        size -= length;
    }
    text[used] = '\0';
    return used;
}

/* --- objects --- */

static size_t text_room(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *put_text(char **at, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    char *put = *at;
    size_t room = text_room(text);
    memcpy(put, text, room);
    *at += room;
    return put;
}

/* One block holds it all: the metrics first, also when there are none, so that they are what to
 * free; then the labels, then the texts. */
struct object object_copy(const struct object *object)
{
    size_t head =
        object->n_metrics * sizeof(struct metric) + object->n_labels * sizeof(struct label);
    size_t room = text_room(object->device) + text_room(object->kind) + text_room(object->name);
    for (size_t i = 0; i < object->n_metrics; i++) {
        room += text_room(object->metrics[i].name) + text_room(object->metrics[i].unit);
    }
    for (size_t i = 0; i < object->n_labels; i++) {
        room += text_room(object->labels[i].key) + text_room(object->labels[i].value);
    }
    struct metric *metrics = xmalloc(head + room + 1);
    struct label *labels = (struct label *)(metrics + object->n_metrics);
    char *at = (char *)(labels + object->n_labels);

    struct object copy = *object;
    copy.device = put_text(&at, object->device);
    copy.kind = put_text(&at, object->kind);
    copy.name = put_text(&at, object->name);
    for (size_t i = 0; i < object->n_metrics; i++) {
        metrics[i] = object->metrics[i];
        metrics[i].name = put_text(&at, object->metrics[i].name);
        metrics[i].unit = put_text(&at, object->metrics[i].unit);
    }
    for (size_t i = 0; i < object->n_labels; i++) {
        labels[i].key = put_text(&at, object->labels[i].key);
        labels[i].value = put_text(&at, object->labels[i].value);
    }
    copy.metrics = metrics;
    copy.labels = labels;
    return copy;
}

void object_clear(struct object *object)
{
    free((void *)object->metrics);
    *object = (struct object){0};
}

bool object_same_name(const struct object *a, const struct object *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->device, b->device) == 0 &&
           strcmp(a->kind, b->kind) == 0;
}

bool object_same_shape(const struct object *a, const struct object *b)
{
    if (a->interval_ms != b->interval_ms || a->n_metrics != b->n_metrics ||
        a->n_labels != b->n_labels) {
        return false;
    }
    for (size_t i = 0; i < a->n_metrics; i++) {
        if (a->metrics[i].type != b->metrics[i].type ||
            strcmp(a->metrics[i].name, b->metrics[i].name) != 0 ||
            strcmp(a->metrics[i].unit, b->metrics[i].unit) != 0) {
            return false;
        }
    }
    for (size_t i = 0; i < a->n_labels; i++) {
        if (strcmp(a->labels[i].key, b->labels[i].key) != 0 ||
            strcmp(a->labels[i].value, b->labels[i].value) != 0) {
            return false;
        }
    }
    return true;
}
