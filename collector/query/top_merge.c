/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "top_merge.h"

#include "common/xalloc.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 1024 };

struct held {
    char *key;
    uint64_t hash;
    uint64_t bytes;
    uint64_t packets;
    uint64_t error_bytes; /* of the reports that name it … */
    uint64_t named_bound; /* … and what an unnamed key may have had in these */
    uint64_t given_up;    /* what it may have had before, beyond the bounds */
};

struct top_merge {
    size_t keys_max;
    uint8_t seed[crypto_shorthash_KEYBYTES];
    struct held *held;
    size_t n_held;
    size_t room;
    uint32_t *slots; /* index into `held` + 1; 0: free */
    size_t n_slots;  /* a power of two, at least twice n_held */
    uint64_t total;
    uint64_t bound;    /* what an unnamed key may have had in all reports so far */
    uint64_t given_up; /* at most so many bytes had a key that was given up */
};

/* Both are at most INT64_MAX, and so is what is returned. */
static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a + b > INT64_MAX ? INT64_MAX : a + b;
}

struct top_merge *top_merge_new(size_t keys_max, const uint8_t seed[16])
{
    struct top_merge *merge = xcalloc(1, sizeof *merge);
    _Static_assert(crypto_shorthash_KEYBYTES == 16, "SipHash");
    assert(keys_max >= 2 * PROTO_TALKERS_MAX);
    merge->keys_max = keys_max;
    memcpy(merge->seed, seed, sizeof merge->seed);
    merge->n_slots = SLOTS_FIRST;
    merge->slots = xcalloc(merge->n_slots, sizeof *merge->slots);
    return merge;
}

void top_merge_free(struct top_merge *merge)
{
    if (merge == NULL) {
        return;
    }
    for (size_t i = 0; i < merge->n_held; i++) {
        free(merge->held[i].key);
    }
    free(merge->held);
    free(merge->slots);
    free(merge);
}

/* --- the table --- */

/* The slot that holds the key, or the free one where it belongs. */
static size_t find_slot(const struct top_merge *merge, const char *key, uint64_t hash)
{
    size_t at = (size_t)hash & (merge->n_slots - 1);
    while (merge->slots[at] != 0) {
        const struct held *held = &merge->held[merge->slots[at] - 1];
        if (held->hash == hash && strcmp(held->key, key) == 0) {
            break;
        }
        at = (at + 1) & (merge->n_slots - 1);
    }
    return at;
}

/* All slots anew, as many as there should be. */
static void fill_slots(struct top_merge *merge)
{
    while (merge->n_slots < 2 * (merge->n_held + 1)) {
        merge->n_slots *= 2;
    }
    free(merge->slots);
    merge->slots = xcalloc(merge->n_slots, sizeof *merge->slots);
    for (size_t i = 0; i < merge->n_held; i++) {
        merge->slots[find_slot(merge, merge->held[i].key, merge->held[i].hash)] = (uint32_t)i + 1;
    }
}

static uint64_t error_of(const struct top_merge *merge, const struct held *held)
{
    /* What it was not named in came before or after; both are in `bound` and not its own. */
    return add_up(add_up(held->error_bytes, held->given_up), merge->bound - held->named_bound);
}

static int by_weight(const void *left, const void *right)
{
    const struct held *a = left;
    const struct held *b = right;
    return a->bytes != b->bytes ? (a->bytes < b->bytes ? 1 : -1) : strcmp(a->key, b->key);
}

/* The lighter half goes. A key that comes back may have been one of them. */
static void give_up_half(struct top_merge *merge)
{
    qsort(merge->held, merge->n_held, sizeof *merge->held, by_weight);
    for (size_t i = merge->n_held / 2; i < merge->n_held; i++) {
        uint64_t most = add_up(merge->held[i].bytes, error_of(merge, &merge->held[i]));
        merge->given_up = most > merge->given_up ? most : merge->given_up;
        free(merge->held[i].key);
    }
    merge->n_held /= 2;
    fill_slots(merge);
}

static struct held *hold(struct top_merge *merge, const char *key)
{
    uint64_t hash;
    (void)crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key, strlen(key),
                           merge->seed); /* always 0 */
    size_t slot = find_slot(merge, key, hash);
    if (merge->slots[slot] != 0) {
        return &merge->held[merge->slots[slot] - 1];
    }
    if (merge->n_held == merge->room) {
        merge->room = merge->room == 0 ? 256 : 2 * merge->room;
        merge->held = xreallocarray(merge->held, merge->room, sizeof *merge->held);
    }
    struct held *held = &merge->held[merge->n_held++];
    *held = (struct held){.key = xstrdup(key), .hash = hash};
    held->given_up = merge->given_up > merge->bound ? merge->given_up - merge->bound : 0;
    merge->slots[slot] = (uint32_t)merge->n_held;
    if (merge->n_slots < 2 * merge->n_held) {
        fill_slots(merge);
    }
    return held;
}

/* --- adding up --- */

void top_merge_add(struct top_merge *merge, const struct talker_report *report)
{
    uint64_t bound = report->error_bound_bytes;
    if (merge->n_held + report->n_items > merge->keys_max) {
        give_up_half(merge); /* before: nothing that is named now may go */
    }
    if (report->n_items > 0 && report->items[report->n_items - 1].ip_bytes > bound) {
        bound = report->items[report->n_items - 1].ip_bytes;
    }
    /* What the sum cannot take any more, nobody's share of it takes. */
    bound = add_up(merge->bound, bound) - merge->bound;
    for (size_t i = 0; i < report->n_items; i++) {
        const struct talker_item *item = &report->items[i];
        struct held *held = hold(merge, item->key);
        held->bytes = add_up(held->bytes, item->ip_bytes);
        held->packets = add_up(held->packets, item->packets);
        held->error_bytes = add_up(held->error_bytes, item->error_bytes);
        held->named_bound += bound;
    }
    merge->bound += bound;
    merge->total = add_up(merge->total, report->total_ip_bytes);
}

size_t top_merge_heaviest(const struct top_merge *merge, struct top_entry *entries, size_t most)
{
    size_t n = merge->n_held < most ? merge->n_held : most;
    struct held *sorted = xcalloc(merge->n_held + 1, sizeof *sorted);
    if (merge->n_held > 0) {
        memcpy(sorted, merge->held, merge->n_held * sizeof *sorted);
        qsort(sorted, merge->n_held, sizeof *sorted, by_weight);
    }
    for (size_t i = 0; i < n; i++) {
        entries[i] = (struct top_entry){.key = sorted[i].key,
                                        .bytes = sorted[i].bytes,
                                        .packets = sorted[i].packets,
                                        .error_bytes = error_of(merge, &sorted[i])};
    }
    free(sorted);
    return n;
}

uint64_t top_merge_total(const struct top_merge *merge)
{
    return merge->total;
}
