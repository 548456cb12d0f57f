/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The decoder on IPv4 and IPv6. */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HOP_BY_HOP = 0, ICMP = 1, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, ESP = 50 };
enum { AH = 51, ICMP6 = 58, NO_NEXT = 59, DESTINATION = 60, MOBILITY = 135, HIP = 139 };
enum { SCTP = 132, SHIM6 = 140 };
enum { IPV4_AT = 14, IPV4 = 20, IPV6 = 40, ETHERNET = 14 };

static struct packet read_frame(const struct frame *frame)
{
    return frame_read(frame, LINK_ETHERNET);
}

static struct packet read_cut(const struct frame *frame, size_t captured)
{
    return frame_read_cut(frame, LINK_ETHERNET, captured, frame->size);
}

static struct frame ipv4_udp(size_t options, size_t payload)
{
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_ipv4_options(&frame, UDP, options);
    put_udp(&frame, 5000, 6000);
    put_zeros(&frame, payload);
    frame_end(&frame);
    return frame;
}

/* --- IPv4 --- */

static void by_protocol(void **state)
{
    static const struct {
        unsigned protocol;
        enum packet_l4 l4;
    } cases[] = {
        {1, L4_ICMP},   {2, L4_IGMP},  {50, L4_ESP},   {51, L4_AH},
        {58, L4_ICMP6}, {89, L4_OSPF}, {103, L4_PIM},  {112, L4_VRRP},
        {132, L4_SCTP}, {0, L4_OTHER}, {59, L4_OTHER}, {255, L4_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        unsigned protocol = cases[i / 2].protocol;
        bool v6 = i % 2 == 1;
        if (v6 && (protocol == 0 || protocol == 51)) {
            continue; /* extension headers there */
        }
        struct frame frame = {0};
        put_ethernet(&frame, v6 ? 0x86dd : 0x0800);
        v6 ? put_ipv6(&frame, protocol) : put_ipv4(&frame, protocol);
        put_zeros(&frame, 40);
        frame_end(&frame);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, EXIT_NONE);
        assert_int_equal(packet.l4, cases[i / 2].l4);
        assert_int_equal(packet.ip_bytes, v6 ? 80 : 60);
        assert_true(packet.has_flow);
        assert_int_equal(packet.protocol, protocol);
        assert_int_equal(packet.has_ports, protocol == SCTP);
        assert_int_equal(packet.source_port, 0);
    }
}

static void ipv4_options(void **state)
{
    (void)state;
    for (size_t options = 0; options <= 40; options += 4) {
        struct frame frame = ipv4_udp(options, 5);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, EXIT_NONE);
        assert_int_equal(packet.ip_bytes, 20 + options + 13);
        assert_int_equal(packet.source_port, 5000);
        assert_int_equal(packet.payload_bytes, 5);
        if (options > 0) { /* cut in the options: the fixed header was read */
            packet = read_cut(&frame, ETHERNET + 20 + options - 1);
            assert_exit(&packet, EXIT_IPV4_TRUNCATED);
            assert_true(packet.has_flow && !packet.has_ports && packet.is_truncated);
            assert_int_equal(packet.l4, L4_UDP);
            assert_int_equal(packet.ip_bytes, 20 + options + 13);
        }
    }
}

static void ipv4_that_lies(void **state)
{
    static const struct {
        size_t at; /* a byte of the header of 20 bytes that gets another value */
        unsigned value;
        enum packet_exit exit;
        unsigned ip_bytes;
        bool has_flow, has_ports;
    } cases[] = {
        {0, 0x55, EXIT_IPV4_VERSION, 0, false, false},
        {0, 0x65, EXIT_IPV4_VERSION, 0, false, false},
        {0, 0x44, EXIT_IPV4_IHL, 0, false, false},
        {0, 0x40, EXIT_IPV4_IHL, 0, false, false},
        {0, 0x4f, EXIT_IPV4_IHL, 0, false, false}, /* 60 bytes of 38 */
        {3, 19, EXIT_IPV4_IHL, 0, false, false},
        {3, 1, EXIT_IPV4_IHL, 0, false, false},
        {3, 20, EXIT_UDP_TRUNCATED, 20, true, false}, /* the rest is not the datagram's */
        {3, 27, EXIT_UDP_TRUNCATED, 27, true, false},
        {3, 39, EXIT_IPV4_LENGTH, 38, true, true},
        {2, 0xff, EXIT_IPV4_LENGTH, 38, true, true},
        {3, 37, EXIT_UDP_LENGTH, 37, true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = ipv4_udp(0, 10);
        frame.bytes[IPV4_AT + cases[i].at] = (uint8_t)cases[i].value;
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, cases[i].exit);
        assert_int_equal(packet.l3, L3_IPV4);
        assert_int_equal(packet.l4, cases[i].has_flow ? L4_UDP : L4_NONE);
        assert_int_equal(packet.ip_bytes, cases[i].ip_bytes);
        assert_int_equal(packet.has_flow, cases[i].has_flow);
        assert_int_equal(packet.has_ports, cases[i].has_ports);
    }
}

/* 60 bytes of header, a total length beyond the wire, and the wire ends in the header. */
static void ipv4_options_beyond_the_wire(void **state)
{
    (void)state;
    struct frame frame = ipv4_udp(0, 10);
    frame.bytes[IPV4_AT] = 0x4f;
    frame_poke16(&frame, IPV4_AT + 2, 100);
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_IPV4_LENGTH);
    assert_int_equal(packet.ip_bytes, 38);
    assert_true(packet.has_flow && !packet.has_ports);
}

/* Total length 0: what was on the wire, of which all but the headers is payload. */
static void offloaded_segment(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_ipv4(&frame, TCP);
    put_tcp(&frame, TCP_ACK, 0);
    frame_end(&frame);
    frame_poke16(&frame, IPV4_AT + 2, 0);
    struct packet packet = frame_read_cut(&frame, LINK_ETHERNET, frame.size, 65550);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.ip_bytes, 65536);
    assert_int_equal(packet.payload_bytes, 65496);
    assert_true(packet.is_truncated);

    frame = (struct frame){0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, HOP_BY_HOP); /* a jumbogram: RFC 2675 */
    put_hex(&frame, "06 00 c204 00020000");
    put_tcp(&frame, TCP_ACK, 0);
    packet = frame_read_cut(&frame, LINK_ETHERNET, frame.size, 14 + 40 + 0x20000);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.ip_bytes, 40 + 0x20000);
    assert_int_equal(packet.payload_bytes, 0x20000 - 28);
}

static void ipv4_fragments(void **state)
{
    static const struct {
        unsigned protocol;
        unsigned offset;
        bool more;
        bool later;
        enum packet_l4 l4;
    } cases[] = {
        {UDP, 0, true, false, L4_UDP},      {UDP, 8, true, true, L4_UDP},
        {TCP, 0, true, false, L4_TCP},      {TCP, 65528, false, true, L4_TCP},
        {ICMP, 1480, false, true, L4_ICMP}, {47, 1480, false, true, L4_GRE},
        {4, 1480, true, true, L4_IPIP},     {UDP, 32768, false, true, L4_UDP},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x0800);
        put_ipv4_fragment(&frame, cases[i].protocol, cases[i].offset, cases[i].more);
        if (cases[i].protocol == TCP) {
            put_tcp(&frame, TCP_ACK, 0);
        } else {
            put_hex(&frame, "1388 1770 05dc 0000"); /* a UDP length of the whole datagram */
            put_zeros(&frame, 40);
        }
        frame_end(&frame);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, EXIT_NONE);
        assert_int_equal(packet.l4, cases[i].l4);
        assert_int_equal(packet.is_later_fragment, cases[i].later);
        assert_int_equal(packet.flow_is_later_fragment, cases[i].later);
        assert_true(packet.has_flow && packet.flow_is_fragment);
        assert_int_equal(packet.has_ports, !cases[i].later);
        assert_int_equal(packet.source_port != 0, !cases[i].later);
        assert_int_equal(packet.fragment_id, 0x1234);
        assert_int_equal(packet.n_tunnels, 0);
    }
}

/* A first fragment that ends in TCP's header: no port is guessed. */
static void tiny_first_fragment(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_ipv4_fragment(&frame, TCP, 0, true);
    put_tcp(&frame, TCP_SYN, 20);
    frame.size -= 12;
    frame_end(&frame);
    put_zeros(&frame, 18); /* padding */
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_TCP_TRUNCATED);
    assert_int_equal(packet.ip_bytes, 28);
    assert_true(packet.has_flow && packet.flow_is_fragment && !packet.has_ports);
    assert_int_equal(packet.source_port, 0);

    /* And one that ends in its options. */
    frame = (struct frame){0};
    put_ethernet(&frame, 0x0800);
    put_ipv4_fragment(&frame, TCP, 0, true);
    put_tcp(&frame, TCP_SYN, 20);
    put_hex(&frame, "020405b4");
    frame_end(&frame);
    packet = read_frame(&frame);
    assert_exit(&packet, EXIT_TCP_TRUNCATED);
    assert_true(packet.has_ports);
    assert_int_equal(packet.payload_bytes, 0);
}

/* --- IPv6 --- */

static void ipv6_plain(void **state)
{
    static const uint8_t source[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    static const uint8_t destination[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, TCP);
    put_tcp(&frame, TCP_ACK | TCP_PSH, 0);
    put_zeros(&frame, 7);
    frame_end(&frame);
    put_zeros(&frame, 9); /* padding */
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.l3, L3_IPV6);
    assert_int_equal(packet.l4, L4_TCP);
    assert_int_equal(packet.ip_bytes, 67);
    assert_int_equal(packet.payload_bytes, 7);
    assert_memory_equal(packet.source, source, 16);
    assert_memory_equal(packet.destination, destination, 16);
    assert_int_equal(packet.source_port, 40000);
    assert_false(packet.flow_is_fragment);
    for (size_t n = ETHERNET; n < ETHERNET + IPV6; n++) {
        packet = read_cut(&frame, n);
        assert_exit(&packet, EXIT_IPV6_TRUNCATED);
        assert_int_equal(packet.l3, L3_IPV6);
        assert_false(packet.has_flow);
    }
    frame.bytes[ETHERNET] = 0x45;
    packet = read_frame(&frame);
    assert_exit(&packet, EXIT_IPV6_VERSION);
    assert_int_equal(packet.ip_bytes, 0);
    frame.bytes[ETHERNET] = 0x60;
    frame_poke16(&frame, ETHERNET + 4, 1000);
    packet = read_frame(&frame);
    assert_exit(&packet, EXIT_IPV6_LENGTH);
    assert_int_equal(packet.ip_bytes, 76);
    assert_int_equal(packet.destination_port, 443);
}

static void ipv6_no_next_header(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, NO_NEXT);
    frame_end(&frame);
    put_zeros(&frame, 6); /* padding */
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.l4, L4_OTHER);
    assert_int_equal(packet.protocol, NO_NEXT);
    assert_int_equal(packet.ip_bytes, 40); /* a payload length of 0 says what it means here */
    assert_true(packet.has_flow && !packet.has_ports);
}

static void put_ah(struct frame *frame, unsigned next)
{
    put8(frame, next);
    put8(frame, 4); /* 24 bytes: RFC 4302 counts words less two */
    for (int i = 0; i < 22; i++) {
        put8(frame, 0xee);
    }
}

static void ipv6_chains(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, HOP_BY_HOP);
    put_extension(&frame, DESTINATION, 1);
    put_extension(&frame, ROUTING, 3);
    put_extension(&frame, FRAGMENT, 2);
    put_fragment(&frame, AH, 0, false); /* all of it: RFC 6946 */
    put_ah(&frame, MOBILITY);
    put_extension(&frame, HIP, 1);
    put_extension(&frame, SHIM6, 2);
    put_extension(&frame, UDP, 1); /* the eighth */
    put_udp(&frame, 5000, 6000);
    put_zeros(&frame, 3);
    frame_end(&frame);
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.l4, L4_UDP);
    assert_int_equal(packet.protocol, UDP);
    assert_int_equal(packet.source_port, 5000);
    assert_int_equal(packet.payload_bytes, 3);
    assert_false(packet.flow_is_fragment);
    size_t chain = frame.size - 11;
    for (size_t n = ETHERNET + IPV6; n < chain; n++) {
        packet = read_cut(&frame, n);
        assert_exit(&packet, EXIT_IPV6_EXTENSION_TRUNCATED);
        assert_int_equal(packet.l4, L4_NONE);
        assert_false(packet.has_flow);
        assert_int_equal(packet.ip_bytes, frame.size - ETHERNET);
    }
}

static void ipv6_extensions_without_end(void **state)
{
    (void)state;
    for (unsigned n = 8; n <= 100; n += 46) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x86dd);
        put_ipv6(&frame, DESTINATION);
        for (unsigned i = 1; i <= n; i++) {
            put_extension(&frame, i < n ? DESTINATION : ICMP6, 1);
        }
        put_zeros(&frame, 8);
        frame_end(&frame);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, n == 8 ? EXIT_NONE : EXIT_IPV6_EXTENSIONS_TOO_MANY);
        assert_int_equal(packet.l4, n == 8 ? L4_ICMP6 : L4_NONE);
        assert_int_equal(packet.has_flow, n == 8);
        assert_int_equal(packet.ip_bytes, frame.size - ETHERNET);
    }
}

static void ipv6_extension_beyond_the_packet(void **state)
{
    static const unsigned kinds[] = {HOP_BY_HOP, ROUTING, DESTINATION, AH, MOBILITY, HIP, SHIM6};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x86dd);
        put_ipv6(&frame, kinds[i]);
        put_hex(&frame, "06 ff 0000 00000000");
        put_tcp(&frame, TCP_SYN, 0);
        frame_end(&frame);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, EXIT_IPV6_EXTENSION_LENGTH);
        assert_false(packet.has_flow);
        packet = frame_read_cut(&frame, LINK_ETHERNET, ETHERNET + IPV6 + 8, frame.size);
        assert_exit(&packet,
                    EXIT_IPV6_EXTENSION_LENGTH); /* that the packet is too short is known */
        frame.size = ETHERNET + IPV6 + 3;
        frame_end(&frame);
        put_zeros(&frame, 20); /* padding is no header */
        packet = read_frame(&frame);
        assert_exit(&packet, EXIT_IPV6_EXTENSION_LENGTH);
    }
}

static void ipv6_fragments(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, HOP_BY_HOP);
    put_extension(&frame, FRAGMENT, 1);
    put_fragment(&frame, DESTINATION, 0, true);
    put_extension(&frame, UDP, 1);
    put_udp(&frame, 5000, 6000);
    put_zeros(&frame, 8);
    frame_end(&frame);
    frame_poke16(&frame, frame.size - 12, 2000); /* the UDP length of the whole datagram */
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_NONE);
    assert_true(packet.flow_is_fragment && packet.has_ports);
    assert_false(packet.flow_is_later_fragment || packet.is_later_fragment);
    assert_int_equal(packet.fragment_id, 0x12345678);
    assert_int_equal(packet.l4, L4_UDP);
    assert_int_equal(packet.source_port, 5000);

    frame = (struct frame){0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, FRAGMENT);
    put_fragment(&frame, TCP, 1448, false);
    put_tcp(&frame, TCP_ACK, 0); /* looks like one and is data */
    frame_end(&frame);
    packet = read_frame(&frame);
    assert_exit(&packet, EXIT_NONE);
    assert_true(packet.flow_is_later_fragment && packet.is_later_fragment);
    assert_true(packet.has_flow && packet.flow_is_fragment && !packet.has_ports);
    assert_int_equal(packet.l4, L4_TCP);
    assert_int_equal(packet.protocol, TCP);
    assert_int_equal(packet.sequence, 0);
}

/* What stands behind a later fragment's header is data, whatever its datagram begins with. */
static void ipv6_later_fragment_of_a_chain(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, FRAGMENT);
    put_fragment(&frame, DESTINATION, 1448, false);
    put_extension(&frame, UDP, 1);
    put_udp(&frame, 5000, 6000);
    frame_end(&frame);
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_NONE);
    assert_true(packet.has_flow && packet.flow_is_later_fragment && !packet.has_ports);
    assert_int_equal(packet.protocol, DESTINATION);
    assert_int_equal(packet.l4, L4_OTHER);
    assert_int_equal(packet.fragment_id, 0x12345678);
}

static void ipv6_esp_ends_the_chain(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, DESTINATION);
    put_extension(&frame, ESP, 1);
    put_extension(&frame, UDP, 1); /* an SPI, and no header */
    put_udp(&frame, 5000, 6000);
    frame_end(&frame);
    struct packet packet = read_frame(&frame);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.l4, L4_ESP);
    assert_int_equal(packet.protocol, ESP);
    assert_false(packet.has_ports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_protocol),
        cmocka_unit_test(ipv4_options),
        cmocka_unit_test(ipv4_that_lies),
        cmocka_unit_test(ipv4_options_beyond_the_wire),
        cmocka_unit_test(offloaded_segment),
        cmocka_unit_test(ipv4_fragments),
        cmocka_unit_test(tiny_first_fragment),
        cmocka_unit_test(ipv6_plain),
        cmocka_unit_test(ipv6_no_next_header),
        cmocka_unit_test(ipv6_chains),
        cmocka_unit_test(ipv6_extensions_without_end),
        cmocka_unit_test(ipv6_extension_beyond_the_packet),
        cmocka_unit_test(ipv6_fragments),
        cmocka_unit_test(ipv6_later_fragment_of_a_chain),
        cmocka_unit_test(ipv6_esp_ends_the_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
