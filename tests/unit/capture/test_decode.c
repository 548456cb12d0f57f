/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The packet decoder: every layer it walks, every way a packet can lie about itself. */
#include "decode.h"
#include "traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A frame as it is put together. */
struct frame {
    uint8_t bytes[2048];
    size_t size;
};

static void put(struct frame *frame, size_t n, ...)
{
    va_list arguments;
    va_start(arguments, n);
    for (size_t i = 0; i < n; i++) {
        frame->bytes[frame->size++] = (uint8_t)va_arg(arguments, int);
    }
    va_end(arguments);
}

static void put_zeros(struct frame *frame, size_t n)
{
    memset(frame->bytes + frame->size, 0, n);
    frame->size += n;
}

static void put16(struct frame *frame, unsigned value)
{
    put(frame, 2, (int)(value >> 8), (int)(value & 0xff));
}

static struct frame ethernet(unsigned type)
{
    struct frame frame = {.size = 0};
    put_zeros(&frame, 12);
    put16(&frame, type);
    return frame;
}

static void put_tag(struct frame *frame, unsigned vlan, unsigned next_type)
{
    put16(frame, vlan);
    put16(frame, next_type);
}

static void put_ipv4(struct frame *frame, unsigned header_words, unsigned total, unsigned protocol)
{
    put(frame, 2, (int)(0x40 | header_words), 0);
    put16(frame, total);
    put_zeros(frame, 5);
    put(frame, 1, (int)protocol);
    put_zeros(frame, 10);
}

static void put_ipv6(struct frame *frame, unsigned payload, unsigned next)
{
    put(frame, 4, 0x60, 0, 0, 0);
    put16(frame, payload);
    put(frame, 2, (int)next, 64);
    put_zeros(frame, 32);
}

static struct decoded decode(const struct frame *frame)
{
    /* A copy of its exact size, so that the sanitizer sees a read beyond it. */
    uint8_t *exact = malloc(frame->size + 1);
    assert_non_null(exact);
    memcpy(exact + 1, frame->bytes, frame->size);
    struct decoded decoded = decode_frame(DECODE_ETHERNET, exact + 1, frame->size, frame->size);
    free(exact);
    return decoded;
}

static void assert_decoded(const struct frame *frame, enum decode_network network,
                           enum decode_transport transport, enum decode_fault fault)
{
    struct decoded decoded = decode(frame);
    assert_int_equal(decoded.network, network);
    assert_int_equal(decoded.transport, transport);
    assert_int_equal(decoded.fault, fault);
}

static void ipv4_by_protocol(void **state)
{
    static const struct {
        unsigned protocol;
        enum decode_transport transport;
    } cases[] = {{6, TRANSPORT_TCP},
                 {17, TRANSPORT_UDP},
                 {1, TRANSPORT_ICMP},
                 {47, TRANSPORT_OTHER},
                 {50, TRANSPORT_OTHER}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = ethernet(0x0800);
        put_ipv4(&frame, 5, 28, cases[i].protocol);
        put_zeros(&frame, 8);
        assert_decoded(&frame, NETWORK_IPV4, cases[i].transport, FAULT_NONE);
    }
}

static void ipv4_that_lies(void **state)
{
    (void)state;
    struct frame short_header = ethernet(0x0800);
    put_ipv4(&short_header, 4, 28, 6);
    put_zeros(&short_header, 8);
    assert_decoded(&short_header, NETWORK_IPV4, TRANSPORT_NONE, FAULT_MALFORMED);

    struct frame total_below_header = ethernet(0x0800);
    put_ipv4(&total_below_header, 5, 19, 6);
    assert_decoded(&total_below_header, NETWORK_IPV4, TRANSPORT_NONE, FAULT_MALFORMED);

    struct frame total_beyond_frame = ethernet(0x0800);
    put_ipv4(&total_beyond_frame, 5, 21, 6);
    assert_decoded(&total_beyond_frame, NETWORK_IPV4, TRANSPORT_NONE, FAULT_MALFORMED);

    struct frame options_cut = ethernet(0x0800);
    put_ipv4(&options_cut, 15, 60, 17); /* 60 bytes of header, 20 there */
    struct decoded decoded =
        decode_frame(DECODE_ETHERNET, options_cut.bytes, options_cut.size, 200);
    assert_int_equal(decoded.transport, TRANSPORT_UDP);
    assert_int_equal(decoded.fault, FAULT_TRUNCATED);

    struct frame wrong_version = ethernet(0x0800);
    put_ipv6(&wrong_version, 0, 59);
    assert_decoded(&wrong_version, NETWORK_IPV4, TRANSPORT_NONE, FAULT_MALFORMED);

    /* Before segmentation offload the kernel may hand over a total length of zero. */
    struct frame offloaded = ethernet(0x0800);
    put_ipv4(&offloaded, 5, 0, 6);
    put_zeros(&offloaded, 100);
    assert_decoded(&offloaded, NETWORK_IPV4, TRANSPORT_TCP, FAULT_NONE);
}

static void padding_is_no_fault(void **state)
{
    (void)state;
    struct frame frame = ethernet(0x0800);
    put_ipv4(&frame, 5, 20, 17);
    put_zeros(&frame, 26); /* up to Ethernet's minimum */
    assert_decoded(&frame, NETWORK_IPV4, TRANSPORT_UDP, FAULT_NONE);
}

static void tags(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= 6; n++) {
        struct frame frame = ethernet(n == 0 ? 0x0800 : 0x88a8);
        for (unsigned i = 1; i <= n; i++) {
            put_tag(&frame, i == 2 ? 0 : i, i == n ? 0x0800 : (i % 2 != 0 ? 0x8100 : 0x9100));
        }
        put_ipv4(&frame, 5, 20, 6);
        struct decoded decoded = decode(&frame);
        assert_int_equal(decoded.n_vlan_tags, n < 4 ? n : 4);
        assert_int_equal(decoded.network, n <= 4 ? NETWORK_IPV4 : NETWORK_OTHER);
        assert_int_equal(decoded.fault, n <= 4 ? FAULT_NONE : FAULT_MALFORMED);
    }
}

static void mpls(void **state)
{
    (void)state;
    for (int n = 1; n <= 10; n++) {
        struct frame frame = ethernet(0x8847);
        for (int i = 1; i <= n; i++) {
            put(&frame, 4, 0, 0, i == n ? 0x31 : 0x30, 64);
        }
        put_ipv6(&frame, 0, 59);
        assert_decoded(&frame, n <= 8 ? NETWORK_IPV6 : NETWORK_OTHER,
                       n <= 8 ? TRANSPORT_OTHER : TRANSPORT_NONE,
                       n <= 8 ? FAULT_NONE : FAULT_MALFORMED);
    }
    struct frame endless = ethernet(0x8848);
    put_zeros(&endless, 12); /* three labels, none of them the last */
    assert_decoded(&endless, NETWORK_OTHER, TRANSPORT_NONE, FAULT_MALFORMED);
}

static void ipv6_extensions(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= 10; n++) {
        struct frame frame = ethernet(0x86dd);
        put_ipv6(&frame, n * 8 + 8, n == 0 ? 58 : 0);
        for (unsigned i = 1; i <= n; i++) {
            put(&frame, 8, i == n ? 58 : 60, 0, 0, 0, 0, 0, 0, 0);
        }
        put_zeros(&frame, 8);
        assert_decoded(&frame, NETWORK_IPV6, n <= 8 ? TRANSPORT_ICMP : TRANSPORT_OTHER,
                       n <= 8 ? FAULT_NONE : FAULT_MALFORMED);
    }
}

static void ipv6_that_lies(void **state)
{
    (void)state;
    struct frame overflow = ethernet(0x86dd);
    put_ipv6(&overflow, 8, 0);
    put(&overflow, 8, 6, 255, 0, 0, 0, 0, 0, 0); /* 2,048 bytes of options in 8 */
    assert_decoded(&overflow, NETWORK_IPV6, TRANSPORT_OTHER, FAULT_MALFORMED);

    struct frame payload_beyond_frame = ethernet(0x86dd);
    put_ipv6(&payload_beyond_frame, 1, 59);
    assert_decoded(&payload_beyond_frame, NETWORK_IPV6, TRANSPORT_NONE, FAULT_MALFORMED);

    struct frame no_next = ethernet(0x86dd);
    put_ipv6(&no_next, 0, 59);
    assert_decoded(&no_next, NETWORK_IPV6, TRANSPORT_OTHER, FAULT_NONE);

    struct frame esp = ethernet(0x86dd);
    put_ipv6(&esp, 16, 50);
    put_zeros(&esp, 16);
    assert_decoded(&esp, NETWORK_IPV6, TRANSPORT_OTHER, FAULT_NONE);

    struct frame authenticated = ethernet(0x86dd);
    put_ipv6(&authenticated, 24 + 8, 51);
    put(&authenticated, 2, 17, 4); /* (4 + 2) words of four bytes */
    put_zeros(&authenticated, 22 + 8);
    assert_decoded(&authenticated, NETWORK_IPV6, TRANSPORT_UDP, FAULT_NONE);
}

static void ipv6_fragments(void **state)
{
    (void)state;
    struct frame first = ethernet(0x86dd);
    put_ipv6(&first, 16, 44);
    put(&first, 8, 6, 0, 0, 1, 0, 0, 0, 1);
    put_zeros(&first, 8);
    assert_decoded(&first, NETWORK_IPV6, TRANSPORT_TCP, FAULT_NONE);

    /* What follows a later fragment's header looks like a hop-by-hop header, and is none. */
    struct frame later = ethernet(0x86dd);
    put_ipv6(&later, 16, 44);
    put(&later, 8, 0, 0, 0x05, 0xa8, 0, 0, 0, 1);
    put(&later, 8, 6, 255, 0, 0, 0, 0, 0, 0);
    assert_decoded(&later, NETWORK_IPV6, TRANSPORT_OTHER, FAULT_NONE);
}

static void other_frames(void **state)
{
    (void)state;
    struct frame arp = ethernet(0x0806);
    put_zeros(&arp, 28);
    assert_decoded(&arp, NETWORK_ARP, TRANSPORT_NONE, FAULT_NONE);
    struct frame lldp = ethernet(0x88cc);
    put_zeros(&lldp, 40);
    assert_decoded(&lldp, NETWORK_OTHER, TRANSPORT_NONE, FAULT_NONE);
    struct frame spanning_tree = ethernet(38); /* a length: 802.3 with LLC */
    put(&spanning_tree, 3, 0x42, 0x42, 3);
    put_zeros(&spanning_tree, 35);
    assert_decoded(&spanning_tree, NETWORK_OTHER, TRANSPORT_NONE, FAULT_NONE);
}

/* Whatever is cut off, it is never read, and the fault says who cut. */
static void every_cut(void **state)
{
    (void)state;
    struct frame frame = ethernet(0x88a8);
    put_tag(&frame, 1, 0x8100);
    put_tag(&frame, 2, 0x86dd);
    put_ipv6(&frame, 16, 0);
    put(&frame, 8, 6, 0, 0, 0, 0, 0, 0, 0);
    put_zeros(&frame, 8);
    size_t headers = frame.size - 8;
    for (size_t cut = 0; cut < frame.size; cut++) {
        uint8_t *exact = malloc(cut + 1);
        assert_non_null(exact);
        memcpy(exact, frame.bytes, cut);
        struct decoded captured = decode_frame(DECODE_ETHERNET, exact, cut, frame.size);
        struct decoded sent = decode_frame(DECODE_ETHERNET, exact, cut, cut);
        free(exact);
        assert_int_equal(captured.fault, cut < headers ? FAULT_TRUNCATED : FAULT_NONE);
        assert_int_equal(sent.fault, FAULT_MALFORMED);
    }
}

static void link_types(void **state)
{
    (void)state;
    struct frame sll = {.size = 0};
    put_zeros(&sll, 14);
    put16(&sll, 0x0800);
    put_ipv4(&sll, 5, 20, 17);
    struct decoded decoded = decode_frame(DECODE_LINUX_SLL, sll.bytes, sll.size, sll.size);
    assert_int_equal(decoded.transport, TRANSPORT_UDP);

    struct frame sll2 = {.size = 0};
    put16(&sll2, 0x86dd);
    put_zeros(&sll2, 18);
    put_ipv6(&sll2, 0, 6);
    decoded = decode_frame(DECODE_LINUX_SLL2, sll2.bytes, sll2.size, sll2.size);
    assert_int_equal(decoded.network, NETWORK_IPV6);

    struct frame raw = {.size = 0};
    put_ipv4(&raw, 5, 20, 1);
    decoded = decode_frame(DECODE_RAW_IP, raw.bytes, raw.size, raw.size);
    assert_int_equal(decoded.transport, TRANSPORT_ICMP);
    decoded = decode_frame(DECODE_RAW_IP, raw.bytes, 0, 0);
    assert_int_equal(decoded.fault, FAULT_MALFORMED);

    struct frame null = {.size = 0};
    put(&null, 4, 2, 0, 0, 0);
    put_ipv4(&null, 5, 20, 6);
    decoded = decode_frame(DECODE_NULL, null.bytes, null.size, null.size);
    assert_int_equal(decoded.transport, TRANSPORT_TCP);
}

static void meter_sums(void **state)
{
    (void)state;
    struct traffic traffic = {0};
    struct decoded tcp4 = {.network = NETWORK_IPV4, .transport = TRANSPORT_TCP};
    struct decoded icmp6 = {.network = NETWORK_IPV6, .transport = TRANSPORT_ICMP};
    struct decoded bad = {.network = NETWORK_IPV4, .fault = FAULT_MALFORMED};
    struct decoded cut = {.fault = FAULT_TRUNCATED};
    struct decoded arp = {.network = NETWORK_ARP};
    traffic_count(&traffic, &tcp4, 1500);
    traffic_count(&traffic, &tcp4, 60);
    traffic_count(&traffic, &icmp6, 118);
    traffic_count(&traffic, &bad, 64);
    traffic_count(&traffic, &cut, 70);
    traffic_count(&traffic, &arp, 42);
    static const struct {
        enum traffic_counter counter;
        uint64_t value;
    } wanted[] = {
        {TRAFFIC_OCTETS, 1854},     {TRAFFIC_PACKETS, 6},       {TRAFFIC_IPV4_OCTETS, 1624},
        {TRAFFIC_IPV4_PACKETS, 3},  {TRAFFIC_IPV6_OCTETS, 118}, {TRAFFIC_IPV6_PACKETS, 1},
        {TRAFFIC_TCP_OCTETS, 1560}, {TRAFFIC_TCP_PACKETS, 2},   {TRAFFIC_ICMP_OCTETS, 118},
        {TRAFFIC_ICMP_PACKETS, 1},  {TRAFFIC_UDP_OCTETS, 0},    {TRAFFIC_ARP_OCTETS, 42},
        {TRAFFIC_ARP_PACKETS, 1},   {TRAFFIC_OTHER_OCTETS, 70}, {TRAFFIC_OTHER_PACKETS, 1},
        {TRAFFIC_MALFORMED, 1},     {TRAFFIC_TRUNCATED, 1},     {TRAFFIC_DROPPED, 0},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(traffic.counters[wanted[i].counter].counter, wanted[i].value);
    }
    for (size_t i = 0; i < TRAFFIC_COUNTERS; i++) {
        assert_non_null(traffic_metrics[i].name);
        assert_true(strlen(traffic_metrics[i].name) <= 19);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_by_protocol),
        cmocka_unit_test(ipv4_that_lies),
        cmocka_unit_test(padding_is_no_fault),
        cmocka_unit_test(tags),
        cmocka_unit_test(mpls),
        cmocka_unit_test(ipv6_extensions),
        cmocka_unit_test(ipv6_that_lies),
        cmocka_unit_test(ipv6_fragments),
        cmocka_unit_test(other_frames),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(link_types),
        cmocka_unit_test(meter_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
