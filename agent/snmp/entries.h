/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is remembered of a table's objects between cycles, packed: a worker has a hundred thousand
 * of them. An entry is one of struct entry, then its kept numbers, its counters' totals, and a byte
 * of state for each of both. Names and indexes are known by their hashes alone.
 *
 * Entries stand in the order in which the device lists them, so that each is found where the one
 * before it was.
 *
 * Pure. */
#ifndef SNMP_ENTRIES_H
#define SNMP_ENTRIES_H

#include "table.h"

enum {
    ENTRY_DEFINED = 1,    /* `number` is of today's metrics */
    ENTRY_SEEN = 2,       /* a row of it was delivered, or would have been */
    ENTRY_SPEED_REAL = 4, /* `speed` is the port's own */
    ENTRY_HAS_CHANGE = 8, /* `change` is known */
};

struct entry {
    uint64_t name; /* keyed hash */
    uint64_t index;
    uint32_t number;
    uint32_t shape;      /* keyed hash of what it was defined with: of 2^32 changes one is missed */
    uint32_t cycle;      /* when it was seen last */
    float speed;         /* bit/s, the last known one; 0: none */
    uint32_t at_ds;      /* when its counters were read, in tenths of a second since the birth */
    uint32_t stale_ds;   /* likewise, those that did not come with the last row */
    uint32_t change;     /* when its counters last began anew, as the device says */
    uint16_t generation; /* of the device, when the index was seen */
    uint8_t flags;
    uint8_t changes; /* of `change`, in cycles in a row, while no counter fell */
};

/* State of a counter. */
enum {
    COUNTER_STATE_NONE = 0,
    COUNTER_STATE_32 = 1,
    COUNTER_STATE_64 = 2,
    COUNTER_STATE_WIDTH = 3,
    COUNTER_STATE_STALE = 4,  /* its base is of `stale_ds` */
    COUNTER_STATE_BROKEN = 8, /* its base counts no more: a reading is a break */
};

struct entries {
    size_t n;
    size_t room;
    size_t n_kept;
    size_t n_counters;
    size_t stride;
    uint8_t *bytes;
};

/* Zero-initialise, then this: how much each entry holds. What was there before keeps its kept
 * numbers if their count is the same; its counters begin anew as `from` says: from[i] is the place
 * that counter i had before, or SIZE_MAX. */
void entries_shape(struct entries *entries, size_t n_kept, size_t n_counters, const size_t *from);
void entries_free(struct entries *entries);
struct entry *entries_at(const struct entries *entries, size_t n);
/* Room for so many more, no more than that. */
void entries_reserve(struct entries *entries, size_t more);
/* A new one at the end, all zero. */
struct entry *entries_add(struct entries *entries);
/* Puts those of `order` first, in that order; the others follow, or are dropped. */
void entries_arrange(struct entries *entries, const uint32_t *order, size_t n, bool keep_others);
size_t entries_bytes(const struct entries *entries);

static inline uint64_t *entry_kept(struct entry *entry)
{
    return (uint64_t *)(void *)(entry + 1);
}
static inline uint64_t *entry_totals(const struct entries *entries, struct entry *entry)
{
    return entry_kept(entry) + entries->n_kept;
}
/* Types of the kept numbers (enum value_type); VALUE_OTHER: not known. */
static inline uint8_t *entry_kept_types(const struct entries *entries, struct entry *entry)
{
    return (uint8_t *)(entry_totals(entries, entry) + entries->n_counters);
}
static inline uint8_t *entry_counter_states(const struct entries *entries, struct entry *entry)
{
    return entry_kept_types(entries, entry) + entries->n_kept;
}

/* Finds entries during one cycle; nothing but entries_add may be done meanwhile. */
struct finder {
    const struct entries *entries;
    size_t next;
    size_t n_slots; /* 0: not needed so far */
    size_t n_known; /* entries that are in the slots */
    uint32_t *by_name;
    uint32_t *by_index;
};
void finder_begin(struct finder *finder, const struct entries *entries);
/* SIZE_MAX: none. Of entries with the same index, the one of that generation. */
size_t finder_name(struct finder *finder, uint64_t name);
size_t finder_index(struct finder *finder, uint64_t index, uint16_t generation);
void finder_end(struct finder *finder);

#endif
