/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Echo messages as bytes, the open ones by their numbers, and what they amount to. */
#include "icmp.h"
#include "icmp_packet.h"
#include "icmp_table.h"
#include "icmp_tally.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void packets_are_read_within_bounds(void **state)
{
    uint8_t token[ICMP_TOKEN_SIZE] = "0123456789abcde";
    uint8_t packet[20 + ICMP_PACKET_SIZE] = {0x45};
    struct icmp_reply reply;
    (void)state;
    packet[9] = IPPROTO_ICMP;
    icmp_encode(ICMP_FORM_V4, 7, 513, token, packet + 20);
    assert_int_equal(packet[20], 8);
    uint32_t sum = 0; /* RFC 1071: with its checksum in place, a message sums up to all ones */
    for (size_t i = 20; i < sizeof packet; i += 2) {
        sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
    }
    assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, sizeof packet, &reply), -EBADMSG);
    packet[20] = 0;
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, sizeof packet, &reply), 0);
    assert_int_equal(reply.id, 7);
    assert_int_equal(reply.sequence, 513);
    assert_memory_equal(reply.token, token, sizeof token);
    assert_int_equal(icmp_decode(ICMP_FORM_V4, packet + 20, ICMP_PACKET_SIZE, &reply), 0);
    packet[20] = 129;
    assert_int_equal(icmp_decode(ICMP_FORM_V6, packet + 20, ICMP_PACKET_SIZE, &reply), 0);
    packet[20] = 0;
    for (size_t size = 0; size < 20 + 8 + ICMP_TOKEN_SIZE; size++) {
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, packet, size);
        assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, exact, size, &reply), -EBADMSG);
        free(exact);
    }
    packet[0] = 0x4f; /* options up to byte 60: too short for the rest */
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, 59, &reply), -EBADMSG);
    packet[0] = 0x44;
    assert_int_equal(icmp_decode(ICMP_FORM_V4_IP, packet, sizeof packet, &reply), -EBADMSG);
}

static void quotes_are_read_within_bounds(void **state)
{
    uint8_t token[ICMP_TOKEN_SIZE] = "0123456789abcde";
    uint8_t packet[ICMP_PACKET_SIZE];
    struct icmp_quote quote;
    (void)state;
    icmp_encode(ICMP_FORM_V4, 7, 513, token, packet);
    for (size_t size = 0; size <= sizeof packet; size++) {
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, packet, size);
        int rc = icmp_decode_quote(false, exact, size, &quote);
        assert_int_equal(rc, size < 8 ? -EBADMSG : 0);
        if (rc == 0) {
            assert_int_equal(quote.id, 7);
            assert_int_equal(quote.sequence, 513);
            assert_int_equal(quote.token_size, size - 8 < 16 ? size - 8 : 16);
            assert_memory_equal(quote.token, token, quote.token_size);
        }
        free(exact);
    }
    assert_int_equal(icmp_decode_quote(true, packet, sizeof packet, &quote), -EBADMSG);
    packet[0] = 128;
    assert_int_equal(icmp_decode_quote(true, packet, sizeof packet, &quote), 0);
    packet[1] = 1;
    assert_int_equal(icmp_decode_quote(true, packet, sizeof packet, &quote), -EBADMSG);
}

static const char *reason_of(bool is_v6, uint8_t type, uint8_t code)
{
    const struct icmp_error *error = icmp_explain(is_v6, type, code);
    return error != NULL ? error->reason : "";
}

static void errors_have_reasons(void **state)
{
    (void)state;
    assert_string_equal(reason_of(false, 3, 0), "network-unreachable");
    assert_string_equal(reason_of(false, 3, 1), "host-unreachable");
    assert_string_equal(reason_of(false, 3, 3), ""); /* a port: not of an echo */
    assert_string_equal(reason_of(false, 3, 4), ""); /* a size: it is found out otherwise */
    assert_string_equal(reason_of(false, 3, 13), "host-unreachable");
    assert_string_equal(reason_of(false, 3, 15), "host-unreachable");
    assert_string_equal(reason_of(false, 3, 16), "");
    assert_string_equal(reason_of(false, 3, 255), "");
    assert_string_equal(reason_of(false, 11, 0), "host-unreachable");
    assert_string_equal(reason_of(false, 11, 1), "");
    assert_string_equal(reason_of(false, 1, 0), "");
    assert_string_equal(reason_of(true, 1, 0), "network-unreachable");
    assert_string_equal(reason_of(true, 1, 3), "host-unreachable");
    assert_string_equal(reason_of(true, 1, 4), "");
    assert_string_equal(reason_of(true, 1, 6), "network-unreachable");
    assert_string_equal(reason_of(true, 1, 7), "");
    assert_string_equal(reason_of(true, 3, 0), "host-unreachable");
    assert_string_equal(reason_of(true, 2, 0), "");
}

static union ping_address loopback_plus(uint32_t n)
{
    return (union ping_address){
        .v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + n)}};
}

/* Twice as many as there are numbers, so that each number is given twice. */
static void echoes_are_found_by_number_and_token(void **state)
{
    enum { ENTRIES = 2 * 65536 };
    struct icmp_table table = {0};
    struct icmp_entry *entries = calloc(ENTRIES, sizeof *entries);
    const union ping_address here = loopback_plus(0);
    const union ping_address there = loopback_plus(1);
    const union ping_address six = {
        .v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
    bool mismatched = true;
    (void)state;
    assert_null(icmp_table_find(&table, 1, entries[0].token, 0, &here, &mismatched));
    assert_false(mismatched);
    for (size_t i = 0; i < ENTRIES; i++) {
        entries[i].sequence = (uint16_t)(i + 60000);
        entries[i].to = i % 2 == 0 ? &here : &six;
        memcpy(entries[i].token, &i, sizeof i);
        icmp_table_add(&table, &entries[i]);
    }
    assert_int_equal(table.n_entries, ENTRIES);
    assert_int_equal(table.n_buckets, 65536);
    for (size_t i = 0; i < ENTRIES; i++) {
        const struct icmp_entry *e = &entries[i];
        assert_ptr_equal(
            icmp_table_find(&table, e->sequence, e->token, ICMP_TOKEN_SIZE, e->to, &mismatched), e);
        assert_null(
            icmp_table_find(&table, e->sequence, e->token, ICMP_TOKEN_SIZE, &there, &mismatched));
        assert_true(mismatched);
    }
    /* By what a short error quotes: the number and the address. */
    assert_non_null(icmp_table_find(&table, entries[5].sequence, entries[5].token, 0, entries[5].to,
                                    &mismatched));
    for (size_t i = 0; i < ENTRIES; i++) {
        icmp_table_remove(&table, &entries[i]);
        assert_null(icmp_table_find(&table, entries[i].sequence, entries[i].token, ICMP_TOKEN_SIZE,
                                    entries[i].to, &mismatched));
        assert_int_equal(mismatched, i < ENTRIES / 2);
    }
    assert_int_equal(table.n_entries, 0);
    icmp_table_clear(&table);
    free(entries);
}

static bool is_close(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void round_trips_are_summed_up(void **state)
{
    static const int64_t rtt_us[] = {100, 400, 200};
    struct icmp_tally tally = {0};
    struct verdict verdict = {0};
    (void)state;
    icmp_tally_values(&tally, &verdict);
    assert_int_equal(verdict.known, 0); /* nothing could be sent */
    icmp_tally_sent(&tally, (struct wall){10});
    icmp_tally_values(&tally, &verdict);
    assert_int_equal(verdict.known, 1 << ICMP_LOSS);
    assert_true(verdict.values[ICMP_LOSS] == 1);
    for (int i = 0; i < 3; i++) {
        icmp_tally_sent(&tally, (struct wall){20 + i});
        icmp_tally_answered(&tally, (struct wall){20 + i}, rtt_us[i] * 1000);
        icmp_tally_values(&tally, &verdict);
        assert_int_equal(verdict.known, i == 0 ? 0x17 : 0x1f); /* one has no jitter */
    }
    assert_true(is_close(verdict.values[ICMP_RTT], 700e-6 / 3));
    assert_true(is_close(verdict.values[ICMP_RTT_MIN], 100e-6));
    assert_true(is_close(verdict.values[ICMP_RTT_MAX], 400e-6));
    assert_true(is_close(verdict.values[ICMP_JITTER], (300e-6 + 200e-6) / 2));
    assert_true(is_close(verdict.values[ICMP_LOSS], 0.25));
    assert_int_equal(tally.first.ms, 10);
    assert_int_equal(tally.last_answered.ms, 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_read_within_bounds),
        cmocka_unit_test(quotes_are_read_within_bounds),
        cmocka_unit_test(errors_have_reasons),
        cmocka_unit_test(echoes_are_found_by_number_and_token),
        cmocka_unit_test(round_trips_are_summed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
