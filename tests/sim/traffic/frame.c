/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame.h"

#include "frame_parts.h"

#include <string.h>

/* --- sizes, from the inside out --- */

static uint32_t tunnel_overhead(const struct tunnel *tunnel)
{
    uint32_t ip = tunnel->is_v6 ? IPV6_HEADER : IPV4_HEADER;
    uint32_t gre = GRE_HEADER;
    for (unsigned bit = 0x10; bit <= 0x80; bit <<= 1) {
        gre += (tunnel->gre_flags & bit) != 0 ? 4U : 0U;
    }
    switch ((enum tunnel_kind)tunnel->kind) {
    case TUNNEL_GRE:
        return ip + gre;
    case TUNNEL_GRE_BRIDGED:
        return ip + gre + ETHERNET_HEADER;
    case TUNNEL_VXLAN:
        return ip + UDP_HEADER + VXLAN_HEADER + ETHERNET_HEADER;
    case TUNNEL_IP:
        break;
    }
    return ip;
}

static uint32_t extensions_size(unsigned extensions)
{
    static const uint8_t sizes[] = {8, 24, 8, 24, 16}; /* in the order of enum extension */
    uint32_t size = 0;
    for (unsigned i = 0; i < sizeof sizes; i++) {
        size += (extensions >> i & 1) != 0 ? sizes[i] : 0U;
    }
    return size;
}

/* Those that stand in front of a fragment header: the rest is in the datagram's own part. */
static unsigned extensions_of(const struct flow *flow, const struct step *step)
{
    if (step->fragment == FRAGMENT_NONE) {
        return flow->wrap.extensions;
    }
    return (flow->wrap.extensions & (EXTENSION_HOP_BY_HOP | EXTENSION_ROUTING)) | EXTENSION_ATOMIC;
}

static uint32_t own_header(const struct flow *flow, const struct step *step)
{
    return flow->is_v6 ? IPV6_HEADER + extensions_size(extensions_of(flow, step)) : IPV4_HEADER;
}

uint32_t frame_room(const struct flow *flow)
{
    uint32_t used = flow->is_v6 ? IPV6_HEADER : IPV4_HEADER;
    /* With a fragment header there is none of the last two: these are no smaller. */
    used += extensions_size(flow->wrap.extensions | (flow->is_v6 ? EXTENSION_ATOMIC : 0U));
    used += flow->wrap.pppoe ? PPPOE_HEADER : 0;
    for (unsigned i = 0; i < flow->wrap.n_tunnels; i++) {
        used += tunnel_overhead(&flow->wrap.tunnels[i]);
    }
    return MTU_BYTES - used;
}

uint32_t frame_tcp_header(const struct flow *flow, unsigned tcp_flags)
{
    uint32_t stamps = flow->tcp.timestamps ? TCP_STAMPS : 0;
    return TCP_HEADER + stamps + ((tcp_flags & TCP_SYN) != 0 ? TCP_SYN_OPTIONS : 0);
}

static uint32_t transport_header(const struct flow *flow, const struct step *step)
{
    if (step->fragment != FRAGMENT_NONE) {
        return 0; /* part of the payload there */
    }
    switch (flow->protocol) {
    case PROTOCOL_TCP:
        return frame_tcp_header(flow, step->tcp_flags);
    case PROTOCOL_UDP:
        return UDP_HEADER;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMP6:
        return ICMP_HEADER;
    case PROTOCOL_SCTP:
        return SCTP_HEADER;
    default:
        return 0;
    }
}

/* --- what is inside IP --- */

static void put_tcp(struct writer *writer, const struct flow *flow, const struct step *step)
{
    uint32_t header = frame_tcp_header(flow, step->tcp_flags);
    put16(writer, flow->port[step->direction]);
    put16(writer, flow->port[1 - step->direction]);
    put32(writer, step->sequence);
    put32(writer, step->acknowledgement);
    put8(writer, header / 4 << 4);
    put8(writer, step->tcp_flags);
    put16(writer, 64240);
    put32(writer, 0); /* checksum, urgent pointer */
    if ((step->tcp_flags & TCP_SYN) != 0) {
        put32(writer, 0x02040000U | flow->tcp.mss);
        put32(writer, 0x01010402); /* SACK permitted */
        put32(writer, 0x01030307); /* window scale */
    }
    if (flow->tcp.timestamps) {
        put32(writer, 0x0101080a);
        put32(writer, (uint32_t)(step->time_ns / 1000000));
        put32(writer, (step->tcp_flags & TCP_ACK) != 0 ? 1 : 0);
    }
}

/* A question for www.example.com. */
static void put_dns(struct writer *writer, const struct step *step)
{
    static const uint8_t question[] = "\3www\7example\3com\0\0\1\0\1"; /* type A, class IN */
    put16(writer, step->dns_id);
    put16(writer, step->dns_flags);
    put32(writer, 0x00010000);
    put32(writer, 0);
    put_bytes(writer, question, sizeof question - 1); /* the last NUL is the compiler's */
}

static void put_icmp(struct writer *writer, const struct flow *flow, const struct step *step)
{
    static const uint8_t types[2][2] = {{8, 0}, {128, 129}}; /* echo and its reply */
    put8(writer, types[flow->protocol == PROTOCOL_ICMP6][step->direction]);
    put8(writer, 0);
    put16(writer, 0);
    put16(writer, flow->host[0] & 0xffff);
    put16(writer, step->sequence & 0xffff);
}

static void put_transport(struct writer *writer, const struct flow *flow, const struct step *step)
{
    uint32_t datagram =
        step->fragment == FRAGMENT_FIRST ? step->transport_bytes : step->payload + UDP_HEADER;
    switch (flow->protocol) {
    case PROTOCOL_TCP:
        put_tcp(writer, flow, step);
        return;
    case PROTOCOL_UDP:
        put16(writer, flow->port[step->direction]);
        put16(writer, flow->port[1 - step->direction]);
        put16(writer, datagram);
        put16(writer, 0);
        if (flow->kind == FLOW_DNS) {
            put_dns(writer, step);
        }
        return;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMP6:
        put_icmp(writer, flow, step);
        return;
    case PROTOCOL_SCTP:
        put16(writer, flow->port[step->direction]);
        put16(writer, flow->port[1 - step->direction]);
        put32(writer, 0x5c7b0001);
        put32(writer, 0);
        return;
    case PROTOCOL_AH:                /* its header is part of the payload here */
        put16(writer, 59U << 8 | 4); /* nothing follows its 24 bytes */
        return;
    default:
        return;
    }
}

/* --- IP itself --- */

static void put_extensions(struct writer *writer, const struct flow *flow, const struct step *step)
{
    static const uint8_t numbers[] = {0, 43, 44, PROTOCOL_AH, 60};
    unsigned extensions = extensions_of(flow, step);
    for (unsigned i = 0; i < sizeof numbers; i++) {
        unsigned rest = extensions >> (i + 1);
        unsigned next = flow->protocol;
        if ((extensions >> i & 1) == 0) {
            continue;
        }
        for (unsigned k = i + 1; rest != 0; k++, rest >>= 1) {
            if ((rest & 1) != 0) {
                next = numbers[k];
                break;
            }
        }
        uint32_t size = extensions_size(1U << i);
        put8(writer, next);
        if (numbers[i] == 44) {
            put8(writer, 0);
            put16(writer, step->fragment_at | (step->fragment == FRAGMENT_FIRST ||
                                               step->fragment == FRAGMENT_MIDDLE));
            put32(writer, step->fragment_id);
        } else if (numbers[i] == PROTOCOL_AH) {
            put8(writer, size / 4 - 2);
            put_zeros(writer, size - 2);
        } else { /* all of it one option of padding, or an empty route */
            put8(writer, size / 8 - 1);
            put8(writer, numbers[i] == 43 ? 4 : 1);
            put8(writer, numbers[i] == 43 ? 0 : size - 4);
            put_zeros(writer, size - 4);
        }
    }
}

static unsigned first_header(const struct flow *flow, const struct step *step)
{
    static const uint8_t numbers[] = {0, 43, 44, PROTOCOL_AH, 60};
    unsigned extensions = extensions_of(flow, step);
    for (unsigned i = 0; i < sizeof numbers; i++) {
        if ((extensions >> i & 1) != 0) {
            return numbers[i];
        }
    }
    return flow->protocol;
}

static void put_own(struct writer *writer, const struct hosts *hosts, const struct flow *flow,
                    const struct step *step, uint32_t length)
{
    struct ip_fields ip = {.is_v6 = flow->is_v6, .length = length, .protocol = flow->protocol};
    hosts_address(hosts, flow->host[step->direction], flow->is_v6, ip.source);
    hosts_address(hosts, flow->host[1 - step->direction], flow->is_v6, ip.destination);
    if (flow->is_v6) {
        ip.protocol = (uint8_t)first_header(flow, step);
    } else if (step->fragment != FRAGMENT_NONE) {
        ip.id = (uint16_t)step->fragment_id;
        ip.fragment =
            (uint16_t)(step->fragment_at / 8 | (step->fragment == FRAGMENT_LAST ? 0U : 0x2000U));
    } else {
        ip.fragment = 0x4000; /* don't fragment */
    }
    put_ip(writer, &ip);
    if (flow->is_v6) {
        put_extensions(writer, flow, step);
    }
    if (step->fragment == FRAGMENT_NONE || step->fragment == FRAGMENT_FIRST) {
        put_transport(writer, flow, step);
    }
}

/* --- tunnels --- */

static void put_tunnel(struct writer *writer, const struct tunnel *tunnel, const struct step *step,
                       uint32_t length, bool inner_is_v6)
{
    struct ip_fields ip = {.is_v6 = tunnel->is_v6, .length = length, .fragment = 0x4000};
    unsigned type = inner_is_v6 ? ETHER_IPV6 : ETHER_IPV4;
    uint32_t header = tunnel->is_v6 ? IPV6_HEADER : IPV4_HEADER;
    hosts_router_address(tunnel->ends[step->direction], tunnel->is_v6, ip.source);
    hosts_router_address(tunnel->ends[1 - step->direction], tunnel->is_v6, ip.destination);
    switch ((enum tunnel_kind)tunnel->kind) {
    case TUNNEL_GRE:
    case TUNNEL_GRE_BRIDGED:
        ip.protocol = PROTOCOL_GRE;
        put_ip(writer, &ip);
        put16(writer, (unsigned)tunnel->gre_flags << 8);
        put16(writer, tunnel->kind == TUNNEL_GRE ? type : ETHER_BRIDGED);
        for (unsigned bit = 0x10; bit <= 0x80; bit <<= 1) {
            put_zeros(writer, (tunnel->gre_flags & bit) != 0 ? 4 : 0);
        }
        break;
    case TUNNEL_VXLAN:
        ip.protocol = PROTOCOL_UDP;
        put_ip(writer, &ip);
        put16(writer, 49152U + tunnel->ends[0]);
        put16(writer, 4789);
        put16(writer, length - header);
        put16(writer, 0);
        put32(writer, 0x08000000);
        put32(writer, 42U << 8);
        break;
    case TUNNEL_IP:
        ip.protocol = inner_is_v6 ? PROTOCOL_IPV6 : PROTOCOL_IPV4;
        put_ip(writer, &ip);
        break;
    }
    if (tunnel->kind == TUNNEL_VXLAN || tunnel->kind == TUNNEL_GRE_BRIDGED) {
        put_macs(writer, tunnel->ends[step->direction], tunnel->ends[1 - step->direction]);
        put16(writer, type);
    }
}

static void put_datagram(struct writer *writer, const struct hosts *hosts, const struct flow *flow,
                         const struct step *step, uint32_t length)
{
    const struct wrap *wrap = &flow->wrap;
    for (unsigned i = 0; i < wrap->n_tunnels; i++) {
        bool inner_is_v6 = i + 1 < wrap->n_tunnels ? wrap->tunnels[i + 1].is_v6 : flow->is_v6;
        put_tunnel(writer, &wrap->tunnels[i], step, length, inner_is_v6);
        length -= tunnel_overhead(&wrap->tunnels[i]);
    }
    put_own(writer, hosts, flow, step, length);
}

/* --- the whole --- */

static void close_frame(struct frame *frame, const struct writer *writer, uint32_t wire,
                        uint32_t snaplen)
{
    frame->headers = (uint32_t)(writer->at - frame->bytes);
    frame->wire = wire;
    frame->captured = snaplen != 0 && snaplen < wire ? snaplen : wire;
    if (frame->captured > frame->headers) {
        memset(frame->bytes + frame->headers, 0, frame->captured - frame->headers);
    }
}

static uint32_t padded(const struct flow *flow, enum link link, uint32_t wire)
{
    enum { ETHERNET_MIN = 60 };
    if (link != LINK_ETHERNET || !flow->wrap.pads) {
        return wire;
    }
    return (wire < ETHERNET_MIN ? ETHERNET_MIN : wire) + flow->wrap.trailer;
}

void frame_build(struct frame *frame, const struct hosts *hosts, const struct flow *flow,
                 const struct step *step, enum link link, uint32_t snaplen)
{
    struct writer writer = {frame->bytes};
    if (flow->kind == FLOW_ARP || flow->kind == FLOW_LINK) {
        uint32_t payload = put_link_only(&writer, hosts, flow, step);
        uint32_t headers = (uint32_t)(writer.at - frame->bytes);
        frame->ip_bytes = 0;
        close_frame(frame, &writer, padded(flow, link, headers + payload), snaplen);
        return;
    }
    uint32_t length = own_header(flow, step) + transport_header(flow, step) + step->payload;
    for (unsigned i = 0; i < flow->wrap.n_tunnels; i++) {
        length += tunnel_overhead(&flow->wrap.tunnels[i]);
    }
    bool outer_is_v6 = flow->wrap.n_tunnels > 0 ? flow->wrap.tunnels[0].is_v6 : flow->is_v6;
    put_link(&writer, flow, step, link, outer_is_v6, length);
    uint32_t wire = (uint32_t)(writer.at - frame->bytes) + length;
    put_datagram(&writer, hosts, flow, step, length);
    frame->ip_bytes = length;
    close_frame(frame, &writer, padded(flow, link, wire), snaplen);
}
