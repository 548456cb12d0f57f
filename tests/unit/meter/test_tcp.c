/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Handshakes, and where connections begin and end. */
#include "connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void assert_near(int64_t value, int64_t expected)
{
    assert_in_range(value, expected - expected * 16 / 1000, expected + expected * 16 / 1000);
}

static void handshake(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_handshake(world, 1000, 5000);
    assert_int_equal(world->counts.syns, 1);
    assert_int_equal(world->counts.syn_acks, 1);
    assert_int_equal(world->counts.handshakes, 1);
    assert_int_equal(world->counts.handshakes_ambiguous, 0);
    assert_int_equal(world->counts.rtt_server.n, 1);
    assert_int_equal(world->counts.rtt_client.n, 1);
    assert_near(histogram_percentile(&world->counts.rtt_server, 50), 20 * MS);
    assert_near(histogram_percentile(&world->counts.rtt_client, 50), 10 * MS);
    /* The server's address is the lower one. */
    assert_int_equal(world->flow->initiator, 2);
    assert_int_equal(world->flow->mss[0], 1401);
    assert_int_equal(world->flow->mss[1], 1400);
    assert_int_equal(world->flow->tcp_flags[1], SYN | ACK);
    /* What acknowledges it again is not timed again. */
    world_send(world, CLIENT, ACK, 1001, 5001, 0);
    world_send(world, CLIENT, ACK, 1001, 5001, 100);
    assert_int_equal(world->counts.rtt_client.n, 1);
    assert_counts(world, 1, 0, 0);
    world_free(world);
}

/* At the wrap of sequence numbers. */
static void handshake_at_the_wrap(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_handshake(world, UINT32_MAX, UINT32_MAX);
    assert_int_equal(world->counts.handshakes, 1);
    assert_int_equal(world->counts.rtt_client.n, 1);
    world_send(world, CLIENT, ACK, 0, 0, 10);
    world_send(world, SERVER, ACK, 0, 10, 10);
    assert_counts(world, 2, 0, 0);
    world_free(world);
}

static void repeated_syn(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns += S;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns += 2 * S;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns += 20 * MS;
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world->now_ns += 10 * MS;
    world_send(world, CLIENT, ACK, 1001, 5001, 0);
    assert_int_equal(world->counts.syns, 3);
    assert_int_equal(world->counts.syn_retransmissions, 2);
    assert_int_equal(world->counts.handshakes, 0);
    assert_int_equal(world->counts.handshakes_ambiguous, 1);
    assert_int_equal(world->counts.rtt_server.n, 0);
    assert_int_equal(world->counts.rtt_client.n, 1); /* its SYN-ACK was sent once */
    /* A copy that comes late. */
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    assert_int_equal(world->counts.syn_retransmissions, 3);
    world_send(world, CLIENT, ACK, 1001, 5001, 100);
    assert_counts(world, 1, 0, 0);
    world_free(world);
}

static void repeated_syn_ack(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns += 20 * MS;
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world->now_ns += S;
    world_send(world, CLIENT, SYN, 1000, 0, 0); /* the answer was lost behind us */
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world->now_ns += 10 * MS;
    world_send(world, CLIENT, ACK, 1001, 5001, 0);
    assert_int_equal(world->counts.handshakes, 1);
    assert_int_equal(world->counts.handshakes_ambiguous, 0);
    assert_int_equal(world->counts.syn_retransmissions, 2);
    assert_int_equal(world->counts.rtt_server.n, 1);
    assert_int_equal(world->counts.rtt_client.n, 0);
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    assert_int_equal(world->counts.syn_retransmissions, 3);
    assert_int_equal(world->counts.syn_acks, 3);
    world_free(world);
}

/* Neither an ACK of something else nor the server's own ends the wait for the SYN-ACK's ACK. */
static void only_the_right_ones_answer(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns += 5 * MS;
    world_send(world, SERVER, SYN | ACK, 4000, 999, 0); /* of another SYN */
    assert_int_equal(world->counts.handshakes, 0);
    world_send(world, CLIENT, SYN | ACK, 4000, 1001, 0); /* from the wrong side */
    assert_int_equal(world->counts.handshakes, 0);
    world->now_ns += 15 * MS;
    world_send(world, SERVER, SYN | ACK, 900, 1001, 0);
    assert_int_equal(world->counts.handshakes, 1);
    assert_near(histogram_percentile(&world->counts.rtt_server, 50), 20 * MS);
    world_send(world, SERVER, ACK, 901, 1001, 0);
    world_send(world, CLIENT, ACK, 1001, 900, 0);
    assert_int_equal(world->counts.rtt_client.n, 0);
    world->now_ns += 10 * MS;
    world_send(world, CLIENT, ACK, 1001, 901, 200); /* with data at once */
    assert_int_equal(world->counts.rtt_client.n, 1);
    assert_near(histogram_percentile(&world->counts.rtt_client, 50), 10 * MS);
    world_free(world);
}

/* The capture's clock went backwards: no round trip is made of it. */
static void backwards(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns -= 1;
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world->now_ns -= S;
    world_send(world, CLIENT, ACK, 1001, 5001, 0);
    assert_int_equal(world->counts.handshakes, 1);
    assert_int_equal(world->counts.rtt_server.n, 0);
    assert_int_equal(world->counts.rtt_client.n, 0);
    assert_int_equal(world->counts.backwards, 2);
    world_free(world);
}

/* TCP Fast Open (RFC 7413): data in the SYN, acknowledged or not, and in the SYN-ACK. */
static void data_in_the_syn(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, SYN, 1000, 0, 300);
    world->now_ns += 20 * MS;
    world_send(world, SERVER, SYN | ACK, 5000, 1301, 500);
    world_send(world, CLIENT, ACK, 1301, 5501, 0);
    world_send(world, CLIENT, ACK, 1301, 5501, 100);
    world_send(world, SERVER, ACK, 5501, 1401, 100);
    assert_int_equal(world->counts.handshakes, 1);
    assert_int_equal(world->counts.rtt_server.n, 1);
    assert_int_equal(world->counts.rtt_client.n, 1);
    assert_counts(world, 4, 0, 0);
    world->host++; /* it acknowledges the SYN alone: the data are sent again */
    world_send(world, CLIENT, SYN, 1000, 0, 300);
    world->now_ns += 20 * MS;
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world_send(world, CLIENT, ACK, 1001, 5001, 300);
    assert_int_equal(world->counts.handshakes, 2);
    assert_counts(world, 6, 1, 0);
    world_free(world);
}

/* RFC 9293 3.5, figure 7. */
static void simultaneous_open(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns += MS;
    world_send(world, SERVER, SYN, 5000, 0, 0);
    world->now_ns += MS;
    world_send(world, SERVER, SYN, 5000, 0, 0); /* again */
    world->now_ns += 20 * MS;
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world_send(world, CLIENT, SYN | ACK, 1000, 5001, 0);
    world->now_ns += MS;
    world_send(world, CLIENT, ACK, 1001, 5001, 50);
    world_send(world, SERVER, ACK, 5001, 1051, 50);
    assert_int_equal(world->counts.syns, 3);
    assert_int_equal(world->counts.syn_acks, 2);
    assert_int_equal(world->counts.syn_retransmissions, 1);
    assert_int_equal(world->counts.handshakes, 1);
    assert_int_equal(world->counts.handshakes_ambiguous, 0);
    assert_int_equal(world->counts.rtt_server.n, 1);
    assert_int_equal(world->counts.rtt_client.n, 1);
    assert_counts(world, 2, 0, 0);
    world_free(world);
}

static void refused(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    for (uint32_t i = 0; i < 3; i++) { /* each with a sequence number of its own */
        world_send(world, CLIENT, SYN, 1000 * i, 0, 0);
        world_send(world, SERVER, RST | ACK, 0, 1000 * i + 1, 0);
    }
    assert_int_equal(world->counts.syns, 3);
    assert_int_equal(world->counts.resets, 3);
    assert_int_equal(world->counts.syn_retransmissions, 0);
    assert_int_equal(world->counts.handshakes, 0);
    world->now_ns += S;
    world_handshake(world, 77777, 5000);
    assert_int_equal(world->counts.handshakes, 1);
    assert_counts(world, 0, 0, 0);
    world_free(world);
}

/* Attempts without an answer, each with another sequence number: none is the other's repetition. */
static void attempts_of_their_own(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, SYN, 1000, 0, 0);
    world->now_ns += S;
    world_send(world, CLIENT, SYN, 900000, 0, 0);
    world->now_ns += 20 * MS;
    world_send(world, SERVER, SYN | ACK, 5000, 900001, 0);
    assert_int_equal(world->counts.syn_retransmissions, 0);
    assert_int_equal(world->counts.handshakes, 1);
    assert_near(histogram_percentile(&world->counts.rtt_server, 50), 20 * MS);
    world_free(world);
}

/* On the same ports, with sequence numbers that would be far below, or just below, the old ones. */
static void a_new_connection_in_the_flow(void **state)
{
    static const struct {
        unsigned end; /* how the one before ended: flags, or 0 for silence */
        int64_t passed_ns;
    } cases[] = {{FIN | ACK, 0}, {RST, 0}, {0, 125 * S}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = world_new(64);
        world_handshake(world, 100000, 500000);
        world_send(world, CLIENT, ACK, 100001, 500001, 1000);
        world_send(world, SERVER, ACK, 500001, 101001, 1000);
        if (cases[i].end != 0) {
            world_send(world, CLIENT, cases[i].end, 101001, 501001, 0);
        }
        world->now_ns += cases[i].passed_ns;
        world_handshake(world, 99000, 499000);
        world_send(world, CLIENT, ACK, 99001, 499001, 500);
        world_send(world, SERVER, ACK, 499001, 99501, 500);
        assert_int_equal(world->counts.handshakes, 2);
        assert_int_equal(world->counts.rtt_server.n, 2);
        assert_int_equal(world->counts.rtt_client.n, 2);
        assert_int_equal(world->counts.syn_retransmissions, 0);
        assert_counts(world, 4, 0, 0);
        if (cases[i].end != 0) {
            world_send(world, SERVER, cases[i].end, 499501, 99501, 0);
        }
        world->now_ns += cases[i].passed_ns;
        world_send(world, CLIENT, SYN, 98000, 0, 0); /* its answer goes another way */
        world_send(world, CLIENT, ACK, 98001, 498001, 500);
        assert_counts(world, 5, 0, 0);
        world_free(world);
    }
}

/* A SYN into the midst of a connection changes nothing, unless it is answered as one. */
static void a_syn_into_the_midst(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_handshake(world, 100000, 500000);
    world_send(world, CLIENT, ACK, 100001, 500001, 1000);
    world_send(world, CLIENT, SYN, 777, 0, 0);
    world_send(world, SERVER, ACK, 500001, 101001, 0); /* the challenge ACK of RFC 5961 */
    world_send(world, CLIENT, ACK, 101001, 500001, 1000);
    world->now_ns += S;
    world_send(world, CLIENT, ACK, 100001, 500001, 1000);
    assert_counts(world, 3, 1, 0);
    assert_int_equal(world->counts.handshakes, 1);
    world_handshake(world, 90000, 400000); /* its end was not seen */
    world_send(world, CLIENT, ACK, 90001, 400001, 500);
    assert_int_equal(world->counts.handshakes, 2);
    assert_counts(world, 4, 1, 0);
    world_free(world);
}

/* The capture began between SYN and SYN-ACK. */
static void a_syn_ack_alone(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world->now_ns += 10 * MS;
    world_send(world, CLIENT, ACK, 1001, 5001, 0);
    world_send(world, CLIENT, ACK, 1001, 5001, 10);
    assert_int_equal(world->counts.handshakes, 0);
    assert_int_equal(world->counts.rtt_server.n, 0);
    assert_int_equal(world->counts.rtt_client.n, 1);
    assert_int_equal(world->flow->initiator, 2);
    assert_counts(world, 1, 0, 0);
    world_free(world);
}

/* Only the server's side is seen, whose second connection begins before the end of the first: its
 * SYN-ACK cannot be of the first one, however near their numbers are. */
static void another_syn_ack_alone(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, SERVER, SYN | ACK, 5000, 1001, 0);
    world_send(world, SERVER, ACK, 5001, 1101, 700);
    world->now_ns += S;
    world_send(world, SERVER, SYN | ACK, 30000000, 9001, 0);
    assert_int_equal(world->counts.syn_retransmissions, 0);
    world->now_ns += S;
    world_send(world, SERVER, SYN | ACK, 30000000, 9001, 0);
    assert_int_equal(world->counts.syn_retransmissions, 1);
    world_send(world, SERVER, ACK, 30000001, 9001, 100);
    world_send(world, SERVER, ACK, 30000001, 9001, 100);
    assert_int_equal(world->counts.syn_acks, 3);
    assert_counts(world, 3, 1, 0);
    world_free(world);
}

static void fins_and_resets(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_handshake(world, 1000, 5000);
    world_send(world, CLIENT, FIN | ACK, 1001, 5001, 200); /* with data */
    world_send(world, SERVER, ACK, 5001, 1202, 300);       /* half closed: data go on */
    world_send(world, SERVER, FIN | ACK, 5301, 1202, 0);
    world->now_ns += S;
    world_send(world, SERVER, FIN | ACK, 5301, 1202, 0);   /* again, but has no data */
    world_send(world, CLIENT, FIN | ACK, 1001, 5302, 200); /* again, with its data */
    world_send(world, CLIENT, FIN | ACK, 1201, 5302, 0);
    world_send(world, CLIENT, ACK, 1200, 5302, 1); /* its last byte: below the FIN, no keep-alive */
    world_send(world, CLIENT, RST, 77, 0, 0);
    world_send(world, CLIENT, RST | ACK, 77, 0, 60); /* what it says is no data */
    assert_int_equal(world->counts.fins, 5);
    assert_int_equal(world->counts.resets, 2);
    assert_counts(world, 4, 2, 0);
    world_free(world);
}

/* Any flags, numbers and times: nothing but counts may come of it. */
static void anything(void **state)
{
    enum { PACKETS = 200000 };
    struct world *world = world_new(64);
    uint64_t x = 88172645463325252U;
    (void)state;
    for (int i = 0; i < PACKETS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint32_t low = (uint32_t)x;
        world->host = low % 2000; /* more than there are flows */
        world->now_ns = i % 50 == 0 ? (int64_t)(x * 3) : world->now_ns + (int64_t)(x % 4000000);
        uint32_t length = i % 97 == 0 ? low : low >> 16 & 2047;
        uint32_t sequence = i % 3 == 0 ? low : low >> 12 & 8191;
        world_send(world, low >> 8 & 1, low >> 24, sequence, (uint32_t)(x >> 32), length);
        if (i % 10000 == 9999) {
            tcp_clear(world->tracker);
        }
    }
    const struct tcp_counts *counts = &world->counts;
    assert_true(counts->retransmissions + counts->reordered <= counts->data_segments);
    assert_true(counts->handshakes + counts->handshakes_ambiguous <= counts->syn_acks);
    assert_true(counts->resets > PACKETS / 3);
    world_free(world);
}

static void sums(void **state)
{
    static struct tcp_counts a = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, {0}, {0}};
    static struct tcp_counts b = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, {0}, {0}};
    (void)state;
    histogram_add(&b.rtt_server, 5);
    histogram_add(&b.rtt_client, 5);
    histogram_add(&b.rtt_client, 6);
    tcp_counts_merge(&a, &b);
    const uint64_t *numbers = &a.syns;
    for (uint64_t i = 0; i < 11; i++) {
        assert_int_equal(numbers[i], 11 * (i + 1));
    }
    assert_int_equal(a.rtt_server.n, 1);
    assert_int_equal(a.rtt_client.n, 2);
    tcp_tracker_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake),
        cmocka_unit_test(handshake_at_the_wrap),
        cmocka_unit_test(repeated_syn),
        cmocka_unit_test(repeated_syn_ack),
        cmocka_unit_test(only_the_right_ones_answer),
        cmocka_unit_test(backwards),
        cmocka_unit_test(data_in_the_syn),
        cmocka_unit_test(simultaneous_open),
        cmocka_unit_test(refused),
        cmocka_unit_test(attempts_of_their_own),
        cmocka_unit_test(a_new_connection_in_the_flow),
        cmocka_unit_test(a_syn_into_the_midst),
        cmocka_unit_test(a_syn_ack_alone),
        cmocka_unit_test(another_syn_ack_alone),
        cmocka_unit_test(fins_and_resets),
        cmocka_unit_test(anything),
        cmocka_unit_test(sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
