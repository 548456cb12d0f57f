/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/talkers.h"

#include "common/xalloc.h"
#include "mix.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, ENTRIES_MIN = 64 };

struct entry {
    uint8_t bytes[16];
    uint32_t kind;
    uint64_t ip_bytes;
    uint64_t packets;
    uint64_t error_bytes;
};

/* A key is looked for by a part of its hash, so that a search reads one line; 0: free. */
struct set {
    uint32_t tags[WAYS];
    struct entry entries[WAYS];
};

struct talkers {
    uint64_t seed[2];
    size_t n_sets; /* a power of two */
    struct set sets[];
};

struct talkers *talkers_new(size_t entries, const uint8_t seed[16])
{
    size_t n_sets = ENTRIES_MIN / WAYS;
    while (n_sets * WAYS < entries) {
        n_sets *= 2;
    }
    struct talkers *talkers = xcalloc(1, sizeof *talkers + n_sets * sizeof(struct set));
    talkers->n_sets = n_sets;
    memcpy(talkers->seed, seed, sizeof talkers->seed);
    return talkers;
}

void talkers_free(struct talkers *talkers)
{
    free(talkers);
}

static uint64_t hash_of(const struct talkers *talkers, const struct talker_key *key)
{
    uint64_t low = mix_load(key->bytes) ^ talkers->seed[0];
    uint64_t high = mix_load(key->bytes + 8) ^ talkers->seed[1];
    return mix_fold(mix_fold(low, high),
                    talkers->seed[0] ^ (key->kind * UINT64_C(0x9e3779b97f4a7c15)));
}

static size_t set_of(const struct talkers *talkers, uint64_t hash)
{
    return (size_t)hash & (talkers->n_sets - 1);
}

static uint32_t tag_of(uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    return tag != 0 ? tag : 1;
}

static bool has_key(const struct entry *entry, const struct talker_key *key)
{
    return entry->kind == key->kind && memcmp(entry->bytes, key->bytes, sizeof entry->bytes) == 0;
}

/* WAYS: it is not there. */
static size_t find(const struct set *set, uint32_t tag, const struct talker_key *key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (set->tags[i] == tag && has_key(&set->entries[i], key)) {
            return i;
        }
    }
    return WAYS;
}

/* Free ones have no bytes, so they are the lightest. */
static size_t lightest(const struct set *set)
{
    size_t least = 0;
    for (size_t i = 0; i < WAYS; i++) {
        if (set->tags[i] == 0) {
            return i;
        }
        if (set->entries[i].ip_bytes < set->entries[least].ip_bytes) {
            least = i;
        }
    }
    return least;
}

static void add(struct talkers *talkers, const struct talker_key *key, uint64_t ip_bytes,
                uint64_t packets, uint64_t error_bytes)
{
    uint64_t hash = hash_of(talkers, key);
    uint32_t tag = tag_of(hash);
    struct set *set = &talkers->sets[set_of(talkers, hash)];
    size_t way = find(set, tag, key);
    if (way == WAYS) {
        way = lightest(set);
        struct entry *entry = &set->entries[way];
        set->tags[way] = tag;
        memcpy(entry->bytes, key->bytes, sizeof entry->bytes);
        entry->kind = key->kind;
        entry->error_bytes = entry->ip_bytes; /* it may have had as much before; 0 if it was free */
        entry->packets = 0;
    }
    set->entries[way].ip_bytes += ip_bytes;
    set->entries[way].packets += packets;
    set->entries[way].error_bytes += error_bytes;
}

void talkers_add(struct talkers *talkers, const struct talker_key *key, uint64_t ip_bytes,
                 uint64_t packets)
{
    add(talkers, key, ip_bytes, packets, 0);
}

/* What a key that is not in the set can have had. Once an entry was displaced there is always one
 * that inherited. */
static uint64_t bound_of(const struct set *set)
{
    uint64_t least = UINT64_MAX;
    bool displaced = false;
    for (size_t i = 0; i < WAYS; i++) {
        uint64_t bytes = set->tags[i] != 0 ? set->entries[i].ip_bytes : 0;
        least = bytes < least ? bytes : least;
        displaced = displaced || set->entries[i].error_bytes > 0;
    }
    return displaced ? least : 0;
}

uint64_t talkers_error_bound(const struct talkers *talkers)
{
    uint64_t bound = 0;
    for (size_t i = 0; i < talkers->n_sets; i++) {
        uint64_t of_set = bound_of(&talkers->sets[i]);
        bound = of_set > bound ? of_set : bound;
    }
    return bound;
}

static bool is_before(const struct entry *a, const struct talker *b)
{
    if (a->ip_bytes != b->ip_bytes) {
        return a->ip_bytes > b->ip_bytes;
    }
    int order = memcmp(a->bytes, b->key.bytes, sizeof a->bytes);
    return order != 0 ? order < 0 : a->kind < b->key.kind;
}

/* Into its place in the sorted list, whose last one goes if it is full. */
static size_t place(struct talker *top, size_t count, size_t most, const struct entry *entry)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_before(entry, &top[middle])) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low == most) {
        return count;
    }
    count += count < most ? 1 : 0;
    memmove(&top[low + 1], &top[low], (count - low - 1) * sizeof top[0]);
    memcpy(top[low].key.bytes, entry->bytes, sizeof top[low].key.bytes);
    top[low].key.kind = entry->kind;
    top[low].ip_bytes = entry->ip_bytes;
    top[low].packets = entry->packets;
    top[low].error_bytes = entry->error_bytes;
    return count;
}

size_t talkers_top(const struct talkers *talkers, struct talker *top, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < talkers->n_sets; i++) {
        for (size_t way = 0; way < WAYS; way++) {
            if (talkers->sets[i].tags[way] != 0) {
                count = place(top, count, most, &talkers->sets[i].entries[way]);
            }
        }
    }
    return count;
}

static struct talker_key key_of(const struct entry *entry)
{
    struct talker_key key = {.kind = entry->kind};
    memcpy(key.bytes, entry->bytes, sizeof key.bytes);
    return key;
}

/* Where only `into` has a key, the other may have lost it: then its bytes are that uncertain. */
static void widen(struct talkers *into, const struct talkers *from)
{
    for (size_t i = 0; i < into->n_sets * WAYS; i++) {
        struct set *set = &into->sets[i / WAYS];
        if (set->tags[i % WAYS] == 0) {
            continue;
        }
        struct entry *entry = &set->entries[i % WAYS];
        struct talker_key key = key_of(entry);
        uint64_t hash = hash_of(from, &key);
        const struct set *other = &from->sets[set_of(from, hash)];
        if (find(other, tag_of(hash), &key) == WAYS) {
            uint64_t bound = bound_of(other);
            entry->ip_bytes += bound;
            entry->error_bytes += bound;
        }
    }
}

void talkers_merge(struct talkers *into, const struct talkers *from)
{
    widen(into, from);
    for (size_t i = 0; i < from->n_sets; i++) {
        for (size_t way = 0; way < WAYS; way++) {
            const struct entry *entry = &from->sets[i].entries[way];
            if (from->sets[i].tags[way] != 0) {
                struct talker_key key = key_of(entry);
                add(into, &key, entry->ip_bytes, entry->packets, entry->error_bytes);
            }
        }
    }
}

void talkers_clear(struct talkers *talkers)
{
    memset(talkers->sets, 0, talkers->n_sets * sizeof(struct set));
}
