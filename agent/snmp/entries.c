/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "entries.h"

#include "common/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

_Static_assert(sizeof(struct entry) % WORD == 0, "totals follow an entry");

static size_t stride_of(size_t n_kept, size_t n_counters)
{
    size_t states = (n_kept + n_counters + WORD - 1) / WORD * WORD;
    return sizeof(struct entry) + (n_kept + n_counters) * WORD + states;
}

/* --- all of them --- */

static void move_counters(const struct entries *old, struct entry *from, const struct entries *new,
                          struct entry *to, const size_t *places)
{
    for (size_t i = 0; i < new->n_counters; i++) {
        if (places[i] != SIZE_MAX) {
            entry_totals(new, to)[i] = entry_totals(old, from)[places[i]];
            entry_counter_states(new, to)[i] = entry_counter_states(old, from)[places[i]];
        }
    }
}

void entries_shape(struct entries *entries, size_t n_kept, size_t n_counters, const size_t *from)
{
    struct entries new = {.n = entries->n,
                          .room = entries->n,
                          .n_kept = n_kept,
                          .n_counters = n_counters,
                          .stride = stride_of(n_kept, n_counters)};
    new.bytes = new.n > 0 ? xcalloc(new.n, new.stride) : NULL;
    for (size_t i = 0; i < new.n; i++) {
        struct entry *old_entry = entries_at(entries, i);
        struct entry *entry = entries_at(&new, i);
        *entry = *old_entry;
        if (entries->n_kept == n_kept && n_kept > 0) {
            memcpy(entry_kept(entry), entry_kept(old_entry), n_kept * WORD);
            memcpy(entry_kept_types(&new, entry), entry_kept_types(entries, old_entry), n_kept);
        }
        move_counters(entries, old_entry, &new, entry, from);
    }
    free(entries->bytes);
    *entries = new;
}

void entries_free(struct entries *entries)
{
    free(entries->bytes);
    *entries = (struct entries){0};
}

struct entry *entries_at(const struct entries *entries, size_t n)
{
    assert(n < entries->n);
    return (struct entry *)(void *)(entries->bytes + n * entries->stride);
}

void entries_reserve(struct entries *entries, size_t more)
{
    if (entries->n + more > entries->room) {
        entries->room = entries->n + more;
        entries->bytes = xreallocarray(entries->bytes, entries->room, entries->stride);
    }
}

struct entry *entries_add(struct entries *entries)
{
    if (entries->n == entries->room) {
        entries_reserve(entries, entries->n / 8 + 1);
    }
    entries->n++;
    return memset(entries_at(entries, entries->n - 1), 0, entries->stride);
}

static bool is_arranged(const struct entries *entries, const uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (order[i] != i) {
            return false;
        }
    }
    return n == entries->n;
}

void entries_arrange(struct entries *entries, const uint32_t *order, size_t n, bool keep_others)
{
    if (is_arranged(entries, order, n)) {
        return; /* nearly always: it leaves no hole behind */
    }
    bool *is_placed = xcalloc(entries->n + 1, sizeof *is_placed);
    size_t room = keep_others ? entries->n : n;
    uint8_t *bytes = room > 0 ? xmalloc(room * entries->stride) : NULL;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        assert(!is_placed[order[i]]);
        is_placed[order[i]] = true;
        memcpy(bytes + kept++ * entries->stride, entries_at(entries, order[i]), entries->stride);
    }
    for (size_t i = 0; keep_others && i < entries->n; i++) {
        if (!is_placed[i]) {
            memcpy(bytes + kept++ * entries->stride, entries_at(entries, i), entries->stride);
        }
    }
    free(is_placed);
    free(entries->bytes);
    entries->bytes = bytes;
    entries->n = kept;
    entries->room = room;
}

size_t entries_bytes(const struct entries *entries)
{
    return entries->room * entries->stride;
}

/* --- finding --- */

void finder_begin(struct finder *finder, const struct entries *entries)
{
    *finder = (struct finder){.entries = entries};
}

void finder_end(struct finder *finder)
{
    free(finder->by_name);
    free(finder->by_index);
    *finder = (struct finder){0};
}

/* Slots hold places from 1. Names' hashes are keyed; what a device makes of indexes costs no more
 * than the square of TABLE_ROWS_MAX. */
static void put(uint32_t *slots, size_t n_slots, uint64_t hash, size_t place)
{
    size_t at = (size_t)(hash ^ hash >> 32) & (n_slots - 1);
    while (slots[at] != 0) {
        at = (at + 1) & (n_slots - 1);
    }
    slots[at] = (uint32_t)place + 1;
}

static uint64_t spread(uint64_t index)
{
    return index * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio */
}

/* The slots hold all entries, and are never more than half full. */
static void make_slots(struct finder *finder)
{
    size_t n = finder->entries->n;
    if (finder->n_slots < 2 * n + 2) {
        size_t n_slots = 64;
        while (n_slots < 4 * n + 2) {
            n_slots *= 2;
        }
        free(finder->by_name);
        free(finder->by_index);
        finder->by_name = xcalloc(n_slots, sizeof(finder->by_name[0]));
        finder->by_index = xcalloc(n_slots, sizeof(finder->by_index[0]));
        finder->n_slots = n_slots;
        finder->n_known = 0;
    }
    for (; finder->n_known < n; finder->n_known++) {
        const struct entry *entry = entries_at(finder->entries, finder->n_known);
        put(finder->by_name, finder->n_slots, entry->name, finder->n_known);
        put(finder->by_index, finder->n_slots, spread(entry->index), finder->n_known);
    }
}

static bool has_name(const struct entry *entry, uint64_t name, uint16_t generation)
{
    (void)generation;
    return entry->name == name;
}

static bool has_index(const struct entry *entry, uint64_t index, uint16_t generation)
{
    return entry->index == index && entry->generation == generation;
}

static size_t search(struct finder *finder, uint64_t wanted, uint16_t generation, bool by_name)
{
    bool (*has)(const struct entry *, uint64_t, uint16_t) = by_name ? has_name : has_index;
    const struct entries *entries = finder->entries;
    if (finder->next < entries->n && has(entries_at(entries, finder->next), wanted, generation)) {
        return finder->next++;
    }
    make_slots(finder);
    const uint32_t *slots = by_name ? finder->by_name : finder->by_index;
    uint64_t hash = by_name ? wanted : spread(wanted);
    size_t at = (size_t)(hash ^ hash >> 32) & (finder->n_slots - 1);
    for (; slots[at] != 0; at = (at + 1) & (finder->n_slots - 1)) {
        size_t place = slots[at] - 1;
        if (has(entries_at(entries, place), wanted, generation)) {
            finder->next = place + 1;
            return place;
        }
    }
    return SIZE_MAX;
}

size_t finder_name(struct finder *finder, uint64_t name)
{
    return search(finder, name, 0, true);
}

size_t finder_index(struct finder *finder, uint64_t index, uint16_t generation)
{
    return search(finder, index, generation, false);
}
