/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kind of packet is it? Walks a frame's headers, bounded by what was captured. Pure.
 *
 * Ethernet II with up to four tags (IEEE 802.1Q 0x8100, 802.1ad 0x88a8, 0x9100), 802.3 with LLC,
 * MPLS (RFC 3032, up to eight labels), IPv4 (RFC 791), IPv6 (RFC 8200) with up to eight extension
 * headers, ARP. Tunnels are not opened: the outer packet counts. */
#ifndef CAPTURE_DECODE_H
#define CAPTURE_DECODE_H

#include <stddef.h>
#include <stdint.h>

/* The header in front, as libpcap's DLT_ names it. */
enum decode_link {
    DECODE_ETHERNET,
    DECODE_LINUX_SLL,  /* LINKTYPE_LINUX_SLL */
    DECODE_LINUX_SLL2, /* LINKTYPE_LINUX_SLL2 */
    DECODE_RAW_IP,
    DECODE_NULL, /* BSD loopback: 4 bytes of address family in the host's order */
};

enum decode_network { NETWORK_OTHER, NETWORK_IPV4, NETWORK_IPV6, NETWORK_ARP };
enum decode_transport {
    TRANSPORT_NONE,
    TRANSPORT_OTHER,
    TRANSPORT_TCP,
    TRANSPORT_UDP,
    TRANSPORT_ICMP
};
enum decode_fault {
    FAULT_NONE,
    FAULT_TRUNCATED, /* the capture was cut before the headers ended */
    FAULT_MALFORMED, /* the packet contradicts itself or its protocol */
};

struct decoded {
    enum decode_network network;     /* as far as it is known, also with a fault */
    enum decode_transport transport; /* by the IP header's word; a fragment has its packet's */
    enum decode_fault fault;
    uint8_t n_vlan_tags;
};

/* `captured` bytes are at `frame`, of `length` that were on the wire (captured <= length). */
struct decoded decode_frame(enum decode_link link, const uint8_t *frame, size_t captured,
                            size_t length);

#endif
