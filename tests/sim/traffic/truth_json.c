/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The truth, with the names that `beffroi-agent meter --format json` gives its numbers. */
#include "truth.h"

#include "capture_file.h"
#include "give_up.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOP = 100, TEXT_MAX = 64 };

/* --- numbers --- */

static void put_count(FILE *out, const char *name, const struct count *count, const char *after)
{
    (void)fprintf(out,
                  "\"%s\":{\"packets\":%" PRIu64 ",\"ip_bytes\":%" PRIu64 ",\"wire_bytes\":%" PRIu64
                  "}%s",
                  name, count->packets, count->ip_bytes, count->wire_bytes, after);
}

static void put_time(FILE *out, const char *name, int64_t time_ns)
{
    const int64_t second = 1000000000;
    char text[TEXT_MAX];
    time_t seconds = (time_t)(time_ns / second);
    struct tm broken;
    (void)gmtime_r(&seconds, &broken);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken);
    (void)fprintf(out, "\"%s\":\"%s.%09" PRId64 "Z\",", name, text, time_ns % second);
}

static int by_value(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* The nearest rank: the value at ceil(n * percent / 100). */
static void put_samples(FILE *out, const char *name, struct samples *samples, const char *after)
{
    static const unsigned percents[] = {50, 90, 99};
    if (samples->n > 0) {
        qsort(samples->values_ns, samples->n, sizeof *samples->values_ns, by_value);
    }
    (void)fprintf(out, "\"%s\":{\"n\":%zu", name, samples->n);
    for (unsigned i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        if (samples->n == 0) {
            (void)fprintf(out, ",\"p%u\":null", percents[i]);
            continue;
        }
        size_t rank = (samples->n * percents[i] + 99) / 100;
        (void)fprintf(out, ",\"p%u\":%.3f", percents[i],
                      (double)samples->values_ns[rank - 1] / 1000.0);
    }
    (void)fprintf(out, "}%s", after);
}

static void put_l4(FILE *out, const struct truth *truth)
{
    static const struct {
        const char *name;
        uint8_t protocol;
    } names[] = {{"tcp", PROTOCOL_TCP},     {"udp", PROTOCOL_UDP},   {"icmp", PROTOCOL_ICMP},
                 {"icmp6", PROTOCOL_ICMP6}, {"igmp", PROTOCOL_IGMP}, {"gre", PROTOCOL_GRE},
                 {"esp", PROTOCOL_ESP},     {"ah", PROTOCOL_AH},     {"sctp", PROTOCOL_SCTP},
                 {"ipip", PROTOCOL_IPV4},   {"6in4", PROTOCOL_IPV6}, {"ospf", PROTOCOL_OSPF},
                 {"pim", PROTOCOL_PIM},     {"vrrp", PROTOCOL_VRRP}, {"other", PROTOCOL_L2TP}};
    enum { NAMES = sizeof names / sizeof names[0] };
    (void)fputs("\"l4\":{", out);
    for (unsigned i = 0; i < NAMES; i++) {
        put_count(out, names[i].name, &truth->l4[names[i].protocol], i + 1 < NAMES ? "," : "},");
    }
}

static void put_tags(FILE *out, const struct truth *truth)
{
    static const char *const names[TAGS_KINDS] = {"none", "8100", "88a8", "9100", "qinq"};
    bool any = false;
    (void)fputs("\"vlan\":{", out);
    for (unsigned i = 0; i < TAGS_KINDS; i++) {
        put_count(out, names[i], &truth->tags[i], i + 1 < TAGS_KINDS ? "," : "},\"vlan_ids\":{");
    }
    for (unsigned i = 0; i < VLANS; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%u", i);
        if (truth->vlans[i].packets > 0) {
            (void)fputs(any ? "," : "", out);
            put_count(out, name, &truth->vlans[i], "");
            any = true;
        }
    }
    (void)fputs("},", out);
}

static void put_sizes(FILE *out, const struct truth *truth)
{
    static const char *const names[SIZES] = {"64",   "128",  "256",  "512",
                                             "1024", "1518", "9216", "larger"};
    (void)fputs("\"sizes\":{", out);
    for (unsigned i = 0; i < SIZES; i++) {
        (void)fprintf(out, "\"%s\":%" PRIu64 "%s", names[i], truth->sizes[i],
                      i + 1 < SIZES ? "," : "},");
    }
}

static void put_tcp(FILE *out, struct truth *truth)
{
    (void)fprintf(out,
                  "\"tcp\":{\"syns\":%" PRIu64 ",\"syn_acks\":%" PRIu64 ",\"fins\":%" PRIu64
                  ",\"resets\":%" PRIu64 ",\"handshakes\":%" PRIu64
                  ",\"handshakes_ambiguous\":%" PRIu64 ",\"rtt_us\":{",
                  truth->syns, truth->syn_acks, truth->fins, truth->resets, truth->handshakes,
                  truth->handshakes_ambiguous);
    put_samples(out, "server", &truth->rtt_server, ",");
    put_samples(out, "client", &truth->rtt_client, "},");
    (void)fprintf(out,
                  "\"retransmissions\":%" PRIu64 ",\"syn_retransmissions\":%" PRIu64
                  ",\"reordered\":%" PRIu64 "},",
                  truth->retransmissions, truth->syn_retransmissions, truth->reordered);
}

static void put_dns(FILE *out, struct truth *truth)
{
    static const char *const names[] = {"noerror",  "formerr", "servfail",
                                        "nxdomain", "notimp",  "refused"};
    bool any = false;
    (void)fprintf(out,
                  "\"dns\":{\"queries\":%" PRIu64 ",\"repeated\":%" PRIu64 ",\"responses\":%" PRIu64
                  ",\"unanswered\":%" PRIu64 ",\"unmatched\":%" PRIu64 ",\"rcodes\":{",
                  truth->dns_queries, truth->dns_repeated, truth->dns_responses,
                  truth->dns_queries - truth->dns_repeated - truth->dns_answered,
                  truth->dns_unmatched);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (truth->rcodes[i] > 0) {
            (void)fprintf(out, "%s\"%s\":%" PRIu64, any ? "," : "", names[i], truth->rcodes[i]);
            any = true;
        }
    }
    (void)fputs("},", out);
    put_samples(out, "response_time_us", &truth->dns_time, "},");
}

/* --- the heaviest --- */

struct item {
    uint8_t key[16]; /* an address, or protocol, 0 and port */
    unsigned prefix; /* length; 0: none */
    uint64_t ip_bytes;
    uint64_t packets;
};

/* By bytes, then by key. */
static int by_weight(const void *a, const void *b)
{
    const struct item *left = a;
    const struct item *right = b;
    if (left->ip_bytes != right->ip_bytes) {
        return left->ip_bytes > right->ip_bytes ? -1 : 1;
    }
    return memcmp(left->key, right->key, sizeof left->key);
}

static void format_service(const uint8_t key[16], char text[TEXT_MAX])
{
    unsigned port = (unsigned)key[2] << 8 | key[3];
    switch (key[0]) {
    case PROTOCOL_TCP:
        (void)snprintf(text, TEXT_MAX, "tcp/%u", port);
        return;
    case PROTOCOL_UDP:
        (void)snprintf(text, TEXT_MAX, "udp/%u", port);
        return;
    case PROTOCOL_SCTP:
        (void)snprintf(text, TEXT_MAX, "sctp/%u", port);
        return;
    case PROTOCOL_ICMP:
        (void)snprintf(text, TEXT_MAX, "icmp");
        return;
    case PROTOCOL_ICMP6:
        (void)snprintf(text, TEXT_MAX, "icmp6");
        return;
    case PROTOCOL_IGMP:
        (void)snprintf(text, TEXT_MAX, "igmp");
        return;
    case PROTOCOL_ESP:
        (void)snprintf(text, TEXT_MAX, "esp");
        return;
    case PROTOCOL_AH:
        (void)snprintf(text, TEXT_MAX, "ah");
        return;
    default:
        (void)snprintf(text, TEXT_MAX, "protocol/%u", key[0]);
        return;
    }
}

static void format_address(const struct item *item, char text[TEXT_MAX])
{
    static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
    bool is_v4 = memcmp(item->key, v4, sizeof v4) == 0;
    (void)inet_ntop(is_v4 ? AF_INET : AF_INET6, item->key + (is_v4 ? 12 : 0), text, TEXT_MAX);
    if (item->prefix > 0) {
        size_t used = strlen(text);
        (void)snprintf(text + used, TEXT_MAX - used, "/%u", item->prefix);
    }
}

static void put_top(FILE *out, const char *list, const char *name, struct item *items, size_t n,
                    const char *after)
{
    char text[TEXT_MAX];
    qsort(items, n, sizeof *items, by_weight);
    (void)fprintf(out, "\"%s\":[", list);
    for (size_t i = 0; i < n && i < TOP && items[i].packets > 0; i++) {
        if (name[0] == 's') {
            format_service(items[i].key, text);
        } else {
            format_address(&items[i], text);
        }
        (void)fprintf(out, "%s{\"%s\":\"%s\",\"ip_bytes\":%" PRIu64 ",\"packets\":%" PRIu64 "}",
                      i > 0 ? "," : "", name, text, items[i].ip_bytes, items[i].packets);
    }
    (void)fprintf(out, "]%s", after);
}

static void weigh(struct item *item, const struct flow *flow)
{
    item->ip_bytes += flow->ip_bytes;
    item->packets += flow->packets;
}

static void put_hosts(FILE *out, const struct plan *plan)
{
    uint32_t n = plan->hosts.n;
    struct item *items = room_for(n, 2 * sizeof *items);
    for (uint32_t i = 0; i < n * 2; i++) {
        hosts_address(&plan->hosts, i / 2, i % 2 != 0, items[i].key);
    }
    for (uint32_t i = 0; i < plan->options->n_flows; i++) {
        const struct flow *flow = &plan->flows[i];
        weigh(&items[flow->host[0] * 2 + flow->is_v6], flow);
        weigh(&items[flow->host[1] * 2 + flow->is_v6], flow);
    }
    put_top(out, "top_hosts", "address", items, n * (size_t)2, ",");
    free(items);
}

static void put_prefixes(FILE *out, const struct plan *plan)
{
    uint32_t n = plan->hosts.n_networks;
    struct item *items = room_for(n, 2 * sizeof *items);
    for (uint32_t i = 0; i < n * 2; i++) {
        items[i].prefix = hosts_prefix(i / 2, i % 2 != 0, items[i].key);
    }
    for (uint32_t i = 0; i < plan->options->n_flows; i++) {
        const struct flow *flow = &plan->flows[i];
        uint32_t a = hosts_network(&plan->hosts, flow->host[0]);
        uint32_t b = hosts_network(&plan->hosts, flow->host[1]);
        weigh(&items[a * 2 + flow->is_v6], flow);
        if (a != b) { /* what is between neighbours counts once */
            weigh(&items[b * 2 + flow->is_v6], flow);
        }
    }
    put_top(out, "top_prefixes", "prefix", items, n * (size_t)2, ",");
    free(items);
}

static void put_services(FILE *out, const struct plan *plan)
{
    enum { PORTS = 65536, PROTOCOLS = 256 };
    static uint8_t place_of[PROTOCOLS]; /* 0: none yet */
    size_t n_places = 0;
    for (uint32_t i = 0; i < plan->options->n_flows; i++) {
        uint8_t *place = &place_of[plan->flows[i].protocol];
        if (*place == 0) {
            *place = (uint8_t)++n_places;
        }
    }
    struct item *items = room_for(n_places * PORTS, sizeof *items);
    for (uint32_t i = 0; i < plan->options->n_flows; i++) {
        const struct flow *flow = &plan->flows[i];
        struct item *item = &items[(place_of[flow->protocol] - 1U) * (size_t)PORTS + flow->port[1]];
        item->key[0] = flow->protocol;
        item->key[2] = (uint8_t)(flow->port[1] >> 8);
        item->key[3] = (uint8_t)flow->port[1];
        weigh(item, flow);
    }
    put_top(out, "top_services", "service", items, n_places * PORTS, "}\n");
    free(items);
}

/* --- the whole --- */

static void put_head(FILE *out, const struct truth *truth, const struct plan *plan,
                     const char *file)
{
    (void)fprintf(out,
                  "{\"file\":\"%s\",\"link_type\":\"%s\",\"packets\":%" PRIu64
                  ",\"wire_bytes\":%" PRIu64 ",\"ip_bytes\":%" PRIu64 ",\"truncated\":%" PRIu64 ",",
                  file, capture_file_link_name(plan->options->link), truth->all.packets,
                  truth->all.wire_bytes, truth->all.ip_bytes, truth->truncated);
    put_time(out, "first", truth->first_ns);
    put_time(out, "last", truth->last_ns);
    (void)fprintf(out, "\"packets_estimated\":%" PRIu64 ",\"offloaded\":%" PRIu64 ",\"l3\":{",
                  truth->pieces, truth->offloaded);
    put_count(out, "ipv4", &truth->l3[L3_IPV4], ",");
    put_count(out, "ipv6", &truth->l3[L3_IPV6], ",");
    put_count(out, "arp", &truth->l3[L3_ARP], ",");
    put_count(out, "other", &truth->l3[L3_OTHER], "},");
}

void truth_write(struct truth *truth, const struct plan *plan, const char *path, const char *file)
{
    uint64_t n_flows = 0;
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        give_up(path, strerror(errno));
    }
    for (uint32_t i = 0; i < plan->options->n_flows; i++) {
        n_flows += plan->flows[i].packets > 0;
    }
    put_head(out, truth, plan, file);
    put_l4(out, truth);
    put_tags(out, truth);
    put_sizes(out, truth);
    (void)fprintf(out,
                  "\"fragments_non_first\":%" PRIu64 ",\"fragments_unmatched\":%" PRIu64
                  ",\"tunnelled\":%" PRIu64 ",\"flows\":%" PRIu64 ",",
                  truth->fragments_non_first, truth->fragments_unmatched, truth->tunnelled,
                  n_flows);
    put_tcp(out, truth);
    put_dns(out, truth);
    put_hosts(out, plan);
    put_prefixes(out, plan);
    put_services(out, plan);
    if (ferror(out) != 0 || fclose(out) != 0) {
        give_up(path, strerror(errno));
    }
}
