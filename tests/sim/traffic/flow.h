/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A conversation as it is planned: who, how its frames are wrapped, and its next packets with what
 * is true of each. */
#ifndef SIM_TRAFFIC_FLOW_H
#define SIM_TRAFFIC_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAGS_MAX = 4, TUNNELS_MAX = 2, MTU_BYTES = 1500 };

enum flow_kind { FLOW_TCP, FLOW_UDP, FLOW_DNS, FLOW_ICMP, FLOW_IP, FLOW_ARP, FLOW_LINK };

enum protocol {
    PROTOCOL_ICMP = 1,
    PROTOCOL_IGMP = 2,
    PROTOCOL_IPV4 = 4,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_IPV6 = 41,
    PROTOCOL_GRE = 47,
    PROTOCOL_ESP = 50,
    PROTOCOL_AH = 51,
    PROTOCOL_ICMP6 = 58,
    PROTOCOL_OSPF = 89,
    PROTOCOL_PIM = 103,
    PROTOCOL_VRRP = 112,
    PROTOCOL_L2TP = 115,
    PROTOCOL_SCTP = 132,
};

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

/* What the plan knows of a packet, whatever a meter makes of it. */
enum fact {
    FACT_SYN_REPEAT = 1 << 0,     /* a SYN or SYN-ACK that was seen before */
    FACT_HANDSHAKE = 1 << 1,      /* the SYN-ACK to a SYN sent once, seen at since_ns */
    FACT_AMBIGUOUS = 1 << 2,      /* the SYN-ACK to a repeated SYN */
    FACT_RTT_CLIENT = 1 << 3,     /* the ACK to a SYN-ACK sent once, seen at since_ns */
    FACT_RETRANSMISSION = 1 << 4, /* data sent again, whether seen the first time or not */
    FACT_REORDERED = 1 << 5,      /* data that was overtaken */
    FACT_DNS_QUERY = 1 << 6,
    FACT_DNS_REPEAT = 1 << 7, /* that query again */
    FACT_DNS_RESPONSE = 1 << 8,
    FACT_DNS_TIMED = 1 << 9,      /* the answer to a query sent once, seen at since_ns */
    FACT_DNS_UNTIMED = 1 << 10,   /* the answer to a repeated one */
    FACT_DNS_UNMATCHED = 1 << 11, /* the answer to one that was not seen */
    FACT_UNMATCHED = 1 << 12,     /* a fragment before its first: nobody's */
};

enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_MIDDLE, FRAGMENT_LAST };

struct step {
    int64_t time_ns;
    int64_t since_ns;
    uint32_t facts;    /* enum fact */
    uint32_t sequence; /* TCP; of an ICMP echo its number */
    uint32_t acknowledgement;
    uint32_t payload; /* bytes behind the transport header; of a fragment: behind the IP header */
    uint32_t transport_bytes; /* of a first fragment: of the whole datagram */
    uint32_t fragment_id;
    uint16_t fragment_at; /* bytes before it in the datagram */
    uint16_t pieces;      /* packets on the wire that were merged into it, 1 at least */
    uint16_t dns_id;
    uint16_t dns_flags;
    uint8_t direction; /* 0: from end 0, the client */
    uint8_t tcp_flags;
    uint8_t fragment; /* enum fragment */
};

enum tunnel_kind { TUNNEL_GRE, TUNNEL_GRE_BRIDGED, TUNNEL_VXLAN, TUNNEL_IP };

struct tunnel {
    uint8_t kind;      /* enum tunnel_kind */
    bool is_v6;        /* its own header */
    uint8_t gre_flags; /* the upper byte: checksum, key, sequence number */
    uint16_t ends[2];  /* numbers of its routers */
};

/* IPv6 extension headers, in this order. */
enum extension {
    EXTENSION_HOP_BY_HOP = 1,
    EXTENSION_ROUTING = 2,
    EXTENSION_ATOMIC = 4, /* a fragment header of what is in one piece, RFC 6946 */
    EXTENSION_AH = 8,
    EXTENSION_DESTINATION = 16,
};

/* Around the flow's own IP header, outermost first. */
struct wrap {
    uint8_t n_tags;
    uint8_t n_labels;
    uint8_t n_tunnels;
    uint8_t trailer; /* bytes behind a padded frame */
    uint8_t extensions;
    bool pppoe;
    bool pads;
    uint16_t tag_types[TAGS_MAX];
    uint16_t tags[TAGS_MAX]; /* VLAN, 0 to 4095 */
    struct tunnel tunnels[TUNNELS_MAX];
};

enum tcp_stage { TCP_OPEN, TCP_REQUEST, TCP_TRANSFER, TCP_PAUSE, TCP_CLOSE, TCP_ENDED };

struct tcp_plan {
    int64_t rtt_ns[2]; /* from here to the client and back, to the server and back */
    int64_t gap_ns;    /* from segment to segment in a window */
    uint32_t next[2];  /* sequence number */
    uint32_t syn;      /* of the last SYN, for one that nobody answers */
    uint32_t left;     /* segments of this transfer */
    uint16_t mss;      /* in the SYN */
    uint16_t window;   /* segments sent at once */
    uint8_t stage;     /* enum tcp_stage */
    uint8_t sender;    /* of this transfer: direction */
    bool timestamps;   /* the option: 12 bytes of each segment */
    bool unanswered;
    bool refused;
    bool midstream;
    bool offload;
};

struct flow {
    uint32_t host[2]; /* numbers in hosts; 0 is the client */
    uint16_t port[2];
    uint8_t kind;     /* enum flow_kind */
    uint8_t protocol; /* enum protocol, or any other */
    bool is_v6;
    uint8_t only_direction; /* 0, 1: of packets that are seen; 2: both */
    struct wrap wrap;
    uint32_t quota; /* ends when it has so many packets, more or less */
    uint32_t planned;
    struct tcp_plan tcp;
    /* The next packets, in order of time. */
    struct step *steps;
    uint32_t n_steps;
    uint32_t at_step;
    /* What was written of it. */
    uint64_t ip_bytes;
    uint64_t packets; /* 0: it was not seen */
};

#endif
