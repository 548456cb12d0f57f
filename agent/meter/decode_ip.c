/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * IPv4 and IPv6 with its extension headers. */
#include "decode_parts.h"

#include <string.h>

enum { EXTENSIONS_MAX = 8 };

/* IANA's protocol numbers that are told apart; all others are L4_OTHER. */
static inline enum packet_l4 l4_of(unsigned protocol)
{
    static const uint8_t kinds[256] = {
        [1] = L4_ICMP,  [2] = L4_IGMP,  [4] = L4_IPIP,   [6] = L4_TCP,    [17] = L4_UDP,
        [41] = L4_6IN4, [47] = L4_GRE,  [50] = L4_ESP,   [51] = L4_AH,    [58] = L4_ICMP6,
        [89] = L4_OSPF, [103] = L4_PIM, [112] = L4_VRRP, [132] = L4_SCTP,
    };
    uint8_t kind = kinds[protocol];
    return kind != L4_NONE ? (enum packet_l4)kind : L4_OTHER;
}

/* What a datagram says about its fragmentation, and what it carries. */
struct datagram {
    unsigned protocol;
    uint32_t fragment_id;
    bool is_fragment;
    bool is_later;
};

/* This header is the innermost that was read so far. */
static inline void begin_flow(struct packet *packet, const struct datagram *datagram)
{
    if (packet->n_tunnels == 0) {
        packet->l4 = (uint8_t)l4_of(datagram->protocol);
        packet->is_later_fragment = datagram->is_later;
    } else { /* what the outer one left is not of its flow */
        packet->has_ports = false;
        packet->source_port = 0;
        packet->destination_port = 0;
        packet->payload_bytes = 0;
    }
    packet->has_flow = true;
    packet->protocol = (uint8_t)datagram->protocol;
    packet->flow_is_fragment = datagram->is_fragment;
    packet->flow_is_later_fragment = datagram->is_later;
    packet->fragment_id = datagram->fragment_id;
}

static inline void put_ipv4(uint8_t address[16], const uint8_t *at)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(address, prefix, sizeof prefix);
    memcpy(address + sizeof prefix, at, 4);
}

void decode_ipv4(struct view view, struct packet *packet)
{
    enum { HEADER_MIN = 20, SOURCE = 12, DESTINATION = 16 };
    enum { MORE_FRAGMENTS = 0x2000, FRAGMENT_OFFSET = 0x1fff };
    bool outer = packet->n_tunnels == 0;
    const uint8_t *at = view.at;
    if (outer) {
        packet->l3 = L3_IPV4;
    }
    if (view.captured < HEADER_MIN) {
        note_exit(packet, EXIT_IPV4_TRUNCATED);
        return;
    }
    if (at[0] >> 4 != 4) {
        note_exit(packet, EXIT_IPV4_VERSION);
        return;
    }
    uint32_t header = (at[0] & 0x0fU) * 4;
    uint32_t length = read16(at + 2);
    if (length == 0) { /* a segment before its offload */
        length = view.wire;
    }
    if (header < HEADER_MIN || header > length) {
        note_exit(packet, EXIT_IPV4_IHL);
        return;
    }
    if (length > view.wire) {
        note_exit(packet, EXIT_IPV4_LENGTH);
        length = view.wire;
    }
    if (outer) {
        packet->ip_bytes = length;
    }
    unsigned fragment = read16(at + 6);
    struct datagram datagram = {.protocol = at[9]};
    if ((fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) != 0) {
        datagram.is_fragment = true;
        datagram.is_later = (fragment & FRAGMENT_OFFSET) != 0;
        datagram.fragment_id = read16(at + 4);
    }
    begin_flow(packet, &datagram);
    put_ipv4(packet->source, at + SOURCE);
    put_ipv4(packet->destination, at + DESTINATION);
    if (view.captured < header) { /* its options are cut off, and all behind them */
        note_exit(packet, EXIT_IPV4_TRUNCATED);
        return;
    }
    if (!datagram.is_later) {
        decode_transport(view_skip(view_cut(view, length), header), datagram.protocol, packet);
    }
}

enum extension { EXTENSION_NONE, EXTENSION_PLAIN, EXTENSION_FRAGMENT, EXTENSION_AH };

/* IANA's "IPv6 Extension Header Types" but for ESP, which hides what follows, and the two for
 * experiments. */
static const uint8_t extensions[256] = {
    [0] = EXTENSION_PLAIN,     /* hop-by-hop */
    [43] = EXTENSION_PLAIN,    /* routing */
    [44] = EXTENSION_FRAGMENT, /* RFC 8200 4.5 */
    [51] = EXTENSION_AH,       /* RFC 4302 */
    [60] = EXTENSION_PLAIN,    /* destination options */
    [135] = EXTENSION_PLAIN,   /* mobility, RFC 6275 */
    [139] = EXTENSION_PLAIN,   /* HIP, RFC 7401 */
    [140] = EXTENSION_PLAIN,   /* shim6, RFC 5533 */
};

static uint32_t extension_size(enum extension kind, uint8_t length)
{
    switch (kind) {
    case EXTENSION_NONE:
        break;
    case EXTENSION_PLAIN:
        return (length + 1U) * 8;
    case EXTENSION_FRAGMENT:
        return 8;
    case EXTENSION_AH:
        return (length + 2U) * 4; /* RFC 4302 2.2: in words of four bytes, less two */
    }
    return 0;
}

static void read_fragment(const uint8_t *at, struct datagram *datagram)
{
    enum { OFFSET = 0xfff8, MORE = 0x0001 };
    unsigned field = read16(at + 2);
    if ((field & (OFFSET | MORE)) != 0) { /* else all of the datagram is here: RFC 6946 */
        datagram->is_fragment = true;
        datagram->is_later = (field & OFFSET) != 0;
        datagram->fragment_id = read32(at + 4);
    }
}

/* To the first header that is no extension, or that of a later fragment: what follows there is from
 * the middle of a datagram. */
static bool read_extensions(struct view *view, struct datagram *datagram, struct packet *packet)
{
    enum { EXTENSION_MIN = 8 };
    for (unsigned n = 0; extensions[datagram->protocol] != EXTENSION_NONE && !datagram->is_later;
         n++) {
        enum extension kind = (enum extension)extensions[datagram->protocol];
        if (n == EXTENSIONS_MAX) {
            note_exit(packet, EXIT_IPV6_EXTENSIONS_TOO_MANY);
            return false;
        }
        uint32_t size =
            view->captured < EXTENSION_MIN ? EXTENSION_MIN : extension_size(kind, view->at[1]);
        if (size > view->captured) {
            note_exit(packet, size > view->wire ? EXIT_IPV6_EXTENSION_LENGTH
                                                : EXIT_IPV6_EXTENSION_TRUNCATED);
            return false;
        }
        if (kind == EXTENSION_FRAGMENT) {
            read_fragment(view->at, datagram);
        }
        datagram->protocol = view->at[0];
        *view = view_skip(*view, size);
    }
    return true;
}

void decode_ipv6(struct view view, struct packet *packet)
{
    enum { HEADER = 40, SOURCE = 8, DESTINATION = 24, NO_NEXT_HEADER = 59 };
    bool outer = packet->n_tunnels == 0;
    const uint8_t *at = view.at;
    if (outer) {
        packet->l3 = L3_IPV6;
    }
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_IPV6_TRUNCATED);
        return;
    }
    if (at[0] >> 4 != 6) {
        note_exit(packet, EXIT_IPV6_VERSION);
        return;
    }
    struct datagram datagram = {.protocol = at[6]};
    uint32_t length = HEADER + (uint32_t)read16(at + 4);
    /* Payload length 0: a jumbogram (RFC 2675) or a segment before its offload, unless there is no
     * payload. */
    if (length == HEADER && datagram.protocol != NO_NEXT_HEADER) {
        length = view.wire;
    }
    if (length > view.wire) {
        note_exit(packet, EXIT_IPV6_LENGTH);
        length = view.wire;
    }
    if (outer) {
        packet->ip_bytes = length;
    }
    view = view_skip(view_cut(view, length), HEADER);
    if (!read_extensions(&view, &datagram, packet)) {
        return;
    }
    begin_flow(packet, &datagram);
    memcpy(packet->source, at + SOURCE, sizeof packet->source);
    memcpy(packet->destination, at + DESTINATION, sizeof packet->destination);
    if (!datagram.is_later) {
        decode_transport(view, datagram.protocol, packet);
    }
}

bool decode_ip(struct view view, struct packet *packet)
{
    unsigned version = view.captured > 0 ? view.at[0] >> 4 : 0;
    if (version == 4) {
        decode_ipv4(view, packet);
    } else if (version == 6) {
        decode_ipv6(view, packet);
    }
    return version == 4 || version == 6;
}
