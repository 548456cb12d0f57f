/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter_json.h"

#include "json_writer.h"

#include "common/xalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t S_NS = 1000000000;

void meter_format_time(int64_t time_ns, char *text, size_t size)
{
    int64_t part_ns = (time_ns % S_NS + S_NS) % S_NS;
    time_t seconds = (time_t)((time_ns - part_ns) / S_NS);
    struct tm broken;
    size_t used = 0;
    if (gmtime_r(&seconds, &broken) != NULL) {
        used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &broken);
    }
    (void)snprintf(text + used, size - used, ".%09" PRId64 "Z", part_ns);
}

static void put_text(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

static void put_number(struct json_writer *json, const char *key, uint64_t number)
{
    json_key(json, key);
    json_unsigned(json, number);
}

static void put_time(struct json_writer *json, const char *key, bool known, int64_t time_ns)
{
    char text[64];
    json_key(json, key);
    if (!known) {
        json_null(json);
        return;
    }
    meter_format_time(time_ns, text, sizeof text);
    json_string(json, text);
}

static void begin(struct json_writer *json, const char *key)
{
    json_key(json, key);
    json_begin_object(json);
}

static void put_count(struct json_writer *json, const char *key, const struct traffic_count *count)
{
    begin(json, key);
    put_number(json, "packets", count->packets);
    put_number(json, "ip_bytes", count->ip_bytes);
    put_number(json, "wire_bytes", count->wire_bytes);
    json_end_object(json);
}

static void put_protocols(struct json_writer *json, const struct traffic_totals *totals)
{
    begin(json, "l3");
    for (unsigned i = 0; i < L3_KINDS; i++) {
        enum packet_l3 l3 = (enum packet_l3)((i + 1) % L3_KINDS); /* "other" last */
        put_count(json, packet_l3_name(l3), &totals->l3[l3]);
    }
    json_end_object(json);
    begin(json, "l4");
    for (unsigned i = L4_NONE + 1; i < L4_KINDS; i++) {
        put_count(json, packet_l4_name((enum packet_l4)i), &totals->l4[i]);
    }
    json_end_object(json);
}

static void put_vlans(struct json_writer *json, const struct traffic_totals *totals)
{
    begin(json, "vlan");
    for (unsigned i = 0; i < TAGS_KINDS; i++) {
        put_count(json, packet_tags_name((enum packet_tags)i), &totals->tags[i]);
    }
    json_end_object(json);
    begin(json, "vlan_ids");
    for (unsigned i = 0; i < VLAN_IDS; i++) {
        if (totals->vlans[i].packets > 0) {
            char id[8];
            (void)snprintf(id, sizeof id, "%u", i);
            put_count(json, id, &totals->vlans[i]);
        }
    }
    json_end_object(json);
}

static void put_sizes(struct json_writer *json, const struct traffic_totals *totals)
{
    begin(json, "sizes");
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        char most[16];
        (void)snprintf(most, sizeof most, "%" PRIu32, size_class_most[i]);
        put_number(json, i + 1 < SIZE_CLASSES ? most : "larger", totals->sizes[i]);
    }
    json_end_object(json);
}

/* {"n", "p50", "p90", "p99"} in microseconds. */
static void put_histogram(struct json_writer *json, const char *key,
                          const struct histogram *histogram)
{
    static const struct {
        const char *name;
        unsigned percent;
    } quantiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}};
    begin(json, key);
    put_number(json, "n", histogram->n);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        int64_t value_ns = histogram_percentile(histogram, quantiles[i].percent);
        json_key(json, quantiles[i].name);
        if (value_ns < 0) {
            json_null(json);
        } else {
            json_double(json, (double)value_ns / 1000.0);
        }
    }
    json_end_object(json);
}

static void put_tcp(struct json_writer *json, const struct tcp_counts *tcp)
{
    begin(json, "tcp");
    put_number(json, "syns", tcp->syns);
    put_number(json, "syn_acks", tcp->syn_acks);
    put_number(json, "fins", tcp->fins);
    put_number(json, "resets", tcp->resets);
    put_number(json, "handshakes", tcp->handshakes);
    put_number(json, "handshakes_ambiguous", tcp->handshakes_ambiguous);
    begin(json, "rtt_us");
    put_histogram(json, "server", &tcp->rtt_server);
    put_histogram(json, "client", &tcp->rtt_client);
    json_end_object(json);
    put_number(json, "data_segments", tcp->data_segments);
    put_number(json, "retransmissions", tcp->retransmissions);
    put_number(json, "syn_retransmissions", tcp->syn_retransmissions);
    put_number(json, "reordered", tcp->reordered);
    put_number(json, "rtt_backwards", tcp->backwards);
    json_end_object(json);
}

static void put_dns(struct json_writer *json, const struct dns_counts *dns)
{
    begin(json, "dns");
    put_number(json, "queries", dns->queries);
    put_number(json, "repeated", dns->repeated);
    put_number(json, "responses", dns->responses);
    put_number(json, "unanswered", dns->unanswered);
    put_number(json, "unmatched", dns->unmatched);
    begin(json, "rcodes");
    for (unsigned i = 0; i < DNS_RCODES; i++) {
        if (dns->rcodes[i] > 0) {
            put_number(json, dns_rcode_name(i), dns->rcodes[i]);
        }
    }
    json_end_object(json);
    put_histogram(json, "response_time_us", &dns->response_time);
    json_end_object(json);
}

struct list {
    const char *name; /* of the list, of its error bound and of the key in an item */
    const char *bound;
    const char *key;
    const struct talkers *talkers;
};

static void put_item(struct json_writer *json, const struct list *list,
                     const struct services *service_names, const struct talker *talker)
{
    char text[PRIVACY_TEXT_MAX];
    privacy_print(&talker->key, text);
    json_begin_object(json);
    put_text(json, list->key, text);
    if (talker->key.kind == TALKER_SERVICE) {
        const uint8_t *bytes = talker->key.bytes;
        const char *name =
            services_name(service_names, bytes[0], (uint16_t)((unsigned)bytes[2] << 8 | bytes[3]));
        json_key(json, "name");
        if (name != NULL) {
            json_string(json, name);
        } else {
            json_null(json);
        }
    }
    put_number(json, "ip_bytes", talker->ip_bytes);
    put_number(json, "packets", talker->packets);
    put_number(json, "error", talker->error_bytes);
    json_end_object(json);
}

static void put_list(struct json_writer *json, const struct list *list,
                     const struct services *service_names, size_t most)
{
    struct talker *top = xcalloc(most + 1, sizeof *top);
    size_t count = talkers_top(list->talkers, top, most);
    json_key(json, list->name);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        put_item(json, list, service_names, &top[i]);
    }
    json_end_array(json);
    put_number(json, list->bound, talkers_error_bound(list->talkers));
    free(top);
}

static void put_exits(struct json_writer *json, const struct traffic_totals *totals)
{
    begin(json, "decode_exits");
    for (unsigned i = EXIT_NONE + 1; i < EXITS; i++) {
        if (totals->exits[i] > 0) {
            put_number(json, packet_exit_name((enum packet_exit)i), totals->exits[i]);
        }
    }
    json_end_object(json);
}

static void put_head(struct json_writer *json, const struct capture_document *document)
{
    const struct traffic_totals *totals = &document->summary->totals;
    bool any = totals->all.packets > 0;
    put_text(json, document->is_file ? "file" : "interface", document->name);
    put_text(json, "link_type", document->link_type);
    if (document->has_interval) {
        put_time(json, "from", true, document->from_ns);
        put_time(json, "to", true, document->to_ns);
    }
    put_number(json, "packets", totals->all.packets);
    put_number(json, "wire_bytes", totals->all.wire_bytes);
    put_number(json, "ip_bytes", totals->all.ip_bytes);
    put_number(json, "truncated", totals->truncated);
    put_time(json, "first", any, document->summary->first_ns);
    put_time(json, "last", any, document->summary->last_ns);
    put_number(json, "packets_estimated", totals->packets_estimated);
    put_number(json, "offloaded", totals->offloaded);
    if (!document->is_file) {
        put_number(json, "kernel_dropped", document->kernel_dropped);
        put_number(json, "interface_dropped", document->interface_dropped);
    }
}

void meter_json_print(FILE *out, const struct capture_document *document,
                      const struct services *service_names, size_t top)
{
    const struct summary *summary = document->summary;
    const struct list lists[] = {
        {"top_hosts", "top_hosts_error_bound", "address", summary->hosts},
        {"top_prefixes", "top_prefixes_error_bound", "prefix", summary->prefixes},
        {"top_services", "top_services_error_bound", "service", summary->services},
    };
    struct json_writer json = {.out = out};
    json_begin_object(&json);
    put_head(&json, document);
    put_protocols(&json, &summary->totals);
    put_vlans(&json, &summary->totals);
    put_sizes(&json, &summary->totals);
    put_number(&json, "fragments_non_first", summary->totals.fragments_non_first);
    put_number(&json, "fragments_unmatched", summary->totals.fragments_unmatched);
    put_number(&json, "tunnelled", summary->totals.tunnelled);
    put_number(&json, "flows", summary->flows.active);
    put_number(&json, "flows_new", summary->flows.added);
    put_number(&json, "flows_evicted", summary->flows.evicted);
    put_tcp(&json, &summary->tcp);
    put_dns(&json, &summary->dns);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        put_list(&json, &lists[i], service_names, top);
    }
    put_exits(&json, &summary->totals);
    if (document->error != NULL) {
        put_text(&json, "error", document->error);
    }
    json_end_object(&json);
    fputc('\n', out);
}
