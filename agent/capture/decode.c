/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decode.h"

#include <stdbool.h>

enum {
    VLAN_TAGS_MAX = 4,
    MPLS_LABELS_MAX = 8,
    EXTENSION_HEADERS_MAX = 8,
};

/* EtherTypes, IEEE 802 numbers. */
enum {
    ETHER_IPV4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_VLAN = 0x8100,
    ETHER_IPV6 = 0x86dd,
    ETHER_MPLS = 0x8847,
    ETHER_MPLS_MULTICAST = 0x8848,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100,
    ETHER_LENGTH_MAX = 1500, /* below: a length, an 802.3 frame */
};

/* Protocol numbers, IANA. */
enum {
    PROTO_HOP_BY_HOP = 0,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_AH = 51,
    PROTO_ICMPV6 = 58,
    PROTO_NO_NEXT = 59,
    PROTO_DESTINATION = 60,
    PROTO_MOBILITY = 135,
    PROTO_HIP = 139,
    PROTO_SHIM6 = 140,
};

/* What is left of a frame: `wire` counts what the capture cut off, too. */
struct cursor {
    const uint8_t *at;
    size_t captured;
    size_t wire;
};

static void skip(struct cursor *cursor, size_t n)
{
    cursor->at += n;
    cursor->captured -= n;
    cursor->wire -= n;
}

/* Are `n` bytes here to be read? */
static enum decode_fault need(const struct cursor *cursor, size_t n)
{
    if (cursor->captured >= n) {
        return FAULT_NONE;
    }
    return cursor->wire >= n ? FAULT_TRUNCATED : FAULT_MALFORMED;
}

static uint16_t read16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static enum decode_transport transport_of(unsigned protocol)
{
    switch (protocol) {
    case PROTO_TCP:
        return TRANSPORT_TCP;
    case PROTO_UDP:
        return TRANSPORT_UDP;
    case PROTO_ICMP:
    case PROTO_ICMPV6:
        return TRANSPORT_ICMP;
    default:
        return TRANSPORT_OTHER;
    }
}

static void read_ipv4(struct cursor cursor, struct decoded *decoded)
{
    enum { HEADER_MIN = 20 };
    decoded->network = NETWORK_IPV4;
    decoded->fault = need(&cursor, HEADER_MIN);
    if (decoded->fault != FAULT_NONE) {
        return;
    }
    size_t header = (size_t)(cursor.at[0] & 0x0f) * 4;
    size_t total = read16(cursor.at + 2);
    /* A total length of 0 is what a segment before its offload has. */
    if (cursor.at[0] >> 4 != 4 || header < HEADER_MIN || (total != 0 && total < header) ||
        total > cursor.wire) {
        decoded->fault = FAULT_MALFORMED;
        return;
    }
    decoded->transport = transport_of(cursor.at[9]);
    decoded->fault = need(&cursor, header);
}

/* Length of an extension header in bytes, 0: it is none. */
static size_t extension_size(unsigned protocol, const uint8_t *at)
{
    switch (protocol) {
    case PROTO_HOP_BY_HOP:
    case PROTO_ROUTING:
    case PROTO_DESTINATION:
    case PROTO_MOBILITY:
    case PROTO_HIP:
    case PROTO_SHIM6:
        return ((size_t)at[1] + 1) * 8;
    case PROTO_FRAGMENT:
        return 8;
    case PROTO_AH:
        return ((size_t)at[1] + 2) * 4; /* RFC 4302: in words of four bytes, less two */
    default:
        return 0;
    }
}

static bool is_extension(unsigned protocol)
{
    static const uint8_t any[2];
    return extension_size(protocol, any) != 0;
}

static void read_ipv6(struct cursor cursor, struct decoded *decoded)
{
    enum { HEADER = 40, EXTENSION_MIN = 8 };
    decoded->network = NETWORK_IPV6;
    decoded->fault = need(&cursor, HEADER);
    if (decoded->fault != FAULT_NONE) {
        return;
    }
    size_t payload = read16(cursor.at + 4);
    unsigned next = cursor.at[6];
    if (cursor.at[0] >> 4 != 6 || payload > cursor.wire - HEADER) {
        decoded->fault = FAULT_MALFORMED;
        return;
    }
    skip(&cursor, HEADER);
    bool fragment = false;
    for (int i = 0; is_extension(next) && !fragment; i++) {
        decoded->transport = TRANSPORT_OTHER;
        decoded->fault =
            i == EXTENSION_HEADERS_MAX ? FAULT_MALFORMED : need(&cursor, EXTENSION_MIN);
        if (decoded->fault != FAULT_NONE) {
            return;
        }
        size_t size = extension_size(next, cursor.at);
        /* What follows a later fragment's header is data, not a header. */
        fragment = next == PROTO_FRAGMENT && (read16(cursor.at + 2) & 0xfff8) != 0;
        next = cursor.at[0];
        decoded->fault = need(&cursor, size);
        if (decoded->fault != FAULT_NONE) {
            return;
        }
        skip(&cursor, size);
    }
    decoded->transport = transport_of(next);
}

static void read_by_version(struct cursor cursor, struct decoded *decoded)
{
    decoded->fault = need(&cursor, 1);
    if (decoded->fault != FAULT_NONE) {
        return;
    }
    if (cursor.at[0] >> 4 == 4) {
        read_ipv4(cursor, decoded);
    } else if (cursor.at[0] >> 4 == 6) {
        read_ipv6(cursor, decoded);
    }
}

/* Below the last label is what its router knows; the first half byte of an IP packet tells. */
static void read_mpls(struct cursor cursor, struct decoded *decoded)
{
    enum { LABEL = 4, BOTTOM = 0x01 };
    for (int i = 0; i < MPLS_LABELS_MAX; i++) {
        decoded->fault = need(&cursor, LABEL);
        if (decoded->fault != FAULT_NONE) {
            return;
        }
        bool bottom = (cursor.at[2] & BOTTOM) != 0;
        skip(&cursor, LABEL);
        if (bottom) {
            read_by_version(cursor, decoded);
            return;
        }
    }
    decoded->fault = FAULT_MALFORMED;
}

static bool is_tag(unsigned type)
{
    return type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD;
}

/* What an EtherType says is next. */
static void read_typed(struct cursor cursor, unsigned type, struct decoded *decoded)
{
    enum { TAG = 4 };
    while (is_tag(type)) {
        decoded->fault =
            decoded->n_vlan_tags == VLAN_TAGS_MAX ? FAULT_MALFORMED : need(&cursor, TAG);
        if (decoded->fault != FAULT_NONE) {
            return;
        }
        decoded->n_vlan_tags++;
        type = read16(cursor.at + 2);
        skip(&cursor, TAG);
    }
    switch (type) {
    case ETHER_IPV4:
        read_ipv4(cursor, decoded);
        break;
    case ETHER_IPV6:
        read_ipv6(cursor, decoded);
        break;
    case ETHER_MPLS:
    case ETHER_MPLS_MULTICAST:
        read_mpls(cursor, decoded);
        break;
    case ETHER_ARP:
        decoded->network = NETWORK_ARP;
        break;
    default: /* LLC, LLDP, EtherCAT …: others' */
        break;
    }
}

/* The address families that BSDs and Linux write in front of a packet. */
static void read_null(struct cursor cursor, struct decoded *decoded)
{
    enum { HEADER = 4 };
    decoded->fault = need(&cursor, HEADER);
    if (decoded->fault == FAULT_NONE) {
        skip(&cursor, HEADER);
        read_by_version(cursor, decoded);
    }
}

struct decoded decode_frame(enum decode_link link, const uint8_t *frame, size_t captured,
                            size_t length)
{
    /* Where the EtherType stands, and how long the header is. */
    static const struct {
        size_t type_at;
        size_t size;
    } headers[] = {
        [DECODE_ETHERNET] = {12, 14},
        [DECODE_LINUX_SLL] = {14, 16},
        [DECODE_LINUX_SLL2] = {0, 20},
    };
    struct decoded decoded = {0};
    struct cursor cursor = {frame, captured, length};
    switch (link) {
    case DECODE_RAW_IP:
        read_by_version(cursor, &decoded);
        break;
    case DECODE_NULL:
        read_null(cursor, &decoded);
        break;
    case DECODE_ETHERNET:
    case DECODE_LINUX_SLL:
    case DECODE_LINUX_SLL2:
        decoded.fault = need(&cursor, headers[link].size);
        if (decoded.fault == FAULT_NONE) {
            unsigned type = read16(frame + headers[link].type_at);
            skip(&cursor, headers[link].size);
            if (type > ETHER_LENGTH_MAX) {
                read_typed(cursor, type, &decoded);
            }
        }
        break;
    }
    return decoded;
}
