/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of the decoder share. decode.c reads what stands in front of the network header,
 * decode_ip.c IP, decode_transport.c what IP carries, decode_tunnel.c the ways back to the top.
 *
 * Each part reads its header, writes down what it said, and hands the rest to the next: nobody goes
 * back. All loops end by a limit of their own; all parts together by the two levels of tunnels. */
#ifndef METER_DECODE_PARTS_H
#define METER_DECODE_PARTS_H

#include "meter/packet.h"

enum { TUNNELS_MAX = 2 };

/* What is not read yet: of the frame, within IP of the datagram (so that an Ethernet frame's
 * padding is never taken for a header or for payload). captured <= wire. */
struct view {
    const uint8_t *at;
    uint32_t captured; /* these can be read */
    uint32_t wire;     /* these were on the wire */
};

static inline struct view view_skip(struct view view, uint32_t n)
{
    return (struct view){view.at + n, view.captured - n, view.wire - n};
}

/* The first `n` bytes of it, n <= wire. */
static inline struct view view_cut(struct view view, uint32_t n)
{
    return (struct view){view.at, view.captured < n ? view.captured : n, n};
}

static inline uint16_t read16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Reading ends, or goes on in doubt: the first reason counts. */
static inline void note_exit(struct packet *packet, enum packet_exit exit)
{
    if (packet->exit == EXIT_NONE) {
        packet->exit = (uint8_t)exit;
    }
}

/* An Ethernet frame, from its addresses on. */
void decode_ethernet(struct view view, struct packet *packet);
/* What an EtherType says comes next: IP, ARP, MPLS or PPPoE, but no tag and no 802.3 length. False:
 * the type is none that is read. */
bool decode_network(struct view view, unsigned ether_type, struct packet *packet);
/* From PPP's protocol field (or HDLC's address in front of it) on. False: it carries something that
 * is not read. */
bool decode_ppp(struct view view, struct packet *packet);

void decode_ipv4(struct view view, struct packet *packet);
void decode_ipv6(struct view view, struct packet *packet);
/* IPv4 or IPv6, as its first half byte says. False: neither, or no byte. */
bool decode_ip(struct view view, struct packet *packet);

/* The payload of an unfragmented datagram or a first fragment, cut to the datagram. The packet's
 * flow is that of this datagram's header. */
void decode_transport(struct view view, unsigned protocol, struct packet *packet);

void decode_gre(struct view view, struct packet *packet);
void decode_vxlan(struct view view, struct packet *packet);
void decode_ipv4_in_ip(struct view view, struct packet *packet);
void decode_ipv6_in_ip(struct view view, struct packet *packet);

#endif
