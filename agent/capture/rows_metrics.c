/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rows_metrics.h"

#include <stdbool.h>

#define OCTETS(which, name)  [which] = {name, "octets", METRIC_COUNTER}
#define PACKETS(which, name) [which] = {name, "packets", METRIC_COUNTER}
#define COUNT(which, name)   [which] = {name, "1", METRIC_COUNTER}
#define GAUGE(which, name)   [which] = {name, "1", METRIC_GAUGE}
#define SECONDS(which, name) [which] = {name, "s", METRIC_GAUGE}
#define RATIO(which, name)   [which] = {name, "ratio", METRIC_GAUGE}
#define SHAPE(name, metrics)                                                                       \
    {                                                                                              \
        name, metrics, sizeof(metrics) / sizeof((metrics)[0])                                      \
    }

static const double S_NS = 1e9;

static uint64_t bit(unsigned which)
{
    return UINT64_C(1) << which;
}

/* The metric of packets follows that of octets. */
static void add_both(union value *values, unsigned octets, const struct traffic_count *count)
{
    values[octets].counter += count->wire_bytes;
    values[octets + 1].counter += count->packets;
}

/* Of `all` that are some; unknown of none. */
static uint64_t set_ratio(union value *values, unsigned which, uint64_t some, uint64_t all)
{
    values[which].gauge = all > 0 ? (double)some / (double)all : 0;
    return all > 0 ? 0 : bit(which);
}

/* p50, p90 and p99, one after the other; unknown of an empty histogram. */
static uint64_t set_percentiles(union value *values, unsigned p50, const struct histogram *of)
{
    static const unsigned percents[] = {50, 90, 99};
    uint64_t unknown = 0;
    for (unsigned i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        int64_t ns = histogram_percentile(of, percents[i]);
        values[p50 + i].gauge = ns >= 0 ? (double)ns / S_NS : 0;
        unknown |= ns >= 0 ? 0 : bit(p50 + i);
    }
    return unknown;
}

/* --- traffic --- */

enum traffic_metric {
    OCTETS_ALL,
    PACKETS_ALL,
    IP_OCTETS,
    IPV4_OCTETS,
    IPV4_PACKETS,
    IPV6_OCTETS,
    IPV6_PACKETS,
    ARP_OCTETS,
    ARP_PACKETS,
    OTHER_OCTETS, /* neither IP nor ARP */
    OTHER_PACKETS,
    TCP_OCTETS,
    TCP_PACKETS,
    UDP_OCTETS,
    UDP_PACKETS,
    ICMP_OCTETS, /* of both versions */
    ICMP_PACKETS,
    SCTP_OCTETS,
    SCTP_PACKETS,
    GRE_OCTETS,
    GRE_PACKETS,
    ESP_OCTETS,
    ESP_PACKETS,
    OTHER_IP_OCTETS, /* any other protocol over IP */
    OTHER_IP_PACKETS,
    VLAN_OCTETS, /* one tag */
    VLAN_PACKETS,
    QINQ_OCTETS, /* two and more */
    QINQ_PACKETS,
    SIZE_FIRST,
    SIZE_LAST = SIZE_FIRST + SIZE_CLASSES - 1,
    FRAGMENTS, /* later ones */
    FRAGMENTS_UNMATCHED,
    TUNNELLED,
    PACKETS_ESTIMATED,
    OFFLOADED,
    MALFORMED, /* that contradict themselves */
    TRUNCATED, /* whose headers are longer than what was captured */
    UNREAD,    /* of a kind that is not read, or nested too deeply */
    DROPPED,
    INTERFACE_DROPPED,
    DROP_RATIO,
    TRAFFIC_METRICS,
};
_Static_assert((int)TRAFFIC_METRICS <= (int)PROTO_METRICS_MAX, "a row has room for so many");
_Static_assert(SIZE_CLASSES == 8, "each class of sizes has its name below");

static const struct metric traffic_metrics[] = {
    OCTETS(OCTETS_ALL, "octets"),
    PACKETS(PACKETS_ALL, "packets"),
    OCTETS(IP_OCTETS, "ip_octets"),
    OCTETS(IPV4_OCTETS, "ipv4_octets"),
    PACKETS(IPV4_PACKETS, "ipv4_packets"),
    OCTETS(IPV6_OCTETS, "ipv6_octets"),
    PACKETS(IPV6_PACKETS, "ipv6_packets"),
    OCTETS(ARP_OCTETS, "arp_octets"),
    PACKETS(ARP_PACKETS, "arp_packets"),
    OCTETS(OTHER_OCTETS, "other_octets"),
    PACKETS(OTHER_PACKETS, "other_packets"),
    OCTETS(TCP_OCTETS, "tcp_octets"),
    PACKETS(TCP_PACKETS, "tcp_packets"),
    OCTETS(UDP_OCTETS, "udp_octets"),
    PACKETS(UDP_PACKETS, "udp_packets"),
    OCTETS(ICMP_OCTETS, "icmp_octets"),
    PACKETS(ICMP_PACKETS, "icmp_packets"),
    OCTETS(SCTP_OCTETS, "sctp_octets"),
    PACKETS(SCTP_PACKETS, "sctp_packets"),
    OCTETS(GRE_OCTETS, "gre_octets"),
    PACKETS(GRE_PACKETS, "gre_packets"),
    OCTETS(ESP_OCTETS, "esp_octets"),
    PACKETS(ESP_PACKETS, "esp_packets"),
    OCTETS(OTHER_IP_OCTETS, "other_ip_octets"),
    PACKETS(OTHER_IP_PACKETS, "other_ip_packets"),
    OCTETS(VLAN_OCTETS, "vlan_octets"),
    PACKETS(VLAN_PACKETS, "vlan_packets"),
    OCTETS(QINQ_OCTETS, "qinq_octets"),
    PACKETS(QINQ_PACKETS, "qinq_packets"),
    PACKETS(SIZE_FIRST, "size_to_64"),
    PACKETS(SIZE_FIRST + 1, "size_to_128"),
    PACKETS(SIZE_FIRST + 2, "size_to_256"),
    PACKETS(SIZE_FIRST + 3, "size_to_512"),
    PACKETS(SIZE_FIRST + 4, "size_to_1024"),
    PACKETS(SIZE_FIRST + 5, "size_to_1518"),
    PACKETS(SIZE_FIRST + 6, "size_to_9216"),
    PACKETS(SIZE_LAST, "size_above_9216"),
    PACKETS(FRAGMENTS, "fragments"),
    PACKETS(FRAGMENTS_UNMATCHED, "fragments_unmatched"),
    PACKETS(TUNNELLED, "tunnelled"),
    PACKETS(PACKETS_ESTIMATED, "packets_estimated"),
    PACKETS(OFFLOADED, "offloaded"),
    PACKETS(MALFORMED, "malformed"),
    PACKETS(TRUNCATED, "truncated"),
    PACKETS(UNREAD, "unread"),
    PACKETS(DROPPED, "dropped"),
    PACKETS(INTERFACE_DROPPED, "interface_dropped"),
    RATIO(DROP_RATIO, "drop_ratio"),
};
const struct rows_shape rows_traffic = SHAPE("traffic", traffic_metrics);

static const enum traffic_metric by_l3[L3_KINDS] = {
    [L3_OTHER] = OTHER_OCTETS,
    [L3_IPV4] = IPV4_OCTETS,
    [L3_IPV6] = IPV6_OCTETS,
    [L3_ARP] = ARP_OCTETS,
};
static const enum traffic_metric by_l4[L4_KINDS] = {
    [L4_NONE] = TRAFFIC_METRICS, /* none */
    [L4_TCP] = TCP_OCTETS,       [L4_UDP] = UDP_OCTETS,       [L4_ICMP] = ICMP_OCTETS,
    [L4_ICMP6] = ICMP_OCTETS,    [L4_IGMP] = OTHER_IP_OCTETS, [L4_GRE] = GRE_OCTETS,
    [L4_ESP] = ESP_OCTETS,       [L4_AH] = OTHER_IP_OCTETS,   [L4_SCTP] = SCTP_OCTETS,
    [L4_IPIP] = OTHER_IP_OCTETS, [L4_6IN4] = OTHER_IP_OCTETS, [L4_OSPF] = OTHER_IP_OCTETS,
    [L4_PIM] = OTHER_IP_OCTETS,  [L4_VRRP] = OTHER_IP_OCTETS, [L4_OTHER] = OTHER_IP_OCTETS,
};
static const enum traffic_metric by_tags[TAGS_KINDS] = {
    [TAGS_NONE] = TRAFFIC_METRICS, [TAGS_8100] = VLAN_OCTETS, [TAGS_88A8] = VLAN_OCTETS,
    [TAGS_9100] = VLAN_OCTETS,     [TAGS_QINQ] = QINQ_OCTETS,
};
/* What an exit says of the frame: cut, wrong, or merely not ours to read. */
static const enum traffic_metric by_exit[EXITS] = {
    [EXIT_NONE] = TRAFFIC_METRICS,
    [EXIT_EMPTY] = TRUNCATED,
    [EXIT_LINK_TRUNCATED] = TRUNCATED,
    [EXIT_LINK_UNKNOWN] = UNREAD,
    [EXIT_VLAN_TRUNCATED] = TRUNCATED,
    [EXIT_VLAN_TOO_MANY] = UNREAD,
    [EXIT_MPLS_TRUNCATED] = TRUNCATED,
    [EXIT_MPLS_TOO_MANY] = UNREAD,
    [EXIT_MPLS_PAYLOAD] = UNREAD,
    [EXIT_PPP_TRUNCATED] = TRUNCATED,
    [EXIT_IPV4_TRUNCATED] = TRUNCATED,
    [EXIT_IPV4_VERSION] = MALFORMED,
    [EXIT_IPV4_IHL] = MALFORMED,
    [EXIT_IPV4_LENGTH] = MALFORMED,
    [EXIT_IPV6_TRUNCATED] = TRUNCATED,
    [EXIT_IPV6_VERSION] = MALFORMED,
    [EXIT_IPV6_LENGTH] = MALFORMED,
    [EXIT_IPV6_EXTENSION_TRUNCATED] = TRUNCATED,
    [EXIT_IPV6_EXTENSION_LENGTH] = MALFORMED,
    [EXIT_IPV6_EXTENSIONS_TOO_MANY] = UNREAD,
    [EXIT_TUNNEL_TOO_DEEP] = UNREAD,
    [EXIT_GRE_TRUNCATED] = TRUNCATED,
    [EXIT_GRE_UNKNOWN] = UNREAD,
    [EXIT_VXLAN_TRUNCATED] = TRUNCATED,
    [EXIT_TCP_TRUNCATED] = TRUNCATED,
    [EXIT_TCP_OFFSET] = MALFORMED,
    [EXIT_TCP_OPTION] = MALFORMED,
    [EXIT_UDP_TRUNCATED] = TRUNCATED,
    [EXIT_UDP_LENGTH] = MALFORMED,
    [EXIT_ICMP_TRUNCATED] = TRUNCATED,
    [EXIT_SCTP_TRUNCATED] = TRUNCATED,
    [EXIT_DNS_TRUNCATED] = TRUNCATED,
};

/* Adds each kind to the pair of metrics that the table says. */
static void add_kinds(union value *values, const struct traffic_count *counts, size_t n,
                      const enum traffic_metric *by_kind)
{
    for (size_t i = 0; i < n; i++) {
        if (by_kind[i] != TRAFFIC_METRICS) {
            add_both(values, by_kind[i], &counts[i]);
        }
    }
}

uint64_t rows_add_traffic(union value *values, const struct summary *summary,
                          const struct rows_loss *loss)
{
    const struct traffic_totals *totals = &summary->totals;
    uint64_t lost = loss->dropped + loss->interface_dropped;
    add_both(values, OCTETS_ALL, &totals->all);
    values[IP_OCTETS].counter += totals->all.ip_bytes;
    add_kinds(values, totals->l3, L3_KINDS, by_l3);
    add_kinds(values, totals->l4, L4_KINDS, by_l4);
    add_kinds(values, totals->tags, TAGS_KINDS, by_tags);
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        values[SIZE_FIRST + i].counter += totals->sizes[i];
    }
    for (unsigned i = 0; i < EXITS; i++) {
        if (by_exit[i] != TRAFFIC_METRICS) {
            values[by_exit[i]].counter += totals->exits[i];
        }
    }
    values[FRAGMENTS].counter += totals->fragments_non_first;
    values[FRAGMENTS_UNMATCHED].counter += totals->fragments_unmatched;
    values[TUNNELLED].counter += totals->tunnelled;
    values[PACKETS_ESTIMATED].counter += totals->packets_estimated;
    values[OFFLOADED].counter += totals->offloaded;
    values[DROPPED].counter += loss->dropped;
    values[INTERFACE_DROPPED].counter += loss->interface_dropped;
    return set_ratio(values, DROP_RATIO, lost, totals->all.packets + lost);
}

/* --- TCP --- */

enum tcp_metric {
    SYNS,
    SYN_ACKS,
    FINS,
    RESETS,
    HANDSHAKES,
    HANDSHAKES_AMBIGUOUS,
    DATA_SEGMENTS,
    RETRANSMISSIONS,
    SYN_RETRANSMISSIONS,
    REORDERED,
    RTT_BACKWARDS,
    RTT_CLIENT_SAMPLES,
    RETRANSMISSION_RATIO,
    REORDERED_RATIO,
    RTT_SERVER_P50,
    RTT_SERVER_P99 = RTT_SERVER_P50 + 2,
    RTT_CLIENT_P50,
    RTT_CLIENT_P99 = RTT_CLIENT_P50 + 2,
};
static const struct metric tcp_metrics[] = {
    PACKETS(SYNS, "syns"),
    PACKETS(SYN_ACKS, "syn_acks"),
    PACKETS(FINS, "fins"),
    PACKETS(RESETS, "resets"),
    COUNT(HANDSHAKES, "handshakes"),
    COUNT(HANDSHAKES_AMBIGUOUS, "handshakes_ambiguous"),
    PACKETS(DATA_SEGMENTS, "data_segments"),
    PACKETS(RETRANSMISSIONS, "retransmissions"),
    PACKETS(SYN_RETRANSMISSIONS, "syn_retransmissions"),
    PACKETS(REORDERED, "reordered"),
    COUNT(RTT_BACKWARDS, "rtt_backwards"),
    COUNT(RTT_CLIENT_SAMPLES, "rtt_client_samples"),
    RATIO(RETRANSMISSION_RATIO, "retransmission_ratio"),
    RATIO(REORDERED_RATIO, "reordered_ratio"),
    SECONDS(RTT_SERVER_P50, "rtt_server_p50"),
    SECONDS(RTT_SERVER_P50 + 1, "rtt_server_p90"),
    SECONDS(RTT_SERVER_P99, "rtt_server_p99"),
    SECONDS(RTT_CLIENT_P50, "rtt_client_p50"),
    SECONDS(RTT_CLIENT_P50 + 1, "rtt_client_p90"),
    SECONDS(RTT_CLIENT_P99, "rtt_client_p99"),
};
const struct rows_shape rows_tcp = SHAPE("traffic-tcp", tcp_metrics);

uint64_t rows_add_tcp(union value *values, const struct tcp_counts *counts)
{
    values[SYNS].counter += counts->syns;
    values[SYN_ACKS].counter += counts->syn_acks;
    values[FINS].counter += counts->fins;
    values[RESETS].counter += counts->resets;
    values[HANDSHAKES].counter += counts->handshakes;
    values[HANDSHAKES_AMBIGUOUS].counter += counts->handshakes_ambiguous;
    values[DATA_SEGMENTS].counter += counts->data_segments;
    values[RETRANSMISSIONS].counter += counts->retransmissions;
    values[SYN_RETRANSMISSIONS].counter += counts->syn_retransmissions;
    values[REORDERED].counter += counts->reordered;
    values[RTT_BACKWARDS].counter += counts->backwards;
    values[RTT_CLIENT_SAMPLES].counter += counts->rtt_client.n;
    return set_ratio(values, RETRANSMISSION_RATIO, counts->retransmissions, counts->data_segments) |
           set_ratio(values, REORDERED_RATIO, counts->reordered, counts->data_segments) |
           set_percentiles(values, RTT_SERVER_P50, &counts->rtt_server) |
           set_percentiles(values, RTT_CLIENT_P50, &counts->rtt_client);
}

/* --- DNS --- */

enum { RCODES_NAMED = 6 }; /* RFC 1035 4.1.1: those that servers really give */
enum dns_metric {
    QUERIES,
    REPEATED,
    RESPONSES,
    UNANSWERED,
    UNMATCHED,
    RCODE_FIRST,
    RCODE_OTHER = RCODE_FIRST + RCODES_NAMED,
    RESPONSE_TIME_P50,
    RESPONSE_TIME_P99 = RESPONSE_TIME_P50 + 2,
};
static const struct metric dns_metrics[] = {
    PACKETS(QUERIES, "queries"),
    PACKETS(REPEATED, "repeated"),
    PACKETS(RESPONSES, "responses"),
    PACKETS(UNANSWERED, "unanswered"),
    PACKETS(UNMATCHED, "unmatched"),
    PACKETS(RCODE_FIRST, "noerror"),
    PACKETS(RCODE_FIRST + 1, "formerr"),
    PACKETS(RCODE_FIRST + 2, "servfail"),
    PACKETS(RCODE_FIRST + 3, "nxdomain"),
    PACKETS(RCODE_FIRST + 4, "notimp"),
    PACKETS(RCODE_FIRST + 5, "refused"),
    PACKETS(RCODE_OTHER, "rcode_other"),
    SECONDS(RESPONSE_TIME_P50, "response_time_p50"),
    SECONDS(RESPONSE_TIME_P50 + 1, "response_time_p90"),
    SECONDS(RESPONSE_TIME_P99, "response_time_p99"),
};
const struct rows_shape rows_dns = SHAPE("traffic-dns", dns_metrics);

uint64_t rows_add_dns(union value *values, const struct dns_counts *counts)
{
    values[QUERIES].counter += counts->queries;
    values[REPEATED].counter += counts->repeated;
    values[RESPONSES].counter += counts->responses;
    values[UNANSWERED].counter += counts->unanswered;
    values[UNMATCHED].counter += counts->unmatched;
    for (unsigned i = 0; i < DNS_RCODES; i++) {
        values[i < RCODES_NAMED ? RCODE_FIRST + i : RCODE_OTHER].counter += counts->rcodes[i];
    }
    return set_percentiles(values, RESPONSE_TIME_P50, &counts->response_time);
}

/* --- flows, and their export --- */

enum flows_metric { FLOWS_ACTIVE, FLOWS_USED, FLOWS_ADDED, FLOWS_EVICTED };
static const struct metric flows_metrics[] = {
    GAUGE(FLOWS_ACTIVE, "active"),
    GAUGE(FLOWS_USED, "used"),
    COUNT(FLOWS_ADDED, "added"),
    COUNT(FLOWS_EVICTED, "evicted"),
};
const struct rows_shape rows_flows = SHAPE("traffic-flows", flows_metrics);

void rows_add_flows(union value *values, const struct flow_counts *counts)
{
    values[FLOWS_ACTIVE].gauge = (double)counts->active;
    values[FLOWS_USED].gauge = (double)counts->used;
    values[FLOWS_ADDED].counter += counts->added;
    values[FLOWS_EVICTED].counter += counts->evicted;
}

enum ipfix_metric { IPFIX_RECORDS, IPFIX_MESSAGES, IPFIX_DROPPED };
static const struct metric ipfix_metrics[] = {
    COUNT(IPFIX_RECORDS, "records"),
    COUNT(IPFIX_MESSAGES, "messages"),
    COUNT(IPFIX_DROPPED, "dropped_records"),
};
const struct rows_shape rows_ipfix = SHAPE("traffic-ipfix", ipfix_metrics);

void rows_set_ipfix(union value *values, const struct ipfix_stats *stats)
{
    values[IPFIX_RECORDS].counter = stats->records;
    values[IPFIX_MESSAGES].counter = stats->messages;
    values[IPFIX_DROPPED].counter = stats->dropped_records;
}

/* --- VLANs and services --- */

enum count_metric { COUNT_OCTETS, COUNT_PACKETS, COUNT_IP_OCTETS };
static const struct metric vlan_metrics[] = {
    OCTETS(COUNT_OCTETS, "octets"),
    PACKETS(COUNT_PACKETS, "packets"),
    OCTETS(COUNT_IP_OCTETS, "ip_octets"),
};
const struct rows_shape rows_vlan = SHAPE("traffic-vlan", vlan_metrics);

void rows_add_count(union value *values, const struct traffic_count *count)
{
    add_both(values, COUNT_OCTETS, count);
    values[COUNT_IP_OCTETS].counter += count->ip_bytes;
}

enum service_metric { SERVICE_IP_OCTETS, SERVICE_PACKETS };
static const struct metric service_metrics[] = {
    OCTETS(SERVICE_IP_OCTETS, "ip_octets"),
    PACKETS(SERVICE_PACKETS, "packets"),
};
const struct rows_shape rows_service = SHAPE("traffic-service", service_metrics);

void rows_add_service(union value *values, const struct traffic_count *count)
{
    values[SERVICE_IP_OCTETS].counter += count->ip_bytes;
    values[SERVICE_PACKETS].counter += count->packets;
}
