/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The decoder on what stands in front of IP, and what holds for every frame. */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17, TCP_HEADER = 20, IP_TCP = 40 };

/* IPv4 with a TCP segment without data. */
static void put_ip_tcp(struct frame *frame)
{
    put_ipv4(frame, TCP);
    put_tcp(frame, TCP_ACK, 0);
    frame_end(frame);
}

static void assert_tcp_flow(const struct packet *packet)
{
    static const uint8_t source[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
    static const uint8_t destination[16] = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 2};
    assert_string_equal(packet_exit_name(packet->exit), "none");
    assert_int_equal(packet->l3, L3_IPV4);
    assert_int_equal(packet->l4, L4_TCP);
    assert_int_equal(packet->ip_bytes, IP_TCP);
    assert_true(packet->has_flow && packet->has_ports);
    assert_false(packet->flow_is_fragment || packet->has_dns);
    assert_int_equal(packet->protocol, TCP);
    assert_memory_equal(packet->source, source, 16);
    assert_memory_equal(packet->destination, destination, 16);
    assert_int_equal(packet->source_port, 40000);
    assert_int_equal(packet->destination_port, 443);
    assert_int_equal(packet->sequence, 1000);
    assert_int_equal(packet->acknowledgement, 2000);
    assert_int_equal(packet->tcp_flags, TCP_ACK);
    assert_int_equal(packet->payload_bytes, 0);
}

/* Nothing of IP was found. */
static void assert_no_ip(const struct packet *packet, enum packet_l3 l3, enum packet_exit exit)
{
    static const uint8_t zeros[16];
    assert_string_equal(packet_exit_name(packet->exit), packet_exit_name(exit));
    assert_int_equal(packet->l3, l3);
    assert_int_equal(packet->l4, L4_NONE);
    assert_int_equal(packet->ip_bytes, 0);
    assert_false(packet->has_flow || packet->has_ports || packet->has_dns);
    assert_false(packet->is_later_fragment || packet->flow_is_later_fragment);
    assert_int_equal(packet->protocol, 0);
    assert_memory_equal(packet->source, zeros, 16);
    assert_memory_equal(packet->destination, zeros, 16);
    assert_int_equal(packet->n_tunnels, 0);
}

static void plain_frame(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_ip_tcp(&frame);
    put_hex(&frame, "0102 0304 0506"); /* Ethernet's padding to 60 bytes is nobody's data */
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_tcp_flow(&packet);
    assert_int_equal(packet.time_ns, 1700000000123456789);
    assert_int_equal(packet.wire_bytes, 60);
    assert_int_equal(packet.tags, TAGS_NONE);
    assert_int_equal(packet.n_tags, 0);
    assert_int_equal(packet.vlan, 0);
    assert_int_equal(packet.n_tunnels, 0);
    assert_int_equal(packet.mss, 0);
    assert_int_equal(packet.fragment_id, 0);
    assert_false(packet.is_truncated || packet.is_later_fragment || packet.flow_is_later_fragment);
}

/* Bytes that are not the frame's are not looked at, whatever the capture says. */
static void captured_over_length(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_ip_tcp(&frame);
    struct packet packet = frame_read_cut(&frame, LINK_ETHERNET, frame.size, 30);
    assert_int_equal(packet.exit, EXIT_IPV4_TRUNCATED);
    assert_int_equal(packet.wire_bytes, 30);
    assert_false(packet.is_truncated);
    packet = frame_read_cut(&frame, LINK_ETHERNET, frame.size, (size_t)UINT32_MAX + 100);
    assert_tcp_flow(&packet);
    assert_int_equal(packet.wire_bytes, UINT32_MAX);
    assert_true(packet.is_truncated);
}

static void nothing_captured(void **state)
{
    (void)state;
    struct frame frame = {0};
    for (int link = LINK_ETHERNET; link <= LINK_UNKNOWN; link++) {
        struct packet packet = frame_read_cut(&frame, (enum link_type)link, 0, 1514);
        assert_no_ip(&packet, L3_OTHER, EXIT_EMPTY);
        assert_int_equal(packet.wire_bytes, 1514);
        assert_true(packet.is_truncated);
        packet = frame_read_cut(&frame, (enum link_type)link, 0, 0);
        assert_no_ip(&packet, L3_OTHER, EXIT_EMPTY);
        assert_false(packet.is_truncated);
    }
}

static void link_headers(void **state)
{
    static const struct {
        enum link_type link;
        const char *hex;
    } cases[] = {
        {LINK_ETHERNET, "020000000002 020000000001 0800"},
        {LINK_ETHERNET, "020000000002 020000000001 0030 aaaa03 000000 0800"}, /* 802.3, SNAP */
        {LINK_ETHERNET, "020000000002 020000000001 0030 aaaa03 0000f8 0800"}, /* 802.1H */
        {LINK_ETHERNET, "020000000002 020000000001 8100 0007 0030 aaaa03 000000 0800"},
        {LINK_LINUX_SLL, "0000 0001 0006 0200000000010000 0800"},
        {LINK_LINUX_SLL, "0000 0001 0006 0200000000010000 8100 0007 0800"},
        {LINK_LINUX_SLL, "0000 0001 0006 0200000000010000 0004 aaaa03 000000 0800"},
        {LINK_LINUX_SLL, "0004 0304 0000 0000000000000000 0800"}, /* loopback */
        {LINK_LINUX_SLL, "0000 030a 0000 0000000000000000 0800"}, /* GRE device */
        {LINK_LINUX_SLL2, "0800 0000 00000002 0001 00 06 0200000000010000"},
        {LINK_LINUX_SLL2, "8847 0000 00000002 0001 00 06 0200000000010000 0001 0140"},
        {LINK_RAW_IP, ""},
        {LINK_NULL, "00000002"},
        {LINK_NULL, "02000000"},
        {LINK_PPP, "0021"},
        {LINK_PPP, "21"}, /* the protocol's first byte may be left out */
        {LINK_PPP, "ff03 0021"},
        {LINK_PPP, "ff03 21"},
        {LINK_PPP, "ff03 0281 0001 0140"}, /* MPLS */
        {LINK_PPP, "0f00 0800"},           /* Cisco's HDLC */
        {LINK_PPP, "8f00 0800"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_hex(&frame, cases[i].hex);
        size_t header = frame.size;
        put_ip_tcp(&frame);
        put_zeros(&frame, 2);
        struct packet packet = frame_read(&frame, cases[i].link);
        assert_tcp_flow(&packet);
        /* Wherever the header is cut nothing is made up. */
        for (size_t n = 1; n < header; n++) {
            packet = frame_read_cut(&frame, cases[i].link, n, frame.size);
            assert_false(packet.has_flow);
            assert_int_equal(packet.ip_bytes, 0);
            assert_int_not_equal(packet.exit, EXIT_NONE);
            assert_int_not_equal(packet.exit, EXIT_EMPTY);
        }
        packet = frame_read_cut(&frame, cases[i].link, header + 39, frame.size);
        assert_int_equal(packet.exit, EXIT_TCP_TRUNCATED);
    }
}

static void null_families(void **state)
{
    static const uint8_t families[] = {10, 24, 28, 30};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof families; i++) {
        struct frame frame = {0};
        put32(&frame, i % 2 == 0 ? families[i / 2] : (uint32_t)families[i / 2] << 24);
        put_ipv6(&frame, UDP);
        put_udp(&frame, 1, 2);
        frame_end(&frame);
        struct packet packet = frame_read(&frame, LINK_NULL);
        assert_int_equal(packet.exit, EXIT_NONE);
        assert_int_equal(packet.l3, L3_IPV6);
        assert_int_equal(packet.destination_port, 2);
    }
}

/* What is only counted, with a reason where one could expect more. */
static void links_without_ip(void **state)
{
    static const struct {
        enum link_type link;
        const char *hex;
        enum packet_l3 l3;
        enum packet_exit exit;
    } cases[] = {
        {LINK_ETHERNET, "020000000002 020000000001 0806 0001 0800", L3_ARP, EXIT_NONE},
        {LINK_ETHERNET, "020000000002 020000000001 88cc 0207", L3_OTHER, EXIT_NONE}, /* LLDP */
        {LINK_ETHERNET, "020000000002 020000000001 05dd 45", L3_OTHER, EXIT_NONE},
        {LINK_ETHERNET, "0180c2000000 020000000001 0026 424203 0000", L3_OTHER,
         EXIT_NONE}, /* STP */
        {LINK_ETHERNET, "020000000002 020000000001 0026 42", L3_OTHER, EXIT_LINK_TRUNCATED},
        {LINK_ETHERNET, "020000000002 020000000001 0026 aaaa03 0000", L3_OTHER,
         EXIT_LINK_TRUNCATED},
        {LINK_ETHERNET, "020000000002 020000000001 0026 aaaa03 00000c 2000 01", L3_OTHER,
         EXIT_NONE}, /* CDP */
        /* Not without end: LLC in SNAP, tags in SNAP. */
        {LINK_ETHERNET, "020000000002 020000000001 0026 aaaa03 000000 0026 aaaa03 000000 0800",
         L3_OTHER, EXIT_NONE},
        {LINK_ETHERNET, "020000000002 020000000001 0026 aaaa03 000000 8100 0001 0800", L3_OTHER,
         EXIT_NONE},
        {LINK_ETHERNET, "020000000002 020000000001 8863 11 09 0000 0000", L3_OTHER, EXIT_NONE},
        {LINK_ETHERNET, "020000000002 020000000001 8864 11 00 0001 0002 c021", L3_OTHER, EXIT_NONE},
        {LINK_ETHERNET, "020000000002 020000000001 8864 21 00 0001 0002 0021 45", L3_OTHER,
         EXIT_NONE},
        {LINK_ETHERNET, "020000000002 020000000001 8864 11 00 0001 00", L3_OTHER,
         EXIT_PPP_TRUNCATED},
        {LINK_ETHERNET, "020000000002 020000000001 8864 11 00 0001 0002 00", L3_OTHER,
         EXIT_PPP_TRUNCATED},
        {LINK_LINUX_SLL, "0000 0338 0000 0000000000000000 0800 45", L3_OTHER,
         EXIT_LINK_UNKNOWN}, /* netlink: its protocol is no EtherType */
        {LINK_LINUX_SLL, "0000 0323 0000 0000000000000000 0800 45", L3_OTHER,
         EXIT_LINK_UNKNOWN}, /* radiotap */
        {LINK_LINUX_SLL, "0000 0001 0000 0000000000000000 0001 45", L3_OTHER, EXIT_NONE},
        {LINK_LINUX_SLL2, "0800 0000 00000002 0338 00 06 0200000000010000 45", L3_OTHER,
         EXIT_LINK_UNKNOWN},
        {LINK_RAW_IP, "55", L3_OTHER, EXIT_IPV4_VERSION},
        {LINK_NULL, "00000010 45", L3_OTHER, EXIT_NONE},
        {LINK_NULL, "10000000 45", L3_OTHER, EXIT_NONE},
        {LINK_PPP, "c021 01", L3_OTHER, EXIT_NONE},
        {LINK_PPP, "ff03", L3_OTHER, EXIT_PPP_TRUNCATED},
        {LINK_PPP, "8f00 08", L3_OTHER, EXIT_LINK_TRUNCATED},
        {LINK_UNKNOWN, "4500 0014", L3_OTHER, EXIT_LINK_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_hex(&frame, cases[i].hex);
        struct packet packet = frame_read(&frame, cases[i].link);
        assert_no_ip(&packet, cases[i].l3, cases[i].exit);
        assert_int_equal(packet.wire_bytes, frame.size);
    }
}

static void tags(void **state)
{
    static const struct {
        unsigned types[6]; /* of the tags, up to a 0 */
        enum packet_tags kind;
        unsigned n;
    } cases[] = {
        {{0x8100}, TAGS_8100, 1},
        {{0x88a8}, TAGS_88A8, 1},
        {{0x9100}, TAGS_9100, 1},
        {{0x8100, 0x8100}, TAGS_QINQ, 2},
        {{0x88a8, 0x8100}, TAGS_QINQ, 2},
        {{0x9100, 0x8100}, TAGS_QINQ, 2},
        {{0x8100, 0x88a8, 0x9100}, TAGS_QINQ, 3},
        {{0x88a8, 0x88a8, 0x8100, 0x8100}, TAGS_QINQ, 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, cases[i].types[0]);
        for (unsigned t = 0; t < cases[i].n; t++) {
            put_tag(&frame, 4095 - t, t + 1 < cases[i].n ? cases[i].types[t + 1] : 0x0800);
        }
        put_ip_tcp(&frame);
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        assert_tcp_flow(&packet);
        assert_int_equal(packet.tags, cases[i].kind);
        assert_int_equal(packet.n_tags, cases[i].n);
        assert_int_equal(packet.vlan, 4095);
        /* Cut in the last tag: what it is tagged with stands in front of it. */
        packet = frame_read_cut(&frame, LINK_ETHERNET, 14 + 4 * cases[i].n - 1, frame.size);
        assert_no_ip(&packet, L3_OTHER, EXIT_VLAN_TRUNCATED);
        assert_int_equal(packet.tags, cases[i].kind);
        assert_int_equal(packet.n_tags, cases[i].n - 1);
    }
}

static void priority_tag(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x8100);
    put_tag(&frame, 0, 0x0800);
    put_ip_tcp(&frame);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_tcp_flow(&packet);
    assert_int_equal(packet.tags, TAGS_8100);
    assert_int_equal(packet.n_tags, 1);
    assert_int_equal(packet.vlan, 0);
}

static void five_tags(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x88a8);
    for (unsigned t = 0; t < 5; t++) {
        put_tag(&frame, 100 + t, t < 4 ? 0x8100 : 0x0800);
    }
    put_ip_tcp(&frame);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_no_ip(&packet, L3_OTHER, EXIT_VLAN_TOO_MANY);
    assert_int_equal(packet.tags, TAGS_QINQ);
    assert_int_equal(packet.n_tags, 4);
    assert_int_equal(packet.vlan, 100);
}

static void mpls(void **state)
{
    (void)state;
    for (unsigned labels = 1; labels <= 9; labels++) {
        struct frame frame = {0};
        put_ethernet(&frame, labels % 2 == 0 ? 0x8847 : 0x8848);
        for (unsigned n = 1; n <= labels; n++) {
            put_label(&frame, n % 4, n == labels); /* 0, 2 and 3 mean nothing here */
        }
        put_ip_tcp(&frame);
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        if (labels <= 8) {
            assert_tcp_flow(&packet);
        } else {
            assert_no_ip(&packet, L3_OTHER, EXIT_MPLS_TOO_MANY);
        }
        packet = frame_read_cut(&frame, LINK_ETHERNET, 14 + 3, frame.size);
        assert_no_ip(&packet, L3_OTHER, EXIT_MPLS_TRUNCATED);
    }
}

static void mpls_payload(void **state)
{
    static const struct {
        const char *hex;
        enum packet_l3 l3;
        enum packet_exit exit;
    } cases[] = {
        {"00001140", L3_OTHER, EXIT_MPLS_TRUNCATED},          /* nothing below the bottom */
        {"00001140 00000000", L3_OTHER, EXIT_MPLS_PAYLOAD},   /* a pseudowire's control word */
        {"00001040 45000014", L3_OTHER, EXIT_MPLS_TRUNCATED}, /* no bottom: never guessed */
        {"00001140 45000014", L3_IPV4, EXIT_IPV4_TRUNCATED},
        {"00001140 60000014", L3_IPV6, EXIT_IPV6_TRUNCATED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x8847);
        put_hex(&frame, cases[i].hex);
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        assert_no_ip(&packet, cases[i].l3, cases[i].exit);
    }
}

static void pppoe(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x8100);
    put_tag(&frame, 835, 0x8864);
    put_pppoe(&frame, 0x0021);
    put_ip_tcp(&frame);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_tcp_flow(&packet);
    assert_int_equal(packet.vlan, 835);

    frame = (struct frame){0};
    put_ethernet(&frame, 0x8864);
    put_pppoe(&frame, 0x0057);
    put_ipv6(&frame, UDP);
    put_udp(&frame, 5000, 6000);
    frame_end(&frame);
    packet = frame_read(&frame, LINK_ETHERNET);
    assert_int_equal(packet.l3, L3_IPV6);
    assert_int_equal(packet.ip_bytes, 48);
    assert_int_equal(packet.source_port, 5000);
}

static void names(void **state)
{
    (void)state;
    for (int i = 0; i < EXITS; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(packet_exit_name((enum packet_exit)i),
                                    packet_exit_name((enum packet_exit)j));
        }
    }
    for (int i = 0; i < L4_KINDS; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(packet_l4_name((enum packet_l4)i),
                                    packet_l4_name((enum packet_l4)j));
        }
    }
    assert_string_equal(packet_exit_name(EXIT_NONE), "none");
    assert_string_equal(packet_exit_name(EXIT_DNS_TRUNCATED), "dns_truncated");
    assert_string_equal(packet_exit_name(EXIT_IPV6_EXTENSION_LENGTH), "ipv6_extension_length");
    assert_string_equal(packet_l3_name(L3_OTHER), "other");
    assert_string_equal(packet_l3_name(L3_IPV4), "ipv4");
    assert_string_equal(packet_l3_name(L3_IPV6), "ipv6");
    assert_string_equal(packet_l3_name(L3_ARP), "arp");
    assert_string_equal(packet_l4_name(L4_6IN4), "6in4");
    assert_string_equal(packet_l4_name(L4_NONE), "none");
    assert_string_equal(packet_tags_name(TAGS_NONE), "none");
    assert_string_equal(packet_tags_name(TAGS_8100), "8100");
    assert_string_equal(packet_tags_name(TAGS_88A8), "88a8");
    assert_string_equal(packet_tags_name(TAGS_9100), "9100");
    assert_string_equal(packet_tags_name(TAGS_QINQ), "qinq");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_frame),
        cmocka_unit_test(captured_over_length),
        cmocka_unit_test(nothing_captured),
        cmocka_unit_test(link_headers),
        cmocka_unit_test(null_families),
        cmocka_unit_test(links_without_ip),
        cmocka_unit_test(tags),
        cmocka_unit_test(priority_tag),
        cmocka_unit_test(five_tags),
        cmocka_unit_test(mpls),
        cmocka_unit_test(mpls_payload),
        cmocka_unit_test(pppoe),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
