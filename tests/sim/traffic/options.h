/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the generator is asked for on its command line. */
#ifndef SIM_TRAFFIC_OPTIONS_H
#define SIM_TRAFFIC_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum link {
    LINK_ETHERNET,
    LINK_SLL,
    LINK_SLL2,
    LINK_RAW,
    LINK_NULL,
    LINK_PPP,
    LINKS,
};

/* What traffic is made of; usage of options.c tells what each part is of. */
enum mix {
    MIX_TCP, /* these seven: how many flows of each kind, in relation to each other */
    MIX_UDP,
    MIX_DNS,
    MIX_ICMP,
    MIX_IP,
    MIX_ARP,
    MIX_LINK,
    MIX_IPV6, /* of flows */
    MIX_VLAN,
    MIX_STAG,
    MIX_QINQ,
    MIX_MPLS,
    MIX_PPPOE,
    MIX_GRE,
    MIX_VXLAN,
    MIX_IP_IN_IP,
    MIX_NESTED,
    MIX_EXTENSIONS,
    MIX_PADDING,
    MIX_FRAGMENTS, /* of datagrams */
    MIX_UNMATCHED,
    MIX_LOSSES, /* of data segments */
    MIX_RETRANSMISSIONS,
    MIX_REORDERING,
    MIX_SYN_REPEATS, /* of connections */
    MIX_UNANSWERED,
    MIX_MIDSTREAM,
    MIX_ONE_SIDED,
    MIX_REUSE,
    MIX_KEEP_ALIVES,
    MIX_RESETS,
    MIX_OFFLOAD,
    MIXES,
};

struct options {
    uint64_t n_packets;
    uint32_t n_flows;
    uint32_t n_hosts;
    uint32_t packets_per_second; /* on average, as long as flows begin */
    uint64_t seed;
    uint32_t snaplen; /* 0: whole frames */
    bool nanoseconds;
    bool pcapng;
    enum link link;
    double mix[MIXES];
    const char *prefix; /* of the two files */
};

/* Reads all; what is wrong is printed, and the process ends with 2 (or with 0 after --help). */
void options_read(int argc, char *argv[], struct options *options);

#endif
