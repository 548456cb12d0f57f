/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The echoes that are not answered yet, by their sequence number, so that an answer finds its own
 * however many there are. Numbers come round after 65,536: the token tells two of one number apart.
 *
 * Pure. */
#ifndef CHECKS_ICMP_TABLE_H
#define CHECKS_ICMP_TABLE_H

#include "icmp_packet.h"

#include <netinet/in.h>

/* What a sockaddr_storage has room for 100 bytes more than. */
union ping_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The owner's; fields are not to change while it is in a table. */
struct icmp_entry {
    struct icmp_entry *next;
    uint16_t sequence;
    uint8_t token[ICMP_TOKEN_SIZE];
    const union ping_address *to;
};

/* Zero-initialised. */
struct icmp_table {
    struct icmp_entry **buckets;
    size_t n_buckets; /* a power of two, at least as many as entries up to 65,536 */
    size_t n_entries;
};

void icmp_table_add(struct icmp_table *table, struct icmp_entry *entry);
void icmp_table_remove(struct icmp_table *table, struct icmp_entry *entry);
/* The echo of this number to `peer` whose token begins so. NULL: none; *mismatched: is there one of
 * this number all the same? */
struct icmp_entry *icmp_table_find(const struct icmp_table *table, uint16_t sequence,
                                   const uint8_t *token, size_t token_size,
                                   const union ping_address *peer, bool *mismatched);
/* Frees what the table itself has. */
void icmp_table_clear(struct icmp_table *table);

#endif
