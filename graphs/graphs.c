/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graphs/graphs.h"

#include "lines.h"

#include <math.h>
#include <string.h>

/* --- interface --- */

static const struct graph_line interface_traffic[] = {
    AREA("in_octets", "In", BLUE, 8),
    AREA_BELOW("out_octets", "Out", ORANGE, 8),
};
static const struct graph_line interface_errors[] = {
    LINE("in_errors", "Errors in", BLUE, 1),
    LINE("in_discards", "Discards in", SKY, 1),
    LINE("in_unknown_protos", "Unknown protocols in", PURPLE, 1),
    LINE_BELOW("out_errors", "Errors out", ORANGE, 1),
    LINE_BELOW("out_discards", "Discards out", AMBER, 1),
};
static const struct graph_line interface_state[] = {
    AREA("admin_status", "Administrative", GREY, 1),
    LINE("oper_status", "Operational", GREEN, 1),
};
static const struct graph_line interface_carrier[] = {
    LINE("carrier_changes", "Changes of the link", ORANGE, 1),
};
static const struct graph_line interface_addresses[] = {
    LINE("ipv4_addresses", "IPv4", BLUE, 1),
    LINE("ipv6_addresses", "IPv6", GREEN, 1),
};
static const struct graph_line interface_speed[] = {
    LINE("speed_bps", "Speed", BLACK, 1),
};
/* The agent's host counts its packets as a whole; a device by how many they are for. */
static const struct graph_line interface_packets[] = {
    AREA("in_packets", "In", BLUE, 1),
    AREA("in_ucast_packets", "Unicast in", BLUE, 1),
    LINE("in_multicast_packets", "Multicast in", GREEN, 1),
    LINE("in_broadcast_packets", "Broadcast in", SKY, 1),
    LINE("in_nucast_packets", "Multicast and broadcast in", GREEN, 1),
    AREA_BELOW("out_packets", "Out", ORANGE, 1),
    AREA_BELOW("out_ucast_packets", "Unicast out", ORANGE, 1),
    LINE_BELOW("out_multicast_packets", "Multicast out", PURPLE, 1),
    LINE_BELOW("out_broadcast_packets", "Broadcast out", AMBER, 1),
    LINE_BELOW("out_nucast_packets", "Multicast and broadcast out", PURPLE, 1),
};

/* --- traffic, as captured --- */

static const struct graph_line traffic_protocols[] = {
    AREA("tcp_octets", "TCP", BLUE, 8),
    STACKED("udp_octets", "UDP", SKY, 8),
    STACKED("icmp_octets", "ICMP", AMBER, 8),
    STACKED("sctp_octets", "SCTP", PURPLE, 8),
    STACKED("gre_octets", "GRE", GREEN, 8),
    STACKED("esp_octets", "ESP", ORANGE, 8),
    STACKED("other_ip_octets", "Other IP", GREY, 8),
    LINE("octets", "All frames", BLACK, 8),
    LINE("ip_octets", "IP datagrams", YELLOW, 8),
};
static const struct graph_line traffic_packets[] = {
    LINE("packets", "All frames", BLACK, 1),
    LINE("ipv4_packets", "IPv4", BLUE, 1),
    LINE("ipv6_packets", "IPv6", GREEN, 1),
    LINE("arp_packets", "ARP", AMBER, 1),
    LINE("other_packets", "Other", GREY, 1),
    LINE("packets_estimated", "On the wire, estimated", PURPLE, 1),
};
static const struct graph_line traffic_network[] = {
    AREA("ipv4_octets", "IPv4", BLUE, 8),
    STACKED("ipv6_octets", "IPv6", GREEN, 8),
    STACKED("arp_octets", "ARP", AMBER, 8),
    STACKED("other_octets", "Other", GREY, 8),
};
static const struct graph_line traffic_transport[] = {
    LINE("tcp_packets", "TCP", BLUE, 1),           LINE("udp_packets", "UDP", SKY, 1),
    LINE("icmp_packets", "ICMP", AMBER, 1),        LINE("sctp_packets", "SCTP", PURPLE, 1),
    LINE("gre_packets", "GRE", GREEN, 1),          LINE("esp_packets", "ESP", ORANGE, 1),
    LINE("other_ip_packets", "Other IP", GREY, 1),
};
static const struct graph_line traffic_sizes[] = {
    AREA("size_to_64", "To 64 bytes", SKY, 1),
    STACKED("size_to_128", "To 128 bytes", BLUE, 1),
    STACKED("size_to_256", "To 256 bytes", GREEN, 1),
    STACKED("size_to_512", "To 512 bytes", YELLOW, 1),
    STACKED("size_to_1024", "To 1,024 bytes", AMBER, 1),
    STACKED("size_to_1518", "To 1,518 bytes", ORANGE, 1),
    STACKED("size_to_9216", "To 9,216 bytes", PURPLE, 1),
    STACKED("size_above_9216", "Larger", BLACK, 1),
};
static const struct graph_line traffic_faults[] = {
    LINE("malformed", "Malformed", ORANGE, 1),
    LINE("truncated", "Captured too short", AMBER, 1),
    LINE("unread", "Not read", GREY, 1),
    LINE("dropped", "Dropped by capture", PURPLE, 1),
    LINE("interface_dropped", "Dropped by the interface", BLACK, 1),
};
static const struct graph_line traffic_loss[] = {
    AREA("drop_ratio", "Lost before the meter", PURPLE, 100),
};
static const struct graph_line tcp_round_trip[] = {
    LINE("rtt_server_p50", "To the server, half", SKY, 1),
    LINE("rtt_server_p90", "To the server, 90 %", BLUE, 1),
    LINE("rtt_server_p99", "To the server, 99 %", BLACK, 1),
    LINE("rtt_client_p50", "To the client, half", YELLOW, 1),
    LINE("rtt_client_p90", "To the client, 90 %", AMBER, 1),
    LINE("rtt_client_p99", "To the client, 99 %", ORANGE, 1),
};
static const struct graph_line tcp_quality[] = {
    LINE("retransmission_ratio", "Retransmitted", ORANGE, 100),
    LINE("reordered_ratio", "Reordered", BLUE, 100),
};
static const struct graph_line tcp_connections[] = {
    LINE("syns", "SYN", BLUE, 1),
    LINE("syn_acks", "SYN-ACK", GREEN, 1),
    LINE("handshakes", "Handshakes", BLACK, 1),
    LINE("fins", "FIN", GREY, 1),
    LINE("resets", "RST", ORANGE, 1),
    LINE("syn_retransmissions", "SYN repeated", PURPLE, 1),
};
static const struct graph_line dns_times[] = {
    LINE("response_time_p50", "Half", SKY, 1),
    LINE("response_time_p90", "90 %", BLUE, 1),
    LINE("response_time_p99", "99 %", BLACK, 1),
};
static const struct graph_line dns_questions[] = {
    LINE("queries", "Questions", BLUE, 1),
    LINE("responses", "Answers", GREEN, 1),
    LINE("unanswered", "Not answered", ORANGE, 1),
    LINE("repeated", "Repeated", PURPLE, 1),
};
static const struct graph_line dns_codes[] = {
    AREA("noerror", "NOERROR", GREEN, 1),       STACKED("nxdomain", "NXDOMAIN", SKY, 1),
    STACKED("servfail", "SERVFAIL", ORANGE, 1), STACKED("refused", "REFUSED", PURPLE, 1),
    STACKED("formerr", "FORMERR", AMBER, 1),    STACKED("notimp", "NOTIMP", YELLOW, 1),
    STACKED("rcode_other", "Other", GREY, 1),
};
static const struct graph_line flows_held[] = {
    AREA("active", "Active", BLUE, 1),
    LINE("used", "Held", BLACK, 1),
};
static const struct graph_line flows_change[] = {
    LINE("added", "New", GREEN, 1),
    LINE("evicted", "Evicted", ORANGE, 1),
};
static const struct graph_line part_octets[] = {
    AREA("octets", "All frames", BLUE, 8),
    LINE("ip_octets", "IP datagrams", BLACK, 8),
};
static const struct graph_line part_packets[] = {
    LINE("packets", "Packets", BLUE, 1),
};

/* --- checks, devices, agents --- */

static const struct graph_line check_times[] = {
    AREA("rtt", "Answer", BLUE, 1),
    AREA("total", "Answer", BLUE, 1),
    LINE("first_byte", "First byte", ORANGE, 1),
    LINE("connect", "Connected", BLACK, 1),
};
/* Seconds to days. */
static const struct graph_line device_uptime[] = {
    AREA("uptime", "Uptime", BLUE, 1.0 / 86400),
};
static const struct graph_line agent_spool[] = {
    AREA("spool_bytes", "Spool", BLUE, 1),
};
static const struct graph_line agent_backlog[] = {
    AREA("unacked", "Not acknowledged", ORANGE, 1),
};

static const struct graph_definition definitions[] = {
    {"interface", "traffic", "Traffic", "bit/s", 1000, FREE_SCALE, LINES(interface_traffic)},
    {"interface", "errors", "Errors and discards", "packets/s", 1000, FREE_SCALE,
     LINES(interface_errors)},
    {"interface", "state", "State", "1 = up, 2 = down", 1000, .lower = 0, .upper = 2.2,
     LINES(interface_state)},
    {"interface", "speed", "Speed", "bit/s", 1000, FROM_ZERO, LINES(interface_speed)},
    {"interface", "carrier", "Link changes", "1/s", 1000, FROM_ZERO, LINES(interface_carrier)},
    {"interface", "addresses", "Addresses", "number", 1000, FROM_ZERO, LINES(interface_addresses)},
    {"interface", "packets", "Packets", "packets/s", 1000, FREE_SCALE, LINES(interface_packets)},
    {"traffic", "protocols", "Traffic by protocol", "bit/s", 1000, FROM_ZERO,
     LINES(traffic_protocols)},
    {"traffic", "packets", "Frames", "frames/s", 1000, FROM_ZERO, LINES(traffic_packets)},
    {"traffic", "transport", "Packets by protocol", "packets/s", 1000, FROM_ZERO,
     LINES(traffic_transport)},
    {"traffic", "network", "Traffic by network protocol", "bit/s", 1000, FROM_ZERO,
     LINES(traffic_network)},
    {"traffic", "sizes", "Frames by size", "frames/s", 1000, FROM_ZERO, LINES(traffic_sizes)},
    {"traffic", "faults", "Faults", "frames/s", 1000, FROM_ZERO, LINES(traffic_faults)},
    {"traffic", "loss", "Not metered", "% of all", 1000, FROM_ZERO, LINES(traffic_loss)},
    {"traffic-tcp", "rtt", "Round trip", "seconds", 1000, FROM_ZERO, LINES(tcp_round_trip)},
    {"traffic-tcp", "quality", "Repeated data", "% of all", 1000, FROM_ZERO, LINES(tcp_quality)},
    {"traffic-tcp", "connections", "Connections", "packets/s", 1000, FROM_ZERO,
     LINES(tcp_connections)},
    {"traffic-dns", "times", "Response time", "seconds", 1000, FROM_ZERO, LINES(dns_times)},
    {"traffic-dns", "questions", "Questions and answers", "packets/s", 1000, FROM_ZERO,
     LINES(dns_questions)},
    {"traffic-dns", "codes", "Answers by code", "packets/s", 1000, FROM_ZERO, LINES(dns_codes)},
    {"traffic-flows", "flows", "Flows", "number", 1000, FROM_ZERO, LINES(flows_held)},
    {"traffic-flows", "change", "New and evicted flows", "1/s", 1000, FROM_ZERO,
     LINES(flows_change)},
    {"traffic-vlan", "traffic", "Traffic", "bit/s", 1000, FROM_ZERO, LINES(part_octets)},
    {"traffic-vlan", "packets", "Packets", "packets/s", 1000, FROM_ZERO, LINES(part_packets)},
    {"traffic-service", "traffic", "Traffic", "bit/s", 1000, FROM_ZERO, LINES(part_octets)},
    {"traffic-service", "packets", "Packets", "packets/s", 1000, FROM_ZERO, LINES(part_packets)},
    {"check", "times", "Response time", "seconds", 1000, FROM_ZERO, LINES(check_times)},
    {"device", "uptime", "Uptime", "days", 1000, FROM_ZERO, LINES(device_uptime)},
    {"agent", "spool", "Spool", "bytes", 1024, FROM_ZERO, LINES(agent_spool)},
    {"agent", "backlog", "Batches on the way", "batches", 1000, FROM_ZERO, LINES(agent_backlog)},
};

static const struct graph_definition *find(const struct graph_table *table, const char *kind,
                                           size_t *n)
{
    for (size_t i = 0; i < table->n; i++) {
        if (strcmp(table->items[i].kind, kind) == 0 && (*n)-- == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

const struct graph_definition *graph_definition_of(const char *kind, size_t n)
{
    static const struct graph_table table = {definitions, sizeof definitions / sizeof *definitions};
    const struct graph_definition *found = find(&graph_host_table, kind, &n);
    return found != NULL ? found : find(&table, kind, &n);
}

bool graph_shows(const char *kind, const char *metric)
{
    const struct graph_definition *definition;
    for (size_t n = 0; (definition = graph_definition_of(kind, n)) != NULL; n++) {
        for (size_t i = 0; i < definition->n_lines; i++) {
            if (strcmp(definition->lines[i].metric, metric) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The numbers are those of the MIBs, from 1. */
static const char *const oper_words[] = {"up",      "down",        "testing",         "unknown",
                                         "dormant", "not present", "lower layer down"};
static const char *const admin_words[] = {"up", "down", "testing"};
static const char *const sensor_words[] = {"ok", "unavailable", "not operational"};

#define WORDS(list) list, sizeof list / sizeof *list
static const struct {
    const char *kind;
    const char *metric;
    const char *const *words;
    size_t n_words;
} worded[] = {
    {"interface", "oper_status", WORDS(oper_words)},   /* ifOperStatus, RFC 2863 */
    {"interface", "admin_status", WORDS(admin_words)}, /* ifAdminStatus */
    {"sensor", "oper_status", WORDS(sensor_words)},    /* entPhySensorOperStatus, RFC 3433 */
};

const char *graph_value_word(const char *kind, const char *metric, double value)
{
    for (size_t i = 0; i < sizeof worded / sizeof *worded; i++) {
        if (strcmp(worded[i].kind, kind) == 0 && strcmp(worded[i].metric, metric) == 0) {
            double whole = round(value);
            if (!(whole >= 1 && whole <= (double)worded[i].n_words)) {
                return NULL;
            }
            return fabs(value - whole) < 1e-6 ? worded[i].words[(size_t)whole - 1] : "changing";
        }
    }
    return NULL;
}

uint32_t graph_colour(size_t n)
{
    static const uint32_t colours[] = {BLUE,  ORANGE, GREEN, PURPLE, AMBER,
                                       BLACK, SKY,    GREY,  YELLOW};
    return colours[n % (sizeof colours / sizeof *colours)];
}
