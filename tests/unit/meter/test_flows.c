/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The flow table against a plain list. */
#include "meter/flows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TCP = 6, UDP = 17 };
static const int64_t START_NS = INT64_C(1700000000) * 1000000000;
static const int64_t S_NS = 1000000000;
static const uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* From host `n` to a server, all of them other flows. */
static struct packet packet_of(uint32_t n, int64_t time_ns)
{
    struct packet packet = {
        .time_ns = time_ns,
        .ip_bytes = 100,
        .has_flow = true,
        .has_ports = true,
        .protocol = TCP,
        .source_port = (uint16_t)(1024 + n % 5),
        .destination_port = 443,
        .source = {[10] = 255, [11] = 255, [12] = 10},
        .destination = {[10] = 255, [11] = 255, [12] = 192, [15] = 7},
    };
    memcpy(packet.source + 13, &n, 3);
    return packet;
}

static struct packet answer_to(const struct packet *packet)
{
    struct packet answer = *packet;
    memcpy(answer.source, packet->destination, sizeof answer.source);
    memcpy(answer.destination, packet->source, sizeof answer.destination);
    answer.source_port = packet->destination_port;
    answer.destination_port = packet->source_port;
    return answer;
}

static struct flow *take(struct flows *flows, const struct packet *packet, unsigned *direction)
{
    uint64_t hash = flows_hash(flows, packet);
    flows_prefetch_slot(flows, hash);
    flows_prefetch_entry(flows, hash);
    struct flow *flow = flows_take(flows, packet, hash, direction);
    assert_non_null(flow);
    flow->packets[*direction]++;
    flow->ip_bytes[*direction] += packet->ip_bytes;
    return flow;
}

static struct flow *take_any(struct flows *flows, const struct packet *packet)
{
    unsigned direction;
    return take(flows, packet, &direction);
}

struct told {
    size_t count;
    uint64_t packets;
    struct flow last;
    uint32_t last_index;
};

static void tell(void *context, struct flow *flow, uint32_t index)
{
    struct told *told = context;
    told->count++;
    told->packets += (uint64_t)flow->packets[0] + flow->packets[1];
    told->last = *flow;
    told->last_index = index;
}

static void one_flow_has_two_directions(void **state)
{
    struct told told = {0};
    struct flows *flows = flows_new(64, seed, tell, &told);
    struct packet to = packet_of(5, START_NS);
    struct packet back = answer_to(&to);
    unsigned there;
    unsigned here;
    (void)state;
    back.time_ns += 7;
    assert_true(flows_hash(flows, &to) == flows_hash(flows, &back));
    struct flow *flow = take(flows, &to, &there);
    assert_ptr_equal(take(flows, &back, &here), flow);
    assert_int_equal(there, 0); /* 10.… is lower than 192.… */
    assert_int_equal(here, 1);
    assert_memory_equal(flow->address[0], to.source, 16);
    assert_memory_equal(flow->address[1], to.destination, 16);
    assert_int_equal(flow->port[0], to.source_port);
    assert_int_equal(flow->port[1], 443);
    assert_int_equal(flow->protocol, TCP);
    assert_int_equal(flow->last_ns, START_NS + 7);
    assert_int_equal(flow->tcp_state, 0);
    assert_int_equal(flow->packets[0], 1);
    assert_int_equal(flow->packets[1], 1);
    flows_free(flows);
}

/* Addresses are compared as bytes, then ports as numbers; equal ends are direction 0. */
static void the_lower_end_comes_first(void **state)
{
    static const struct {
        size_t byte;
        uint8_t source, destination;
        uint16_t source_port, destination_port;
        unsigned direction;
    } cases[] = {
        {0, 1, 2, 9, 1, 0},     {0, 200, 100, 1, 9, 1}, {7, 1, 2, 9, 1, 0},
        {7, 2, 1, 1, 9, 1},     {8, 0, 1, 9, 1, 0},     {15, 2, 1, 1, 9, 1},
        {15, 1, 2, 9, 1, 0},    {15, 255, 0, 1, 9, 1},  {15, 3, 3, 80, 81, 0},
        {15, 3, 3, 81, 80, 1},  {15, 3, 3, 80, 80, 0},  {8, 128, 127, 1, 1, 1},
        {0, 3, 3, 256, 255, 1},
    };
    struct told told = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flows *flows = flows_new(64, seed, tell, &told);
        struct packet packet = {.has_flow = true, .protocol = UDP, .ip_bytes = 1};
        unsigned direction;
        unsigned other;
        memset(packet.source, 0x55, sizeof packet.source);
        memset(packet.destination, 0x55, sizeof packet.destination);
        packet.source[cases[i].byte] = cases[i].source;
        packet.destination[cases[i].byte] = cases[i].destination;
        packet.source_port = cases[i].source_port;
        packet.destination_port = cases[i].destination_port;
        struct flow *flow = take(flows, &packet, &direction);
        assert_int_equal(direction, cases[i].direction);
        struct packet back = answer_to(&packet);
        assert_ptr_equal(take(flows, &back, &other), flow);
        bool same = cases[i].source == cases[i].destination &&
                    cases[i].source_port == cases[i].destination_port;
        assert_int_equal(other, same ? 0 : 1 - cases[i].direction);
        flows_free(flows);
    }
}

/* Whatever differs, it is another flow, also if the ends' ports are exchanged. */
static void all_of_the_key_counts(void **state)
{
    struct told told = {0};
    struct flows *flows = flows_new(64, seed, tell, &told);
    struct packet base = packet_of(5, START_NS);
    (void)state;
    take_any(flows, &base);
    for (size_t i = 0; i < 16; i++) {
        struct packet packet = base;
        packet.source[i] ^= 0x80;
        take_any(flows, &packet);
        packet = base;
        packet.destination[i] ^= 1;
        take_any(flows, &packet);
    }
    struct packet packet = base;
    packet.protocol = UDP;
    take_any(flows, &packet);
    packet = base;
    packet.source_port++;
    take_any(flows, &packet);
    packet = base;
    packet.destination_port++;
    take_any(flows, &packet);
    packet = base;
    packet.source_port = base.destination_port;
    packet.destination_port = base.source_port;
    take_any(flows, &packet);
    assert_int_equal(flows_take_counts(flows).added, 37);
    assert_int_equal(told.count, 0);
    flows_free(flows);
}

static void each_tells_and_starts_again(void **state)
{
    struct told told = {0};
    struct told none = {0};
    struct flows *flows = flows_new(64, seed, tell, &none);
    (void)state;
    for (uint32_t n = 0; n < 10; n++) {
        struct packet packet = packet_of(n, START_NS);
        take_any(flows, &packet);
        take_any(flows, &packet);
    }
    flows_each(flows, tell, &told);
    assert_int_equal(told.count, 10);
    assert_int_equal(told.packets, 20);
    struct flow_counts counts = flows_take_counts(flows);
    assert_int_equal(counts.added, 10);
    assert_int_equal(counts.active, 10);
    assert_int_equal(counts.used, 10);
    struct packet packet = packet_of(3, START_NS + 5);
    struct flow *flow = take_any(flows, &packet);
    assert_int_equal(flow->packets[0], 1);
    assert_int_equal(flow->ip_bytes[0], 100);
    assert_int_equal(flow->first_ns, 0);
    memset(&told, 0, sizeof told);
    flows_each(flows, tell, &told);
    assert_int_equal(told.count, 1);
    counts = flows_take_counts(flows);
    assert_int_equal(counts.added, 0);
    assert_int_equal(counts.active, 1);
    assert_int_equal(counts.evicted, 0);
    assert_int_equal(counts.used, 10);
    flows_clear(flows);
    assert_int_equal(flows_take_counts(flows).used, 0);
    take_any(flows, &packet);
    assert_int_equal(flows_take_counts(flows).added, 1);
    assert_int_equal(none.count, 0); /* nobody had to go */
    flows_free(flows);
}

/* How long a flow was silent before its newest packet, in 2^30 ns. */
static void silence(void **state)
{
    static const struct {
        int64_t passed_ns;
        uint16_t silence;
    } cases[] = {
        {0, 0},     {S_NS, 0},         {(INT64_C(1) << 30) - 1, 0},  {INT64_C(1) << 30, 1},
        {-S_NS, 0}, {S_NS * 121, 112}, {S_NS * 1000000, UINT16_MAX}, {-S_NS * 1000000, 0},
    };
    struct told told = {0};
    struct flows *flows = flows_new(64, seed, tell, &told);
    int64_t now_ns = START_NS;
    (void)state;
    struct packet packet = packet_of(1, now_ns);
    assert_int_equal(take_any(flows, &packet)->silence, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        now_ns += cases[i].passed_ns;
        packet.time_ns = now_ns;
        struct flow *flow = take_any(flows, &packet);
        assert_int_equal(flow->silence, cases[i].silence);
        assert_int_equal(flow->last_ns, now_ns);
    }
    flows_free(flows);
}

/* --- a full table --- */

static void the_one_silent_longest_gives_way(void **state)
{
    enum { ENTRIES = 100 };
    struct told told = {0};
    struct flows *flows = flows_new(ENTRIES, seed, tell, &told);
    int64_t now_ns = START_NS;
    (void)state;
    for (uint32_t n = 0; n < ENTRIES; n++, now_ns += 2 * S_NS) {
        struct packet packet = packet_of(n, now_ns);
        take_any(flows, &packet);
    }
    assert_int_equal(told.count, 0);
    struct packet packet = packet_of(0, now_ns); /* the oldest one wakes */
    struct flow *awake = take_any(flows, &packet);
    for (uint32_t n = 1; n < ENTRIES; n++, now_ns += 2 * S_NS) {
        struct packet newcomer = packet_of(1000 + n, now_ns);
        struct packet gone = packet_of(n, now_ns);
        take_any(flows, &newcomer);
        assert_int_equal(told.count, n);
        assert_memory_equal(told.last.address[0], gone.source, 16);
        assert_true(told.last_index < ENTRIES);
    }
    assert_memory_equal(awake->address[0], packet.source, 16); /* where it was */
    now_ns += 2 * S_NS;
    struct packet last = packet_of(5000, now_ns);
    take_any(flows, &last);
    assert_memory_equal(told.last.address[0], packet.source, 16);
    struct flow_counts counts = flows_take_counts(flows);
    assert_int_equal(counts.used, ENTRIES);
    assert_int_equal(counts.added, 2 * ENTRIES);
    assert_int_equal(counts.evicted, ENTRIES);
    flows_free(flows);
}

enum { MODEL_ENTRIES = 300, MODEL_KEYS = 450, STEPS = 60000 };

/* What the table must be: a list, with the times at which its flows are as old as they are. */
struct model {
    struct {
        bool used;
        int64_t last_ns;
        uint64_t packets;
        const struct flow *flow;
    } of[MODEL_KEYS];
    size_t n_used;
    uint64_t evicted;
    int64_t now_ns;
    uint64_t told_packets;
};

static uint32_t key_of(const struct flow *flow)
{
    uint32_t n = 0;
    unsigned low = flow->address[0][12] == 10 ? 0 : 1;
    memcpy(&n, flow->address[low] + 13, 3);
    return n;
}

/* It may go if none is older by more than the two seconds of which the chain is kept. */
static void model_evict(void *context, struct flow *flow, uint32_t index)
{
    struct model *model = context;
    uint32_t key = key_of(flow);
    (void)index;
    assert_true(key < MODEL_KEYS && model->of[key].used);
    assert_ptr_equal(model->of[key].flow, flow);
    assert_int_equal((uint64_t)flow->packets[0] + flow->packets[1], model->of[key].packets);
    assert_int_equal(model->n_used, MODEL_ENTRIES);
    for (size_t i = 0; i < MODEL_KEYS; i++) {
        assert_true(!model->of[i].used ||
                    model->of[i].last_ns >= model->of[key].last_ns - (INT64_C(1) << 30));
    }
    model->told_packets += model->of[key].packets;
    model->of[key].used = false;
    model->n_used--;
    model->evicted++;
}

static void model_each(void *context, struct flow *flow, uint32_t index)
{
    struct model *model = context;
    uint32_t key = key_of(flow);
    (void)index;
    assert_true(key < MODEL_KEYS && model->of[key].used);
    assert_int_equal((uint64_t)flow->packets[0] + flow->packets[1], model->of[key].packets);
    assert_true(model->of[key].packets > 0);
    model->told_packets += model->of[key].packets;
    model->of[key].packets = 0;
}

static void model_packet(struct model *model, struct flows *flows)
{
    /* Some are seen much more than others. */
    uint32_t key =
        (uint32_t)(next_random() % MODEL_KEYS * (next_random() % MODEL_KEYS) / MODEL_KEYS);
    model->now_ns += (int64_t)(next_random() % (uint64_t)(S_NS / 10));
    struct packet packet = packet_of(key, model->now_ns);
    if (next_random() % 2 == 0) {
        packet = answer_to(&packet);
    }
    bool known = model->of[key].used;
    uint64_t evicted = model->evicted;
    bool full = model->n_used == MODEL_ENTRIES;
    struct flow *flow = take_any(flows, &packet);
    assert_int_equal(key_of(flow), key);
    assert_int_equal(model->evicted - evicted, !known && full);
    assert_true(!known || model->of[key].flow == flow);
    model->n_used += !known;
    model->of[key].packets = (known ? model->of[key].packets : 0) + 1;
    model->of[key].used = true;
    model->of[key].flow = flow;
    model->of[key].last_ns = model->now_ns;
}

static void as_a_list_would(void **state)
{
    static struct model model;
    uint8_t random_seed[16];
    uint64_t total = 0;
    (void)state;
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (size_t i = 0; i < sizeof random_seed; i++) {
        random_seed[i] = (uint8_t)next_random();
    }
    model.now_ns = START_NS;
    struct flows *flows = flows_new(MODEL_ENTRIES, random_seed, model_evict, &model);
    for (uint32_t step = 0; step < STEPS; step++) {
        model_packet(&model, flows);
        total++;
        if (next_random() % 5000 == 0) {
            flows_each(flows, model_each, &model);
            assert_int_equal(model.told_packets, total);
        }
    }
    flows_each(flows, model_each, &model);
    assert_int_equal(model.told_packets, total); /* every packet was told of once */
    assert_true(model.evicted > 1000);
    struct flow_counts counts = flows_take_counts(flows);
    assert_int_equal(counts.used, model.n_used);
    assert_int_equal(counts.evicted, model.evicted);
    assert_int_equal(counts.added, model.evicted + model.n_used);
    flows_free(flows);
}

/* --- memory --- */

static long resident_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    (void)fclose(file); /* read only */
    return kib;
}

static void forget(void *context, struct flow *flow, uint32_t index)
{
    (void)context;
    (void)flow;
    (void)index;
}

/* Any number of sources takes what the table took when it was full; a big table that is not used
 * takes next to nothing. */
static void memory_is_that_of_the_flows_in_use(void **state)
{
    enum { ENTRIES = 8192, SOURCES = 400000 };
    long at_first = resident_kib();
    struct flows *unused = flows_new((size_t)1 << 24, seed, forget, NULL); /* 2 GiB and more */
    (void)state;
    assert_non_null(unused);
    struct packet packet = packet_of(1, START_NS);
    take_any(unused, &packet);
    assert_true(resident_kib() - at_first < 512);
    flows_free(unused);
    random_state = 77;
    struct flows *flows = flows_new(ENTRIES, seed, forget, NULL);
    long full = 0;
    for (uint32_t i = 0; i < SOURCES; i++) {
        uint64_t words[2] = {next_random(), next_random()};
        memcpy(packet.source, words, sizeof words);
        packet.time_ns += 1000;
        take_any(flows, &packet);
        if (i == 2 * ENTRIES) {
            full = resident_kib();
        }
    }
    assert_true(resident_kib() - full < 256);
    struct flow_counts counts = flows_take_counts(flows);
    assert_int_equal(counts.added, SOURCES);
    assert_int_equal(counts.used, ENTRIES);
    assert_int_equal(counts.evicted, SOURCES - ENTRIES);
    flows_free(flows);
}

static void no_memory(void **state)
{
    (void)state;
    assert_null(flows_new((size_t)1 << 50, seed, forget, NULL));
    flows_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_flow_has_two_directions),
        cmocka_unit_test(the_lower_end_comes_first),
        cmocka_unit_test(all_of_the_key_counts),
        cmocka_unit_test(each_tells_and_starts_again),
        cmocka_unit_test(silence),
        cmocka_unit_test(the_one_silent_longest_gives_way),
        cmocka_unit_test(as_a_list_would),
        cmocka_unit_test(memory_is_that_of_the_flows_in_use),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
