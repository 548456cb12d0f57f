/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/object_store.h"

#include "common/xalloc.h"
#include "metric_lists.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SLOTS_FIRST = 64 };

/* In one block with its labels and texts; the metrics are shared. */
struct record {
    struct stored_object stored;
    const struct metric_list *list;
    struct label labels[];
};

struct object_store {
    struct metric_lists *lists;
    struct record **objects; /* [number - 1] */
    uint32_t n_objects;
    uint32_t room;
    uint32_t *slots;  /* open addressing: numbers by name, 0: free; never over half full */
    uint32_t n_slots; /* a power of two */
    uint32_t n_used;
    uint64_t seed; /* names come from devices: they shall not choose their slot */
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    } while (*text++ != '\0');
    return hash;
}

static uint32_t hash_name(const struct object_store *store, const struct object *object)
{
    uint64_t hash = hash_text(store->seed, object->device);
    hash = hash_text(hash, object->kind);
    hash = hash_text(hash, object->name);
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot that holds the name, or the free one where it would go. */
static uint32_t *find_slot(const struct object_store *store, const struct object *object)
{
    uint32_t mask = store->n_slots - 1;
    uint32_t at = hash_name(store, object) & mask;
    while (store->slots[at] != 0 &&
           !object_same_name(&store->objects[store->slots[at] - 1]->stored.object, object)) {
        at = (at + 1) & mask;
    }
    return &store->slots[at];
}

static void grow_slots(struct object_store *store)
{
    uint32_t *old = store->slots;
    uint32_t n_old = store->n_slots;
    store->n_slots *= 2;
    store->slots = xcalloc(store->n_slots, sizeof *store->slots);
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i] != 0) {
            *find_slot(store, &store->objects[old[i] - 1]->stored.object) = old[i];
        }
    }
    free(old);
}

static const char *put_text(char **at, const char *text)
{
    char *put = *at;
    size_t size = strlen(text) + 1;
    memcpy(put, text, size);
    *at += size;
    return put;
}

static struct record *copy_object(struct object_store *store, const struct object *object)
{
    size_t texts = strlen(object->device) + strlen(object->kind) + strlen(object->name) + 3;
    for (size_t i = 0; i < object->n_labels; i++) {
        texts += strlen(object->labels[i].key) + strlen(object->labels[i].value) + 2;
    }
    struct record *record =
        xmalloc(sizeof *record + object->n_labels * sizeof record->labels[0] + texts);
    char *at = (char *)(record->labels + object->n_labels);
    record->list = metric_lists_take(store->lists, object->metrics, object->n_metrics);
    record->stored.object = *object;
    record->stored.object.device = put_text(&at, object->device);
    record->stored.object.kind = put_text(&at, object->kind);
    record->stored.object.name = put_text(&at, object->name);
    for (size_t i = 0; i < object->n_labels; i++) {
        record->labels[i].key = put_text(&at, object->labels[i].key);
        record->labels[i].value = put_text(&at, object->labels[i].value);
    }
    record->stored.object.metrics = record->list->metrics;
    record->stored.object.labels = record->labels;
    return record;
}

static void forget_object(struct object_store *store, uint32_t number)
{
    struct record *record = store->objects[number - 1];
    metric_lists_give_back(store->lists, record->list);
    free(record);
    store->objects[number - 1] = NULL;
}

struct object_store *object_store_new(void)
{
    struct object_store *store = xcalloc(1, sizeof *store);
    store->lists = metric_lists_new();
    store->n_slots = SLOTS_FIRST;
    store->slots = xcalloc(store->n_slots, sizeof *store->slots);
    if (getrandom(&store->seed, sizeof store->seed, GRND_NONBLOCK) != sizeof store->seed) {
        store->seed = (uint64_t)(uintptr_t)store; /* early in boot: better than a constant */
    }
    return store;
}

void object_store_free(struct object_store *store)
{
    if (store == NULL) {
        return;
    }
    for (uint32_t i = 0; i < store->n_objects; i++) {
        free(store->objects[i]);
    }
    metric_lists_free(store->lists);
    free(store->objects);
    free(store->slots);
    free(store);
}

struct stored_object *object_store_named(struct object_store *store, const struct object *object)
{
    uint32_t number = *find_slot(store, object);
    return number == 0 ? NULL : &store->objects[number - 1]->stored;
}

struct stored_object *object_store_find(struct object_store *store, const struct object *object)
{
    struct stored_object *named = object_store_named(store, object);
    return named != NULL && object_same_shape(&named->object, object) ? named : NULL;
}

struct stored_object *object_store_add(struct object_store *store, const struct object *object)
{
    if (store->n_objects >= PROTO_OBJECTS_MAX) {
        return NULL;
    }
    if (store->n_objects == store->room) {
        store->room = store->room == 0 ? SLOTS_FIRST : store->room * 2;
        store->objects = xreallocarray(store->objects, store->room, sizeof(store->objects[0]));
    }
    if (store->n_used + 1 > store->n_slots / 2) {
        grow_slots(store);
    }
    struct record *record = copy_object(store, object);
    uint32_t *slot = find_slot(store, object);
    if (*slot == 0) {
        store->n_used++;
    } else {
        forget_object(store, *slot);
    }
    store->objects[store->n_objects++] = record;
    record->stored.object.number = store->n_objects;
    *slot = store->n_objects;
    return &record->stored;
}

struct stored_object *object_store_get(struct object_store *store, uint32_t number)
{
    if (number == 0 || number > store->n_objects || store->objects[number - 1] == NULL) {
        return NULL;
    }
    return &store->objects[number - 1]->stored;
}

uint32_t object_store_count(const struct object_store *store)
{
    return store->n_objects;
}
