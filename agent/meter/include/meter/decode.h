/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads a frame's headers, bounded by what was captured; the only code that sees foreign packet
 * bytes. Pure.
 *
 * Ethernet II with up to four tags (IEEE 802.1Q 0x8100, 802.1ad 0x88a8, 0x9100), 802.3 with LLC and
 * SNAP, Linux "cooked" v1 and v2, raw IP, BSD loopback, PPP (also in HDLC framing) and PPPoE
 * session (RFC 2516), MPLS (RFC 3032, up to eight labels, the payload guessed by its first half
 * byte), IPv4 (RFC 791), IPv6 with up to eight extension headers (RFC 8200, AH of RFC 4302),
 * fragments, GRE (RFC 2784, 2890), VXLAN (RFC 7348, UDP port 4789), IP in IP and 6in4 (RFC 2003,
 * 4213), TCP (RFC 9293), UDP, ICMP, SCTP, ESP, ARP. */
#ifndef METER_DECODE_H
#define METER_DECODE_H

#include "meter/packet.h"
#include <stddef.h>

/* The header in front, as libpcap's DLT_ names it. */
enum link_type {
    LINK_ETHERNET,
    LINK_LINUX_SLL,
    LINK_LINUX_SLL2,
    LINK_RAW_IP,
    LINK_NULL,    /* DLT_NULL and DLT_LOOP: 4 bytes of address family in either order */
    LINK_PPP,     /* DLT_PPP, DLT_PPP_SERIAL: with or without HDLC's address and control bytes */
    LINK_UNKNOWN, /* counted by its bytes, not read */
};

/* `captured` bytes are at `frame`, of `length` on the wire (captured <= length; of more only
 * `length` are looked at). Fills in all of *packet. Never fails: exit tells how far it came. */
void decode_frame(enum link_type link, const uint8_t *frame, size_t captured, size_t length,
                  int64_t time_ns, struct packet *packet);

#endif
