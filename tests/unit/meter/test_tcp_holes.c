/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is sent again and what is overtaken: by hand, and of a simulated sender of whom it is known.
 */
#include "connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LENGTH = 1000 };

/* The client's n-th segment of LENGTH bytes, counted from 0, `after_ns` after the one before. */
static void send_nth(struct world *world, uint32_t n, int64_t after_ns)
{
    world->now_ns += after_ns;
    world_send(world, CLIENT, ACK, 1001 + n * LENGTH, 5001, LENGTH);
}

static struct world *connected(void)
{
    struct world *world = world_new(64);
    world_handshake(world, 1000, 5000);
    return world;
}

static void in_order(void **state)
{
    struct world *world = connected();
    (void)state;
    for (uint32_t n = 0; n < 100; n++) {
        send_nth(world, n, 100 * US);
        world_send(world, SERVER, ACK, 5001, 1001 + n * LENGTH, 0);
    }
    assert_counts(world, 100, 0, 0);
    world_free(world);
}

static void lost_before_and_sent_again(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 0, 0);
    send_nth(world, 2, US);
    send_nth(world, 3, US);
    send_nth(world, 1, 50 * MS);
    send_nth(world, 4, US);
    assert_counts(world, 5, 1, 0);
    world_free(world);
}

static void sent_again_though_seen(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 0, 0);
    send_nth(world, 0, US); /* at once */
    send_nth(world, 1, US);
    send_nth(world, 2, US);
    send_nth(world, 1, 200 * MS);
    send_nth(world, 1, 400 * MS); /* and once more */
    send_nth(world, 3, US);
    assert_counts(world, 7, 3, 0);
    world_free(world);
}

static void overtaken(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 1, 0); /* the first two */
    send_nth(world, 0, US);
    send_nth(world, 3, US);
    send_nth(world, 2, US);
    send_nth(world, 7, US); /* 4, 5, 6 by 7 */
    send_nth(world, 5, US); /* parts the hole */
    send_nth(world, 6, US);
    send_nth(world, 4, US);
    assert_counts(world, 8, 0, 5);
    send_nth(world, 5, US); /* that is a second time */
    assert_counts(world, 9, 1, 5);
    world_free(world);
}

/* The age of the hole decides: below 3 ms, or not. */
static void three_milliseconds(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 0, 0);
    send_nth(world, 2, S);
    send_nth(world, 1, 3 * MS - 1);
    assert_counts(world, 3, 0, 1);
    send_nth(world, 4, S);
    send_nth(world, 3, 3 * MS);
    assert_counts(world, 5, 1, 1);
    send_nth(world, 6, S);
    world->now_ns -= 5 * S; /* a clock that goes backwards: young */
    send_nth(world, 5, 0);
    assert_counts(world, 7, 1, 2);
    world_free(world);
}

/* Each hole has an age of its own, and the pieces of one have its. */
static void holes_of_different_age(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 3, 0); /* 0, 1, 2 are missing */
    send_nth(world, 5, 10 * MS);
    send_nth(world, 4, US); /* overtaken */
    send_nth(world, 1, US); /* sent again: parts the old hole */
    send_nth(world, 7, US);
    send_nth(world, 0, US); /* sent again */
    send_nth(world, 6, US); /* overtaken */
    send_nth(world, 2, US); /* sent again */
    assert_counts(world, 8, 3, 2);
    /* Two holes side by side, by an empty segment behind the first: 8 is missing for long, 9 not.
     */
    world_send(world, CLIENT, ACK, 1001 + 9 * LENGTH, 5001, 0);
    send_nth(world, 10, 10 * MS);
    world_send(world, CLIENT, ACK, 1001 + 8 * LENGTH, 5001, 2 * LENGTH);
    assert_counts(world, 10, 4, 2);
    world_free(world);
}

static void several_lost_at_once(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 0, 0);
    send_nth(world, 6, US);
    world->now_ns += 20 * MS;
    for (uint32_t n = 1; n < 6; n++) {
        send_nth(world, n, US);
    }
    assert_counts(world, 7, 5, 0);
    /* 7 to 9 are lost; one large segment brings them. */
    send_nth(world, 10, US);
    world->now_ns += 20 * MS;
    world_send(world, CLIENT, ACK, 1001 + 7 * LENGTH, 5001, 3 * LENGTH);
    assert_counts(world, 9, 6, 0);
    world_free(world);
}

/* Then the end of the connection, or an empty segment behind it, tells that it was sent. */
static void the_last_one_lost(void **state)
{
    static const unsigned flags[] = {FIN | ACK, ACK};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *world = connected();
        send_nth(world, 0, 0);
        world->now_ns += US;
        world_send(world, CLIENT, flags[i], 1001 + 2 * LENGTH, 5001, 0);
        send_nth(world, 1, 300 * MS);
        assert_counts(world, 2, 1, 0);
        world_free(world);
        world = connected();
        send_nth(world, 0, 0);
        world_send(world, CLIENT, flags[i], 1001 + 2 * LENGTH, 5001, 0);
        send_nth(world, 1, 300 * US);
        assert_counts(world, 2, 0, 1); /* it was overtaken */
        world_free(world);
    }
}

/* Old and new bytes in one: it was sent again, whatever of it was missing and how long. */
static void partly_again(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 0, 0);
    world_send(world, CLIENT, ACK, 1001 + 500, 5001, LENGTH); /* 500 old, 500 new */
    assert_counts(world, 2, 1, 0);
    world_send(world, CLIENT, ACK, 1001 + 1000, 5001, 500); /* the new ones again */
    assert_counts(world, 3, 2, 0);
    world_send(world, CLIENT, ACK, 1001 + 1500, 5001, 500); /* in order behind it */
    assert_counts(world, 4, 2, 0);
    send_nth(world, 3, US); /* 2 is missing: 3 and half of it, half of 1 and 2, all of 2 */
    world_send(world, CLIENT, ACK, 1001 + 1500, 5001, LENGTH);
    assert_counts(world, 6, 3, 0);
    world_send(world, CLIENT, ACK, 1001 + 2500, 5001, 500);
    assert_counts(world, 7, 3, 1); /* only this half was still missing */
    send_nth(world, 2, US);
    assert_counts(world, 8, 4, 1);
    world_free(world);
}

static void keep_alives_and_window_probes(void **state)
{
    struct world *world = connected();
    (void)state;
    send_nth(world, 0, 0);
    for (int i = 0; i < 5; i++) {
        world->now_ns += 75 * S;
        world_send(world, CLIENT, ACK, 1000 + LENGTH, 5001, 0);
        world_send(world, SERVER, ACK, 5001, 1001 + LENGTH, 0);
        world_send(world, CLIENT, ACK, 1000 + LENGTH, 5001, 1);
    }
    assert_counts(world, 1, 0, 0);
    /* The window is shut: the next byte is sent again and again, then all from there. */
    for (int i = 0; i < 5; i++) {
        world->now_ns += S;
        world_send(world, CLIENT, ACK, 1001 + LENGTH, 5001, 1);
    }
    assert_counts(world, 2, 0, 0);
    send_nth(world, 1, S);
    send_nth(world, 2, US);
    assert_counts(world, 4, 0, 0);
    world_send(world, CLIENT, ACK, 1001 + 3 * LENGTH - 2, 5001, 1); /* not just below the next */
    assert_counts(world, 5, 1, 0);
    world_send(world, CLIENT, ACK, 1001 + 3 * LENGTH - 2, 5001, 2);
    assert_counts(world, 6, 2, 0);
    world_free(world);
}

/* Across the wrap, in both directions apart, segments of 64 KiB. */
static void at_the_wrap(void **state)
{
    enum { BIG = 65000 };
    struct world *world = world_new(64);
    uint32_t client = UINT32_MAX - 2 * BIG;
    (void)state;
    world_handshake(world, client, UINT32_MAX - 10);
    client++;
    world_send(world, CLIENT, ACK, client, 0, BIG);
    world_send(world, CLIENT, ACK, client + 2U * BIG, 0, BIG);
    world_send(world, SERVER, ACK, UINT32_MAX - 9, 0, 20);
    world_send(world, SERVER, ACK, 10, 0, 20);
    world_send(world, CLIENT, ACK, client + BIG, 0, BIG);  /* overtaken */
    world_send(world, SERVER, ACK, UINT32_MAX - 9, 0, 20); /* sent again */
    world->now_ns += S;
    world_send(world, CLIENT, ACK, client + 4U * BIG, 0, BIG);
    world->now_ns += S;
    world_send(world, CLIENT, ACK, client + 3U * BIG, 0, BIG); /* sent again */
    assert_counts(world, 8, 2, 1);
    world_free(world);
}

/* More than once around: an old hole means nothing then. */
static void around_and_around(void **state)
{
    enum { BIG = 65000 };
    struct world *world = connected();
    uint32_t next = 1001;
    (void)state;
    world_send(world, CLIENT, ACK, next += LENGTH, 5001, BIG); /* a hole that is never filled */
    for (uint32_t i = 0; i < 3 * (UINT32_MAX / BIG); i++) {
        world_send(world, CLIENT, ACK, next += BIG, 5001, BIG);
    }
    assert_int_equal(world->counts.retransmissions, 0);
    assert_int_equal(world->counts.reordered, 0);
    world_free(world);
}

/* What the capture lost is not taken for a loss of the network. */
static void never_filled(void **state)
{
    struct world *world = connected();
    uint32_t next = 1001;
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        world->now_ns += MS;
        next += i % 2 == 0 ? LENGTH : 5000000;
        world_send(world, CLIENT, ACK, next, 5001, LENGTH);
        next += LENGTH;
    }
    next += 1U << 30; /* more than a window can be */
    world_send(world, CLIENT, ACK, next, 5001, LENGTH);
    world_send(world, CLIENT, ACK, next + LENGTH, 5001, LENGTH);
    assert_counts(world, 1002, 0, 0);
    world_send(world, CLIENT, ACK, next, 5001, LENGTH); /* what counts from there on */
    assert_counts(world, 1003, 1, 0);
    world_send(world, CLIENT, ACK, next + (1U << 31), 5001, LENGTH);
    assert_counts(world, 1004, 1, 0);
    world_free(world);
}

/* --- connections whose beginning was not seen --- */

static void from_the_midst(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    send_nth(world, 10, 0);
    send_nth(world, 9, US); /* was overtaken before the capture began */
    send_nth(world, 11, US);
    send_nth(world, 7, US); /* likewise: 8 is missing now */
    send_nth(world, 8, US);
    assert_counts(world, 5, 0, 3);
    send_nth(world, 5, 50 * MS); /* new to us: nobody knows whether for the first time */
    assert_counts(world, 6, 0, 3);
    send_nth(world, 5, US); /* now it is known */
    send_nth(world, 9, US);
    send_nth(world, 11, US);
    assert_counts(world, 9, 3, 3);
    send_nth(world, 4, 2 * S); /* long after the beginning: sent again */
    assert_counts(world, 10, 4, 3);
    world->host++; /* a number that is no other than any */
    world_send(world, CLIENT, ACK, 0, 5001, LENGTH);
    world_send(world, CLIENT, ACK, LENGTH, 5001, LENGTH);
    world_send(world, CLIENT, ACK, 0, 5001, LENGTH);
    world_send(world, CLIENT, ACK, (uint32_t)-LENGTH, 5001, LENGTH);
    assert_counts(world, 14, 5, 4);
    world_free(world);
}

/* Each direction for itself; an empty segment tells where its sender is. */
static void both_from_the_midst(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    world_send(world, CLIENT, ACK, 1001, 900000, 0);
    world_send(world, SERVER, ACK, 900000, 1001, 500);
    world_send(world, SERVER, ACK, 900500, 1001, 500);
    world_send(world, CLIENT, ACK, 1000, 901000, 1); /* a keep-alive */
    send_nth(world, 0, MS);
    send_nth(world, 1, MS);
    world_send(world, SERVER, ACK, 900000, 3001, 500);
    assert_counts(world, 5, 1, 0);
    assert_int_equal(world->flow->initiator, 0);
    world_free(world);
}

/* --- the pool --- */

/* Eight holes to a direction: of the ninth on, the oldest is forgotten. Filling that counts as sent
 * again though it was overtaken. */
static void eight_in_a_direction(void **state)
{
    struct world *world = connected();
    (void)state;
    for (uint32_t n = 1; n <= 17; n += 2) {
        send_nth(world, n, US);
    }
    send_nth(world, 2, US);
    assert_counts(world, 10, 0, 1);
    send_nth(world, 0, US);
    assert_counts(world, 11, 1, 1);
    for (uint32_t n = 4; n <= 16; n += 2) {
        send_nth(world, n, US);
    }
    assert_counts(world, 18, 1, 8);
    world_free(world);
}

/* 64 holes in all: the 65th takes the oldest one's place, of whatever flow, and those that are
 * filled, or whose flow goes, are free for others. */
static void the_pool(void **state)
{
    struct world *world = world_new(64);
    (void)state;
    for (world->host = 0; world->host < 64; world->host++) {
        send_nth(world, 0, US);
        send_nth(world, 2, US);
    }
    for (world->host = 0; world->host < 32; world->host++) {
        send_nth(world, 1, US);
    }
    assert_counts(world, 160, 0, 32);
    for (world->host = 100; world->host < 133; world->host++) { /* one more than are free */
        send_nth(world, 0, US);
        send_nth(world, 2, US);
    }
    for (world->host = 32; world->host < 64; world->host++) {
        send_nth(world, 1, US);
    }
    assert_counts(world, 258, 1, 63); /* 32's was the oldest */
    for (world->host = 100; world->host < 133; world->host++) {
        send_nth(world, 1, US);
    }
    assert_counts(world, 291, 1, 96);
    for (world->host = 200; world->host < 2000; world->host++) { /* others' flows give way */
        send_nth(world, 0, US);
        send_nth(world, 2, US);
    }
    for (world->host = 1990; world->host < 2000; world->host++) {
        send_nth(world, 1, US);
    }
    assert_counts(world, 3901, 1, 106);
    tcp_clear(world->tracker);
    world->host = 1980;
    send_nth(world, 1, US);
    assert_counts(world, 3902, 2, 106);
    world_free(world);
}

/* --- a sender of whom all is known --- */

enum { SEGMENTS = 300, ARRIVALS_MAX = 4 * SEGMENTS };

struct arrival {
    int64_t time_ns;
    uint32_t offset; /* of the stream */
    uint32_t length; /* 0: the FIN */
    bool is_again;   /* the sender sent it a second time */
};

struct stream {
    unsigned from;
    uint32_t isn;
    size_t n_arrivals;
    struct arrival arrivals[ARRIVALS_MAX];
};

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void arrive(struct stream *stream, int64_t time_ns, uint32_t offset, uint32_t length,
                   bool is_again)
{
    assert_true(stream->n_arrivals < ARRIVALS_MAX);
    stream->arrivals[stream->n_arrivals++] = (struct arrival){time_ns, offset, length, is_again};
}

/* So that a loss is noticed for sure before it is mended: at least 5 ms, at most a second. */
static int64_t round_trip(void)
{
    return 5 * MS + (int64_t)(next_random() % (1000 * 1000)) * US;
}

/* A segment every 100 us. Some are lost before they are seen, then sent again, once or twice; some
 * are sent again though they were seen; each fifth at most is delayed by up to a millisecond. */
static void make_stream(struct stream *stream, unsigned from)
{
    uint32_t offset = 0;
    int64_t now_ns = 0;
    stream->from = from;
    stream->isn = next_random() % 2 == 0 ? (uint32_t)next_random()
                                         : UINT32_MAX - (uint32_t)(next_random() % 100000);
    stream->n_arrivals = 0;
    for (uint32_t i = 0; i < SEGMENTS; i++, now_ns += 100 * US) {
        uint32_t length = next_random() % 20 == 0 ? 2 + (uint32_t)(next_random() % 65000)
                                                  : 2 + (uint32_t)(next_random() % 1460);
        uint64_t fate = next_random() % 100;
        int64_t late_ns = i % 5 == 0 && fate < 50 ? (int64_t)(next_random() % 1000) * US : 0;
        if (fate >= 85) {
            for (uint64_t times = 1 + next_random() % 2; times > 0; times--) {
                arrive(stream, now_ns + round_trip(), offset, length, true);
            }
        } else {
            arrive(stream, now_ns + late_ns, offset, length, false);
        }
        if (fate < 5) {
            arrive(stream, now_ns + late_ns + 1 + (int64_t)(next_random() % (50 * 1000)) * US,
                   offset, length, true);
        }
        offset += length;
    }
    arrive(stream, now_ns + MS, offset, 0, false);
}

static int by_time(const void *a, const void *b)
{
    const struct arrival *x = a;
    const struct arrival *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return (x->offset > y->offset) - (x->offset < y->offset);
}

struct truth {
    uint64_t segments;
    uint64_t again;
    uint64_t overtaken; /* for the first time, behind one that was sent after it */
};

static void add_truth(struct truth *truth, const struct stream *stream)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < stream->n_arrivals; i++) {
        const struct arrival *arrival = &stream->arrivals[i];
        truth->segments += arrival->length > 0;
        truth->again += arrival->is_again;
        truth->overtaken += !arrival->is_again && arrival->offset < highest;
        highest = arrival->offset > highest ? arrival->offset : highest;
    }
}

static void play(struct world *world, struct stream streams[2])
{
    size_t next[2] = {0, 0};
    int64_t start_ns = world->now_ns;
    while (next[0] < streams[0].n_arrivals || next[1] < streams[1].n_arrivals) {
        unsigned way =
            next[1] >= streams[1].n_arrivals ||
                    (next[0] < streams[0].n_arrivals &&
                     streams[0].arrivals[next[0]].time_ns <= streams[1].arrivals[next[1]].time_ns)
                ? 0
                : 1;
        const struct stream *stream = &streams[way];
        const struct arrival *arrival = &stream->arrivals[next[way]++];
        world->now_ns = start_ns + arrival->time_ns;
        world_send(world, stream->from, arrival->length > 0 ? ACK : FIN | ACK,
                   stream->isn + 1 + arrival->offset, 0, arrival->length);
    }
}

static void a_known_sender(void **state)
{
    enum { ROUNDS = 100 };
    static struct stream streams[2];
    struct truth truth = {0};
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    (void)state;
    struct world *world = world_new(64);
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned way = 0; way < 2; way++) {
            struct stream *stream = &streams[way];
            make_stream(stream, way);
            qsort(stream->arrivals, stream->n_arrivals, sizeof stream->arrivals[0], by_time);
            add_truth(&truth, stream);
        }
        world_handshake(world, streams[0].isn, streams[1].isn); /* on the same ports each time */
        play(world, streams);
        assert_counts(world, truth.segments, truth.again, truth.overtaken);
        assert_int_equal(world->counts.handshakes, round + 1);
    }
    assert_true(truth.again > ROUNDS * 40 && truth.overtaken > ROUNDS * 20);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(lost_before_and_sent_again),
        cmocka_unit_test(sent_again_though_seen),
        cmocka_unit_test(overtaken),
        cmocka_unit_test(three_milliseconds),
        cmocka_unit_test(holes_of_different_age),
        cmocka_unit_test(several_lost_at_once),
        cmocka_unit_test(the_last_one_lost),
        cmocka_unit_test(partly_again),
        cmocka_unit_test(keep_alives_and_window_probes),
        cmocka_unit_test(at_the_wrap),
        cmocka_unit_test(around_and_around),
        cmocka_unit_test(never_filled),
        cmocka_unit_test(from_the_midst),
        cmocka_unit_test(both_from_the_midst),
        cmocka_unit_test(eight_in_a_direction),
        cmocka_unit_test(the_pool),
        cmocka_unit_test(a_known_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
