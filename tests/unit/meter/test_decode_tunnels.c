/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The decoder in tunnels: the frame counts by its outside, the flow is of the inside. */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IPIP = 4, TCP = 6, UDP = 17, IPV6 = 41, GRE = 47 };
enum { OUTER_IPV4_SOURCE = 203 }; /* first byte: to be told from the inner one */

/* An outer IPv4 header, whose addresses are not those of the inner ones. */
static void put_outer(struct frame *frame, unsigned protocol)
{
    put_ipv4(frame, protocol);
    frame->bytes[frame->size - 8] = OUTER_IPV4_SOURCE;
}

static void put_inner_ipv4(struct frame *frame)
{
    put_ipv4(frame, TCP);
    put_tcp(frame, TCP_ACK, 0);
    put_zeros(frame, 9);
}

static void put_inner_ipv6(struct frame *frame)
{
    put_ipv6(frame, TCP);
    put_tcp(frame, TCP_ACK, 0);
    put_zeros(frame, 9);
}

/* The flow is put_inner_…'s. */
static void assert_inner(const struct packet *packet, bool v6)
{
    assert_exit(packet, EXIT_NONE);
    assert_true(packet->has_flow && packet->has_ports);
    assert_int_equal(packet->protocol, TCP);
    assert_int_equal(packet->source[0], v6 ? 0x20 : 0);
    assert_int_equal(packet->source[12], v6 ? 0 : 192);
    assert_int_equal(packet->source_port, 40000);
    assert_int_equal(packet->destination_port, 443);
    assert_int_equal(packet->sequence, 1000);
    assert_int_equal(packet->payload_bytes, 9);
}

static void assert_outer_flow(const struct packet *packet, unsigned protocol)
{
    assert_true(packet->has_flow);
    assert_int_equal(packet->protocol, protocol);
    assert_int_equal(packet->source[12], OUTER_IPV4_SOURCE);
    assert_int_equal(packet->has_ports, protocol == UDP);
}

/* Each with an inner IPv4 or IPv6 behind it. */
static void one_level(void **state)
{
    static const struct {
        unsigned protocol; /* of the outer IPv4 header */
        const char *hex;   /* between the two */
        bool v6;
        enum packet_l4 l4;
    } cases[] = {
        {IPIP, "", false, L4_IPIP},
        {IPV6, "", true, L4_6IN4},
        {GRE, "0000 0800", false, L4_GRE},
        {GRE, "0000 86dd", true, L4_GRE},
        {GRE, "8000 0800 00000000", false, L4_GRE},                   /* checksum */
        {GRE, "2000 0800 00000001", false, L4_GRE},                   /* key */
        {GRE, "1000 86dd 00000001", true, L4_GRE},                    /* sequence */
        {GRE, "b000 0800 00000000 00000001 00000001", false, L4_GRE}, /* all of them */
        /* Source routes: RFC 1701. */
        {GRE, "4000 0800 00000000 0800 0404 c0000201 00000000", false, L4_GRE},
        {GRE, "f000 0800 00000000 00000001 00000001 00000000", false, L4_GRE},
        {GRE, "0000 6558 020000000002 020000000001 0800", false, L4_GRE},
        {GRE, "0000 6558 020000000002 020000000001 8100 0007 86dd", true, L4_GRE},
        {GRE, "0000 8847 00001140", false, L4_GRE},
        {GRE, "0000 88be 020000000002 020000000001 0800", false, L4_GRE}, /* ERSPAN I */
        {GRE, "1000 88be 00000001 1007 0000 00000000 020000000002 020000000001 86dd", true,
         L4_GRE},                                                      /* ERSPAN II */
        {GRE, "3001 880b 00310001 00000001 ff03 0021", false, L4_GRE}, /* PPTP */
        {GRE, "3081 880b 00310001 00000001 00000001 21", false, L4_GRE},
        {UDP, "c350 12b5 ffff 0000 08000000 00002a00 020000000002 020000000001 0800", false,
         L4_UDP}, /* VXLAN */
        {UDP,
         "c350 12b5 ffff 0000 08000000 00002a00 020000000002 020000000001 88a8 0007 8100 0008 "
         "86dd",
         true, L4_UDP},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x8100);
        put_tag(&frame, 99, 0x0800);
        put_outer(&frame, cases[i].protocol);
        size_t header = frame.size;
        put_hex(&frame, cases[i].hex);
        size_t inner = frame.size;
        cases[i].v6 ? put_inner_ipv6(&frame) : put_inner_ipv4(&frame);
        if (cases[i].protocol == UDP) {
            frame.bytes[header + 4] = (uint8_t)((frame.size - header) >> 8);
            frame.bytes[header + 5] = (uint8_t)(frame.size - header);
        }
        frame_end(&frame);
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        assert_inner(&packet, cases[i].v6);
        assert_int_equal(packet.l3, L3_IPV4);
        assert_int_equal(packet.l4, cases[i].l4);
        assert_int_equal(packet.ip_bytes, frame.size - 18);
        assert_int_equal(packet.n_tunnels, 1);
        assert_int_equal(packet.tags, TAGS_8100); /* tags inside are not the frame's */
        assert_int_equal(packet.n_tags, 1);
        assert_int_equal(packet.vlan, 99);
        /* However it is cut in front of the inner flow, the outer one stays. */
        for (size_t n = header; n < inner + (cases[i].v6 ? 40 : 20); n++) {
            packet = frame_read_cut(&frame, LINK_ETHERNET, n, frame.size);
            assert_int_not_equal(packet.exit, EXIT_NONE);
            assert_true(packet.has_flow);
            assert_int_equal(packet.protocol, cases[i].protocol);
            assert_int_equal(packet.source[12], OUTER_IPV4_SOURCE);
            assert_int_equal(packet.l4, cases[i].l4);
            assert_int_equal(packet.ip_bytes, frame.size - 18);
        }
    }
}

static void in_ipv6(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x86dd);
        put_ipv6(&frame, 60);
        frame.bytes[frame.size - 1] = 0x77;         /* the outer destination ends otherwise */
        put_extension(&frame, v6 ? IPV6 : IPIP, 1); /* RFC 2473's limit of encapsulation */
        v6 ? put_inner_ipv6(&frame) : put_inner_ipv4(&frame);
        frame_end(&frame);
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        assert_inner(&packet, v6 != 0);
        assert_int_equal(packet.l3, L3_IPV6);
        assert_int_equal(packet.l4, v6 ? L4_6IN4 : L4_IPIP);
        assert_int_equal(packet.ip_bytes, frame.size - 14);
        assert_int_equal(packet.destination[15], 2);
    }
}

/* GRE in GRE ten times: the flow is that between the second and the third. */
static void ten_levels(void **state)
{
    (void)state;
    for (unsigned levels = 1; levels <= 10; levels++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x0800);
        for (unsigned n = 0; n < levels; n++) {
            put_ipv4(&frame, GRE);
            frame.bytes[frame.size - 5] = (uint8_t)(100 + n);
            put_gre(&frame, 0, 0x0800);
        }
        put_inner_ipv4(&frame);
        frame_end(&frame);
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        assert_int_equal(packet.l4, L4_GRE);
        assert_int_equal(packet.ip_bytes, frame.size - 14);
        if (levels <= 2) {
            assert_inner(&packet, false);
            assert_int_equal(packet.n_tunnels, levels);
            continue;
        }
        assert_exit(&packet, EXIT_TUNNEL_TOO_DEEP);
        assert_int_equal(packet.n_tunnels, 2);
        assert_true(packet.has_flow && !packet.has_ports);
        assert_int_equal(packet.protocol, GRE);
        assert_int_equal(packet.source[15], 102);
    }
}

/* Of each kind as the third level. */
static void third_levels(void **state)
{
    static const struct {
        unsigned protocol;
        const char *hex;
    } cases[] = {
        {IPIP, ""},
        {IPV6, ""},
        {GRE, "0000 0800"},
        {GRE, "0000 6558 020000000002 020000000001 0800"},
        {GRE, "1000 88be 00000001 1007 0000 00000000 020000000002 020000000001 0800"},
        {GRE, "3001 880b 00310001 00000001 ff03 0021"},
        {UDP, "c350 12b5 003b 0000 08000000 00002a00 020000000002 020000000001 0800"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x0800);
        put_ipv4(&frame, IPIP);
        put_ipv4(&frame, IPIP);
        put_outer(&frame, cases[i].protocol);
        put_hex(&frame, cases[i].hex);
        cases[i].protocol == IPV6 ? put_inner_ipv6(&frame) : put_inner_ipv4(&frame);
        frame_end(&frame);
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        assert_exit(&packet, EXIT_TUNNEL_TOO_DEEP);
        assert_outer_flow(&packet, cases[i].protocol);
        assert_int_equal(packet.n_tunnels, 2);
        assert_int_equal(packet.l4, L4_IPIP);
    }
}

/* What cannot be opened is a flow between the tunnel's ends. */
static void unread_payloads(void **state)
{
    static const struct {
        unsigned protocol;
        const char *hex;
        enum packet_exit exit;
        unsigned n_tunnels;
    } cases[] = {
        {GRE, "0000 0000", EXIT_GRE_UNKNOWN, 0}, /* a keep-alive's answer */
        {GRE, "0000 2001 0000", EXIT_GRE_UNKNOWN, 0},
        {GRE, "0000 8100 0007 0800 4500", EXIT_GRE_UNKNOWN, 0},
        {GRE, "0000 0026 aaaa03 000000 0800", EXIT_GRE_UNKNOWN, 0},
        {GRE, "0002 0800 4500", EXIT_GRE_UNKNOWN, 0},
        {GRE, "0007 0800 4500", EXIT_GRE_UNKNOWN, 0},
        {GRE, "2001 0800 00310001", EXIT_GRE_UNKNOWN, 0},
        {GRE, "1001 880b 00310001 0021", EXIT_GRE_UNKNOWN, 0},               /* PPTP without key */
        {GRE, "3001 880b 00310001 00000001 00fd 1234", EXIT_GRE_UNKNOWN, 0}, /* compressed */
        {GRE, "2081 880b 00000001 00000001", EXIT_NONE, 0}, /* acknowledges, carries nothing */
        {GRE, "", EXIT_GRE_TRUNCATED, 0},
        {GRE, "0000 08", EXIT_GRE_TRUNCATED, 0},
        {GRE, "f000 0800 0000 0000 0000 0001 0000 00", EXIT_GRE_TRUNCATED, 0},
        {GRE, "4000 0800 0000 0000 0800 00ff 0000", EXIT_GRE_TRUNCATED, 0}, /* a route too long */
        {GRE, "1000 88be 00000001 1007", EXIT_GRE_TRUNCATED, 0},
        {GRE, "3001 880b 00310001 0000", EXIT_GRE_TRUNCATED, 0},
        {GRE, "0000 0800", EXIT_IPV4_TRUNCATED, 1},
        {GRE, "0000 86dd 6000", EXIT_IPV6_TRUNCATED, 1},
        {GRE, "0000 6558 0200", EXIT_LINK_TRUNCATED, 1},
        {GRE, "0000 6558 020000000002 020000000001 0806 0001", EXIT_NONE, 1}, /* ARP inside */
        {IPIP, "65", EXIT_IPV4_TRUNCATED, 1},
        {IPIP, "60000000 00000000 00000000 00000000 00000000", EXIT_IPV4_VERSION, 1},
        {IPV6,
         "45000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
         "00000000",
         EXIT_IPV6_VERSION, 1},
        {UDP, "c350 12b5 000f 0000 08000000 000000", EXIT_VXLAN_TRUNCATED, 0},
        {UDP, "c350 12b5 0018 0000 00000000 00000000 45000000 00000000", EXIT_NONE,
         0}, /* no flag */
        {UDP, "c350 12b5 0014 0000 08000000 00002a00 02000000", EXIT_LINK_TRUNCATED, 1},
        {UDP, "12b5 c350 0018 0000 08000000 00002a00 02000000 00020200", EXIT_NONE, 0}, /* source */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame = {0};
        put_ethernet(&frame, 0x0800);
        put_outer(&frame, cases[i].protocol);
        put_hex(&frame, cases[i].hex);
        frame_end(&frame);
        put_zeros(&frame, 64); /* padding is not read */
        struct packet packet = frame_read(&frame, LINK_ETHERNET);
        assert_exit(&packet, cases[i].exit);
        assert_outer_flow(&packet, cases[i].protocol);
        assert_int_equal(packet.n_tunnels, cases[i].n_tunnels);
        assert_int_equal(packet.l3, L3_IPV4);
    }
}

/* Source routes have an end. */
static void gre_routes_without_end(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_outer(&frame, GRE);
    put_hex(&frame, "4000 0800 0000 0000");
    for (int i = 0; i < 100; i++) {
        put_hex(&frame, "0800 0004 c0000201");
    }
    put_zeros(&frame, 4);
    put_inner_ipv4(&frame);
    frame_end(&frame);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_exit(&packet, EXIT_GRE_TRUNCATED);
    assert_outer_flow(&packet, GRE);
}

/* An inner IPv6 chain that cannot be read leaves the outer flow. */
static void inner_chain(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_outer(&frame, IPV6);
    put_ipv6(&frame, 0);
    put_hex(&frame, "06ff 0000 00000000");
    frame_end(&frame);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_exit(&packet, EXIT_IPV6_EXTENSION_LENGTH);
    assert_outer_flow(&packet, IPV6);
    assert_int_equal(packet.n_tunnels, 1);
    assert_int_equal(packet.l4, L4_6IN4);
}

/* The inner datagram's length is bound by the outer's. */
static void inner_length(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_outer(&frame, IPIP);
    put_inner_ipv4(&frame);
    frame_end(&frame);
    frame.bytes[14 + 20 + 3] += 1;
    put_zeros(&frame, 10);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_exit(&packet, EXIT_IPV4_LENGTH);
    assert_int_equal(packet.payload_bytes, 9);
    assert_int_equal(packet.ip_bytes, 69);
}

static void fragments_inside_and_outside(void **state)
{
    (void)state;
    /* Inner fragments: the frame is none. */
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_ipv4(&frame, GRE);
    put_gre(&frame, 0, 0x0800);
    put_ipv4_fragment(&frame, UDP, 1480, true);
    put_zeros(&frame, 24);
    frame_end(&frame);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.n_tunnels, 1);
    assert_false(packet.is_later_fragment);
    assert_true(packet.flow_is_fragment && packet.flow_is_later_fragment && !packet.has_ports);
    assert_int_equal(packet.fragment_id, 0x1234);

    /* The first fragment of the tunnel's datagram: what is inside goes on in the next. */
    frame = (struct frame){0};
    put_ethernet(&frame, 0x0800);
    put_ipv4_fragment(&frame, IPIP, 0, true);
    put_inner_ipv4(&frame);
    frame_end(&frame);
    frame.bytes[14 + 20 + 2] = 1400 >> 8;
    frame.bytes[14 + 20 + 3] = 1400 & 0xff;
    packet = frame_read(&frame, LINK_ETHERNET);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.ip_bytes, 69);
    assert_int_equal(packet.payload_bytes, 1400 - 40);
    assert_false(packet.flow_is_fragment);
    assert_int_equal(packet.fragment_id, 0);

    /* And a later one: nothing in it is a header. */
    frame = (struct frame){0};
    put_ethernet(&frame, 0x0800);
    put_ipv4_fragment(&frame, IPIP, 1480, false);
    put_inner_ipv4(&frame);
    frame_end(&frame);
    packet = frame_read(&frame, LINK_ETHERNET);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.n_tunnels, 0);
    assert_true(packet.is_later_fragment && packet.flow_is_later_fragment);
    assert_int_equal(packet.protocol, IPIP);
}

/* The outer flow's ports and payload are not the inner one's. */
static void inner_without_ports(void **state)
{
    (void)state;
    struct frame frame = {0};
    put_ethernet(&frame, 0x0800);
    put_outer(&frame, UDP);
    put_vxlan(&frame);
    put_ethernet(&frame, 0x0800);
    put_ipv4(&frame, 1);
    put_hex(&frame, "0800 f7ff 0000 0000");
    frame_end(&frame);
    struct packet packet = frame_read(&frame, LINK_ETHERNET);
    assert_exit(&packet, EXIT_NONE);
    assert_int_equal(packet.n_tunnels, 1);
    assert_int_equal(packet.l4, L4_UDP);
    assert_true(packet.has_flow && !packet.has_ports);
    assert_int_equal(packet.protocol, 1);
    assert_int_equal(packet.source[12], 192);
    assert_int_equal(packet.source_port, 0);
    assert_int_equal(packet.destination_port, 0);
    assert_int_equal(packet.payload_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_level),           cmocka_unit_test(in_ipv6),
        cmocka_unit_test(ten_levels),          cmocka_unit_test(third_levels),
        cmocka_unit_test(unread_payloads),     cmocka_unit_test(gre_routes_without_end),
        cmocka_unit_test(inner_chain),         cmocka_unit_test(inner_length),
        cmocka_unit_test(inner_without_ports), cmocka_unit_test(fragments_inside_and_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
