/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The link's headers: what stands in front of the network header. */
#include "meter/decode.h"

#include "decode_parts.h"

#include <string.h>

enum {
    TAGS_MAX = 4,
    LABELS_MAX = 8,
};

/* IEEE 802 EtherTypes. */
enum {
    ETHER_LENGTH_MAX = 1500, /* up to here: the length of an 802.3 frame */
    ETHER_IPV4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_8100 = 0x8100,
    ETHER_88A8 = 0x88a8,
    ETHER_9100 = 0x9100,
    ETHER_IPV6 = 0x86dd,
    ETHER_MPLS = 0x8847,
    ETHER_MPLS_UPSTREAM = 0x8848,
    ETHER_PPPOE = 0x8864, /* session; discovery (0x8863) carries nobody's packets */
};

static inline bool is_tag(unsigned type)
{
    return type == ETHER_8100 || type == ETHER_88A8 || type == ETHER_9100;
}

static enum packet_tags tag_kind(unsigned type)
{
    return type == ETHER_8100 ? TAGS_8100 : type == ETHER_88A8 ? TAGS_88A8 : TAGS_9100;
}

/* From behind the first tag's type; *type becomes that of what is tagged. A tag that was cut off
 * still says how the frame is tagged. Tags in a tunnel are not the frame's. */
static bool read_tags(struct view *view, unsigned *type, struct packet *packet)
{
    enum { TAG = 4, VLAN_MASK = 0x0fff };
    bool outer = packet->n_tunnels == 0;
    for (uint8_t n = 0; is_tag(*type); n++) {
        if (outer) {
            packet->tags = (uint8_t)(n == 0 ? tag_kind(*type) : TAGS_QINQ);
            packet->n_tags = n;
        }
        if (n == TAGS_MAX || view->captured < TAG) {
            note_exit(packet, n == TAGS_MAX ? EXIT_VLAN_TOO_MANY : EXIT_VLAN_TRUNCATED);
            return false;
        }
        if (outer && n == 0) {
            packet->vlan = read16(view->at) & VLAN_MASK;
        }
        if (outer) {
            packet->n_tags = (uint8_t)(n + 1);
        }
        *type = read16(view->at + 2);
        *view = view_skip(*view, TAG);
    }
    return true;
}

/* IEEE 802.2 LLC; SNAP's header has an EtherType again (RFC 1042; 00-00-f8: 802.1H). */
static bool read_llc(struct view *view, unsigned *type, struct packet *packet)
{
    enum { LLC = 3, SNAP = 8, SAP_SNAP = 0xaa, BRIDGED = 0x0000f8 };
    if (view->captured < LLC) {
        note_exit(packet, EXIT_LINK_TRUNCATED);
        return false;
    }
    if (view->at[0] != SAP_SNAP || view->at[1] != SAP_SNAP) {
        return false; /* spanning tree, IS-IS … */
    }
    if (view->captured < SNAP) {
        note_exit(packet, EXIT_LINK_TRUNCATED);
        return false;
    }
    uint32_t organisation = read32(view->at + 2) & 0x00ffffff; /* with the control byte before */
    if (organisation != 0 && organisation != BRIDGED) {
        return false;
    }
    *type = read16(view->at + 6);
    *view = view_skip(*view, SNAP);
    return true;
}

/* What a link's type field says comes next: tags, then maybe LLC, then the network. */
static void decode_type(struct view view, unsigned type, struct packet *packet)
{
    if (is_tag(type) && !read_tags(&view, &type, packet)) {
        return;
    }
    if (type <= ETHER_LENGTH_MAX && !read_llc(&view, &type, packet)) {
        return;
    }
    (void)decode_network(view, type, packet); /* of other types nothing is read */
}

void decode_ethernet(struct view view, struct packet *packet)
{
    enum { TYPE = 12, HEADER = 14 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_LINK_TRUNCATED);
        return;
    }
    decode_type(view_skip(view, HEADER), read16(view.at + TYPE), packet);
}

/* RFC 3032. What is below the bottom label only its router knows; IP's first half byte tells. */
static void decode_mpls(struct view view, struct packet *packet)
{
    enum { LABEL = 4, BOTTOM = 0x01 };
    bool bottom = false;
    for (unsigned n = 0; !bottom; n++) {
        if (n == LABELS_MAX || view.captured < LABEL) {
            note_exit(packet, n == LABELS_MAX ? EXIT_MPLS_TOO_MANY : EXIT_MPLS_TRUNCATED);
            return;
        }
        bottom = (view.at[2] & BOTTOM) != 0;
        view = view_skip(view, LABEL);
    }
    if (!decode_ip(view, packet)) {
        note_exit(packet, view.captured == 0 ? EXIT_MPLS_TRUNCATED : EXIT_MPLS_PAYLOAD);
    }
}

/* RFC 2516. */
static void decode_pppoe(struct view view, struct packet *packet)
{
    enum { HEADER = 6, VERSION_TYPE = 0x11, SESSION_DATA = 0 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_PPP_TRUNCATED);
        return;
    }
    if (view.at[0] == VERSION_TYPE && view.at[1] == SESSION_DATA) {
        (void)decode_ppp(view_skip(view, HEADER), packet); /* LCP and the like: not read */
    }
}

bool decode_ppp(struct view view, struct packet *packet)
{
    enum { ALL_STATIONS = 0xff, UNNUMBERED = 0x03 };                           /* RFC 1662 */
    enum { IPV4 = 0x0021, IPV6 = 0x0057, MPLS = 0x0281, MPLS_MULTI = 0x0283 }; /* IANA */
    if (view.captured > 0 && view.at[0] == ALL_STATIONS) {
        if (view.captured < 2) {
            note_exit(packet, EXIT_PPP_TRUNCATED);
            return false;
        }
        view = view.at[1] == UNNUMBERED ? view_skip(view, 2) : view;
    }
    /* Protocol numbers end in an odd byte and begin with an even one, which may be left out when it
     * is 0: RFC 1661 section 6.5. */
    uint32_t size = view.captured > 0 && (view.at[0] & 1) != 0 ? 1 : 2;
    if (view.captured < size) {
        note_exit(packet, EXIT_PPP_TRUNCATED);
        return false;
    }
    unsigned protocol = size == 1 ? view.at[0] : read16(view.at);
    view = view_skip(view, size);
    switch (protocol) {
    case IPV4:
        decode_ipv4(view, packet);
        return true;
    case IPV6:
        decode_ipv6(view, packet);
        return true;
    case MPLS:
    case MPLS_MULTI:
        decode_mpls(view, packet);
        return true;
    default:
        return false;
    }
}

bool decode_network(struct view view, unsigned ether_type, struct packet *packet)
{
    switch (ether_type) {
    case ETHER_IPV4:
        decode_ipv4(view, packet);
        return true;
    case ETHER_IPV6:
        decode_ipv6(view, packet);
        return true;
    case ETHER_ARP:
        if (packet->n_tunnels == 0) {
            packet->l3 = L3_ARP;
        }
        return true;
    case ETHER_MPLS:
    case ETHER_MPLS_UPSTREAM:
        decode_mpls(view, packet);
        return true;
    case ETHER_PPPOE:
        decode_pppoe(view, packet);
        return true;
    default:
        return false;
    }
}

/* PPP, or Cisco's HDLC, whose first byte no PPP frame has. */
static void decode_serial(struct view view, struct packet *packet)
{
    enum { CISCO_UNICAST = 0x0f, CISCO_MULTICAST = 0x8f, CISCO_HEADER = 4 };
    if (view.at[0] != CISCO_UNICAST && view.at[0] != CISCO_MULTICAST) {
        (void)decode_ppp(view, packet);
    } else if (view.captured < CISCO_HEADER) {
        note_exit(packet, EXIT_LINK_TRUNCATED);
    } else {
        decode_type(view_skip(view, CISCO_HEADER), read16(view.at + 2), packet);
    }
}

/* Linux's device types (ARPHRD_) for which a cooked header's protocol is no EtherType. */
static bool has_ether_type(unsigned device)
{
    enum { FRAME_RELAY = 770, IEEE80211 = 801, PRISM = 802, RADIOTAP = 803, NETLINK = 824 };
    return device != FRAME_RELAY && device != IEEE80211 && device != PRISM && device != RADIOTAP &&
           device != NETLINK;
}

static void decode_cooked(struct view view, uint32_t header, unsigned device, unsigned type,
                          struct packet *packet)
{
    enum {
        ETHER_LLC = 4
    }; /* Linux's own numbers below 0x0600: this one is LLC, none is a length */
    if (!has_ether_type(device)) {
        note_exit(packet, EXIT_LINK_UNKNOWN);
    } else if (type > ETHER_LENGTH_MAX || type == ETHER_LLC) {
        decode_type(view_skip(view, header), type, packet);
    }
}

static void decode_sll(struct view view, struct packet *packet)
{
    enum { DEVICE = 2, TYPE = 14, HEADER = 16 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_LINK_TRUNCATED);
        return;
    }
    decode_cooked(view, HEADER, read16(view.at + DEVICE), read16(view.at + TYPE), packet);
}

static void decode_sll2(struct view view, struct packet *packet)
{
    enum { TYPE = 0, DEVICE = 8, HEADER = 20 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_LINK_TRUNCATED);
        return;
    }
    decode_cooked(view, HEADER, read16(view.at + DEVICE), read16(view.at + TYPE), packet);
}

/* Address families, in the byte order of the machine that captured; each system has a number of its
 * own for IPv6. */
static void decode_null(struct view view, struct packet *packet)
{
    enum { HEADER = 4, INET = 2, INET6_LINUX = 10, INET6_BSD = 24 };
    enum { INET6_FREEBSD = 28, INET6_DARWIN = 30 };
    if (view.captured < HEADER) {
        note_exit(packet, EXIT_LINK_TRUNCATED);
        return;
    }
    uint32_t family = read32(view.at);
    if (family > 0xffff) {
        family = (uint32_t)view.at[3] << 24 | (uint32_t)view.at[2] << 16 |
                 (uint32_t)view.at[1] << 8 | view.at[0];
    }
    view = view_skip(view, HEADER);
    switch (family) {
    case INET:
        decode_ipv4(view, packet);
        break;
    case INET6_LINUX:
    case INET6_BSD:
    case INET6_FREEBSD:
    case INET6_DARWIN:
        decode_ipv6(view, packet);
        break;
    default: /* AppleTalk, OSI … */
        break;
    }
}

static void decode_link(enum link_type link, struct view view, struct packet *packet)
{
    switch (link) {
    case LINK_ETHERNET:
        decode_ethernet(view, packet);
        break;
    case LINK_LINUX_SLL:
        decode_sll(view, packet);
        break;
    case LINK_LINUX_SLL2:
        decode_sll2(view, packet);
        break;
    case LINK_RAW_IP:
        if (!decode_ip(view, packet)) {
            note_exit(packet, EXIT_IPV4_VERSION);
        }
        break;
    case LINK_NULL:
        decode_null(view, packet);
        break;
    case LINK_PPP:
        decode_serial(view, packet);
        break;
    case LINK_UNKNOWN:
        note_exit(packet, EXIT_LINK_UNKNOWN);
        break;
    }
}

/* All of it: that is six stores, fewer than it takes to find out what nobody set. In two halves,
 * because of the whole gcc makes a "rep stos", which takes a third of the decoder's time. */
static inline void clear(struct packet *packet)
{
    enum { HALF = sizeof *packet / 2 };
    memset(packet, 0, HALF);
    memset((uint8_t *)packet + HALF, 0, sizeof *packet - HALF);
}

void decode_frame(enum link_type link, const uint8_t *frame, size_t captured, size_t length,
                  int64_t time_ns, struct packet *packet)
{
    uint32_t wire = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
    struct view view = {frame, captured < wire ? (uint32_t)captured : wire, wire};
    clear(packet);
    packet->time_ns = time_ns;
    packet->wire_bytes = wire;
    packet->is_truncated = view.captured < wire;
    if (view.captured == 0) {
        note_exit(packet, EXIT_EMPTY);
        return;
    }
    decode_link(link, view, packet);
}
