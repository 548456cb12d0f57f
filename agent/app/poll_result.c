/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "poll_result.h"

#include "common/xalloc.h"
#include "sample/object_store.h"

#include <stdlib.h>
#include <string.h>

/* --- rows --- */

const char *poll_row_index(const struct poll_row *row)
{
    static const char suffix[] = "index";
    if (row->object->n_labels == 0) {
        return NULL;
    }
    /* The first label of an object that was made of a table's row: "if_index", "index". */
    const struct label *label = &row->object->labels[0];
    size_t size = strlen(label->key);
    bool named =
        size >= sizeof suffix - 1 && strcmp(label->key + size - (sizeof suffix - 1), suffix) == 0;
    bool numeric =
        label->value[0] != '\0' && label->value[strspn(label->value, "0123456789.")] == '\0';
    return named && numeric ? label->value : NULL;
}

bool poll_label_shows(const struct poll_row *row, size_t label)
{
    bool is_index = label == 0 && poll_row_index(row) != NULL;
    return !is_index && strcmp(row->object->labels[label].key, "source") != 0;
}

const char *poll_row_status(const struct poll_row *row)
{
    switch (row->status) {
    case ROW_OK:
        return "ok";
    case ROW_PARTIAL:
    case ROW_DEGRADED:
        return "partial";
    case ROW_FAILED:
        break;
    }
    return "failed";
}

bool poll_row_is_neighbour(const struct poll_row *row)
{
    return strcmp(row->object->kind, "neighbour") == 0;
}

/* --- collecting --- */

struct device {
    const char *name; /* of the configuration */
    size_t place;     /* in its list */
    struct object_store *objects;
    uint32_t *numbers; /* [the store's number - 1]: ours */
    size_t n_rows;
    size_t rows_room;
    struct kept_row {
        uint32_t number; /* in the store */
        struct poll_row row;
    } * rows;
    struct poll_row *taken;
};

/* An object by our number - 1. */
struct known {
    struct device *device;
    uint32_t number; /* in the device's store */
};

struct poll_collector {
    struct sample_sink sink;
    bool once;
    size_t n_devices;
    struct device *devices; /* by name */
    size_t n_known;
    size_t known_room;
    struct known *known;
};

static int compare_devices(const void *a, const void *b)
{
    return strcmp(((const struct device *)a)->name, ((const struct device *)b)->name);
}

static struct device *find_device(const struct poll_collector *collector, const char *name)
{
    const struct device wanted = {.name = name};
    return bsearch(&wanted, collector->devices, collector->n_devices, sizeof wanted,
                   compare_devices);
}

static void keep_row(struct device *device, uint32_t number, const struct poll_row *row)
{
    if (device->n_rows == device->rows_room) {
        device->rows_room = device->rows_room == 0 ? 64 : device->rows_room * 2;
        device->rows = xreallocarray(device->rows, device->rows_room, sizeof(device->rows[0]));
    }
    device->rows[device->n_rows++] = (struct kept_row){.number = number, .row = *row};
}

static uint32_t sink_define(void *context, const struct object *object)
{
    struct poll_collector *collector = context;
    struct device *device = find_device(collector, object->device);
    if (device == NULL || strcmp(object->kind, "check") == 0) {
        return 0;
    }
    if (device->objects == NULL) {
        device->objects = object_store_new();
    }
    struct stored_object *stored = object_store_find(device->objects, object);
    if (stored != NULL) {
        return device->numbers[stored->object.number - 1];
    }
    stored = object_store_add(device->objects, object);
    if (stored == NULL || collector->n_known == UINT32_MAX) {
        return 0;
    }
    if (collector->n_known == collector->known_room) {
        collector->known_room = collector->known_room == 0 ? 256 : collector->known_room * 2;
        collector->known =
            xreallocarray(collector->known, collector->known_room, sizeof(collector->known[0]));
    }
    collector->known[collector->n_known++] =
        (struct known){.device = device, .number = stored->object.number};
    device->numbers = xreallocarray(device->numbers, stored->object.number, sizeof(uint32_t));
    device->numbers[stored->object.number - 1] = (uint32_t)collector->n_known;
    if (object->n_metrics == 0) { /* its labels are all there is: no row will come */
        keep_row(device, stored->object.number, &(struct poll_row){.status = ROW_OK});
    }
    return (uint32_t)collector->n_known;
}

static void sink_row(void *context, const struct row *row)
{
    struct poll_collector *collector = context;
    if (row->object == 0 || row->object > collector->n_known) {
        return;
    }
    const struct known *known = &collector->known[row->object - 1];
    struct device *device = known->device;
    const struct stored_object *stored =
        device->objects != NULL ? object_store_get(device->objects, known->number) : NULL;
    if (stored == NULL || stored->object.n_metrics == 0) {
        return;
    }
    const struct poll_row kept = {
        .status = row->status,
        .unknown_mask = row->unknown_mask,
        .values = xmemdup(row->values, stored->object.n_metrics * sizeof(union value)),
    };
    keep_row(device, known->number, &kept);
}

/* The report says whether the device answered. */
static void sink_result(void *context, const struct result *result)
{
    (void)context;
    (void)result;
}

/* No device's SNMP agent knows any. */
static void sink_talkers(void *context, const struct talker_report *report)
{
    (void)context;
    (void)report;
}

/* Nothing is between the poller and us where something could be lost. */
static void sink_gap(void *context, const struct gap *gap)
{
    (void)context;
    (void)gap;
}

struct poll_collector *poll_collector_new(const struct config_list *devices, bool once)
{
    const struct snmp_device_config *items = devices->items;
    struct poll_collector *collector = xcalloc(1, sizeof *collector);
    collector->once = once;
    collector->sink = (struct sample_sink){.context = collector,
                                           .define = sink_define,
                                           .row = sink_row,
                                           .result = sink_result,
                                           .talkers = sink_talkers,
                                           .gap = sink_gap};
    collector->n_devices = devices->count;
    collector->devices = xcalloc(devices->count + 1, sizeof(collector->devices[0]));
    for (size_t i = 0; i < devices->count; i++) {
        collector->devices[i].name = items[i].name;
        collector->devices[i].place = i;
    }
    qsort(collector->devices, collector->n_devices, sizeof(struct device), compare_devices);
    return collector;
}

const struct sample_sink *poll_collector_sink(struct poll_collector *collector)
{
    return &collector->sink;
}

bool poll_collector_take(struct poll_collector *collector, const struct snmp_report *report,
                         struct poll_result *result, size_t *device)
{
    struct device *found = find_device(collector, report->device);
    if (found == NULL) {
        return false;
    }
    free(found->taken);
    found->taken = xcalloc(found->n_rows + 1, sizeof(found->taken[0]));
    *device = found->place;
    *result = (struct poll_result){.time = clock_wall(), .report = report, .rows = found->taken};
    for (size_t i = 0; i < found->n_rows; i++) {
        const struct stored_object *stored =
            object_store_get(found->objects, found->rows[i].number);
        if (stored != NULL) { /* else it was defined anew meanwhile */
            found->taken[result->n_rows] = found->rows[i].row;
            found->taken[result->n_rows++].object = &stored->object;
        }
    }
    return true;
}

/* What has no values stays until its object is another one: it is not said again. */
static void forget_rows(struct device *device, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < device->n_rows; i++) {
        if (!all && device->rows[i].row.values == NULL) {
            device->rows[kept++] = device->rows[i];
        } else {
            free((union value *)(uintptr_t)device->rows[i].row.values); /* our own copy */
        }
    }
    free(device->taken);
    device->taken = NULL;
    device->n_rows = kept;
}

static void forget_objects(struct device *device)
{
    object_store_free(device->objects);
    free(device->numbers);
    free(device->rows);
    device->objects = NULL;
    device->numbers = NULL;
    device->rows = NULL;
    device->rows_room = 0;
}

void poll_collector_forget(struct poll_collector *collector, size_t device)
{
    for (size_t i = 0; i < collector->n_devices; i++) {
        if (collector->devices[i].place == device) {
            forget_rows(&collector->devices[i], collector->once);
            if (collector->once) {
                forget_objects(&collector->devices[i]);
            }
        }
    }
}

void poll_collector_free(struct poll_collector *collector)
{
    if (collector == NULL) {
        return;
    }
    for (size_t i = 0; i < collector->n_devices; i++) {
        forget_rows(&collector->devices[i], true);
        forget_objects(&collector->devices[i]);
    }
    free(collector->devices);
    free(collector->known);
    free(collector);
}
