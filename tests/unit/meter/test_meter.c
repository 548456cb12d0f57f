/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The meter as a whole: frames in, summaries out. What single parts make of odd bytes is theirs to
 * test; here it is that every frame ends up in every sum it belongs to, once. */
#include "meter/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { TCP = 6, UDP = 17, FRAME_MAX = 70000, REPORTS_MAX = 64 };
static const int64_t S_NS = 1000000000;
static const int64_t START_NS = INT64_C(1700000000) * 1000000000;

struct world {
    struct meter *meter;
    struct privacy *privacy;
    struct services *services;
    int64_t now_ns;
    size_t n_reports;
    struct flow_report reports[REPORTS_MAX];
};

static void on_flow(void *context, const struct flow_report *report)
{
    struct world *world = context;
    if (world->n_reports < REPORTS_MAX) {
        world->reports[world->n_reports] = *report;
    }
    world->n_reports++;
}

static void begin(struct world *world, size_t flows, uint32_t mtu_bytes)
{
    static const struct service_range own[] = {{"erp", TCP, 8000, 8010}};
    memset(world, 0, sizeof *world);
    world->now_ns = START_NS;
    world->privacy = privacy_new(PRIVACY_FULL, NULL, 0);
    world->services = services_new("/nonexistent/services", own, 1);
    const struct meter_options options = {.flows = flows,
                                          .mtu_bytes = mtu_bytes,
                                          .privacy = world->privacy,
                                          .service_names = world->services,
                                          .on_flow = on_flow,
                                          .context = world};
    world->meter = meter_new(&options);
    assert_non_null(world->meter);
}

static void end(struct world *world)
{
    meter_free(world->meter);
    privacy_free(world->privacy);
    services_free(world->services);
}

/* --- frames --- */

struct frame {
    uint32_t source;
    uint32_t destination;
    uint16_t source_port;
    uint16_t destination_port;
    uint8_t protocol;
    uint8_t flags;
    uint32_t sequence;
    uint32_t acknowledgement;
    uint16_t mss;
    size_t payload;
    uint16_t fragment; /* the IP header's word: flags and offset */
    uint16_t id;
    int vlan; /* below 0: none */
};

static size_t put(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0; value >>= 8) {
        at[i] = (uint8_t)value;
    }
    return size;
}

static size_t put_transport(uint8_t *at, const struct frame *frame)
{
    size_t options = frame->mss != 0 ? 4 : 0;
    size_t n = put(at, frame->source_port, 2);
    n += put(at + n, frame->destination_port, 2);
    if (frame->protocol == UDP) {
        n += put(at + n, 8 + frame->payload, 2);
        return n + put(at + n, 0, 2);
    }
    n += put(at + n, frame->sequence, 4);
    n += put(at + n, frame->acknowledgement, 4);
    n += put(at + n, (20 + options) / 4 << 4, 1);
    n += put(at + n, frame->flags, 1);
    n += put(at + n, 0, 6);
    if (options > 0) {
        n += put(at + n, 0x0204, 2);
        n += put(at + n, frame->mss, 2);
    }
    return n;
}

/* Meters it; returns its length. */
static size_t send_frame(struct world *world, const struct frame *frame)
{
    static uint8_t bytes[FRAME_MAX];
    uint8_t transport[64];
    bool later = (frame->fragment & 0x1fff) != 0;
    size_t header = later ? 0 : put_transport(transport, frame);
    size_t n = 12;
    memset(bytes, 0, 64);
    if (frame->vlan >= 0) {
        n += put(bytes + n, 0x8100, 2);
        n += put(bytes + n, (unsigned)frame->vlan, 2);
    }
    n += put(bytes + n, 0x0800, 2);
    n += put(bytes + n, 0x4500, 2);
    n += put(bytes + n, 20 + header + frame->payload, 2);
    n += put(bytes + n, frame->id, 2);
    n += put(bytes + n, frame->fragment, 2);
    n += put(bytes + n, 64, 1);
    n += put(bytes + n, frame->protocol, 1);
    n += put(bytes + n, 0, 2);
    n += put(bytes + n, frame->source, 4);
    n += put(bytes + n, frame->destination, 4);
    memcpy(bytes + n, transport, header);
    n += header;
    size_t length = n + frame->payload;
    meter_frame(world->meter, LINK_ETHERNET, bytes, n < length ? n : length, length, world->now_ns);
    return length;
}

static struct frame udp(uint32_t source, uint32_t destination, size_t payload)
{
    return (struct frame){.source = source,
                          .destination = destination,
                          .source_port = 40000,
                          .destination_port = 9,
                          .protocol = UDP,
                          .payload = payload,
                          .vlan = -1};
}

static uint64_t all_of(const struct talkers *talkers, struct talker *top, size_t most)
{
    uint64_t bytes = 0;
    size_t count = talkers_top(talkers, top, most);
    for (size_t i = 0; i < count; i++) {
        bytes += top[i].ip_bytes;
    }
    return bytes;
}

/* --- tests --- */

static void sums_agree(void **state)
{
    struct world world;
    struct talker top[64];
    uint64_t wire = 0;
    uint64_t ip = 0;
    (void)state;
    begin(&world, 1024, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        struct frame frame = udp(0x0a000000 + i % 7, 0x0a010000 + i % 3, i % 1400);
        frame.vlan = i % 2 == 0 ? (int)(10 + i % 3) : -1;
        frame.protocol = i % 5 == 0 ? TCP : UDP;
        frame.flags = TCP_ACK;
        size_t length = send_frame(&world, &frame);
        wire += length;
        ip += length - 14 - (i % 2 == 0 ? 4 : 0);
        world.now_ns += 1000;
    }
    const struct summary *summary = meter_take(world.meter, true);
    const struct traffic_totals *totals = &summary->totals;
    assert_int_equal(totals->all.packets, 1000);
    assert_int_equal(totals->all.wire_bytes, wire);
    assert_int_equal(totals->all.ip_bytes, ip);
    assert_int_equal(totals->l3[L3_IPV4].packets, 1000);
    assert_int_equal(totals->l4[L4_TCP].packets, 200);
    assert_int_equal(totals->l4[L4_UDP].packets, 800);
    assert_int_equal(totals->l4[L4_TCP].ip_bytes + totals->l4[L4_UDP].ip_bytes, ip);
    assert_int_equal(totals->tags[TAGS_8100].packets, 500);
    assert_int_equal(totals->tags[TAGS_NONE].packets, 500);
    assert_int_equal(
        totals->vlans[10].packets + totals->vlans[11].packets + totals->vlans[12].packets, 500);
    assert_int_equal(totals->packets_estimated, 1000);
    assert_int_equal(totals->offloaded, 0);
    assert_int_equal(totals->truncated, 999); /* headers only; one had no payload */
    uint64_t sized = 0;
    for (size_t i = 0; i < SIZE_CLASSES; i++) {
        sized += totals->sizes[i];
    }
    assert_int_equal(sized, 1000);
    assert_int_equal(summary->first_ns, START_NS);
    assert_int_equal(summary->last_ns, START_NS + 999 * 1000);
    /* 21 pairs of addresses; of each fifth packet another protocol. */
    assert_int_equal(summary->flows.added, 42);
    assert_int_equal(summary->flows.active, 42);
    assert_int_equal(world.n_reports, 42);
    assert_int_equal(all_of(summary->hosts, top, 64), 2 * ip); /* of sender and receiver */
    assert_int_equal(all_of(summary->prefixes, top, 64), 2 * ip);
    assert_int_equal(all_of(summary->services, top, 64), ip);
    end(&world);
}

static void neighbours_in_one_network_count_once(void **state)
{
    struct world world;
    struct talker top[4];
    (void)state;
    begin(&world, 1024, 0);
    struct frame frame = udp(0x0a000001, 0x0a000002, 72);
    send_frame(&world, &frame);
    const struct summary *summary = meter_take(world.meter, true);
    assert_int_equal(talkers_top(summary->hosts, top, 4), 2);
    assert_int_equal(talkers_top(summary->prefixes, top, 4), 1);
    assert_int_equal(top[0].ip_bytes, 100);
    end(&world);
}

static void intervals_are_apart(void **state)
{
    struct world world;
    (void)state;
    begin(&world, 1024, 0);
    struct frame frame = udp(0x0a000001, 0x0a000002, 72);
    for (int i = 0; i < 5; i++) { /* fewer than the ring holds */
        send_frame(&world, &frame);
    }
    const struct summary *first = meter_take(world.meter, false);
    assert_int_equal(first->totals.all.packets, 5);
    assert_int_equal(first->flows.added, 1);
    for (int i = 0; i < 40; i++) {
        send_frame(&world, &frame);
    }
    assert_int_equal(first->totals.all.packets, 5); /* not changed by what follows */
    const struct summary *second = meter_take(world.meter, false);
    assert_int_equal(second->totals.all.packets, 40);
    assert_int_equal(second->flows.added, 0);
    assert_int_equal(second->flows.active, 1);
    const struct summary *third = meter_take(world.meter, true);
    assert_int_equal(third->totals.all.packets, 0);
    assert_int_equal(third->flows.active, 0);
    assert_int_equal(third->first_ns, 0);
    assert_int_equal(world.n_reports, 2);
    assert_int_equal(world.reports[0].packets, 5);
    assert_int_equal(world.reports[0].ip_bytes, 500);
    assert_int_equal(world.reports[1].packets, 40);
    end(&world);
}

static void both_directions_are_reported(void **state)
{
    struct world world;
    (void)state;
    begin(&world, 1024, 0);
    struct frame to = udp(0x0a000001, 0x0a000002, 10);
    struct frame back = udp(0x0a000002, 0x0a000001, 20);
    back.source_port = 9;
    back.destination_port = 40000;
    send_frame(&world, &to);
    world.now_ns += S_NS;
    send_frame(&world, &back);
    send_frame(&world, &back);
    (void)meter_take(world.meter, true);
    assert_int_equal(world.n_reports, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct flow_report *report = &world.reports[i];
        bool is_back = report->source[15] == 2;
        assert_int_equal(report->destination[15], is_back ? 1 : 2);
        assert_int_equal(report->source_port, is_back ? 9 : 40000);
        assert_int_equal(report->packets, is_back ? 2 : 1);
        assert_int_equal(report->ip_bytes, is_back ? 96 : 38);
        assert_int_equal(report->first_ns, START_NS);
        assert_int_equal(report->last_ns, START_NS + S_NS);
        assert_false(report->ended);
    }
    end(&world);
}

/* The flow table is far too small: every packet still reaches every sum. */
static void totals_are_exact_when_flows_give_way(void **state)
{
    enum { SOURCES = 200000 };
    struct world world;
    struct rusage before;
    struct rusage after;
    struct talker top[8];
    (void)state;
    begin(&world, 1024, 0);
    uint64_t ip = 0;
    for (uint32_t i = 0; i < SOURCES; i++) {
        if (i == SOURCES / 10) {
            getrusage(RUSAGE_SELF, &before);
        }
        struct frame frame = udp(0x0b000000 + i * 2654435761U, 0x0a000001, i % 100);
        ip += 28 + i % 100;
        send_frame(&world, &frame);
    }
    getrusage(RUSAGE_SELF, &after);
    const struct summary *summary = meter_take(world.meter, true);
    assert_int_equal(summary->totals.all.packets, SOURCES);
    assert_int_equal(summary->totals.all.ip_bytes, ip);
    assert_int_equal(summary->flows.added, SOURCES);
    assert_int_equal(summary->flows.evicted, SOURCES - summary->flows.used);
    assert_true(summary->flows.used <= 1024);
    assert_int_equal(world.n_reports, SOURCES);
    /* The one that took part in all is first, and exact within its bound. */
    assert_true(talkers_top(summary->hosts, top, 8) == 8);
    assert_memory_equal(top[0].key.bytes + 12, ((const uint8_t[]){10, 0, 0, 1}), 4);
    assert_true(top[0].ip_bytes >= ip && top[0].ip_bytes - top[0].error_bytes <= ip);
    assert_true(talkers_error_bound(summary->hosts) > 0);
    /* ... and takes no more memory than at its beginning. */
    assert_true(after.ru_maxrss - before.ru_maxrss < 2048);
    end(&world);
}

static void fragments_join_their_datagram(void **state)
{
    struct world world;
    (void)state;
    begin(&world, 1024, 0);
    struct frame first = udp(0x0a000001, 0x0a000002, 1472);
    first.fragment = 0x2000;
    first.id = 99;
    struct frame later = first;
    later.fragment = 185;
    later.payload = 600;
    struct frame orphan = later;
    orphan.id = 100;
    send_frame(&world, &first);
    send_frame(&world, &later);
    send_frame(&world, &orphan);
    const struct summary *summary = meter_take(world.meter, true);
    assert_int_equal(summary->totals.fragments_non_first, 2);
    assert_int_equal(summary->totals.fragments_unmatched, 1);
    assert_int_equal(summary->totals.l4[L4_UDP].packets, 3);
    assert_int_equal(summary->flows.added, 1);
    assert_int_equal(world.n_reports, 1);
    assert_int_equal(world.reports[0].packets, 2);
    assert_int_equal(world.reports[0].destination_port, 9);
    end(&world);
}

static void handshake(struct world *world, struct frame *to, struct frame *back, uint16_t mss)
{
    *to = (struct frame){.source = 0x0a000001,
                         .destination = 0x0a000002,
                         .source_port = 50000,
                         .destination_port = 8005,
                         .protocol = TCP,
                         .flags = TCP_SYN,
                         .sequence = 1000,
                         .mss = mss,
                         .vlan = -1};
    *back = (struct frame){.source = 0x0a000002,
                           .destination = 0x0a000001,
                           .source_port = 8005,
                           .destination_port = 50000,
                           .protocol = TCP,
                           .flags = TCP_SYN | TCP_ACK,
                           .sequence = 5000,
                           .acknowledgement = 1001,
                           .mss = mss,
                           .vlan = -1};
    send_frame(world, to);
    world->now_ns += 20000000;
    send_frame(world, back);
    world->now_ns += 1000000;
    to->flags = TCP_ACK;
    to->sequence = 1001;
    to->acknowledgement = 5001;
    to->mss = back->mss = 0;
    back->flags = TCP_ACK;
    back->sequence = 5001;
    send_frame(world, to);
}

static void a_connection(void **state)
{
    struct world world;
    struct frame to;
    struct frame back;
    struct talker top[4];
    (void)state;
    begin(&world, 1024, 0);
    handshake(&world, &to, &back, 1460);
    for (int i = 0; i < 3; i++) {
        back.payload = 1460;
        send_frame(&world, &back);
        back.sequence += i == 1 ? 0 : 1460; /* the second once more */
        world.now_ns += 30000000;
    }
    const struct summary *summary = meter_take(world.meter, true);
    assert_int_equal(summary->tcp.handshakes, 1);
    assert_int_equal(summary->tcp.rtt_server.n, 1);
    assert_in_range(histogram_percentile(&summary->tcp.rtt_server, 50), 19600000, 20400000);
    assert_in_range(histogram_percentile(&summary->tcp.rtt_client, 50), 980000, 1020000);
    assert_int_equal(summary->tcp.data_segments, 3);
    assert_int_equal(summary->tcp.retransmissions, 1);
    /* The service is the port that the SYN went to, also where the other is lower. */
    assert_int_equal(talkers_top(summary->services, top, 4), 1);
    assert_memory_equal(top[0].key.bytes, ((const uint8_t[]){TCP, 0, 8005 >> 8, 8005 & 255}), 4);
    assert_int_equal(summary->own_services[0].packets, 6);
    assert_int_equal(summary->own_services[0].ip_bytes, summary->totals.all.ip_bytes);
    end(&world);
}

static void several_segments_in_one(void **state)
{
    static const struct {
        uint32_t mtu_bytes;
        uint16_t mss;
        size_t payload;
        uint64_t estimated; /* of this frame */
    } cases[] = {
        {1500, 1460, 1460, 1}, {1500, 1460, 64000, 44}, {1500, 0, 2920, 2}, {1500, 1000, 2500, 3},
        {9000, 8960, 8960, 1}, {0, 1460, 64000, 44},    {0, 1460, 1460, 1}, {0, 1460, 1461, 2},
        {0, 0, 8960, 1},       {0, 0, 64000, 44},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct frame to;
        struct frame back;
        begin(&world, 1024, cases[i].mtu_bytes);
        handshake(&world, &to, &back, cases[i].mss);
        back.payload = cases[i].payload;
        send_frame(&world, &back);
        const struct traffic_totals *totals = &meter_take(world.meter, true)->totals;
        assert_int_equal(totals->all.packets, 4);
        assert_int_equal(totals->packets_estimated, 3 + cases[i].estimated);
        assert_int_equal(totals->offloaded, cases[i].estimated > 1);
        end(&world);
    }
}

static void two_meters_add_up(void **state)
{
    static const uint8_t seed[16] = {5};
    struct world a;
    struct world b;
    (void)state;
    begin(&a, 1024, 0);
    begin(&b, 1024, 0);
    struct summary *sum = summary_new(1024, 256, 64, seed);
    struct frame frame = udp(0x0a000001, 0x0a000002, 72);
    b.now_ns -= S_NS;
    send_frame(&a, &frame);
    send_frame(&b, &frame);
    send_frame(&b, &frame);
    summary_merge(sum, meter_take(a.meter, true));
    summary_merge(sum, meter_take(b.meter, true));
    struct talker top[4];
    assert_int_equal(sum->totals.all.packets, 3);
    assert_int_equal(sum->flows.added, 2);
    assert_int_equal(sum->first_ns, START_NS - S_NS);
    assert_int_equal(sum->last_ns, START_NS);
    assert_int_equal(talkers_top(sum->hosts, top, 4), 2);
    assert_int_equal(top[0].ip_bytes, 300);
    assert_int_equal(top[0].packets, 3);
    summary_clear(sum);
    assert_int_equal(sum->totals.all.packets, 0);
    assert_int_equal(talkers_top(sum->hosts, top, 4), 0);
    summary_free(sum);
    summary_free(NULL);
    end(&a);
    end(&b);
    meter_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_agree),
        cmocka_unit_test(neighbours_in_one_network_count_once),
        cmocka_unit_test(intervals_are_apart),
        cmocka_unit_test(both_directions_are_reported),
        cmocka_unit_test(totals_are_exact_when_flows_give_way),
        cmocka_unit_test(fragments_join_their_datagram),
        cmocka_unit_test(a_connection),
        cmocka_unit_test(several_segments_in_one),
        cmocka_unit_test(two_meters_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
