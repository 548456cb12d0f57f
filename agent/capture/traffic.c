/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "traffic.h"

#define OCTETS(which, name)  [which] = {name, "octets", METRIC_COUNTER}
#define PACKETS(which, name) [which] = {name, "packets", METRIC_COUNTER}

const struct metric traffic_metrics[TRAFFIC_COUNTERS] = {
    OCTETS(TRAFFIC_OCTETS, "octets"),
    PACKETS(TRAFFIC_PACKETS, "packets"),
    OCTETS(TRAFFIC_IPV4_OCTETS, "ipv4_octets"),
    PACKETS(TRAFFIC_IPV4_PACKETS, "ipv4_packets"),
    OCTETS(TRAFFIC_IPV6_OCTETS, "ipv6_octets"),
    PACKETS(TRAFFIC_IPV6_PACKETS, "ipv6_packets"),
    OCTETS(TRAFFIC_ARP_OCTETS, "arp_octets"),
    PACKETS(TRAFFIC_ARP_PACKETS, "arp_packets"),
    OCTETS(TRAFFIC_OTHER_OCTETS, "other_octets"),
    PACKETS(TRAFFIC_OTHER_PACKETS, "other_packets"),
    OCTETS(TRAFFIC_TCP_OCTETS, "tcp_octets"),
    PACKETS(TRAFFIC_TCP_PACKETS, "tcp_packets"),
    OCTETS(TRAFFIC_UDP_OCTETS, "udp_octets"),
    PACKETS(TRAFFIC_UDP_PACKETS, "udp_packets"),
    OCTETS(TRAFFIC_ICMP_OCTETS, "icmp_octets"),
    PACKETS(TRAFFIC_ICMP_PACKETS, "icmp_packets"),
    PACKETS(TRAFFIC_MALFORMED, "malformed"),
    PACKETS(TRAFFIC_TRUNCATED, "truncated"),
    PACKETS(TRAFFIC_DROPPED, "dropped"),
};

/* The counter of octets of each kind; that of packets is the next one. */
static const enum traffic_counter by_network[] = {
    [NETWORK_OTHER] = TRAFFIC_OTHER_OCTETS,
    [NETWORK_IPV4] = TRAFFIC_IPV4_OCTETS,
    [NETWORK_IPV6] = TRAFFIC_IPV6_OCTETS,
    [NETWORK_ARP] = TRAFFIC_ARP_OCTETS,
};
static const enum traffic_counter by_transport[] = {
    [TRANSPORT_NONE] = TRAFFIC_COUNTERS,    [TRANSPORT_OTHER] = TRAFFIC_COUNTERS,
    [TRANSPORT_TCP] = TRAFFIC_TCP_OCTETS,   [TRANSPORT_UDP] = TRAFFIC_UDP_OCTETS,
    [TRANSPORT_ICMP] = TRAFFIC_ICMP_OCTETS,
};
static const enum traffic_counter by_fault[] = {
    [FAULT_NONE] = TRAFFIC_COUNTERS,
    [FAULT_TRUNCATED] = TRAFFIC_TRUNCATED,
    [FAULT_MALFORMED] = TRAFFIC_MALFORMED,
};

static void add(struct traffic *traffic, enum traffic_counter octets, size_t length)
{
    if (octets != TRAFFIC_COUNTERS) {
        traffic->counters[octets].counter += length;
        traffic->counters[octets + 1].counter++;
    }
}

void traffic_count(struct traffic *traffic, const struct decoded *decoded, size_t length)
{
    add(traffic, TRAFFIC_OCTETS, length);
    add(traffic, by_network[decoded->network], length);
    add(traffic, by_transport[decoded->transport], length);
    enum traffic_counter fault = by_fault[decoded->fault];
    if (fault != TRAFFIC_COUNTERS) {
        traffic->counters[fault].counter++;
    }
}
