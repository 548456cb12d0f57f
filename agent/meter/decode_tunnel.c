/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tunnels: GRE, VXLAN, IP in IP. */
#include "decode_parts.h"

/* False: this would be a third level. */
static bool open_tunnel(struct view *view, struct packet *packet)
{
    enum { DATAGRAM_MAX = 65535 };
    if (packet->n_tunnels == TUNNELS_MAX) {
        note_exit(packet, EXIT_TUNNEL_TOO_DEEP);
        return false;
    }
    packet->n_tunnels++;
    /* In a first fragment more of what is carried follows than this frame has on the wire. */
    if (packet->flow_is_fragment && view->wire < DATAGRAM_MAX) {
        view->wire = DATAGRAM_MAX;
    }
    return true;
}

void decode_ipv4_in_ip(struct view view, struct packet *packet)
{
    if (open_tunnel(&view, packet)) {
        decode_ipv4(view, packet);
    }
}

void decode_ipv6_in_ip(struct view view, struct packet *packet)
{
    if (open_tunnel(&view, packet)) {
        decode_ipv6(view, packet);
    }
}

void decode_vxlan(struct view view, struct packet *packet)
{
    enum { HEADER = 8, HAS_NETWORK = 0x08 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_VXLAN_TRUNCATED);
        return;
    }
    /* RFC 7348 section 5: the flag must be set; without it something else uses the port. */
    if ((view.at[0] & HAS_NETWORK) != 0 && open_tunnel(&view, packet)) {
        decode_ethernet(view_skip(view, HEADER), packet);
    }
}

/* The flags in front of a GRE header, as 16 bits: RFC 1701, 2784, 2890; version 1: RFC 2637. */
enum gre_flags {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGEMENT = 0x0080, /* version 1 */
    GRE_VERSION = 0x0007,
};

/* Source routes, RFC 1701: entries of a family, an offset, a length and as many bytes; one of
 * family and length 0 is the last. */
static bool skip_gre_routes(struct view *view)
{
    enum { ENTRY = 4, ENTRIES_MAX = 8 };
    for (unsigned n = 0; n < ENTRIES_MAX && view->captured >= ENTRY; n++) {
        unsigned family = read16(view->at);
        uint32_t length = view->at[3];
        if (view->captured < ENTRY + length) {
            return false;
        }
        *view = view_skip(*view, ENTRY + length);
        if (family == 0 && length == 0) {
            return true;
        }
    }
    return false;
}

static bool skip_gre_header(struct view *view, unsigned flags)
{
    enum { HEADER = 4, FIELD = 4 };
    uint32_t size = HEADER;
    size += (flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0 ? FIELD : 0; /* one has the other's, too */
    size += (flags & GRE_KEY) != 0 ? FIELD : 0;
    size += (flags & GRE_SEQUENCE) != 0 ? FIELD : 0;
    if (view->captured < size) {
        return false;
    }
    *view = view_skip(*view, size);
    return (flags & GRE_ROUTING) == 0 || skip_gre_routes(view);
}

/* Mirrored Ethernet frames: type I follows at once, type II, which comes with sequence numbers, has
 * a header of its own: draft-foschiano-erspan. */
static void decode_erspan(struct view view, unsigned flags, struct packet *packet)
{
    enum { TYPE2_HEADER = 8 };
    uint32_t header = (flags & GRE_SEQUENCE) != 0 ? TYPE2_HEADER : 0;
    if (view.captured < header) {
        note_exit(packet, EXIT_GRE_TRUNCATED);
    } else if (open_tunnel(&view, packet)) {
        decode_ethernet(view_skip(view, header), packet);
    }
}

static void decode_gre0(struct view view, unsigned flags, unsigned type, struct packet *packet)
{
    enum { ETHER_BRIDGED = 0x6558, ETHER_ERSPAN = 0x88be };
    if (!skip_gre_header(&view, flags)) {
        note_exit(packet, EXIT_GRE_TRUNCATED);
    } else if (type == ETHER_ERSPAN) {
        decode_erspan(view, flags, packet);
    } else if (!open_tunnel(&view, packet)) {
        return;
    } else if (type == ETHER_BRIDGED) {
        decode_ethernet(view, packet);
    } else if (!decode_network(view, type, packet)) {
        packet->n_tunnels--;
        note_exit(packet, EXIT_GRE_UNKNOWN);
    }
}

/* PPTP, RFC 2637 4.1: always a key, PPP behind it when it has a sequence number; compressed or
 * encrypted PPP is not read. */
static void decode_gre1(struct view view, unsigned flags, unsigned type, struct packet *packet)
{
    enum { HEADER = 8, FIELD = 4, ETHER_PPP = 0x880b };
    uint32_t size = HEADER;
    size += (flags & GRE_SEQUENCE) != 0 ? FIELD : 0;
    size += (flags & GRE_ACKNOWLEDGEMENT) != 0 ? FIELD : 0;
    if (type != ETHER_PPP || (flags & GRE_KEY) == 0) {
        note_exit(packet, EXIT_GRE_UNKNOWN);
    } else if (view.captured < size) {
        note_exit(packet, EXIT_GRE_TRUNCATED);
    } else if ((flags & GRE_SEQUENCE) != 0 && open_tunnel(&view, packet) &&
               !decode_ppp(view_skip(view, size), packet)) {
        packet->n_tunnels--;
        note_exit(packet, EXIT_GRE_UNKNOWN);
    }
}

void decode_gre(struct view view, struct packet *packet)
{
    enum { HEADER = 4 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_GRE_TRUNCATED);
        return;
    }
    unsigned flags = read16(view.at);
    unsigned type = read16(view.at + 2);
    switch (flags & GRE_VERSION) {
    case 0:
        decode_gre0(view, flags, type, packet);
        break;
    case 1:
        decode_gre1(view, flags, type, packet);
        break;
    default:
        note_exit(packet, EXIT_GRE_UNKNOWN);
        break;
    }
}
