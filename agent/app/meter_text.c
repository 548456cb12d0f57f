/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter_text.h"

#include "meter_json.h"
#include "text_table.h"

#include "common/xalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 2, CELL = 48 };
static const double S_NS = 1e9;

struct page {
    FILE *out;
    const struct capture_document *document;
    const struct services *service_names;
    size_t top;
    bool coloured;
    double seconds; /* that the figures are of; 0: not known */
};

/* --- numbers --- */

/* "1.5 MB", "312 kbit/s": three digits and a unit. */
static void format_scaled(double number, const char *unit, char text[CELL])
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    size_t power = 0;
    while (number >= 999.5 && power + 1 < sizeof prefixes / sizeof prefixes[0]) {
        number /= 1000;
        power++;
    }
    int digits = power == 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
    (void)snprintf(text, CELL, "%.*f %s%s", digits, number, prefixes[power], unit);
}

static void cell_number(struct text_table *table, uint64_t number)
{
    char text[CELL];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    text_table_cell(table, text);
}

static void cell_bytes(struct text_table *table, uint64_t bytes)
{
    char text[CELL];
    format_scaled((double)bytes, "B", text);
    text_table_cell(table, text);
}

static void cell_rate(struct text_table *table, const struct page *page, uint64_t bytes)
{
    char text[CELL] = "";
    if (page->seconds > 0) {
        format_scaled((double)bytes * 8 / page->seconds, "bit/s", text);
    }
    text_table_cell(table, text);
}

static void cell_share(struct text_table *table, uint64_t part, uint64_t whole)
{
    char text[CELL] = "";
    if (whole > 0) {
        (void)snprintf(text, sizeof text, "%.1f %%", 100.0 * (double)part / (double)whole);
    }
    text_table_cell(table, text);
}

static void print_title(const struct page *page, const char *title)
{
    fprintf(page->out, page->coloured ? "\n\033[1m%s\033[0m\n" : "\n%s\n", title);
}

/* --- sections --- */

static void print_warning(const struct page *page, const char *text)
{
    fprintf(page->out, page->coloured ? "  \033[33m%s\033[0m\n" : "  %s\n", text);
}

static void print_drops(const struct page *page)
{
    const struct capture_document *document = page->document;
    uint64_t lost = document->kernel_dropped + document->interface_dropped;
    uint64_t all = document->summary->totals.all.packets + lost;
    if (lost > 0) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "%" PRIu64 " packets were dropped before they were metered (%.2f %%)%s",
                       lost, 100.0 * (double)lost / (double)all,
                       lost * 100 > all ? ": these figures are doubtful" : "");
        print_warning(page, text);
    }
}

static void print_notes(const struct page *page)
{
    const struct summary *summary = page->document->summary;
    char text[160];
    print_drops(page);
    if (!page->document->is_decoded) {
        (void)snprintf(text, sizeof text,
                       "frames of link type %s are only counted, their headers are not read",
                       page->document->link_type);
        print_warning(page, text);
    }
    if (summary->totals.offloaded > 0) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu64 " frames are several packets in one (offload): about %" PRIu64
                       " packets on the wire",
                       summary->totals.offloaded, summary->totals.packets_estimated);
        print_warning(page, text);
    }
    if (summary->flows.evicted > 0) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu64 " flows gave way to others: their number and TCP's are estimates",
                       summary->flows.evicted);
        print_warning(page, text);
    }
    if (page->document->error != NULL) {
        print_warning(page, page->document->error);
    }
}

static void print_head(const struct page *page)
{
    const struct capture_document *document = page->document;
    const struct summary *summary = document->summary;
    char from[64];
    char to[64];
    char bytes[CELL];
    char rate[CELL] = "";
    fputs(page->coloured ? "\033[1m" : "", page->out);
    text_print_clean(page->out, document->name);
    fprintf(page->out, "%s (%s)", page->coloured ? "\033[0m" : "", document->link_type);
    if (summary->totals.all.packets > 0 || document->has_interval) {
        meter_format_time(document->has_interval ? document->from_ns : summary->first_ns, from,
                          sizeof from);
        meter_format_time(document->has_interval ? document->to_ns : summary->last_ns, to,
                          sizeof to);
        fprintf(page->out, " %.19sZ to %.19sZ", from, to); /* to the second */
    }
    format_scaled((double)summary->totals.all.wire_bytes, "B", bytes);
    if (page->seconds > 0) {
        format_scaled((double)summary->totals.all.wire_bytes * 8 / page->seconds, "bit/s", rate);
    }
    fprintf(page->out, "\n  %" PRIu64 " packets, %s on the wire%s%s\n", summary->totals.all.packets,
            bytes, rate[0] != '\0' ? ", " : "", rate);
    print_notes(page);
}

static void add_protocol(struct text_table *table, const struct page *page, const char *name,
                         const struct traffic_count *count)
{
    if (count->packets == 0) {
        return;
    }
    text_table_cell(table, name);
    cell_number(table, count->packets);
    cell_bytes(table, count->wire_bytes);
    cell_rate(table, page, count->wire_bytes);
    cell_share(table, count->wire_bytes, page->document->summary->totals.all.wire_bytes);
}

struct vlan {
    unsigned id;
    const struct traffic_count *count;
};

/* The heaviest first. */
static int compare_vlans(const void *a, const void *b)
{
    const struct vlan *first = a;
    const struct vlan *second = b;
    uint64_t bytes[] = {first->count->wire_bytes, second->count->wire_bytes};
    return bytes[0] != bytes[1] ? (bytes[0] < bytes[1]) - (bytes[0] > bytes[1])
                                : (first->id > second->id) - (first->id < second->id);
}

static void add_vlans(struct text_table *table, const struct page *page)
{
    const struct traffic_totals *totals = &page->document->summary->totals;
    struct vlan *vlans = xcalloc(VLAN_IDS, sizeof *vlans);
    size_t count = 0;
    for (unsigned i = 0; i < VLAN_IDS; i++) {
        if (totals->vlans[i].packets > 0) {
            vlans[count++] = (struct vlan){i, &totals->vlans[i]};
        }
    }
    qsort(vlans, count, sizeof *vlans, compare_vlans);
    for (size_t i = 0; i < count && i < page->top; i++) {
        char name[CELL];
        (void)snprintf(name, sizeof name, "vlan %u", vlans[i].id);
        add_protocol(table, page, name, vlans[i].count);
    }
    free(vlans);
}

static struct text_table *new_table(const char *first)
{
    struct text_table *table = text_table_new();
    text_table_column(table, first, false);
    text_table_column(table, "packets", true);
    text_table_column(table, "bytes", true);
    text_table_column(table, "rate", true);
    text_table_column(table, "share", true);
    return table;
}

static void print_protocols(const struct page *page)
{
    const struct traffic_totals *totals = &page->document->summary->totals;
    struct text_table *table = new_table("protocol");
    for (unsigned i = 0; i < L3_KINDS; i++) {
        enum packet_l3 l3 = (enum packet_l3)((i + 1) % L3_KINDS);
        add_protocol(table, page, packet_l3_name(l3), &totals->l3[l3]);
    }
    for (unsigned i = L4_NONE + 1; i < L4_KINDS; i++) {
        char name[CELL];
        (void)snprintf(name, sizeof name, "  %s", packet_l4_name((enum packet_l4)i));
        add_protocol(table, page, name, &totals->l4[i]);
    }
    add_vlans(table, page);
    print_title(page, "Protocols and VLANs");
    text_table_print(table, page->out, INDENT);
    text_table_free(table);
}

static void print_quantiles(const struct page *page, const char *name,
                            const struct histogram *histogram)
{
    static const unsigned percents[] = {50, 90, 99};
    if (histogram->n == 0) {
        return;
    }
    fprintf(page->out, "  %s:", name);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        double ms = (double)histogram_percentile(histogram, percents[i]) / 1e6;
        fprintf(page->out, "%s %.*f ms (p%u)", i > 0 ? "," : "", ms < 10 ? 2 : 0, ms, percents[i]);
    }
    fprintf(page->out, " of %" PRIu64 "\n", histogram->n);
}

static void print_tcp(const struct page *page)
{
    const struct tcp_counts *tcp = &page->document->summary->tcp;
    const struct flow_counts *flows = &page->document->summary->flows;
    print_title(page, "Flows and TCP");
    fprintf(page->out, "  %" PRIu64 " flows, %" PRIu64 " of them new\n", flows->active,
            flows->added);
    if (tcp->data_segments + tcp->syns + tcp->resets == 0) {
        return;
    }
    double ratio = tcp->data_segments > 0
                       ? 100.0 * (double)tcp->retransmissions / (double)tcp->data_segments
                       : 0;
    fprintf(page->out,
            "  %" PRIu64 " SYN, %" PRIu64 " FIN, %" PRIu64 " RST; %" PRIu64
            " data segments, %" PRIu64 " sent again (%.2f %%), %" PRIu64 " out of order; %" PRIu64
            " SYN sent again\n",
            tcp->syns, tcp->fins, tcp->resets, tcp->data_segments, tcp->retransmissions, ratio,
            tcp->reordered, tcp->syn_retransmissions);
    print_quantiles(page, "round trip to the servers", &tcp->rtt_server);
    print_quantiles(page, "round trip to the clients", &tcp->rtt_client);
}

static void print_dns(const struct page *page)
{
    const struct dns_counts *dns = &page->document->summary->dns;
    if (dns->queries + dns->responses == 0) {
        return;
    }
    print_title(page, "DNS");
    fprintf(page->out,
            "  %" PRIu64 " questions, %" PRIu64 " answers, %" PRIu64 " unanswered:", dns->queries,
            dns->responses, dns->unanswered);
    for (unsigned i = 0; i < DNS_RCODES; i++) {
        if (dns->rcodes[i] > 0) {
            fprintf(page->out, " %s %" PRIu64, dns_rcode_name(i), dns->rcodes[i]);
        }
    }
    fputc('\n', page->out);
    print_quantiles(page, "response time", &dns->response_time);
}

static void cell_key(struct text_table *table, const struct page *page,
                     const struct talker_key *key)
{
    char text[PRIVACY_TEXT_MAX];
    char named[PRIVACY_TEXT_MAX + SERVICE_NAME_MAX + 2];
    privacy_print(key, text);
    const char *name = NULL;
    if (key->kind == TALKER_SERVICE) {
        name = services_name(page->service_names, key->bytes[0],
                             (uint16_t)((unsigned)key->bytes[2] << 8 | key->bytes[3]));
    }
    (void)snprintf(named, sizeof named, "%s%s%s", text, name != NULL ? " " : "",
                   name != NULL ? name : "");
    text_table_cell(table, named);
}

static void print_list(const struct page *page, const char *title, const char *first,
                       const struct talkers *talkers)
{
    struct talker *top = xcalloc(page->top + 1, sizeof *top);
    size_t count = talkers_top(talkers, top, page->top);
    if (count > 0) {
        uint64_t whole = page->document->summary->totals.all.ip_bytes;
        struct text_table *table = new_table(first);
        text_table_column(table, "at most too much", true);
        for (size_t i = 0; i < count; i++) {
            cell_key(table, page, &top[i].key);
            cell_number(table, top[i].packets);
            cell_bytes(table, top[i].ip_bytes);
            cell_rate(table, page, top[i].ip_bytes);
            cell_share(table, top[i].ip_bytes, whole);
            cell_bytes(table, top[i].error_bytes);
        }
        print_title(page, title);
        text_table_print(table, page->out, INDENT);
        text_table_free(table);
    }
    free(top);
}

static void print_exits(const struct page *page)
{
    const struct traffic_totals *totals = &page->document->summary->totals;
    bool any = false;
    for (unsigned i = EXIT_NONE + 1; i < EXITS; i++) {
        if (totals->exits[i] > 0) {
            if (!any) {
                print_title(page, "Headers that could not be read to the end");
            }
            any = true;
            fprintf(page->out, "  %s %" PRIu64 "\n", packet_exit_name((enum packet_exit)i),
                    totals->exits[i]);
        }
    }
}

void meter_text_print(FILE *out, const struct capture_document *document,
                      const struct services *service_names, size_t top, bool coloured)
{
    const struct summary *summary = document->summary;
    int64_t span_ns = document->has_interval ? document->to_ns - document->from_ns
                                             : summary->last_ns - summary->first_ns;
    const struct page page = {
        .out = out,
        .document = document,
        .service_names = service_names,
        .top = top,
        .coloured = coloured,
        .seconds = span_ns > 0 ? (double)span_ns / S_NS : 0,
    };
    print_head(&page);
    if (summary->totals.all.packets > 0) {
        print_protocols(&page);
        print_tcp(&page);
        print_dns(&page);
        print_list(&page, "Hosts", "address", summary->hosts);
        print_list(&page, "Networks", "prefix", summary->prefixes);
        print_list(&page, "Services", "service", summary->services);
        print_exits(&page);
    }
}
