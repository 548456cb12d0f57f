/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/object_index.h"

#include "common/xalloc.h"
#include "metric_lists.h"
#include "proto/keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    /* Entries come in segments, so that growing neither copies nor doubles them. */
    SEGMENT_ENTRIES = 4096,
    SEGMENTS_MAX = PROTO_OBJECTS_MAX / SEGMENT_ENTRIES,
    SLOTS_FIRST = 64,
    DIGEST_ROOM = 512,
};

struct digest {
    uint64_t name;
    uint64_t shape;
};

#define SHAPE_MASK (UINT64_MAX >> 1) /* the bits that an entry has for it */

/* What is known of an object until it is announced. */
struct draft {
    struct object texts; /* owns them; no metrics, which are half of it */
    struct object copy;  /* the same with those of the list */
    const struct metric_list *list;
};

/* Two objects whose names have the same hash (of 2^20 of them: one chance in 2^25) take turns at
 * being defined anew; only with both hashes the same would one be taken for the other. */
struct entry {
    uint64_t name;       /* of device, kind and name */
    uint64_t shape : 63; /* of these, interval and labels */
    uint64_t is_draft : 1;
    union {
        const struct metric_list *list; /* NULL: another of the same name came */
        struct draft *draft;
    };
};

struct object_index {
    struct metric_lists *lists;
    struct entry *segments[SEGMENTS_MAX];
    uint32_t n_entries;
    uint32_t *slots; /* open addressing: numbers by name, 0: free; at most three quarters full */
    uint32_t n_slots;
    uint32_t n_used;
    uint8_t key[KEYS_SHORT_KEY_SIZE];
};

/* --- hashes --- */

/* Bytes on their way into a hash; what is full is folded into its first bytes. */
struct digesting {
    const uint8_t *key;
    size_t used;
    uint8_t room[DIGEST_ROOM];
};

static void digest_add(struct digesting *digesting, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        if (digesting->used == DIGEST_ROOM) {
            uint8_t folded[KEYS_SHORT_HASH_SIZE];
            keys_short_hash(digesting->room, DIGEST_ROOM, digesting->key, folded);
            memcpy(digesting->room, folded, sizeof folded);
            digesting->used = sizeof folded;
        }
        size_t room = DIGEST_ROOM - digesting->used;
        size_t n = size < room ? size : room;
        memcpy(digesting->room + digesting->used, at, n);
        digesting->used += n;
        at += n;
        size -= n;
    }
}

static void digest_text(struct digesting *digesting, const char *text)
{
    digest_add(digesting, text, strlen(text) + 1); /* the NUL keeps two texts apart */
}

static uint64_t digest_end(const struct digesting *digesting)
{
    uint8_t hash[KEYS_SHORT_HASH_SIZE];
    uint64_t number;
    keys_short_hash(digesting->room, digesting->used, digesting->key, hash);
    memcpy(&number, hash, sizeof number);
    return number;
}

static struct digest hash_object(const struct object_index *index, const struct object *object)
{
    struct digesting digesting = {.key = index->key};
    struct digest digest;
    digest_text(&digesting, object->device);
    digest_text(&digesting, object->kind);
    digest_text(&digesting, object->name);
    digest.name = digest_end(&digesting);
    digest_add(&digesting, &object->interval_ms, sizeof object->interval_ms);
    for (size_t i = 0; i < object->n_labels; i++) {
        digest_text(&digesting, object->labels[i].key);
        digest_text(&digesting, object->labels[i].value);
    }
    digest.shape = digest_end(&digesting) & SHAPE_MASK;
    return digest;
}

/* --- the table --- */

static struct entry *entry_of(const struct object_index *index, uint32_t number)
{
    return &index->segments[(number - 1) / SEGMENT_ENTRIES][(number - 1) % SEGMENT_ENTRIES];
}

/* The slot that holds the name, or the free one where it would go. */
static uint32_t *find_slot(const struct object_index *index, uint64_t name)
{
    uint32_t at = (uint32_t)((name >> 32) * index->n_slots >> 32);
    while (index->slots[at] != 0 && entry_of(index, index->slots[at])->name != name) {
        at = at + 1 == index->n_slots ? 0 : at + 1;
    }
    return &index->slots[at];
}

static void grow_slots(struct object_index *index)
{
    uint32_t *old = index->slots;
    uint32_t n_old = index->n_slots;
    index->n_slots += n_old / 2; /* by half: there may be some hundred thousand */
    index->slots = xcalloc(index->n_slots, sizeof *index->slots);
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i] != 0) {
            *find_slot(index, entry_of(index, old[i])->name) = old[i];
        }
    }
    free(old);
}

static const struct metric_list *list_of(const struct entry *entry)
{
    return entry->is_draft ? entry->draft->list : entry->list;
}

static void drop_draft(struct entry *entry)
{
    if (entry->is_draft) {
        struct draft *draft = entry->draft;
        entry->is_draft = 0;
        entry->list = draft->list;
        object_clear(&draft->texts);
        free(draft);
    }
}

static void forget(struct object_index *index, struct entry *entry)
{
    drop_draft(entry);
    metric_lists_give_back(index->lists, entry->list);
    entry->list = NULL;
}

static struct entry *add_entry(struct object_index *index)
{
    uint32_t segment = index->n_entries / SEGMENT_ENTRIES;
    if (index->segments[segment] == NULL) {
        index->segments[segment] = xcalloc(SEGMENT_ENTRIES, sizeof(struct entry));
    }
    index->n_entries++;
    return entry_of(index, index->n_entries);
}

struct object_index *object_index_new(void)
{
    struct object_index *index = xcalloc(1, sizeof *index);
    index->lists = metric_lists_new();
    index->n_slots = SLOTS_FIRST;
    index->slots = xcalloc(index->n_slots, sizeof *index->slots);
    if (getrandom(index->key, sizeof index->key, GRND_NONBLOCK) != sizeof index->key) {
        uintptr_t where = (uintptr_t)index; /* early in boot: better than a constant */
        memcpy(index->key, &where, sizeof where);
    }
    return index;
}

void object_index_free(struct object_index *index)
{
    if (index == NULL) {
        return;
    }
    for (uint32_t number = 1; number <= index->n_entries; number++) {
        drop_draft(entry_of(index, number));
    }
    for (size_t i = 0; i < SEGMENTS_MAX; i++) {
        free(index->segments[i]);
    }
    metric_lists_free(index->lists);
    free(index->slots);
    free(index);
}

uint32_t object_index_find(const struct object_index *index, const struct object *object)
{
    struct digest digest = hash_object(index, object);
    uint32_t number = *find_slot(index, digest.name);
    if (number == 0) {
        return 0;
    }
    const struct entry *entry = entry_of(index, number);
    bool same =
        entry->shape == digest.shape &&
        list_of(entry) == metric_lists_find(index->lists, object->metrics, object->n_metrics);
    return same ? number : 0;
}

static struct draft *make_draft(struct object_index *index, const struct object *object,
                                uint32_t number)
{
    struct draft *draft = xmalloc(sizeof *draft);
    struct object bare = *object;
    bare.number = number;
    bare.metrics = NULL;
    bare.n_metrics = 0;
    draft->list = metric_lists_take(index->lists, object->metrics, object->n_metrics);
    draft->texts = object_copy(&bare);
    draft->copy = draft->texts;
    draft->copy.metrics = draft->list->metrics;
    draft->copy.n_metrics = draft->list->n_metrics;
    return draft;
}

uint32_t object_index_add(struct object_index *index, const struct object *object)
{
    if (index->n_entries >= PROTO_OBJECTS_MAX) {
        return 0;
    }
    if (index->n_used + 1 > index->n_slots / 4 * 3) {
        grow_slots(index);
    }
    struct digest digest = hash_object(index, object);
    uint32_t *slot = find_slot(index, digest.name);
    if (*slot == 0) {
        index->n_used++;
    } else {
        forget(index, entry_of(index, *slot));
    }
    struct entry *entry = add_entry(index);
    struct draft *draft = make_draft(index, object, index->n_entries);
    entry->name = digest.name;
    entry->shape = digest.shape & SHAPE_MASK;
    entry->is_draft = 1;
    entry->draft = draft;
    *slot = index->n_entries;
    return index->n_entries;
}

static const struct entry *find_number(const struct object_index *index, uint32_t number)
{
    if (number == 0 || number > index->n_entries || list_of(entry_of(index, number)) == NULL) {
        return NULL;
    }
    return entry_of(index, number);
}

bool object_index_get(const struct object_index *index, uint32_t number, struct object *object)
{
    const struct entry *entry = find_number(index, number);
    if (entry != NULL) {
        const struct metric_list *list = list_of(entry);
        *object = (struct object){
            .number = number, .metrics = list->metrics, .n_metrics = list->n_metrics};
    }
    return entry != NULL;
}

const struct object *object_index_copy(const struct object_index *index, uint32_t number)
{
    const struct entry *entry = find_number(index, number);
    return entry != NULL && entry->is_draft ? &entry->draft->copy : NULL;
}

void object_index_announced(struct object_index *index, uint32_t number)
{
    if (find_number(index, number) != NULL) {
        drop_draft(entry_of(index, number));
    }
}

uint32_t object_index_next_bare(const struct object_index *index, uint32_t after)
{
    for (uint32_t number = after + 1; number <= index->n_entries; number++) {
        const struct object *copy = object_index_copy(index, number);
        if (copy != NULL && copy->n_metrics == 0) {
            return number;
        }
    }
    return 0;
}
