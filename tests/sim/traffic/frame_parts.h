/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of the frame builder share: frame.c makes IP and what is in it, frame_link.c what
 * stands in front. */
#ifndef SIM_TRAFFIC_FRAME_PARTS_H
#define SIM_TRAFFIC_FRAME_PARTS_H

#include "flow.h"
#include "hosts.h"
#include "options.h"

#include <string.h>

enum {
    ETHERNET_HEADER = 14,
    PPPOE_HEADER = 8,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    TCP_STAMPS = 12,
    TCP_SYN_OPTIONS = 12,
    UDP_HEADER = 8,
    ICMP_HEADER = 8,
    SCTP_HEADER = 12,
    GRE_HEADER = 4,
    VXLAN_HEADER = 8,
    ETHER_IPV4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_BRIDGED = 0x6558,
    ETHER_IPV6 = 0x86dd,
    ETHER_MPLS = 0x8847,
    ETHER_PPPOE = 0x8864,
    ETHER_LLDP = 0x88cc,
};

/* Where the next byte goes; frames are built in room enough for all headers. */
struct writer {
    uint8_t *at;
};

static inline void put8(struct writer *writer, uint32_t value)
{
    *writer->at++ = (uint8_t)value;
}

static inline void put16(struct writer *writer, uint32_t value)
{
    put8(writer, value >> 8);
    put8(writer, value);
}

static inline void put32(struct writer *writer, uint32_t value)
{
    put16(writer, value >> 16);
    put16(writer, value);
}

static inline void put_zeros(struct writer *writer, size_t n)
{
    memset(writer->at, 0, n);
    writer->at += n;
}

static inline void put_bytes(struct writer *writer, const uint8_t *bytes, size_t n)
{
    memcpy(writer->at, bytes, n);
    writer->at += n;
}

struct ip_fields {
    bool is_v6;
    uint8_t protocol; /* IPv6: the first next header */
    uint16_t id;
    uint16_t fragment; /* IPv4: flags and offset */
    uint32_t length;   /* of the datagram, this header included */
    uint8_t source[16];
    uint8_t destination[16];
};
void put_ip(struct writer *writer, const struct ip_fields *ip);

/* Destination and source, made of two numbers. */
void put_macs(struct writer *writer, uint32_t source, uint32_t destination);
/* All in front of the outermost IP header, which has `length` bytes with all behind it. */
void put_link(struct writer *writer, const struct flow *flow, const struct step *step,
              enum link link, bool is_v6, uint32_t length);
/* ARP, LLDP, spanning tree, on Ethernet; returns how many bytes of payload follow. */
uint32_t put_link_only(struct writer *writer, const struct hosts *hosts, const struct flow *flow,
                       const struct step *step);

#endif
