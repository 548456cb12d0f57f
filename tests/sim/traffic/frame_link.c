/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What stands in front of IP, and what is not IP; and IP's own headers. */
#include "frame_parts.h"

void put_macs(struct writer *writer, uint32_t source, uint32_t destination)
{
    put16(writer, 0x0200);
    put32(writer, destination);
    put16(writer, 0x0200);
    put32(writer, source);
}

static void put_ethernet(struct writer *writer, const struct flow *flow, const struct step *step)
{
    put_macs(writer, flow->host[step->direction], flow->host[1 - step->direction]);
    for (unsigned i = 0; i < flow->wrap.n_tags; i++) {
        put16(writer, flow->wrap.tag_types[i]);
        put16(writer, flow->wrap.tags[i] | (i == 0 ? 3U << 13 : 0U)); /* some priority */
    }
}

static void put_labels(struct writer *writer, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        put32(writer, (16U + i) << 12 | (i + 1 == n ? 0x100U : 0U) | 64U);
    }
}

/* The EtherType, and what it announces in front of IP. */
static void put_type(struct writer *writer, const struct flow *flow, bool is_v6, uint32_t length)
{
    if (flow->wrap.pppoe) {
        put16(writer, ETHER_PPPOE);
        put16(writer, 0x1100);
        put16(writer, 7); /* session */
        put16(writer, length + 2);
        put16(writer, is_v6 ? 0x0057 : 0x0021);
    } else if (flow->wrap.n_labels > 0) {
        put16(writer, ETHER_MPLS);
        put_labels(writer, flow->wrap.n_labels);
    } else {
        put16(writer, is_v6 ? ETHER_IPV6 : ETHER_IPV4);
    }
}

/* Linux's cooked header carries the sender's address alone. */
static void put_cooked(struct writer *writer, const struct flow *flow, const struct step *step)
{
    put16(writer, 6);
    put16(writer, 0x0200);
    put32(writer, flow->host[step->direction]);
    put16(writer, 0);
}

void put_link(struct writer *writer, const struct flow *flow, const struct step *step,
              enum link link, bool is_v6, uint32_t length)
{
    unsigned type = is_v6 ? ETHER_IPV6 : ETHER_IPV4;
    switch (link) {
    case LINK_ETHERNET:
        put_ethernet(writer, flow, step);
        put_type(writer, flow, is_v6, length);
        break;
    case LINK_SLL:
        put16(writer, step->direction == 0 ? 4 : 0);
        put16(writer, 1); /* Ethernet */
        put_cooked(writer, flow, step);
        put16(writer, type);
        break;
    case LINK_SLL2:
        put16(writer, type);
        put16(writer, 0);
        put32(writer, 2); /* interface */
        put16(writer, 1);
        put8(writer, step->direction == 0 ? 4 : 0);
        put8(writer, 6);
        put16(writer, 0x0200);
        put32(writer, flow->host[step->direction]);
        put16(writer, 0);
        break;
    case LINK_RAW:
        break;
    case LINK_NULL: /* as a little-endian machine of FreeBSD writes it */
        put32(writer, is_v6 ? 28U << 24 : 2U << 24);
        break;
    case LINK_PPP:
        put16(writer, 0xff03);
        put16(writer, is_v6 ? 0x0057 : 0x0021);
        break;
    case LINKS:
        break;
    }
}

static void put_arp(struct writer *writer, const struct hosts *hosts, const struct flow *flow,
                    const struct step *step)
{
    uint8_t address[16];
    put16(writer, ETHER_ARP);
    put16(writer, 1);
    put16(writer, ETHER_IPV4);
    put16(writer, 0x0604);
    put16(writer, step->direction == 0 ? 1 : 2);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t host = flow->host[i == 0 ? step->direction : 1 - step->direction];
        put16(writer, 0x0200);
        put32(writer, host);
        hosts_address(hosts, host, false, address);
        put_bytes(writer, address + 12, 4);
    }
}

uint32_t put_link_only(struct writer *writer, const struct hosts *hosts, const struct flow *flow,
                       const struct step *step)
{
    enum { SPANNING_TREE = 38, LLC = 3 };
    put_ethernet(writer, flow, step);
    if (flow->kind == FLOW_ARP) {
        put_arp(writer, hosts, flow, step);
        return 0;
    }
    if (flow->protocol == 0) {
        put16(writer, ETHER_LLDP);
        return step->payload;
    }
    put16(writer, SPANNING_TREE); /* 802.3: a length, not a type */
    put16(writer, 0x4242);
    put8(writer, 3);
    return SPANNING_TREE - LLC;
}

static void put_ipv4(struct writer *writer, const struct ip_fields *ip)
{
    const uint8_t *header = writer->at;
    uint32_t sum = 0;
    put16(writer, 0x4500);
    put16(writer, ip->length);
    put16(writer, ip->id);
    put16(writer, ip->fragment);
    put8(writer, 64);
    put8(writer, ip->protocol);
    put16(writer, 0);
    put_bytes(writer, ip->source + 12, 4);
    put_bytes(writer, ip->destination + 12, 4);
    for (unsigned i = 0; i < IPV4_HEADER; i += 2) { /* RFC 1071 */
        sum += (uint32_t)header[i] << 8 | header[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16));
    struct writer checksum = {writer->at - 10};
    put16(&checksum, sum);
}

void put_ip(struct writer *writer, const struct ip_fields *ip)
{
    if (!ip->is_v6) {
        put_ipv4(writer, ip);
        return;
    }
    put32(writer, 6U << 28);
    put16(writer, ip->length - IPV6_HEADER);
    put8(writer, ip->protocol);
    put8(writer, 64);
    put_bytes(writer, ip->source, 16);
    put_bytes(writer, ip->destination, 16);
}
