/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp_table.h"

#include "common/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 16, BUCKETS_MAX = UINT16_MAX + 1 };

static struct icmp_entry **bucket_of(const struct icmp_table *table, uint16_t sequence)
{
    return &table->buckets[sequence & (table->n_buckets - 1)];
}

static void insert(struct icmp_table *table, struct icmp_entry *entry)
{
    struct icmp_entry **bucket = bucket_of(table, entry->sequence);
    entry->next = *bucket;
    *bucket = entry;
}

/* The numbers are given in turn, so that they fill the buckets evenly. */
static void grow(struct icmp_table *table)
{
    const struct icmp_table before = *table;
    table->n_buckets = before.n_buckets == 0 ? BUCKETS_MIN : before.n_buckets * 2;
    table->buckets = xcalloc(table->n_buckets, sizeof(table->buckets[0]));
    for (size_t i = 0; i < before.n_buckets; i++) {
        struct icmp_entry *next;
        for (struct icmp_entry *entry = before.buckets[i]; entry != NULL; entry = next) {
            next = entry->next;
            insert(table, entry);
        }
    }
    free(before.buckets);
}

void icmp_table_add(struct icmp_table *table, struct icmp_entry *entry)
{
    if (table->n_entries == table->n_buckets && table->n_buckets < BUCKETS_MAX) {
        grow(table);
    }
    insert(table, entry);
    table->n_entries++;
}

void icmp_table_remove(struct icmp_table *table, struct icmp_entry *entry)
{
    struct icmp_entry **link = bucket_of(table, entry->sequence);
    while (*link != entry) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = entry->next;
    table->n_entries--;
}

static bool same_host(const union ping_address *a, const union ping_address *b)
{
    if (a->any.sa_family != b->any.sa_family) {
        return false;
    }
    if (a->any.sa_family == AF_INET6) {
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    }
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

struct icmp_entry *icmp_table_find(const struct icmp_table *table, uint16_t sequence,
                                   const uint8_t *token, size_t token_size,
                                   const union ping_address *peer, bool *mismatched)
{
    *mismatched = false;
    if (table->n_entries == 0) {
        return NULL;
    }
    for (struct icmp_entry *entry = *bucket_of(table, sequence); entry != NULL;
         entry = entry->next) {
        if (entry->sequence == sequence) {
            if (memcmp(entry->token, token, token_size) == 0 && same_host(entry->to, peer)) {
                return entry;
            }
            *mismatched = true;
        }
    }
    return NULL;
}

void icmp_table_clear(struct icmp_table *table)
{
    free(table->buckets);
    *table = (struct icmp_table){0};
}
