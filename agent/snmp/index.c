/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "index.h"

#include "common/xalloc.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 64 };

static struct index_link **bucket_of(const struct index *index, uint64_t hash)
{
    return &index->buckets[hash & (index->n_buckets - 1)];
}

static void put(struct index *index, struct index_link *link)
{
    struct index_link **bucket = bucket_of(index, link->hash);
    link->next = *bucket;
    *bucket = link;
}

static void grow(struct index *index)
{
    struct index_link **old = index->buckets;
    size_t n_old = index->n_buckets;
    index->n_buckets = n_old == 0 ? BUCKETS_MIN : 2 * n_old;
    index->buckets = xcalloc(index->n_buckets, sizeof *index->buckets);
    for (size_t i = 0; i < n_old; i++) {
        for (struct index_link *link = old[i], *next; link != NULL; link = next) {
            next = link->next;
            put(index, link);
        }
    }
    free(old);
}

void index_insert(struct index *index, struct index_link *link, uint64_t hash)
{
    assert(!link->is_in);
    if (index->n >= index->n_buckets) {
        grow(index);
    }
    link->hash = hash;
    link->is_in = true;
    put(index, link);
    index->n++;
}

void index_remove(struct index *index, struct index_link *link)
{
    if (!link->is_in) {
        return;
    }
    struct index_link **at = bucket_of(index, link->hash);
    while (*at != link) {
        at = &(*at)->next;
    }
    *at = link->next;
    link->is_in = false;
    index->n--;
}

static struct index_link *skip(struct index_link *link, uint64_t hash)
{
    while (link != NULL && link->hash != hash) {
        link = link->next;
    }
    return link;
}

struct index_link *index_first(const struct index *index, uint64_t hash)
{
    return index->n == 0 ? NULL : skip(*bucket_of(index, hash), hash);
}

struct index_link *index_next(const struct index_link *link)
{
    return skip(link->next, link->hash);
}

void index_clear(struct index *index)
{
    free(index->buckets);
    *index = (struct index){0};
}

uint64_t index_hash(const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * 0x100000001b3;
    }
    return hash ^ hash >> 29;
}
