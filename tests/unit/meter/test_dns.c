/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions and answers, lost, late and repeated ones. */
#include "meter/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { UDP = 17, RESPONSE = 0x8000 };
static const int64_t START_NS = INT64_C(1700000000) * 1000000000;
static const int64_t MS_NS = 1000000;
static const int64_t S_NS = 1000000000;
static const uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct world {
    struct dns *dns;
    struct dns_counts counts;
    int64_t now_ns;
};

static struct world *world_new(void)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.dns = dns_new(seed);
    world.now_ns = START_NS;
    return &world;
}

static struct packet question_of(uint32_t client, uint16_t port, uint16_t id)
{
    struct packet packet = {
        .has_flow = true,
        .has_ports = true,
        .has_dns = true,
        .protocol = UDP,
        .source = {[10] = 255, [11] = 255},
        .destination = {[10] = 255, [11] = 255, [12] = 9, [13] = 9, [14] = 9, [15] = 9},
        .source_port = port,
        .destination_port = 53,
        .dns_id = id,
        .dns_flags = 0x0100,
    };
    memcpy(packet.source + 12, &client, sizeof client);
    return packet;
}

static void ask(struct world *world, uint32_t client, uint16_t port, uint16_t id)
{
    struct packet packet = question_of(client, port, id);
    packet.time_ns = world->now_ns;
    dns_track(world->dns, &world->counts, &packet);
}

static void answer(struct world *world, uint32_t client, uint16_t port, uint16_t id, unsigned rcode)
{
    struct packet asked = question_of(client, port, id);
    struct packet packet = asked;
    memcpy(packet.source, asked.destination, sizeof packet.source);
    memcpy(packet.destination, asked.source, sizeof packet.destination);
    packet.source_port = asked.destination_port;
    packet.destination_port = asked.source_port;
    packet.dns_flags = (uint16_t)(RESPONSE | 0x0180 | rcode);
    packet.time_ns = world->now_ns;
    dns_track(world->dns, &world->counts, &packet);
}

static void answers_are_timed(void **state)
{
    struct world *world = world_new();
    (void)state;
    ask(world, 1, 5000, 77);
    ask(world, 2, 5000, 77); /* another client */
    ask(world, 1, 5001, 77); /* another port */
    ask(world, 1, 5000, 78); /* another id */
    world->now_ns += 20 * MS_NS;
    answer(world, 1, 5000, 77, 0);
    world->now_ns += 20 * MS_NS;
    answer(world, 2, 5000, 77, 3);
    answer(world, 1, 5001, 77, 2);
    answer(world, 1, 5000, 78, 15);
    assert_int_equal(world->counts.queries, 4);
    assert_int_equal(world->counts.responses, 4);
    assert_int_equal(world->counts.response_time.n, 4);
    assert_int_equal(world->counts.unmatched, 0);
    assert_in_range(histogram_percentile(&world->counts.response_time, 25), 19700000, 20300000);
    assert_in_range(histogram_percentile(&world->counts.response_time, 26), 39400000, 40600000);
    assert_int_equal(world->counts.rcodes[0], 1);
    assert_int_equal(world->counts.rcodes[2], 1);
    assert_int_equal(world->counts.rcodes[3], 1);
    assert_int_equal(world->counts.rcodes[15], 1);
    dns_expire(world->dns, &world->counts, INT64_MAX);
    assert_int_equal(world->counts.unanswered, 0);
    dns_free(world->dns);
}

/* Servers among themselves: both ports are 53, so only the flag tells who asks. */
static void both_ports_are_53(void **state)
{
    struct world *world = world_new();
    (void)state;
    ask(world, 1, 53, 7);
    world->now_ns += MS_NS;
    answer(world, 1, 53, 7, 0);
    assert_int_equal(world->counts.response_time.n, 1);
    assert_int_equal(world->counts.unmatched, 0);
    dns_free(world->dns);
}

static void answers_to_nothing(void **state)
{
    struct world *world = world_new();
    (void)state;
    answer(world, 1, 5000, 77, 0);
    ask(world, 1, 5000, 77);
    answer(world, 1, 5000, 78, 0);
    answer(world, 1, 5001, 77, 0);
    answer(world, 2, 5000, 77, 0);
    assert_int_equal(world->counts.unmatched, 4);
    answer(world, 1, 5000, 77, 0);
    answer(world, 1, 5000, 77, 0); /* twice: asked once */
    assert_int_equal(world->counts.unmatched, 5);
    assert_int_equal(world->counts.responses, 6);
    assert_int_equal(world->counts.response_time.n, 1);
    dns_free(world->dns);
}

static void asked_again(void **state)
{
    struct world *world = world_new();
    (void)state;
    ask(world, 1, 5000, 77);
    world->now_ns += S_NS;
    ask(world, 1, 5000, 77);
    world->now_ns += 4500 * MS_NS; /* after the first, but not the second, was given up */
    answer(world, 1, 5000, 77, 0);
    answer(world, 1, 5000, 77, 0);
    assert_int_equal(world->counts.queries, 2);
    assert_int_equal(world->counts.repeated, 1);
    assert_int_equal(world->counts.responses, 2);
    assert_int_equal(world->counts.response_time.n, 0); /* of which is it the answer? */
    assert_int_equal(world->counts.unmatched, 0);
    answer(world, 1, 5000, 77, 0);
    assert_int_equal(world->counts.unmatched, 1);
    /* The same id for another question. */
    ask(world, 1, 5000, 77);
    ask(world, 1, 5000, 77);
    answer(world, 1, 5000, 77, 0);
    ask(world, 1, 5000, 77);
    assert_int_equal(world->counts.repeated, 2);
    world->now_ns += MS_NS;
    answer(world, 1, 5000, 77, 0);
    assert_int_equal(world->counts.response_time.n, 1);
    dns_expire(world->dns, &world->counts, INT64_MAX);
    assert_int_equal(world->counts.unanswered, 0);
    dns_free(world->dns);
}

static void five_seconds(void **state)
{
    struct world *world = world_new();
    (void)state;
    ask(world, 1, 5000, 1);
    ask(world, 1, 5000, 2);
    ask(world, 1, 5000, 3);
    world->now_ns += 5 * S_NS;
    dns_expire(world->dns, &world->counts, world->now_ns);
    assert_int_equal(world->counts.unanswered, 0);
    answer(world, 1, 5000, 1, 0); /* just in time */
    assert_int_equal(world->counts.response_time.n, 1);
    world->now_ns += 1;
    answer(world, 1, 5000, 2, 0); /* too late */
    assert_int_equal(world->counts.unanswered, 1);
    assert_int_equal(world->counts.unmatched, 1);
    ask(world, 1, 5000, 3); /* not the same question again, but a new one */
    assert_int_equal(world->counts.unanswered, 2);
    assert_int_equal(world->counts.repeated, 0);
    dns_expire(world->dns, &world->counts, world->now_ns + 5 * S_NS + 1);
    assert_int_equal(world->counts.unanswered, 3);
    dns_expire(world->dns, &world->counts, INT64_MAX);
    assert_int_equal(world->counts.unanswered, 3);
    dns_free(world->dns);
}

/* At the end all that waits is counted; what was cleared is not. */
static void the_end(void **state)
{
    struct world *world = world_new();
    (void)state;
    ask(world, 1, 5000, 1);
    dns_clear(world->dns);
    ask(world, 1, 5000, 2);
    world->now_ns = -S_NS; /* also with a clock that was never set */
    ask(world, 1, 5000, 3);
    dns_expire(world->dns, &world->counts, INT64_MAX);
    assert_int_equal(world->counts.unanswered, 2);
    dns_free(world->dns);
    dns_free(NULL);
}

static void a_clock_that_goes_backwards(void **state)
{
    struct world *world = world_new();
    (void)state;
    ask(world, 1, 5000, 1);
    world->now_ns -= MS_NS;
    answer(world, 1, 5000, 1, 0);
    assert_int_equal(world->counts.response_time.n, 0);
    assert_int_equal(world->counts.unmatched, 0);
    ask(world, 1, 5000, 2);
    world->now_ns -= 3600 * S_NS;
    dns_expire(world->dns, &world->counts, world->now_ns);
    assert_int_equal(world->counts.unanswered, 1);
    dns_free(world->dns);
}

/* More questions than there is room for: each is counted once, whatever becomes of it. */
static void a_flood(void **state)
{
    enum { FLOOD = 50000 };
    struct world *world = world_new();
    (void)state;
    for (uint32_t i = 0; i < FLOOD; i++) {
        ask(world, i, (uint16_t)(1024 + i % 60000), (uint16_t)(i * 7));
        world->now_ns += 10;
    }
    assert_true(world->counts.unanswered >= FLOOD - 16384);
    for (uint32_t i = FLOOD - 1000; i < FLOOD; i++) {
        answer(world, i, (uint16_t)(1024 + i % 60000), (uint16_t)(i * 7), 0);
    }
    assert_true(world->counts.response_time.n > 980);
    dns_expire(world->dns, &world->counts, INT64_MAX);
    assert_int_equal(world->counts.unanswered + world->counts.response_time.n, FLOOD);
    assert_int_equal(world->counts.response_time.n + world->counts.unmatched, 1000);
    dns_free(world->dns);
}

static void names_and_sums(void **state)
{
    static struct dns_counts a = {.queries = 1,
                                  .repeated = 2,
                                  .responses = 3,
                                  .unanswered = 4,
                                  .unmatched = 5,
                                  .rcodes = {[3] = 6}};
    static struct dns_counts b = {.queries = 10,
                                  .repeated = 20,
                                  .responses = 30,
                                  .unanswered = 40,
                                  .unmatched = 50,
                                  .rcodes = {[3] = 60, [0] = 1}};
    (void)state;
    assert_string_equal(dns_rcode_name(0), "noerror");
    assert_string_equal(dns_rcode_name(3), "nxdomain");
    assert_string_equal(dns_rcode_name(10), "notzone");
    assert_string_equal(dns_rcode_name(15), "rcode15");
    histogram_add(&b.response_time, 5);
    dns_counts_merge(&a, &b);
    assert_int_equal(a.queries, 11);
    assert_int_equal(a.repeated, 22);
    assert_int_equal(a.responses, 33);
    assert_int_equal(a.unanswered, 44);
    assert_int_equal(a.unmatched, 55);
    assert_int_equal(a.rcodes[3], 66);
    assert_int_equal(a.rcodes[0], 1);
    assert_int_equal(a.response_time.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_timed),
        cmocka_unit_test(both_ports_are_53),
        cmocka_unit_test(answers_to_nothing),
        cmocka_unit_test(asked_again),
        cmocka_unit_test(five_seconds),
        cmocka_unit_test(the_end),
        cmocka_unit_test(a_clock_that_goes_backwards),
        cmocka_unit_test(a_flood),
        cmocka_unit_test(names_and_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
