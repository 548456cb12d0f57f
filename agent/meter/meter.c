/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/meter.h"

#include "common/xalloc.h"
#include "fragments.h"

#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLOWS = 131072,
    HOSTS = 16384,
    PREFIXES = 4096,
    SERVICES = 4096,
    HOLES = 16384,
    /* A frame's flow is asked for when it comes: its slot at once, its entry AHEAD frames later,
     * counted RING frames later. More does not help: the processor has some ten requests open. */
    RING = 16,
    AHEAD = 8,
    SEED_SIZE = 16,
    IP_HEADER = 20,
    IP6_HEADER = 40,
    TCP_HEADER = 20,
    MTU_ETHERNET = 1500,
    MTU_JUMBO = 9216, /* no link of ours carries more in one frame */
};
static const int64_t S_NS = 1000000000;

struct waiting {
    struct packet packet;
    uint64_t hash;
};

struct meter {
    struct waiting ring[RING];
    size_t n_frames; /* ever: the next one's place is n_frames % RING */
    size_t n_waiting;
    struct flows *flows;
    struct fragments *fragments;
    struct tcp_tracker *tcp;
    struct dns *dns;
    struct summary *summary; /* of this interval */
    struct summary *spare;   /* of the one before */
    uint32_t mtu_bytes;
    struct privacy *privacy;
    const struct services *service_names;
    void (*on_flow)(void *context, const struct flow_report *report);
    void *context;
};

/* --- what a flow did, told when an interval ends or the flow goes --- */

static void report_flow(const struct meter *meter, const struct flow *flow, unsigned direction,
                        bool ended)
{
    struct flow_report report = {
        .source_port = flow->port[direction],
        .destination_port = flow->port[1 - direction],
        .protocol = flow->protocol,
        .tcp_flags = flow->tcp_flags[direction],
        .ip_bytes = flow->ip_bytes[direction],
        .packets = flow->packets[direction],
        /* A capture's clock may go back; a flow does not end before it begins. */
        .first_ns = flow->first_ns < flow->last_ns ? flow->first_ns : flow->last_ns,
        .last_ns = flow->last_ns,
        .ended = ended,
    };
    memcpy(report.source, flow->address[direction], sizeof report.source);
    memcpy(report.destination, flow->address[1 - direction], sizeof report.destination);
    meter->on_flow(meter->context, &report);
}

static bool same_key(const struct talker_key *a, const struct talker_key *b)
{
    return a->kind == b->kind && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Both ends of a flow; one that is told as the other, once. */
static void add_ends(struct talkers *talkers, const struct talker_key ends[2], uint64_t ip_bytes,
                     uint64_t packets)
{
    talkers_add(talkers, &ends[0], ip_bytes, packets);
    if (!same_key(&ends[0], &ends[1])) {
        talkers_add(talkers, &ends[1], ip_bytes, packets);
    }
}

static void add_service(struct meter *meter, const struct flow *flow, uint64_t ip_bytes,
                        uint64_t packets)
{
    uint16_t port = flow->initiator != 0 ? flow->port[2 - flow->initiator]
                                         : services_port(meter->service_names, flow->protocol,
                                                         flow->port[0], flow->port[1]);
    struct talker_key key = {
        .bytes = {flow->protocol, 0, (uint8_t)(port >> 8), (uint8_t)port},
        .kind = TALKER_SERVICE,
    };
    talkers_add(meter->summary->services, &key, ip_bytes, packets);
    int own = services_own(meter->service_names, flow->protocol, port);
    if (own >= 0) {
        meter->summary->own_services[own].packets += packets;
        meter->summary->own_services[own].ip_bytes += ip_bytes;
    }
}

static void tell_flow(struct meter *meter, const struct flow *flow, bool ended)
{
    uint64_t packets = (uint64_t)flow->packets[0] + flow->packets[1];
    uint64_t ip_bytes = flow->ip_bytes[0] + flow->ip_bytes[1];
    struct talker_key ends[2];
    if (packets == 0) {
        return;
    }
    for (unsigned direction = 0; meter->on_flow != NULL && direction < 2; direction++) {
        if (flow->packets[direction] > 0) {
            report_flow(meter, flow, direction, ended);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        privacy_key(meter->privacy, flow->last_ns / S_NS, flow->address[i], &ends[i]);
    }
    add_ends(meter->summary->hosts, ends, ip_bytes, packets);
    for (unsigned i = 0; i < 2; i++) {
        privacy_prefix(flow->address[i], &ends[i]);
    }
    add_ends(meter->summary->prefixes, ends, ip_bytes, packets);
    add_service(meter, flow, ip_bytes, packets);
}

static void on_evict(void *context, struct flow *flow, uint32_t index)
{
    struct meter *meter = context;
    (void)index;
    tell_flow(meter, flow, true);
    tcp_forget(meter->tcp, flow);
}

static void on_each(void *context, struct flow *flow, uint32_t index)
{
    (void)index;
    tell_flow(context, flow, false);
}

/* --- counting --- */

static inline void add(struct traffic_count *count, const struct packet *packet)
{
    count->packets++;
    count->wire_bytes += packet->wire_bytes;
    count->ip_bytes += packet->ip_bytes;
}

static inline unsigned size_class(uint32_t bytes)
{
    unsigned class = 0;
    for (unsigned i = 0; i < SIZE_CLASSES - 1; i++) {
        class += bytes > size_class_most[i];
    }
    return class;
}

static inline void count_totals(struct summary *summary, const struct packet *packet)
{
    struct traffic_totals *totals = &summary->totals;
    if (totals->all.packets == 0) {
        summary->first_ns = packet->time_ns;
    }
    summary->last_ns = packet->time_ns;
    add(&totals->all, packet);
    add(&totals->l3[packet->l3], packet);
    add(&totals->l4[packet->l4], packet);
    add(&totals->tags[packet->tags], packet);
    if (packet->n_tags > 0) {
        add(&totals->vlans[packet->vlan], packet);
    }
    totals->sizes[size_class(packet->wire_bytes)]++;
    totals->truncated += packet->is_truncated;
    totals->fragments_non_first += packet->is_later_fragment;
    totals->tunnelled += packet->n_tunnels > 0;
    totals->exits[packet->exit]++;
}

/* The most that one segment of this flow carries. */
static uint32_t segment_most(const struct meter *meter, const struct packet *packet,
                             const struct flow *flow, unsigned direction)
{
    uint32_t mtu = meter->mtu_bytes != 0 ? meter->mtu_bytes : MTU_ETHERNET;
    uint32_t headers = (packet->l3 == L3_IPV6 ? IP6_HEADER : IP_HEADER) + TCP_HEADER;
    uint32_t most = mtu > headers ? mtu - headers : 1;
    uint16_t mss = flow != NULL ? flow->mss[1 - direction] : 0; /* the receiver's word */
    return mss != 0 && mss < most ? mss : most;
}

/* Larger than the link carries, so that it must be several packets in one? */
static bool is_offloaded(const struct meter *meter, const struct packet *packet,
                         const struct flow *flow, unsigned direction)
{
    if (meter->mtu_bytes != 0) {
        return packet->ip_bytes > meter->mtu_bytes;
    }
    if (packet->ip_bytes > MTU_JUMBO) {
        return true;
    }
    return flow != NULL && flow->mss[1 - direction] != 0 && packet->n_tunnels == 0 &&
           packet->payload_bytes > flow->mss[1 - direction];
}

static void count_estimate(struct meter *meter, const struct packet *packet,
                           const struct flow *flow, unsigned direction)
{
    struct traffic_totals *totals = &meter->summary->totals;
    if (packet->ip_bytes <= MTU_ETHERNET / 4 ||
        !is_offloaded(meter, packet, flow, direction)) { /* no MSS is below 536, but by mistake */
        totals->packets_estimated++;
        return;
    }
    bool tcp = packet->has_ports && packet->protocol == IPPROTO_TCP;
    uint32_t most = segment_most(meter, packet, tcp ? flow : NULL, direction);
    uint32_t bytes = tcp ? packet->payload_bytes : packet->ip_bytes;
    uint32_t pieces = (bytes + most - 1) / most;
    totals->offloaded++;
    totals->packets_estimated += pieces > 0 ? pieces : 1;
}

static void count_flow(struct meter *meter, const struct packet *packet, uint64_t hash)
{
    unsigned direction;
    struct flow *flow = flows_take(meter->flows, packet, hash, &direction);
    if (flow->packets[direction] == UINT32_MAX) { /* four milliards in one interval: told early */
        tell_flow(meter, flow, false);
        memset(flow->packets, 0, sizeof flow->packets);
        memset(flow->ip_bytes, 0, sizeof flow->ip_bytes);
    }
    if ((flow->packets[0] | flow->packets[1]) == 0) {
        flow->first_ns = packet->time_ns;
    }
    flow->packets[direction]++;
    flow->ip_bytes[direction] += packet->ip_bytes;
    if (packet->protocol == IPPROTO_TCP && packet->has_ports && !packet->flow_is_later_fragment) {
        tcp_track(meter->tcp, &meter->summary->tcp, flow, direction, packet);
    } else if (packet->has_dns) {
        dns_track(meter->dns, &meter->summary->dns, packet);
    }
    count_estimate(meter, packet, flow, direction);
}

static void count(struct meter *meter, const struct waiting *waiting)
{
    count_totals(meter->summary, &waiting->packet);
    if (waiting->packet.has_flow) {
        count_flow(meter, &waiting->packet, waiting->hash);
    } else {
        count_estimate(meter, &waiting->packet, NULL, 0);
    }
}

/* --- frames --- */

/* Gives a fragment the ports of its datagram; one whose beginning was not seen is nobody's. */
static void join_fragment(struct meter *meter, struct packet *packet)
{
    if (!packet->flow_is_later_fragment) {
        fragments_note(meter->fragments, packet);
    } else if (!fragments_find(meter->fragments, packet)) {
        packet->has_flow = false;
        meter->summary->totals.fragments_unmatched++;
    }
}

static void settle(struct meter *meter)
{
    for (; meter->n_waiting > 0; meter->n_waiting--) {
        count(meter, &meter->ring[(meter->n_frames - meter->n_waiting) % RING]);
    }
}

void meter_frame(struct meter *meter, enum link_type link, const uint8_t *frame, size_t captured,
                 size_t length, int64_t time_ns)
{
    struct waiting *waiting = &meter->ring[meter->n_frames % RING];
    if (meter->n_waiting == RING) {
        count(meter, waiting);
    } else {
        meter->n_waiting++;
    }
    if (meter->n_waiting > AHEAD) {
        const struct waiting *nearer = &meter->ring[(meter->n_frames - AHEAD) % RING];
        if (nearer->packet.has_flow) {
            flows_prefetch_entry(meter->flows, nearer->hash);
        }
    }
    meter->n_frames++;
    struct packet *packet = &waiting->packet;
    decode_frame(link, frame, captured, length, time_ns, packet);
    if (packet->has_flow && packet->flow_is_fragment) {
        join_fragment(meter, packet);
    }
    if (packet->has_flow) {
        waiting->hash = flows_hash(meter->flows, packet);
        flows_prefetch_slot(meter->flows, waiting->hash);
    }
}

const struct summary *meter_take(struct meter *meter, bool ends)
{
    settle(meter);
    struct summary *summary = meter->summary;
    flows_each(meter->flows, on_each, meter);
    summary->flows = flows_take_counts(meter->flows);
    dns_expire(meter->dns, &summary->dns, ends ? INT64_MAX : summary->last_ns);
    summary->totals.exits[EXIT_NONE] = 0;
    meter->summary = meter->spare;
    meter->spare = summary;
    summary_clear(meter->summary);
    return summary;
}

struct meter *meter_new(const struct meter_options *options)
{
    uint8_t seeds[5][SEED_SIZE];
    if (sodium_init() < 0) {
        errno = EIO;
        return NULL;
    }
    randombytes_buf(seeds, sizeof seeds);
    size_t hosts = options->hosts != 0 ? options->hosts : HOSTS;
    size_t prefixes = options->prefixes != 0 ? options->prefixes : PREFIXES;
    size_t services = options->services != 0 ? options->services : SERVICES;
    struct meter *meter = xcalloc(1, sizeof *meter);
    meter->mtu_bytes = options->mtu_bytes;
    meter->privacy = options->privacy;
    meter->service_names = options->service_names;
    meter->on_flow = options->on_flow;
    meter->context = options->context;
    meter->fragments = fragments_new(seeds[0]);
    meter->tcp = tcp_tracker_new(HOLES);
    meter->dns = dns_new(seeds[1]);
    meter->summary = summary_new(hosts, prefixes, services, seeds[2]);
    meter->spare = summary_new(hosts, prefixes, services, seeds[3]);
    meter->flows =
        flows_new(options->flows != 0 ? options->flows : FLOWS, seeds[4], on_evict, meter);
    if (meter->flows == NULL) {
        meter_free(meter);
        errno = ENOMEM;
        return NULL;
    }
    return meter;
}

void meter_free(struct meter *meter)
{
    if (meter == NULL) {
        return;
    }
    flows_free(meter->flows);
    fragments_free(meter->fragments);
    tcp_tracker_free(meter->tcp);
    dns_free(meter->dns);
    summary_free(meter->summary);
    summary_free(meter->spare);
    free(meter);
}
