/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { FLOWS = 1024, PORT = 443 };

static void on_evict(void *context, struct flow *flow, uint32_t index)
{
    struct world *world = context;
    (void)index;
    tcp_forget(world->tracker, flow);
}

struct world *world_new(size_t holes)
{
    static const uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    static struct world world;
    memset(&world, 0, sizeof world);
    world.flows = flows_new(FLOWS, seed, on_evict, &world);
    world.tracker = tcp_tracker_new(holes);
    world.now_ns = 1700000000 * S;
    assert_non_null(world.flows);
    return &world;
}

void world_free(struct world *world)
{
    flows_free(world->flows);
    tcp_tracker_free(world->tracker);
}

void world_send(struct world *world, unsigned from, unsigned flags, uint32_t sequence,
                uint32_t acknowledgement, uint32_t payload_bytes)
{
    uint8_t ends[2][16] = {
        {10, [14] = (uint8_t)(world->host >> 8), [15] = (uint8_t)world->host},
        {[0] = 9, [15] = 2},
    };
    struct packet packet = {
        .time_ns = world->now_ns,
        .has_flow = true,
        .has_ports = true,
        .protocol = 6,
        .source_port = from == CLIENT ? 50000 : PORT,
        .destination_port = from == CLIENT ? PORT : 50000,
        .tcp_flags = (uint8_t)flags,
        .mss = (flags & SYN) != 0 ? (uint16_t)(1400 + from) : 0,
        .sequence = sequence,
        .acknowledgement = acknowledgement,
        .payload_bytes = payload_bytes,
    };
    unsigned direction;
    memcpy(packet.source, ends[from], sizeof packet.source);
    memcpy(packet.destination, ends[1 - from], sizeof packet.destination);
    world->flow = flows_take(world->flows, &packet, flows_hash(world->flows, &packet), &direction);
    tcp_track(world->tracker, &world->counts, world->flow, direction, &packet);
}

void world_handshake(struct world *world, uint32_t client, uint32_t server)
{
    world_send(world, CLIENT, SYN, client, 0, 0);
    world->now_ns += 20 * MS;
    world_send(world, SERVER, SYN | ACK, server, client + 1, 0);
    world->now_ns += 10 * MS;
    world_send(world, CLIENT, ACK, client + 1, server + 1, 0);
}

void assert_counts(const struct world *world, uint64_t data_segments, uint64_t retransmissions,
                   uint64_t reordered)
{
    assert_int_equal(world->counts.data_segments, data_segments);
    assert_int_equal(world->counts.retransmissions, retransmissions);
    assert_int_equal(world->counts.reordered, reordered);
}
