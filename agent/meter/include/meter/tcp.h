/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How TCP fares in a flow, seen from one place on its way: the handshake's round trips, what was
 * sent again, what came out of order. RFC 9293; Karn's rule (RFC 6298 section 3): what was sent
 * twice is not timed. Pure but for its memory.
 *
 * A segment with data below the highest byte seen fills a hole or repeats. In a hole that is
 * younger than 3 ms it was overtaken on its way: reordered. Otherwise it was sent again: a
 * retransmission. Keep-alives (at most one byte, just below what is next) are neither, nor are
 * window probes. */
#ifndef METER_TCP_H
#define METER_TCP_H

#include "meter/flows.h"
#include "meter/histogram.h"

struct tcp_counts {
    uint64_t syns; /* SYN without ACK */
    uint64_t syn_acks;
    uint64_t fins;
    uint64_t resets;
    uint64_t handshakes;           /* SYN once, and its SYN-ACK: what rtt_server has */
    uint64_t handshakes_ambiguous; /* answered, but the SYN was repeated before */
    uint64_t data_segments;
    uint64_t retransmissions;     /* of data segments */
    uint64_t syn_retransmissions; /* SYN and SYN-ACK */
    uint64_t reordered;           /* of data segments */
    uint64_t backwards;           /* round trips that the capture's clock made negative: not used */
    struct histogram rtt_server;  /* SYN to SYN-ACK, ns: from here to the server and back */
    struct histogram rtt_client;  /* SYN-ACK to its ACK, unless the SYN-ACK was repeated */
};

struct tcp_tracker;

/* `holes`: how many gaps in sequences can be watched at a time, 64 to 65535. When all are taken the
 * oldest is forgotten: what would fill it counts as a retransmission. */
struct tcp_tracker *tcp_tracker_new(size_t holes);
/* NULL is allowed. */
void tcp_tracker_free(struct tcp_tracker *tracker);
/* A TCP packet of the flow in that direction. A new SYN with another sequence number after the
 * connection ended, or was silent for two minutes, begins a new connection in the same flow. */
void tcp_track(struct tcp_tracker *tracker, struct tcp_counts *counts, struct flow *flow,
               unsigned direction, const struct packet *packet);
/* The flow goes: gives back its holes. */
void tcp_forget(struct tcp_tracker *tracker, struct flow *flow);
/* Forgets the holes of all flows, which must still be there. */
void tcp_clear(struct tcp_tracker *tracker);
void tcp_counts_merge(struct tcp_counts *into, const struct tcp_counts *from);

#endif
