/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ntp checks: the arithmetic of the four timestamps, and servers that are right, far off, forged or
 * without time. */
#include "net_support.h"
#include "ntp_packet.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SECOND_NS = 1000000000 };

static uint64_t ntp_time(int64_t seconds, double fraction)
{
    return (uint64_t)(seconds + INT64_C(2208988800)) << 32 | (uint64_t)(fraction * 4294967296.0);
}

static void put64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

static void packets_are_rfc_5905s(void **state)
{
    uint8_t packet[NTP_PACKET_SIZE];
    struct ntp_reply reply;
    (void)state;
    ntp_encode(UINT64_C(0x0123456789abcdef), packet);
    assert_int_equal(packet[0], 0x23); /* version 4, client */
    assert_memory_equal(packet + 40, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    for (size_t i = 1; i < 40; i++) {
        assert_int_equal(packet[i], 0); /* it says nothing of us */
    }
    memset(packet, 0, sizeof packet);
    packet[0] = 0x64; /* a leap second ahead, server */
    packet[1] = 2;
    memcpy(packet + 4, "\0\1\x80\0\0\0\x40\0GPS\0", 12);
    put64(packet + 24, 7);
    put64(packet + 32, UINT64_C(1) << 63);
    put64(packet + 40, 9);
    assert_true(ntp_decode(packet, sizeof packet, 7, &reply));
    assert_int_equal(reply.leap, 1);
    assert_int_equal(reply.stratum, 2);
    assert_true(reply.root_delay_s == 1.5 && reply.root_dispersion_s == 0.25);
    assert_string_equal(reply.code, "GPS");
    assert_true(reply.receive == UINT64_C(1) << 63 && reply.transmit == 9);
    assert_false(ntp_decode(packet, sizeof packet, 8, &reply));
    assert_false(ntp_decode(packet, sizeof packet - 1, 7, &reply));
    packet[0] = 0x23; /* a client's */
    assert_false(ntp_decode(packet, sizeof packet, 7, &reply));
}

static void four_timestamps_give_offset_and_delay(void **state)
{
    const struct {
        int64_t sent_s;
        double ahead_s;
        double there_s;
        double served_s;
        double back_s;
    } cases[] = {
        {1000000000, 0, 0.5, 0.25, 0.5},
        {1000000000, 3600, 0.125, 0, 0.125},
        {1000000000, -0.5, 0, 0, 0},
        {2085978495, 2, 0.25, 0.25, 0.25}, /* 2036: an era ends on the way */
        {1000000000, 0.25, 1, 0, 0},       /* not the same both ways: half of it is an error */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double receive_s = cases[i].there_s + cases[i].ahead_s;
        double transmit_s = receive_s + cases[i].served_s;
        struct ntp_reply reply = {
            .receive =
                ntp_time(cases[i].sent_s + (int64_t)floor(receive_s), receive_s - floor(receive_s)),
            .transmit = ntp_time(cases[i].sent_s + (int64_t)floor(transmit_s),
                                 transmit_s - floor(transmit_s)),
        };
        struct ntp_measure measure;
        assert_true(ntp_measure(&reply, cases[i].sent_s * SECOND_NS,
                                cases[i].there_s + cases[i].served_s + cases[i].back_s, &measure));
        double skew_s = (cases[i].there_s - cases[i].back_s) / 2;
        assert_true(fabs(measure.offset_s - cases[i].ahead_s - skew_s) < 1e-8);
        assert_true(fabs(measure.delay_s - cases[i].there_s - cases[i].back_s) < 1e-8);
    }
}

static void impossible_timestamps_are_refused(void **state)
{
    struct ntp_measure measure;
    struct ntp_reply slow = {.receive = ntp_time(1000, 0), .transmit = ntp_time(1002, 0)};
    struct ntp_reply backward = {.receive = ntp_time(1000, 0.5), .transmit = ntp_time(1000, 0)};
    struct ntp_reply fast = {.receive = ntp_time(1000, 0), .transmit = ntp_time(1000, 0.0005)};
    (void)state;
    assert_false(ntp_measure(&slow, INT64_C(1000) * SECOND_NS, 1, &measure));
    assert_false(ntp_measure(&backward, INT64_C(1000) * SECOND_NS, 1, &measure));
    assert_true(ntp_measure(&fast, INT64_C(1000) * SECOND_NS, 0, &measure));
    assert_true(measure.delay_s == 0); /* a rounding, not a journey through time */
}

/* --- against a server --- */

struct scene {
    struct udp_server server;
    uint8_t leap;
    uint8_t stratum;
    const char *code;
    double ahead_s;
    bool is_timeless;
    bool is_forging; /* first an answer to what was not asked */
};

static void answer(struct udp_server *server, const uint8_t *bytes, size_t size,
                   const struct sockaddr *from)
{
    const struct scene *scene = server->context;
    struct timespec now;
    uint8_t packet[NTP_PACKET_SIZE] = {0};
    assert_int_equal(size, NTP_PACKET_SIZE);
    clock_gettime(CLOCK_REALTIME, &now);
    double there = (double)now.tv_nsec / 1e9 + scene->ahead_s;
    uint64_t time = ntp_time(now.tv_sec + (int64_t)floor(there), there - floor(there));
    packet[0] = (uint8_t)(scene->leap << 6 | 0x24);
    packet[1] = scene->stratum;
    packet[6] = 1;  /* 1/256 s */
    packet[10] = 2; /* 2/256 s */
    memcpy(packet + 12, scene->code != NULL ? scene->code : "GPS", 4);
    put64(packet + 32, scene->is_timeless ? 0 : time);
    put64(packet + 40, scene->is_timeless ? 0 : time);
    if (scene->is_forging) {
        uint8_t forged[NTP_PACKET_SIZE];
        memcpy(forged, packet, sizeof forged);
        forged[1] = 0;
        memcpy(forged + 12, "DENY", 4);
        udp_server_say(server, forged, sizeof forged, from);
    }
    memcpy(packet + 24, bytes + 40, 8);
    udp_server_say(server, packet, sizeof packet, from);
}

static struct verdict play(struct scene *scene)
{
    const struct check_config config = {0};
    uv_loop_t loop;
    uv_loop_init(&loop);
    scene->server.context = scene;
    scene->server.on_request = answer;
    udp_server_open(&loop, &scene->server);
    struct target target = loopback_target(scene->server.port);
    struct verdict verdict = ask(&loop, &check_type_ntp, &config, &target, 2000);
    udp_server_close(&scene->server);
    finish_loop(&loop);
    assert_int_equal(scene->server.n_requests, 1);
    return verdict;
}

static void good_server_is_measured(void **state)
{
    const double offsets_s[] = {0, 100.25, -7200};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scene scene = {.stratum = 2, .ahead_s = offsets_s[i], .is_forging = true};
        struct verdict verdict = play(&scene);
        assert_verdict(verdict, OUTCOME_UP, "");
        assert_int_equal(verdict.known, 0xf);
        double rtt_s = verdict.values[0];
        assert_true(rtt_s > 0 && rtt_s < 1);
        assert_true(fabs(verdict.values[1] - offsets_s[i]) <= rtt_s / 2 + 1e-6);
        assert_true(verdict.values[2] == 2);
        assert_true(fabs(verdict.values[3] - (1 / 512.0 + rtt_s / 2 + 2 / 256.0)) < 1e-9);
    }
}

static void server_without_time_is_down(void **state)
{
    static const struct {
        uint8_t leap;
        uint8_t stratum;
        const char *code;
        enum outcome outcome;
        const char *reason;
    } cases[] = {
        {3, 2, NULL, OUTCOME_DOWN, "unsynchronised"},
        {0, 16, NULL, OUTCOME_DOWN, "unsynchronised"},
        {3, 0, "\0\0\0", OUTCOME_DOWN, "unsynchronised"},
        {3, 0, "INIT", OUTCOME_DOWN, "unsynchronised"},
        {3, 0, "DENY", OUTCOME_DOWN, "kiss-of-death"},
        {3, 0, "RSTR", OUTCOME_DOWN, "kiss-of-death"},
        {0, 0, "XKCD", OUTCOME_DOWN, "kiss-of-death"},
        {3, 0, "RATE", OUTCOME_UNKNOWN, "kiss-of-death"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene = {
            .leap = cases[i].leap, .stratum = cases[i].stratum, .code = cases[i].code};
        struct verdict verdict = play(&scene);
        assert_verdict(verdict, cases[i].outcome, cases[i].reason);
        assert_int_equal(verdict.known, 5); /* how long it took, and the stratum */
        assert_true(verdict.values[2] == cases[i].stratum);
    }
    struct scene timeless = {.stratum = 1, .is_timeless = true};
    assert_verdict(play(&timeless), OUTCOME_DOWN, "protocol");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_rfc_5905s),
        cmocka_unit_test(four_timestamps_give_offset_and_delay),
        cmocka_unit_test(impossible_timestamps_are_refused),
        cmocka_unit_test(good_server_is_measured),
        cmocka_unit_test(server_without_time_is_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
