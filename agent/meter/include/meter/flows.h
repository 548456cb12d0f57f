/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The flows: one entry for both directions of a pair of addresses, ports and a protocol. Fixed
 * memory: when the table is full, the flow that was silent longest makes room. An entry is two
 * cache lines; who adds many packets asks for the lines before it needs them. Pure but for its
 * memory. */
#ifndef METER_FLOWS_H
#define METER_FLOWS_H

#include "meter/packet.h"
#include <stddef.h>

enum { FLOW_NO_HOLE = 0 };

/* Per-direction fields: [0] from endpoint 0 to endpoint 1; endpoint 0 is the lower one, compared as
 * bytes of address, then port. What is counted is since the last time the flow was told of
 * (flows_each, or its eviction). */
struct flow {
    uint8_t address[2][16];
    uint16_t port[2];
    uint8_t protocol;
    uint8_t tcp_flags[2]; /* all that were seen since it began */
    uint8_t tcp_state;    /* tcp.c's own; 0 in a new flow */
    uint64_t ip_bytes[2]; /* of the outermost header: what it took of the link */
    uint32_t packets[2];
    int64_t first_ns; /* of the first packet that is counted here */
    int64_t last_ns;  /* of its newest packet */
    /* tcp.c's own, 0 in a new flow. */
    uint32_t next_sequence[2];   /* behind the highest byte that was seen */
    int64_t handshake_ns;        /* when the step that is waited upon was seen */
    uint32_t handshake_sequence; /* of the SYN */
    uint32_t answer_sequence;    /* of the SYN-ACK */
    uint16_t mss[2];             /* of each side's SYN; 0 unknown */
    uint16_t holes[2];           /* first of its chain in tcp.c's pool; FLOW_NO_HOLE */
    uint8_t initiator;           /* 1 or 2: endpoint 0 or 1 opened it (SYN); 0: not seen */
    /* flows.c's own. */
    uint16_t silence;      /* before its newest packet, in 2^30 ns; tcp.c reads it */
    uint32_t older, newer; /* chain by age of a full table, refreshed once a second per flow */
    uint32_t slot;         /* where the search for it begins */
};

struct flow_counts {
    uint64_t added;   /* distinct flows that began */
    uint64_t evicted; /* to make room for others */
    uint64_t active;  /* that had a packet since flows_each */
    size_t used;      /* entries in use now */
};

struct flows;

typedef void flows_tell(void *context, struct flow *flow, uint32_t index);

/* `entries`: at least 64. `seed` is random. `on_evict` is told of a flow that goes (its counts may
 * be 0), before its entry is used again; `index` is stable while the flow lives, below `entries`.
 */
struct flows *flows_new(size_t entries, const uint8_t seed[16], flows_tell *on_evict,
                        void *context);
/* Tells nobody. NULL is allowed. */
void flows_free(struct flows *flows);

/* In the order in which they are called for a packet with has_flow, some packets apart. The hash is
 * the same for both directions. */
uint64_t flows_hash(const struct flows *flows, const struct packet *packet);
void flows_prefetch_slot(const struct flows *flows, uint64_t hash);
void flows_prefetch_entry(const struct flows *flows, uint64_t hash);
/* The packet's flow, made if there is none; never NULL. *direction is 0 or 1. Does not count the
 * packet, but marks the flow as seen at its time. */
struct flow *flows_take(struct flows *flows, const struct packet *packet, uint64_t hash,
                        unsigned *direction);

/* Tells of every flow with packets, then sets its ip_bytes, packets and
 * first_ns to 0. */
void flows_each(struct flows *flows, flows_tell *tell, void *context);
/* Since the last call; `used` is of now. */
struct flow_counts flows_take_counts(struct flows *flows);
/* Forgets all, tells nobody. */
void flows_clear(struct flows *flows);

#endif
