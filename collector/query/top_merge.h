/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adds up reports of the heaviest talkers, in bounded memory: however many keys they name, some
 * hundred thousand are held, and what giving the lightest up may have cost is in the errors.
 *
 * A report names only its heaviest. A key that it does not name had at most the report's error
 * bound, or what the last one named has, whichever is more. So a key's true bytes are within
 * [bytes - error_bytes, bytes + error_bytes].
 *
 * Pure but for its memory. */
#ifndef QUERY_TOP_MERGE_H
#define QUERY_TOP_MERGE_H

#include "proto/model.h"

struct top_merge;

struct top_entry {
    const char *key; /* lives as long as the merge */
    uint64_t bytes;
    uint64_t packets;
    uint64_t error_bytes;
};

/* `keys_max`: held at a time, at least twice PROTO_TALKERS_MAX; `seed` of the keyed hash. */
struct top_merge *top_merge_new(size_t keys_max, const uint8_t seed[16]);
void top_merge_free(struct top_merge *merge); /* NULL is allowed */
/* Sums stop at INT64_MAX. */
void top_merge_add(struct top_merge *merge, const struct talker_report *report);
/* The `most` heaviest, by bytes, then by key; how many there are. */
size_t top_merge_heaviest(const struct top_merge *merge, struct top_entry *entries, size_t most);
uint64_t top_merge_total(const struct top_merge *merge); /* bytes of all, named or not */

#endif
