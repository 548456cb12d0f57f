/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one frame says, as the decoder read it and everything behind it counts it. No pointer into
 * the frame: it may wait in a ring while the memory that it will touch is fetched.
 *
 * A frame is counted once as what it is on the wire: its link protocol, tags, outermost network
 * header and transport. Who talks to whom is taken from the innermost header that could be read:
 * in GRE, VXLAN, IP in IP and 6in4, at most two levels deep. */
#ifndef METER_PACKET_H
#define METER_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/* The outermost network protocol. */
enum packet_l3 { L3_OTHER, L3_IPV4, L3_IPV6, L3_ARP, L3_KINDS };

/* What the outermost IP header, behind IPv6's extension headers, says it carries. */
enum packet_l4 {
    L4_NONE, /* no IP, or the headers could not be read so far */
    L4_TCP,
    L4_UDP,
    L4_ICMP,
    L4_ICMP6,
    L4_IGMP,
    L4_GRE,
    L4_ESP,
    L4_AH, /* in IPv4, or as the last header */
    L4_SCTP,
    L4_IPIP, /* IPv4 in IP: protocol 4 */
    L4_6IN4, /* IPv6 in IP: protocol 41 */
    L4_OSPF,
    L4_PIM,
    L4_VRRP, /* 112; CARP has the same number */
    L4_OTHER,
    L4_KINDS,
};

/* How a frame is tagged. */
enum packet_tags {
    TAGS_NONE,
    TAGS_8100, /* one tag, IEEE 802.1Q; VLAN 0 (priority) too */
    TAGS_88A8, /* one tag, IEEE 802.1ad */
    TAGS_9100, /* one tag of the older kind */
    TAGS_QINQ, /* two or more, of whatever types */
    TAGS_KINDS,
};

/* Why reading a frame's headers ended before all of them were read. The first reason counts. */
enum packet_exit {
    EXIT_NONE,
    EXIT_EMPTY,          /* not one byte was captured */
    EXIT_LINK_TRUNCATED, /* the capture ends in the link header */
    EXIT_LINK_UNKNOWN,   /* a link type that is only counted */
    EXIT_VLAN_TRUNCATED,
    EXIT_VLAN_TOO_MANY, /* more than four tags */
    EXIT_MPLS_TRUNCATED,
    EXIT_MPLS_TOO_MANY, /* more than eight labels and no bottom */
    EXIT_MPLS_PAYLOAD,  /* below the bottom label is neither IPv4 nor IPv6 */
    EXIT_PPP_TRUNCATED, /* PPP or PPPoE */
    EXIT_IPV4_TRUNCATED,
    EXIT_IPV4_VERSION, /* the first half byte is not 4 */
    EXIT_IPV4_IHL,     /* header length below 20 bytes or over the total length */
    EXIT_IPV4_LENGTH,  /* total length over what was on the wire; all else is read */
    EXIT_IPV6_TRUNCATED,
    EXIT_IPV6_VERSION,
    EXIT_IPV6_LENGTH, /* payload length over what was on the wire; all else is read */
    EXIT_IPV6_EXTENSION_TRUNCATED,
    EXIT_IPV6_EXTENSION_LENGTH,    /* one that is longer than the packet */
    EXIT_IPV6_EXTENSIONS_TOO_MANY, /* more than eight */
    EXIT_TUNNEL_TOO_DEEP,          /* a third level: counted as the second one's payload */
    EXIT_GRE_TRUNCATED,
    EXIT_GRE_UNKNOWN, /* version or payload that is not read */
    EXIT_VXLAN_TRUNCATED,
    EXIT_TCP_TRUNCATED,
    EXIT_TCP_OFFSET, /* data offset below 5, or beyond the segment */
    EXIT_TCP_OPTION, /* an option of length 0 or 1, or beyond the header: the rest is skipped */
    EXIT_UDP_TRUNCATED,
    EXIT_UDP_LENGTH, /* below 8 or over the datagram */
    EXIT_ICMP_TRUNCATED,
    EXIT_SCTP_TRUNCATED,
    EXIT_DNS_TRUNCATED, /* a DNS header is not all there */
    EXITS,
};
/* "ipv4_truncated": lower case, as in the JSON. EXIT_NONE: "none". */
const char *packet_exit_name(enum packet_exit exit);
const char *packet_l3_name(enum packet_l3 l3);    /* "ipv4", "ipv6", "arp", "other" */
const char *packet_l4_name(enum packet_l4 l4);    /* "tcp", … "6in4", "other"; L4_NONE: "none" */
const char *packet_tags_name(enum packet_tags t); /* "none", "8100", "88a8", "9100", "qinq" */

enum tcp_flags { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

struct packet {
    int64_t time_ns;     /* since 1970, by the capture's clock */
    uint32_t wire_bytes; /* of the whole frame as it was on the wire */
    uint32_t ip_bytes;   /* of the outermost IP datagram by its own header, at most what was on the
                            wire; IPv4 total length 0 and IPv6 payload length 0 (a segment before its
                            offload, a jumbogram): what was on the wire. 0: no IP, or unreadable */
    uint8_t l3;          /* enum packet_l3 */
    uint8_t l4;          /* enum packet_l4; of a fragment its datagram's */
    uint8_t tags;        /* enum packet_tags */
    uint8_t exit;        /* enum packet_exit */
    uint16_t vlan;       /* of the outermost tag, 0 to 4095; 0 without */
    uint8_t n_tags;
    uint8_t n_tunnels;      /* 0 to 2: that were opened */
    bool is_truncated;      /* fewer bytes were captured than were on the wire */
    bool is_later_fragment; /* of the outermost datagram: not its first, so without ports */

    /* The innermost IP header that was read. */
    bool has_flow;               /* addresses and protocol are known */
    bool has_ports;              /* TCP, UDP, SCTP: and they could be read */
    bool flow_is_fragment;       /* of the innermost: any fragment, also the first */
    bool flow_is_later_fragment; /* not the first */
    bool has_dns;                /* UDP from or to port 53, and a DNS header */
    uint8_t protocol;            /* IANA protocol number, behind extension headers */
    uint16_t source_port;        /* host order; 0 without ports */
    uint16_t destination_port;
    uint8_t source[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t destination[16];
    uint32_t fragment_id; /* IPv4: 16 bits */

    /* TCP, when has_ports and protocol 6. */
    uint8_t tcp_flags; /* enum tcp_flags */
    uint16_t mss;      /* the option of a SYN; 0 without */
    uint32_t sequence;
    uint32_t acknowledgement;
    uint32_t payload_bytes; /* of TCP or UDP, by the IP header's length */

    /* DNS, when has_dns. */
    uint16_t dns_id;
    uint16_t dns_flags; /* RFC 1035 4.1.1, the third and fourth byte */
};

#endif
