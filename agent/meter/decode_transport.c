/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What IP carries. */
#include "decode_parts.h"

static void read_ports(struct view view, struct packet *packet)
{
    packet->has_ports = true;
    packet->source_port = read16(view.at);
    packet->destination_port = read16(view.at + 2);
}

/* RFC 9293 3.1; MSS is 3.7.1. `options` ends where the header or the capture does: what would be
 * behind it is noted, unless the capture's end was already. */
static void read_tcp_options(const uint8_t *options, uint32_t size, struct packet *packet)
{
    enum { END = 0, NO_OPERATION = 1, MSS = 2, MSS_SIZE = 4, OPTION_MIN = 2 };
    uint32_t at = 0;
    while (at < size && options[at] != END) {
        if (options[at] == NO_OPERATION) {
            at++;
            continue;
        }
        uint32_t length = size - at < OPTION_MIN ? 0 : options[at + 1];
        if (length < OPTION_MIN || length > size - at) {
            note_exit(packet, EXIT_TCP_OPTION);
            return;
        }
        if (options[at] == MSS && length == MSS_SIZE && (packet->tcp_flags & TCP_SYN) != 0) {
            packet->mss = read16(options + at + 2);
        }
        at += length;
    }
}

static void decode_tcp(struct view view, struct packet *packet)
{
    enum { HEADER_MIN = 20, FLAGS = 0x3f, TIMESTAMP_HEADER = 32 };
    static const uint32_t timestamp_option = 0x0101080a; /* RFC 7323 appendix A */
    const uint8_t *at = view.at;
    if (view.captured < HEADER_MIN) {
        note_exit(packet, EXIT_TCP_TRUNCATED);
        return;
    }
    read_ports(view, packet);
    packet->sequence = read32(at + 4);
    packet->acknowledgement = read32(at + 8);
    packet->tcp_flags = at[13] & FLAGS;
    uint32_t header = (at[12] >> 4) * 4U;
    if (header < HEADER_MIN || header > view.wire) {
        bool in_next_fragment = header > view.wire && packet->flow_is_fragment;
        note_exit(packet, in_next_fragment ? EXIT_TCP_TRUNCATED : EXIT_TCP_OFFSET);
        return;
    }
    packet->payload_bytes = view.wire - header;
    if (header == HEADER_MIN) {
        return;
    }
    if (header > view.captured) {
        note_exit(packet, EXIT_TCP_TRUNCATED);
        header = view.captured;
    }
    if (header != TIMESTAMP_HEADER || read32(at + HEADER_MIN) != timestamp_option) {
        read_tcp_options(at + HEADER_MIN, header - HEADER_MIN, packet);
    }
}

static void decode_dns(struct view view, struct packet *packet)
{
    enum { HEADER = 12 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_DNS_TRUNCATED);
        return;
    }
    packet->has_dns = true;
    packet->dns_id = read16(view.at);
    packet->dns_flags = read16(view.at + 2);
}

static void decode_udp(struct view view, struct packet *packet)
{
    enum { HEADER = 8, PORT_DNS = 53, PORT_VXLAN = 4789 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_UDP_TRUNCATED);
        return;
    }
    read_ports(view, packet);
    packet->payload_bytes = view.wire - HEADER;
    uint32_t length = read16(view.at + 4);
    if (length == 0 && view.wire > UINT16_MAX) { /* RFC 2675 section 4 */
        length = view.wire;
    }
    if (length < HEADER) {
        note_exit(packet, EXIT_UDP_LENGTH);
        return;
    }
    if (length < view.wire) {
        view = view_cut(view, length);
    } else if (length > view.wire && !packet->flow_is_fragment) {
        note_exit(packet, EXIT_UDP_LENGTH);
    }
    view = view_skip(view, HEADER);
    if (packet->source_port == PORT_DNS || packet->destination_port == PORT_DNS) {
        decode_dns(view, packet);
    } else if (packet->destination_port == PORT_VXLAN) {
        decode_vxlan(view, packet);
    }
}

static void decode_sctp(struct view view, struct packet *packet)
{
    enum { HEADER = 12 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_SCTP_TRUNCATED);
        return;
    }
    read_ports(view, packet);
}

static void decode_icmp(struct view view, struct packet *packet)
{
    enum { HEADER = 8 }; /* every message has as much: RFC 792, RFC 4443 */
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_ICMP_TRUNCATED);
    }
}

void decode_transport(struct view view, unsigned protocol, struct packet *packet)
{
    enum { ICMP = 1, IPV4 = 4, TCP = 6, UDP = 17, IPV6 = 41, GRE = 47, ICMP6 = 58, SCTP = 132 };
    switch (protocol) {
    case TCP:
        decode_tcp(view, packet);
        break;
    case UDP:
        decode_udp(view, packet);
        break;
    case ICMP:
    case ICMP6:
        decode_icmp(view, packet);
        break;
    case SCTP:
        decode_sctp(view, packet);
        break;
    case GRE:
        decode_gre(view, packet);
        break;
    case IPV4:
        decode_ipv4_in_ip(view, packet);
        break;
    case IPV6:
        decode_ipv6_in_ip(view, packet);
        break;
    default: /* nothing behind IP is looked at */
        break;
    }
}
