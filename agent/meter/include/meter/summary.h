/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was metered in an interval, or in a whole file: plain numbers that add up, and the heaviest
 * hosts, prefixes and services. Some 120 KiB without its talkers. */
#ifndef METER_SUMMARY_H
#define METER_SUMMARY_H

#include "meter/dns.h"
#include "meter/flows.h"
#include "meter/packet.h"
#include "meter/services.h"
#include "meter/talkers.h"
#include "meter/tcp.h"

enum { VLAN_IDS = 4096, SIZE_CLASSES = 8 };

struct traffic_count {
    uint64_t packets;
    uint64_t wire_bytes; /* whole frames, as they were on the wire */
    uint64_t ip_bytes;   /* by the outermost IP header; 0 where there is none */
};

/* Frames by their size on the wire: up to 64, 128, 256, 512, 1024, 1518, 9216 bytes, and above. */
extern const uint32_t size_class_most[SIZE_CLASSES]; /* the last: UINT32_MAX */

struct traffic_totals {
    struct traffic_count all;
    struct traffic_count l3[L3_KINDS];
    struct traffic_count l4[L4_KINDS];
    struct traffic_count tags[TAGS_KINDS];
    struct traffic_count vlans[VLAN_IDS]; /* of frames with a tag, by the outermost VLAN */
    uint64_t sizes[SIZE_CLASSES];
    uint64_t truncated;           /* fewer bytes captured than on the wire */
    uint64_t fragments_non_first; /* by the outermost header */
    uint64_t fragments_unmatched; /* without a flow: their first fragment was not seen */
    uint64_t tunnelled;           /* frames in which a tunnel was opened */
    uint64_t offloaded;           /* larger than the link carries: several packets in one */
    uint64_t packets_estimated;   /* how many packets there were on the wire, offloaded ones taken
                                     apart by their MSS */
    uint64_t exits[EXITS];        /* [EXIT_NONE] is not counted */
};

struct summary {
    int64_t first_ns; /* of the first and last frame in the order of arrival; 0 without any */
    int64_t last_ns;
    struct traffic_totals totals;
    struct flow_counts flows;
    struct tcp_counts tcp;
    struct dns_counts dns;
    struct traffic_count own_services[SERVICES_OWN_MAX]; /* of configured ranges; no wire_bytes */
    struct talkers *hosts; /* bytes sent and received; how a host is told is the privacy's */
    struct talkers *prefixes;
    struct talkers *services;
};

/* Empty, with room for so many hosts, prefixes and services. */
struct summary *summary_new(size_t hosts, size_t prefixes, size_t services, const uint8_t seed[16]);
/* NULL is allowed. */
void summary_free(struct summary *summary);
void summary_clear(struct summary *summary);
/* Adds all of `from`; `flows.used` of both are added too, as they are of two meters. */
void summary_merge(struct summary *into, const struct summary *from);

#endif
