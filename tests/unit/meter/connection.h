/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One TCP connection for the tests of tcp.c: packets go through the flow table as in the meter. */
#ifndef TEST_CONNECTION_H
#define TEST_CONNECTION_H

#include "meter/tcp.h"

enum { CLIENT, SERVER };
enum { FIN = TCP_FIN, SYN = TCP_SYN, RST = TCP_RST, ACK = TCP_ACK };

static const int64_t US = 1000;
static const int64_t MS = 1000000;
static const int64_t S = 1000000000;

struct world {
    struct flows *flows;
    struct tcp_tracker *tracker;
    struct tcp_counts counts;
    int64_t now_ns;
    unsigned host;     /* of the client: other hosts, other connections */
    struct flow *flow; /* of the packet that was sent last */
};

/* The only one: its counts are large. */
struct world *world_new(size_t holes);
void world_free(struct world *world);
/* A packet of the connection, seen at now_ns. */
void world_send(struct world *world, unsigned from, unsigned flags, uint32_t sequence,
                uint32_t acknowledgement, uint32_t payload_bytes);
/* SYN, SYN-ACK, ACK: the first data of both has the sequence number that is given + 1. */
void world_handshake(struct world *world, uint32_t client, uint32_t server);
/* So many of each, and that none is counted as anything else. */
void assert_counts(const struct world *world, uint64_t data_segments, uint64_t retransmissions,
                   uint64_t reordered);

#endif
