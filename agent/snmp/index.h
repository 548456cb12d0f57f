/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hash table of things that carry their own links: the engine finds a session by request-id, by
 * address and by SNMP engine with it. The owner compares; the table knows nothing but hashes.
 *
 * Threads: none of its own. */
#ifndef SNMP_INDEX_H
#define SNMP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_link {
    struct index_link *next;
    uint64_t hash;
    bool is_in;
};

/* Zero-initialised: empty. */
struct index {
    struct index_link **buckets;
    size_t n_buckets; /* a power of two, or 0 */
    size_t n;
};

/* The link must be in no index. */
void index_insert(struct index *index, struct index_link *link, uint64_t hash);
/* Does nothing when the link is in none. */
void index_remove(struct index *index, struct index_link *link);
/* The links of this hash, newest first; NULL at the end. No insertion in between. */
struct index_link *index_first(const struct index *index, uint64_t hash);
struct index_link *index_next(const struct index_link *link);
/* Frees the table; what was in it must not be used as a link any more. */
void index_clear(struct index *index);

/* FNV-1a, stirred so that its low bits are good too. */
uint64_t index_hash(const void *bytes, size_t size);

#endif
