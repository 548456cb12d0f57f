/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whose ports later fragments get, and that nothing is guessed. */
#include "fragments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { ICMP = 1, TCP = 6, UDP = 17, SCTP = 132, OSPF = 89 };
static const int64_t START_NS = INT64_C(1700000000) * 1000000000;
static const int64_t S_NS = 1000000000;
static const uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static struct packet first_of(uint8_t protocol, uint32_t id)
{
    return (struct packet){
        .time_ns = START_NS,
        .has_flow = true,
        .has_ports = true,
        .flow_is_fragment = true,
        .protocol = protocol,
        .source = {[10] = 255, [11] = 255, [12] = 10, [15] = 1},
        .destination = {[10] = 255, [11] = 255, [12] = 10, [15] = 2},
        .source_port = (uint16_t)(1000 + id % 1000),
        .destination_port = 53,
        .fragment_id = id,
    };
}

static struct packet later_of(const struct packet *first)
{
    struct packet later = *first;
    later.flow_is_later_fragment = true;
    later.has_ports = false;
    later.source_port = 0;
    later.destination_port = 0;
    return later;
}

static void later_ones_get_the_ports(void **state)
{
    struct fragments *fragments = fragments_new(seed);
    (void)state;
    static const uint8_t protocols[] = {TCP, UDP, SCTP};
    for (size_t i = 0; i < sizeof protocols; i++) {
        struct packet first = first_of(protocols[i], 7 + (uint32_t)i);
        fragments_note(fragments, &first);
        for (int n = 0; n < 3; n++) {
            struct packet later = later_of(&first);
            assert_true(fragments_find(fragments, &later));
            assert_int_equal(later.source_port, first.source_port);
            assert_int_equal(later.destination_port, 53);
        }
    }
    fragments_free(fragments);
    fragments_free(NULL);
}

static void nothing_is_guessed(void **state)
{
    struct fragments *fragments = fragments_new(seed);
    struct packet first = first_of(UDP, 7);
    struct packet later = later_of(&first);
    (void)state;
    assert_false(fragments_find(fragments, &later)); /* before the first: leaves nothing either */
    assert_false(fragments_find(fragments, &later));
    assert_int_equal(later.source_port, 0);
    fragments_note(fragments, &first);
    struct packet other = later;
    other.fragment_id = 8;
    assert_false(fragments_find(fragments, &other));
    other = later;
    other.protocol = TCP; /* IPv4 numbers datagrams of each protocol for itself: RFC 791 */
    assert_false(fragments_find(fragments, &other));
    other = later;
    other.source[15] = 9;
    assert_false(fragments_find(fragments, &other));
    other = later;
    other.destination[15] = 9;
    assert_false(fragments_find(fragments, &other));
    other = later; /* the other direction */
    memcpy(other.source, later.destination, sizeof other.source);
    memcpy(other.destination, later.source, sizeof other.destination);
    assert_false(fragments_find(fragments, &other));
    assert_true(fragments_find(fragments, &later));
    fragments_clear(fragments);
    assert_false(fragments_find(fragments, &later));
    fragments_free(fragments);
}

/* A first fragment of 8 bytes has no ports of TCP's header that could be trusted to be there. */
static void a_tiny_first_one_notes_nothing(void **state)
{
    struct fragments *fragments = fragments_new(seed);
    static const uint8_t with_ports[] = {TCP, UDP, SCTP};
    (void)state;
    for (size_t i = 0; i < sizeof with_ports; i++) {
        struct packet first = first_of(with_ports[i], 7);
        first.has_ports = false;
        struct packet later = later_of(&first);
        fragments_note(fragments, &first);
        assert_false(fragments_find(fragments, &later));
    }
    static const uint8_t without_ports[] = {ICMP, OSPF};
    for (size_t i = 0; i < sizeof without_ports; i++) {
        struct packet first = first_of(without_ports[i], 7);
        first.has_ports = false;
        first.source_port = first.destination_port = 0;
        struct packet later = later_of(&first);
        fragments_note(fragments, &first);
        assert_true(fragments_find(fragments, &later));
        assert_int_equal(later.source_port, 0);
        assert_int_equal(later.destination_port, 0);
    }
    fragments_free(fragments);
}

/* RFC 8200 4.5: there a datagram is its addresses and its identification alone. */
static void ipv6_goes_without_the_protocol(void **state)
{
    struct fragments *fragments = fragments_new(seed);
    struct packet first = first_of(UDP, 0xfedcba98);
    (void)state;
    first.source[0] = 0x20;
    first.destination[0] = 0x20;
    struct packet later = later_of(&first);
    later.protocol = 60; /* destination options, with which the datagram began */
    fragments_note(fragments, &first);
    assert_true(fragments_find(fragments, &later));
    assert_int_equal(later.protocol, UDP);
    assert_int_equal(later.source_port, first.source_port);
    fragments_free(fragments);
}

static void good_for_thirty_seconds(void **state)
{
    static const struct {
        int64_t after_ns;
        bool found;
    } cases[] = {{0, true},
                 {30 * S_NS, true},
                 {30 * S_NS + 1, false},
                 {-30 * S_NS, true},
                 {-30 * S_NS - 1, false},
                 {3600 * S_NS, false},
                 {-3600 * S_NS, false}};
    struct fragments *fragments = fragments_new(seed);
    struct packet first = first_of(UDP, 7);
    (void)state;
    fragments_note(fragments, &first);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct packet later = later_of(&first);
        later.time_ns += cases[i].after_ns;
        assert_int_equal(fragments_find(fragments, &later), cases[i].found);
    }
    struct packet odd = later_of(&first);
    odd.time_ns = INT64_MIN;
    assert_false(fragments_find(fragments, &odd));
    fragments_free(fragments);
}

/* Identifications are used again: the newer datagram's ports count. */
static void the_newest_datagram_counts(void **state)
{
    struct fragments *fragments = fragments_new(seed);
    struct packet first = first_of(UDP, 7);
    (void)state;
    fragments_note(fragments, &first);
    first.time_ns += 40 * S_NS;
    first.source_port = 4242;
    fragments_note(fragments, &first);
    struct packet later = later_of(&first);
    assert_true(fragments_find(fragments, &later));
    assert_int_equal(later.source_port, 4242);
    fragments_free(fragments);
}

/* 1,024 of them: the ones that came last are there, the others are not made up. */
static void a_flood_displaces_the_oldest(void **state)
{
    enum { FLOOD = 20000 };
    struct fragments *fragments = fragments_new(seed);
    unsigned recent = 0;
    unsigned found = 0;
    (void)state;
    for (uint32_t id = 0; id < FLOOD; id++) {
        struct packet first = first_of(UDP, id);
        first.time_ns += id;
        fragments_note(fragments, &first);
    }
    for (uint32_t id = 0; id < FLOOD; id++) {
        struct packet first = first_of(UDP, id);
        struct packet later = later_of(&first);
        if (fragments_find(fragments, &later)) {
            assert_int_equal(later.source_port, first.source_port);
            found++;
            recent += id >= FLOOD - 256;
        }
    }
    assert_int_equal(found, 1024);
    assert_true(recent > 250);
    fragments_free(fragments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_ones_get_the_ports),
        cmocka_unit_test(nothing_is_guessed),
        cmocka_unit_test(a_tiny_first_one_notes_nothing),
        cmocka_unit_test(ipv6_goes_without_the_protocol),
        cmocka_unit_test(good_for_thirty_seconds),
        cmocka_unit_test(the_newest_datagram_counts),
        cmocka_unit_test(a_flood_displaces_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
