/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernel's IP, ICMP, TCP and UDP count (Documentation/networking/snmp_counter.rst; the
 * names are those of RFC 1213 and 4293), and its sockets. */
#include "sources.h"

#include "proc.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define COUNTER(name, unit)                                                                        \
    {                                                                                              \
        name, unit, METRIC_COUNTER                                                                 \
    }
#define GAUGE(name, unit)                                                                          \
    {                                                                                              \
        name, unit, METRIC_GAUGE                                                                   \
    }

static const struct metric ip_metrics[] = {
    COUNTER("in_packets", "packets"),        COUNTER("in_header_errors", "packets"),
    COUNTER("in_address_errors", "packets"), COUNTER("forwarded", "packets"),
    COUNTER("in_discards", "packets"),       COUNTER("in_delivered", "packets"),
    COUNTER("out_packets", "packets"),       COUNTER("out_discards", "packets"),
    COUNTER("out_no_routes", "packets"),     COUNTER("reassembly_fragments", "packets"),
    COUNTER("reassembly_failures", "1"),     COUNTER("fragmentation_failures", "packets"),
    COUNTER("fragments_created", "packets"), COUNTER("in_octets", "octets"),
    COUNTER("out_octets", "octets"),
};
static const struct metric icmp_metrics[] = {
    COUNTER("in_packets", "packets"),     COUNTER("in_errors", "packets"),
    COUNTER("in_unreachable", "packets"), COUNTER("out_packets", "packets"),
    COUNTER("out_errors", "packets"),     COUNTER("out_unreachable", "packets"),
};
static const struct metric tcp_metrics[] = {
    COUNTER("active_opens", "1"),
    COUNTER("passive_opens", "1"),
    COUNTER("attempt_failures", "1"),
    COUNTER("established_resets", "1"),
    GAUGE("established", "1"),
    COUNTER("in_segments", "packets"),
    COUNTER("out_segments", "packets"),
    COUNTER("retransmitted", "packets"),
    COUNTER("in_errors", "packets"),
    COUNTER("out_resets", "packets"),
    COUNTER("syn_cookies_sent", "packets"),
    COUNTER("listen_overflows", "1"),
    COUNTER("listen_drops", "1"),
    COUNTER("timeouts", "1"),
    COUNTER("syn_retransmitted", "packets"),
};
static const struct metric udp_metrics[] = {
    COUNTER("in_datagrams", "packets"),
    COUNTER("no_ports", "packets"),
    COUNTER("in_errors", "packets"),
    COUNTER("out_datagrams", "packets"),
    COUNTER("receive_buffer_errors", "packets"),
    COUNTER("send_buffer_errors", "packets"),
    COUNTER("checksum_errors", "packets"),
};
static const struct metric socket_metrics[] = {
    GAUGE("used", "1"),
    GAUGE("tcp", "1"),
    GAUGE("tcp_orphaned", "1"),
    GAUGE("tcp_time_wait", "1"),
    GAUGE("tcp_allocated", "1"),
    GAUGE("tcp_memory", "bytes"),
    GAUGE("udp", "1"),
    GAUGE("udp_memory", "bytes"),
    GAUGE("raw", "1"),
    GAUGE("fragments", "1"),
    GAUGE("fragments_memory", "bytes"),
    GAUGE("tcp6", "1"),
    GAUGE("udp6", "1"),
    GAUGE("raw6", "1"),
};

enum {
    IP = COUNT(ip_metrics),
    IP_OCTETS = 2, /* the last two, of another file for IPv4 */
    ICMP = COUNT(icmp_metrics),
    TCP = COUNT(tcp_metrics),
    TCP_EXTENDED = 5, /* the last five, of another file */
    UDP = COUNT(udp_metrics),
    SOCKETS = COUNT(socket_metrics),
    SOCKETS_6 = 3,
    TCP_MEMORY = 5, /* in pages, as that of UDP */
    UDP_MEMORY = 7,
};

/* /proc/net/snmp; a kind's numbers in the order of its metrics. */
static const struct proc_field snmp_fields[] = {
    {"Ip:", "InReceives"},        {"Ip:", "InHdrErrors"},   {"Ip:", "InAddrErrors"},
    {"Ip:", "ForwDatagrams"},     {"Ip:", "InDiscards"},    {"Ip:", "InDelivers"},
    {"Ip:", "OutRequests"},       {"Ip:", "OutDiscards"},   {"Ip:", "OutNoRoutes"},
    {"Ip:", "ReasmReqds"},        {"Ip:", "ReasmFails"},    {"Ip:", "FragFails"},
    {"Ip:", "FragCreates"},       {"Icmp:", "InMsgs"},      {"Icmp:", "InErrors"},
    {"Icmp:", "InDestUnreachs"},  {"Icmp:", "OutMsgs"},     {"Icmp:", "OutErrors"},
    {"Icmp:", "OutDestUnreachs"}, {"Tcp:", "ActiveOpens"},  {"Tcp:", "PassiveOpens"},
    {"Tcp:", "AttemptFails"},     {"Tcp:", "EstabResets"},  {"Tcp:", "CurrEstab"},
    {"Tcp:", "InSegs"},           {"Tcp:", "OutSegs"},      {"Tcp:", "RetransSegs"},
    {"Tcp:", "InErrs"},           {"Tcp:", "OutRsts"},      {"Udp:", "InDatagrams"},
    {"Udp:", "NoPorts"},          {"Udp:", "InErrors"},     {"Udp:", "OutDatagrams"},
    {"Udp:", "RcvbufErrors"},     {"Udp:", "SndbufErrors"}, {"Udp:", "InCsumErrors"},
};
enum {
    SNMP_IP = 0,
    SNMP_ICMP = IP - IP_OCTETS,
    SNMP_TCP = SNMP_ICMP + ICMP,
    SNMP_UDP = SNMP_TCP + TCP - TCP_EXTENDED,
    SNMP = SNMP_UDP + UDP,
};
_Static_assert(SNMP == COUNT(snmp_fields), "each metric has its field");

/* /proc/net/netstat */
static const struct proc_field netstat_fields[] = {
    {"TcpExt:", "SyncookiesSent"}, {"TcpExt:", "ListenOverflows"}, {"TcpExt:", "ListenDrops"},
    {"TcpExt:", "TCPTimeouts"},    {"TcpExt:", "TCPSynRetrans"},   {"IpExt:", "InOctets"},
    {"IpExt:", "OutOctets"},
};
enum { NETSTAT_TCP = 0, NETSTAT_IP = TCP_EXTENDED, NETSTAT = NETSTAT_IP + IP_OCTETS };
_Static_assert(NETSTAT == COUNT(netstat_fields), "each metric has its field");

/* /proc/net/snmp6 */
static const struct proc_field snmp6_fields[] = {
    {NULL, "Ip6InReceives"},       {NULL, "Ip6InHdrErrors"},   {NULL, "Ip6InAddrErrors"},
    {NULL, "Ip6OutForwDatagrams"}, {NULL, "Ip6InDiscards"},    {NULL, "Ip6InDelivers"},
    {NULL, "Ip6OutRequests"},      {NULL, "Ip6OutDiscards"},   {NULL, "Ip6OutNoRoutes"},
    {NULL, "Ip6ReasmReqds"},       {NULL, "Ip6ReasmFails"},    {NULL, "Ip6FragFails"},
    {NULL, "Ip6FragCreates"},      {NULL, "Ip6InOctets"},      {NULL, "Ip6OutOctets"},
    {NULL, "Icmp6InMsgs"},         {NULL, "Icmp6InErrors"},    {NULL, "Icmp6InDestUnreachs"},
    {NULL, "Icmp6OutMsgs"},        {NULL, "Icmp6OutErrors"},   {NULL, "Icmp6OutDestUnreachs"},
    {NULL, "Udp6InDatagrams"},     {NULL, "Udp6NoPorts"},      {NULL, "Udp6InErrors"},
    {NULL, "Udp6OutDatagrams"},    {NULL, "Udp6RcvbufErrors"}, {NULL, "Udp6SndbufErrors"},
    {NULL, "Udp6InCsumErrors"},
};
enum { SNMP6_IP = 0, SNMP6_ICMP = IP, SNMP6_UDP = IP + ICMP, SNMP6 = IP + ICMP + UDP };
_Static_assert(SNMP6 == COUNT(snmp6_fields), "each metric has its field");

/* /proc/net/sockstat and sockstat6 */
static const struct proc_field sockstat_fields[] = {
    {"sockets:", "used"}, {"TCP:", "inuse"},  {"TCP:", "orphan"},  {"TCP:", "tw"},
    {"TCP:", "alloc"},    {"TCP:", "mem"},    {"UDP:", "inuse"},   {"UDP:", "mem"},
    {"RAW:", "inuse"},    {"FRAG:", "inuse"}, {"FRAG:", "memory"},
};
_Static_assert(SOCKETS - SOCKETS_6 == COUNT(sockstat_fields), "each metric has its field");
static const struct proc_field sockstat6_fields[SOCKETS_6] = {
    {"TCP6:", "inuse"},
    {"UDP6:", "inuse"},
    {"RAW6:", "inuse"},
};

static const struct book_kind ip_kind = {.kind = "ip", .metrics = ip_metrics, .n_metrics = IP};
static const struct book_kind icmp_kind = {
    .kind = "icmp", .metrics = icmp_metrics, .n_metrics = ICMP};
static const struct book_kind tcp_kind = {.kind = "tcp", .metrics = tcp_metrics, .n_metrics = TCP};
static const struct book_kind udp_kind = {.kind = "udp", .metrics = udp_metrics, .n_metrics = UDP};
static const struct book_kind sockets_kind = {
    .kind = "sockets",
    .metrics = socket_metrics,
    .n_metrics = SOCKETS,
    .optional = ((1 << SOCKETS_6) - 1) << (SOCKETS - SOCKETS_6), /* a kernel without IPv6 */
};

/* What one file says. */
struct reading {
    uint64_t numbers[PROC_FIELDS_MAX];
    uint64_t missing;
};

typedef int parser(const char *text, size_t size, const struct proc_field *fields, size_t n,
                   uint64_t *values, uint64_t *missing);

/* Where it fails, all is missing. */
static int read_numbers(struct machine *machine, enum kernel_file which, parser *parse,
                        const struct proc_field *fields, size_t n, struct reading *reading)
{
    struct proc_text text;
    int rc = files_read(machine->files, which, &text);
    if (rc == 0) {
        rc = parse(text.at, (size_t)(text.end - text.at), fields, n, reading->numbers,
                   &reading->missing);
    }
    if (rc != 0) {
        *reading = (struct reading){.missing = UINT64_MAX};
    }
    return rc;
}

/* n numbers from `first` on become those of a row from `at` on. */
static void take(struct reading *row, size_t at, const struct reading *from, size_t first, size_t n)
{
    uint64_t mask = (UINT64_C(1) << n) - 1;
    memcpy(row->numbers + at, from->numbers + first, n * sizeof row->numbers[0]);
    row->missing |= (from->missing >> first & mask) << at;
}

static void tell(struct machine *machine, struct wall time, const struct book_kind *kind,
                 const char *name, const struct reading *row)
{
    union value values[BOOK_METRICS_MAX];
    uint64_t all = (UINT64_C(1) << kind->n_metrics) - 1;
    if ((row->missing & all) == all) {
        book_failed(machine->book, kind, name, time, ENODATA);
        return;
    }
    values_of_numbers(kind, row->numbers, values);
    book_row(machine->book, kind, name, NULL, time, values, row->missing & all);
}

static int sample_version_4(struct machine *machine, struct wall time)
{
    struct reading snmp;
    struct reading netstat;
    struct reading ip = {0};
    struct reading icmp = {0};
    struct reading tcp = {0};
    struct reading udp = {0};
    int rc = read_numbers(machine, FILE_SNMP, proc_parse_pairs, snmp_fields, SNMP, &snmp);
    if (rc != 0) {
        return rc;
    }
    /* Without it, its part of the rows is unknown. */
    (void)read_numbers(machine, FILE_NETSTAT, proc_parse_pairs, netstat_fields, NETSTAT, &netstat);
    take(&ip, 0, &snmp, SNMP_IP, IP - IP_OCTETS);
    take(&ip, IP - IP_OCTETS, &netstat, NETSTAT_IP, IP_OCTETS);
    take(&icmp, 0, &snmp, SNMP_ICMP, ICMP);
    take(&tcp, 0, &snmp, SNMP_TCP, TCP - TCP_EXTENDED);
    take(&tcp, TCP - TCP_EXTENDED, &netstat, NETSTAT_TCP, TCP_EXTENDED);
    take(&udp, 0, &snmp, SNMP_UDP, UDP);
    tell(machine, time, &ip_kind, "ipv4", &ip);
    tell(machine, time, &icmp_kind, "ipv4", &icmp);
    tell(machine, time, &tcp_kind, "all", &tcp); /* over IPv4 and IPv6 */
    tell(machine, time, &udp_kind, "ipv4", &udp);
    return 0;
}

static int sample_version_6(struct machine *machine, struct wall time)
{
    struct reading snmp6;
    struct reading ip = {0};
    struct reading icmp = {0};
    struct reading udp = {0};
    int rc = read_numbers(machine, FILE_SNMP6, proc_parse_lines, snmp6_fields, SNMP6, &snmp6);
    if (rc != 0) {
        return rc == -ENOENT ? 0 : rc; /* a kernel without IPv6 */
    }
    take(&ip, 0, &snmp6, SNMP6_IP, IP);
    take(&icmp, 0, &snmp6, SNMP6_ICMP, ICMP);
    take(&udp, 0, &snmp6, SNMP6_UDP, UDP);
    tell(machine, time, &ip_kind, "ipv6", &ip);
    tell(machine, time, &icmp_kind, "ipv6", &icmp);
    tell(machine, time, &udp_kind, "ipv6", &udp);
    return 0;
}

static int sample_sockets(struct machine *machine, struct wall time)
{
    struct reading row;
    struct reading six;
    long page_bytes = sysconf(_SC_PAGESIZE);
    int rc = read_numbers(machine, FILE_SOCKSTAT, proc_parse_groups, sockstat_fields,
                          COUNT(sockstat_fields), &row);
    if (rc != 0) {
        return rc;
    }
    (void)read_numbers(machine, FILE_SOCKSTAT6, proc_parse_groups, sockstat6_fields, SOCKETS_6,
                       &six); /* unknown without it */
    take(&row, SOCKETS - SOCKETS_6, &six, 0, SOCKETS_6);
    if (page_bytes > 0) {
        row.numbers[TCP_MEMORY] *= (uint64_t)page_bytes;
        row.numbers[UDP_MEMORY] *= (uint64_t)page_bytes;
    } else {
        row.missing |= UINT64_C(1) << TCP_MEMORY | UINT64_C(1) << UDP_MEMORY;
    }
    tell(machine, time, &sockets_kind, "all", &row);
    return 0;
}

int source_network(struct machine *machine, struct wall time)
{
    int rc_4 = sample_version_4(machine, time);
    int rc_6 = sample_version_6(machine, time);
    int rc_sockets = sample_sockets(machine, time);
    return rc_4 != 0 ? rc_4 : rc_6 != 0 ? rc_6 : rc_sockets;
}
