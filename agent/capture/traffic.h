/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts packets by protocol into the metrics of one "traffic" object. Octets are those of whole
 * frames as they were on the wire, so that a stack of protocols is what the link carried. Pure. */
#ifndef CAPTURE_TRAFFIC_H
#define CAPTURE_TRAFFIC_H

#include "decode.h"
#include "proto/model.h"

enum traffic_counter {
    TRAFFIC_OCTETS,
    TRAFFIC_PACKETS,
    TRAFFIC_IPV4_OCTETS,
    TRAFFIC_IPV4_PACKETS,
    TRAFFIC_IPV6_OCTETS,
    TRAFFIC_IPV6_PACKETS,
    TRAFFIC_ARP_OCTETS,
    TRAFFIC_ARP_PACKETS,
    TRAFFIC_OTHER_OCTETS, /* neither IP nor ARP */
    TRAFFIC_OTHER_PACKETS,
    TRAFFIC_TCP_OCTETS,
    TRAFFIC_TCP_PACKETS,
    TRAFFIC_UDP_OCTETS,
    TRAFFIC_UDP_PACKETS,
    TRAFFIC_ICMP_OCTETS,
    TRAFFIC_ICMP_PACKETS,
    TRAFFIC_MALFORMED, /* packets that contradict themselves */
    TRAFFIC_TRUNCATED, /* packets whose headers were longer than the capture */
    TRAFFIC_DROPPED,   /* packets that the kernel dropped before they were metered */
    TRAFFIC_COUNTERS,
};

/* Their names, units and types, in this order. */
extern const struct metric traffic_metrics[TRAFFIC_COUNTERS];

struct traffic {
    union value counters[TRAFFIC_COUNTERS];
};

void traffic_count(struct traffic *traffic, const struct decoded *decoded, size_t length);

#endif
