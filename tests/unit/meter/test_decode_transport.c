/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The decoder on what IP carries. */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HOP_BY_HOP = 0, ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };
enum { IPV4 = 20, IPV6 = 40, ETHERNET = 14 };

static struct packet read_frame(const struct frame *frame)
{
    return frame_read(frame, LINK_ETHERNET);
}

static struct packet read_cut(const struct frame *frame, size_t captured)
{
    return frame_read_cut(frame, LINK_ETHERNET, captured, frame->size);
}

/* --- TCP --- */

static struct frame tcp_with_options(unsigned flags, const char *options, size_t size)
{
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_ipv4(&frame, TCP);
    put_tcp(&frame, flags, size);
    size_t end = frame.size + size;
    put_hex(&frame, options);
    put_zeros(&frame, end - frame.size);
    put_zeros(&frame, 11);
    frame_end(&frame);
    return frame;
}

static void tcp_options(void **state)
{
    static const struct {
        unsigned flags;
        const char *options;
        size_t size;
        unsigned mss;
        enum packet_exit exit;
    } cases[] = {
        {TCP_SYN, "", 0, 0, EXIT_NONE},
        {TCP_SYN, "020405b4", 4, 1460, EXIT_NONE},
        {TCP_SYN | TCP_ACK, "0402 080a 00000001 00000000 01 030307 0204 0218", 20, 536, EXIT_NONE},
        {TCP_SYN, "01010101 0101 0204 23dc 0000", 12, 9180, EXIT_NONE},
        {TCP_ACK, "020405b4", 4, 0, EXIT_NONE}, /* only a SYN may say it */
        {TCP_ACK, "0101080a 00000001 00000002", 12, 0, EXIT_NONE},
        {TCP_ACK, "0101080a 00000001 00000002 0101050a 00000003 00000004", 24, 0, EXIT_NONE},
        {TCP_SYN, "00 020405b4", 8, 0, EXIT_NONE}, /* nothing is behind the end */
        {TCP_SYN, "0200 05b4", 4, 0, EXIT_TCP_OPTION},
        {TCP_SYN, "0201 05b4", 4, 0, EXIT_TCP_OPTION},
        {TCP_SYN, "0300 0000 020405b4", 8, 0, EXIT_TCP_OPTION},
        {TCP_SYN, "020405b4 1305 0000", 8, 1460, EXIT_TCP_OPTION},
        {TCP_SYN, "020405b4 01010102", 8, 1460, EXIT_TCP_OPTION}, /* no room for its length */
        {TCP_SYN, "0101 0204", 4, 0, EXIT_TCP_OPTION},
        {TCP_SYN, "0203 05 00", 4, 0, EXIT_NONE}, /* MSS of another length says nothing */
        {TCP_ACK, "08ff 0000", 4, 0, EXIT_TCP_OPTION},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = tcp_with_options(cases[i].flags, cases[i].options, cases[i].size);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, cases[i].exit);
        assert_int_equal(packet.mss, cases[i].mss);
        assert_int_equal(packet.tcp_flags, cases[i].flags);
        assert_int_equal(packet.payload_bytes, 11);
        assert_true(packet.has_ports);
        for (size_t n = 0; n < cases[i].size; n++) {
            packet = read_cut(&frame, ETHERNET + 40 + n);
            assert_exit(&packet, EXIT_TCP_TRUNCATED);
            assert_true(packet.has_ports);
            assert_int_equal(packet.payload_bytes, 11); /* by what was on the wire */
        }
    }
}

static void tcp_offset(void **state)
{
    (void)state;
    struct frame frame = tcp_with_options(TCP_ACK, "", 0);
    for (unsigned words = 0; words < 16; words++) {
        frame.bytes[ETHERNET + IPV4 + 12] = (uint8_t)(words << 4);
        struct packet packet = read_frame(&frame);
        bool good = words >= 5 && words <= 7; /* 31 bytes */
        assert_exit(&packet, good ? EXIT_NONE : EXIT_TCP_OFFSET);
        assert_int_equal(packet.payload_bytes, good ? 31 - 4 * words : 0);
        assert_true(packet.has_ports);
        assert_int_equal(packet.sequence, 1000);
    }
    for (size_t n = ETHERNET + IPV4; n < ETHERNET + IPV4 + 20; n++) {
        struct packet packet = read_cut(&frame, n);
        assert_exit(&packet, EXIT_TCP_TRUNCATED);
        assert_true(packet.has_flow && !packet.has_ports);
        assert_int_equal(packet.l4, L4_TCP);
        assert_int_equal(packet.payload_bytes, 0);
    }
}

static void tcp_flags(void **state)
{
    (void)state;
    struct frame frame = tcp_with_options(0xff, "", 0); /* with ECE and CWR, which are not kept */
    struct packet packet = read_frame(&frame);
    assert_int_equal(packet.tcp_flags, TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG);
}

/* --- UDP, DNS, ICMP, SCTP --- */

static void udp_length(void **state)
{
    static const struct {
        unsigned length; /* of a datagram of 30 */
        enum packet_exit exit;
    } cases[] = {
        {30, EXIT_NONE},      {8, EXIT_NONE},        {29, EXIT_NONE},          {7, EXIT_UDP_LENGTH},
        {0, EXIT_UDP_LENGTH}, {31, EXIT_UDP_LENGTH}, {65535, EXIT_UDP_LENGTH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x0800);
        put_ipv4(&frame, UDP);
        put_udp(&frame, 5000, 6000);
        put_zeros(&frame, 22);
        frame_end(&frame);
        frame_poke16(&frame, ETHERNET + IPV4 + 4, cases[i].length);
        put_zeros(&frame, 5);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, cases[i].exit);
        assert_int_equal(packet.payload_bytes, 22); /* by IP */
        assert_true(packet.has_ports);
        assert_int_equal(packet.destination_port, 6000);
    }
}

/* RFC 2675: a UDP length of 0 in a datagram of more than 65,535 bytes. */
static void udp_jumbogram(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x86dd);
    put_ipv6(&frame, HOP_BY_HOP);
    put_hex(&frame, "11 00 c204 00020000");
    put_udp(&frame, 5000, 53);
    put_hex(&frame, "4242 0100 0001 0000 0000 0000");
    struct packet packet = frame_read_cut(&frame, LINK_ETHERNET, frame.size, 14 + 40 + 0x20000);
    assert_exit(&packet, EXIT_NONE);
    assert_true(packet.has_dns);
    assert_int_equal(packet.payload_bytes, 0x20000 - 16);
}

static void dns(void **state)
{
    static const struct {
        unsigned source, destination;
        bool dns;
    } cases[] = {
        {5000, 53, true}, {53, 5000, true}, {53, 53, true}, {53, 4789, true}, {5000, 54, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x0800);
        put_ipv4(&frame, UDP);
        put_udp(&frame, cases[i].source, cases[i].destination);
        put_hex(&frame, "4242 8183 0001 0000 0000 0000");
        frame_end(&frame);
        put_zeros(&frame, 6);
        struct packet packet = read_frame(&frame);
        assert_exit(&packet, EXIT_NONE);
        assert_int_equal(packet.has_dns, cases[i].dns);
        assert_int_equal(packet.dns_id, cases[i].dns ? 0x4242 : 0);
        assert_int_equal(packet.dns_flags, cases[i].dns ? 0x8183 : 0);
        if (!cases[i].dns) {
            continue;
        }
        packet = read_cut(&frame, ETHERNET + IPV4 + 8 + 11);
        assert_exit(&packet, EXIT_DNS_TRUNCATED);
        assert_true(packet.has_ports && !packet.has_dns);
        frame_poke16(&frame, ETHERNET + IPV4 + 4, 19); /* by UDP's length there are but 11 */
        packet = read_frame(&frame);
        assert_exit(&packet, EXIT_DNS_TRUNCATED);
    }
}

static void short_transports(void **state)
{
    static const struct {
        unsigned protocol;
        unsigned header;
        enum packet_exit exit;
        enum packet_l4 l4;
    } cases[] = {
        {UDP, 8, EXIT_UDP_TRUNCATED, L4_UDP},
        {SCTP, 12, EXIT_SCTP_TRUNCATED, L4_SCTP},
        {ICMP, 8, EXIT_ICMP_TRUNCATED, L4_ICMP},
        {ICMP6, 8, EXIT_ICMP_TRUNCATED, L4_ICMP6},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool has_ports = cases[i].protocol == UDP || cases[i].protocol == SCTP;
        for (unsigned size = 0; size <= cases[i].header; size++) {
            struct frame frame = {0};
            put_ethernet(&frame, 0x86dd);
            put_ipv6(&frame, cases[i].protocol);
            put_hex(&frame, "9c40 0035 0008 0000 00000000");
            frame.size = ETHERNET + IPV6 + size;
            put_zeros(&frame, 0);
            frame_end(&frame);
            if (size == 0) {
                frame_poke16(&frame, ETHERNET + 4, 1); /* 0 is something else */
            }
            struct packet packet = read_frame(&frame);
            bool all = size == cases[i].header;
            enum packet_exit exit = size == 0                  ? EXIT_IPV6_LENGTH
                                    : !all                     ? cases[i].exit
                                    : cases[i].protocol == UDP ? EXIT_DNS_TRUNCATED
                                                               : EXIT_NONE;
            assert_exit(&packet, exit);
            assert_int_equal(packet.l4, cases[i].l4);
            assert_true(packet.has_flow);
            assert_int_equal(packet.has_ports, all && has_ports);
            assert_int_equal(packet.source_port, all && has_ports ? 40000 : 0);
            assert_int_equal(packet.destination_port, all && has_ports ? 53 : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_options),      cmocka_unit_test(tcp_offset),
        cmocka_unit_test(tcp_flags),        cmocka_unit_test(udp_length),
        cmocka_unit_test(udp_jumbogram),    cmocka_unit_test(dns),
        cmocka_unit_test(short_transports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
