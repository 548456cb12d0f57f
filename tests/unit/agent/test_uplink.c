/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The uplink against a collector behind a real link, in one loop: ACKs that are lost, refusals of
 * each kind, a collector that restarts or loses its disk. */
#include "support.h"

#include "proto/link.h"
#include "proto/message.h"
#include "uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A collector that keeps its journal's rules and misbehaves where a test says so. */
struct collector {
    uv_loop_t *loop;
    struct link_server *server;
    struct keys *keys;
    char endpoint[256];
    struct stream_position last;
    size_t n_hello;
    size_t n_batches; /* that came, of any kind */
    size_t n_taken;   /* that were in turn */
    size_t n_taken_twice;
    size_t n_out_of_turn;
    size_t in_flight_max; /* batches that came without an answer between them */
    size_t in_flight;
    bool taken[BATCHES_MAX];
    bool mute;                /* takes batches and says nothing */
    bool deaf;                /* answers not even HELLO */
    int64_t behind_us;        /* its clock, against ours */
    size_t lose_acks;         /* so many ACKs are not sent */
    uint64_t refuse_sequence; /* with: */
    enum refusal_reason refuse_reason;
    size_t refuse_times;
    struct link_peer peer;
    struct exchange exchange; /* of the newest message */
};

struct world {
    struct scene scene;
    uv_loop_t loop;
    struct keys *keys;
    struct collector collector;
    struct uplink *uplink;
    uint64_t wanted;
};

static const struct uplink_times quick = {
    .answer_ms = 150, .restart_max_ms = 5, .room_min_ms = 20, .room_max_ms = 40, .foreign_ms = 20};

static void answer(struct collector *collector, const struct collector_message *message)
{
    size_t size = 0;
    struct collector_message dated = *message;
    dated.exchange = collector->exchange;
    uint8_t *bytes = collector_message_encode(&dated, &size);
    collector->in_flight = 0;
    (void)link_server_send(collector->server, &collector->peer, bytes, size);
    free(bytes);
}

static void acknowledge(struct collector *collector, const uint8_t *stream)
{
    struct collector_message message = {.type = COLLECTOR_ACK, .position = collector->last};
    memcpy(message.position.stream, stream, PROTO_STREAM_SIZE);
    if (collector->lose_acks > 0) {
        collector->lose_acks--;
        return;
    }
    answer(collector, &message);
}

static void take(struct collector *collector, const struct stream_position *position,
                 uint64_t first_sequence)
{
    bool after = stream_position_compare(position, &collector->last) > 0;
    if (after && (position->sequence == collector->last.sequence + 1 ||
                  position->sequence == first_sequence)) {
        assert_true(position->sequence < BATCHES_MAX);
        collector->last = *position;
        collector->n_taken++;
        collector->n_taken_twice += collector->taken[position->sequence] ? 1 : 0;
        collector->taken[position->sequence] = true;
    } else if (after) {
        collector->n_out_of_turn++;
    }
    acknowledge(collector, position->stream);
}

static void on_batch(struct collector *collector, const struct agent_message *message)
{
    struct stream_position position;
    assert_int_equal(batch_peek_position(message->batch, message->batch_size, &position), 0);
    collector->n_batches++;
    collector->in_flight++;
    if (collector->in_flight > collector->in_flight_max) {
        collector->in_flight_max = collector->in_flight;
    }
    if (collector->mute) {
        return;
    }
    if (collector->refuse_times > 0 && position.sequence == collector->refuse_sequence) {
        collector->refuse_times--;
        struct collector_message refusal = {.type = COLLECTOR_REFUSAL,
                                            .position = position,
                                            .reason = collector->refuse_reason,
                                            .text = "because"};
        answer(collector, &refusal);
        return;
    }
    take(collector, &position, message->first_sequence);
}

static void on_message(void *context, const struct link_peer *peer, const char *agent,
                       const uint8_t *bytes, size_t size)
{
    struct collector *collector = context;
    struct agent_message message;
    (void)agent;
    assert_int_equal(agent_message_decode(bytes, size, &message), 0);
    collector->peer = *peer;
    collector->exchange =
        (struct exchange){.sent_ns = message.sent_ns,
                          .received_us = clock_read().wall_ns / 1000 - collector->behind_us};
    if (message.type == AGENT_BATCH) {
        on_batch(collector, &message);
        return;
    }
    collector->n_hello++;
    assert_int_equal(message.hello.sequence, 0);
    assert_string_equal(message.version, BEFFROI_VERSION);
    if (!collector->deaf) {
        acknowledge(collector, message.hello.stream);
    }
}

static const char *authorize(void *context, const uint8_t curve_public[KEYS_CURVE_SIZE])
{
    (void)context;
    (void)curve_public;
    return "agent-1";
}

static void open_collector(struct collector *collector)
{
    struct link_server_options options = {.endpoint = collector->endpoint,
                                          .keys = collector->keys,
                                          .authorize = authorize,
                                          .on_message = on_message,
                                          .context = collector};
    assert_int_equal(link_server_open(&collector->server, collector->loop, &options), 0);
    snprintf(collector->endpoint, sizeof collector->endpoint, "%s",
             link_server_endpoint(collector->server));
}

static void append(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        scene_append(&world->scene, TEST_TIME + (int64_t)i * 1000, 2, 0);
    }
    spool_sync(world->scene.spool);
    if (world->uplink != NULL) {
        uplink_wake(world->uplink);
    }
}

static void open_uplink(struct world *world)
{
    struct uplink_options options = {.endpoint = world->collector.endpoint,
                                     .server_key = keys_curve_public(world->collector.keys),
                                     .keys = world->keys,
                                     .spool = world->scene.spool,
                                     .times = &quick};
    assert_int_equal(uplink_open(&world->uplink, &world->loop, &options), 0);
}

static void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    assert_int_equal(keys_init(), 0);
    uv_loop_init(&world->loop);
    world->keys = keys_generate();
    world->collector.loop = &world->loop;
    world->collector.keys = keys_generate();
    snprintf(world->collector.endpoint, sizeof world->collector.endpoint, "tcp://127.0.0.1:0");
    scene_make(&world->scene);
    clock_replace(NULL); /* the link has real time */
    scene_open(&world->scene);
    open_collector(&world->collector);
}

static void end(struct world *world)
{
    uplink_close(world->uplink);
    link_server_close(world->collector.server);
    finish_loop(&world->loop);
    scene_remove(&world->scene);
    keys_free(world->keys);
    keys_free(world->collector.keys);
}

static bool is_delivered(void *context)
{
    struct world *world = context;
    return world->collector.last.sequence >= world->wanted && spool_is_empty(world->scene.spool);
}

static void wait_delivered(struct world *world, uint64_t sequence)
{
    world->wanted = sequence;
    run_until(&world->loop, is_delivered, world, 10000);
}

static void everything_arrives_in_order(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    append(&world, 50);
    open_uplink(&world);
    wait_delivered(&world, 50);
    append(&world, 3); /* while the link is up */
    wait_delivered(&world, 53);
    assert_int_equal(world.collector.n_taken, 53);
    assert_int_equal(world.collector.n_batches, 53);
    assert_int_equal(uplink_sent(world.uplink), 53);
    assert_int_equal(uplink_state(world.uplink), LINK_UP);
    assert_int_equal(uplink_unacknowledged(world.uplink), 0);
    assert_int_equal(uplink_unanswered(world.uplink), 0);
    end(&world);
}

static void clocks_are_compared_with_every_answer(void **state)
{
    struct world world;
    double offset_s = 0;
    double delay_s = 0;
    (void)state;
    begin(&world);
    world.collector.behind_us = 7000000;
    append(&world, 1);
    open_uplink(&world);
    assert_false(uplink_clock_offset(world.uplink, &offset_s, &delay_s));
    wait_delivered(&world, 1);
    assert_true(uplink_clock_offset(world.uplink, &offset_s, &delay_s));
    assert_true(delay_s >= 0 && delay_s < 5);
    assert_true(offset_s >= 7 - delay_s / 2 - 0.001 && offset_s <= 7 + delay_s / 2 + 0.001);
    end(&world);
}

static bool window_is_full(void *context)
{
    struct world *world = context;
    return world->collector.n_batches >= 8;
}

static bool was_unanswered(void *context)
{
    struct world *world = context;
    return uplink_unanswered(world->uplink) > 0;
}

static void silent_collector_gets_eight_and_a_new_connection(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    world.collector.mute = true;
    append(&world, 20);
    open_uplink(&world);
    run_until(&world.loop, window_is_full, &world, 5000);
    run_until(&world.loop, was_unanswered, &world, 5000);
    assert_int_equal(world.collector.n_batches, 8);
    world.collector.mute = false;
    wait_delivered(&world, 20);
    assert_true(uplink_reconnects(world.uplink) >= 1);
    assert_int_equal(world.collector.n_taken_twice, 0);
    assert_true(world.collector.n_hello >= 2);
    end(&world);
}

static void unanswered_hello_is_a_reason_too(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    world.collector.deaf = true;
    open_uplink(&world);
    run_until(&world.loop, was_unanswered, &world, 5000);
    world.collector.deaf = false;
    append(&world, 1);
    wait_delivered(&world, 1);
    end(&world);
}

static void lost_acks_cost_nothing(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    append(&world, 1);
    open_uplink(&world);
    wait_delivered(&world, 1);
    world.collector.lose_acks = 10; /* of ten batches: a window and two */
    append(&world, 10);
    wait_delivered(&world, 11);
    assert_int_equal(world.collector.n_taken, 11);
    assert_int_equal(world.collector.n_taken_twice, 0);
    end(&world);
}

static void no_room_means_later(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    world.collector.refuse_sequence = 4;
    world.collector.refuse_reason = REFUSAL_NO_ROOM;
    world.collector.refuse_times = 3;
    append(&world, 12);
    open_uplink(&world);
    wait_delivered(&world, 12);
    assert_int_equal(world.collector.n_taken, 12);
    assert_int_equal(world.collector.n_taken_twice, 0);
    assert_int_equal(uplink_refused(world.uplink), 3);
    assert_int_equal(uplink_unanswered(world.uplink), 0);
    assert_int_equal(world.scene.n_gaps, 0);
    end(&world);
}

static void malformed_batch_is_skipped_as_a_gap(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    world.collector.refuse_sequence = 5;
    world.collector.refuse_reason = REFUSAL_MALFORMED;
    world.collector.refuse_times = 1;
    append(&world, 12);
    open_uplink(&world);
    wait_delivered(&world, 12);
    assert_int_equal(world.collector.n_taken, 11);
    assert_false(world.collector.taken[5]);
    assert_int_equal(world.scene.n_gaps, 1);
    assert_int_equal(world.scene.gaps[0].reason, GAP_ENCODE);
    assert_int_equal(world.scene.gaps[0].rows, 2);
    assert_int_equal(world.scene.gaps[0].from.ms, TEST_TIME + 4000);
    assert_int_equal(uplink_unanswered(world.uplink), 0); /* at once, not by the time-out */
    end(&world);
}

static void foreign_stream_waits_and_tries_again(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    world.collector.refuse_sequence = 1;
    world.collector.refuse_reason = REFUSAL_FOREIGN_STREAM;
    world.collector.refuse_times = 2;
    append(&world, 3);
    open_uplink(&world);
    wait_delivered(&world, 3);
    assert_int_equal(uplink_refused(world.uplink), 2);
    assert_true(world.collector.n_hello >= 3);
    end(&world);
}

static void damage_is_jumped_over_without_a_time_out(void **state)
{
    struct world world;
    char path[256];
    (void)state;
    begin(&world);
    scene_close(&world.scene);
    world.scene.segment_bytes = 500;
    scene_open(&world.scene);
    append(&world, 30);
    scene_segment(&world.scene, 2, path, sizeof path);
    flip_byte(path, 40);
    open_uplink(&world);
    wait_delivered(&world, 30);
    assert_true(world.collector.n_taken < 30);
    assert_int_equal(world.collector.n_out_of_turn, 0);
    assert_int_equal(uplink_unanswered(world.uplink), 0);
    assert_int_equal(world.scene.n_gaps, 1);
    end(&world);
}

static void collector_restart_goes_on_where_it_was(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    append(&world, 5);
    open_uplink(&world);
    wait_delivered(&world, 5);
    link_server_close(world.collector.server);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    append(&world, 5);
    open_collector(&world.collector); /* the same port, the same journal */
    wait_delivered(&world, 10);
    assert_int_equal(world.collector.n_taken, 10);
    assert_int_equal(world.collector.n_taken_twice, 0);
    end(&world);
}

static void send_ack(struct world *world, uint64_t epoch, uint64_t sequence)
{
    struct collector_message message = {.type = COLLECTOR_ACK,
                                        .position = spool_next_position(world->scene.spool)};
    message.position.epoch = epoch;
    message.position.sequence = sequence;
    answer(&world->collector, &message);
}

static void collector_that_lost_its_disk_gets_all_that_is_here(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    append(&world, 6);
    open_uplink(&world);
    wait_delivered(&world, 6);
    memset(&world.collector.last, 0, sizeof world.collector.last);
    send_ack(&world, 0, 0);
    wait_delivered(&world, 6);
    assert_int_equal(world.collector.n_taken, 12);
    assert_int_equal(world.collector.n_taken_twice, 6);

    uplink_close(world.uplink); /* the same, told in answer to HELLO */
    memset(&world.collector.last, 0, sizeof world.collector.last);
    open_uplink(&world);
    wait_delivered(&world, 6);
    assert_int_equal(world.collector.n_taken_twice, 12);
    assert_int_equal(world.scene.n_gaps, 0);
    end(&world);
}

static void ack_of_what_was_never_sent_is_ignored(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    append(&world, 2);
    open_uplink(&world);
    wait_delivered(&world, 2);
    struct stream_position next = spool_next_position(world.scene.spool);
    world.collector.n_batches = 0;
    world.collector.mute = true;
    append(&world, 8);
    run_until(&world.loop, window_is_full, &world, 5000);
    send_ack(&world, next.epoch, 50);
    send_ack(&world, next.epoch + 100, 1);
    run_until(&world.loop, was_unanswered, &world, 5000); /* still waiting for a true one */
    assert_int_equal(spool_acknowledged(world.scene.spool).sequence, 2);
    world.collector.mute = false;
    wait_delivered(&world, 10);
    assert_int_equal(spool_acknowledged(world.scene.spool).sequence, 10);
    assert_int_equal(world.collector.n_taken, 10);
    assert_int_equal(world.collector.n_taken_twice, 0);
    end(&world);
}

static bool said_hello_twice(void *context)
{
    struct world *world = context;
    return world->collector.n_hello >= 2;
}

static void collector_that_knows_more_than_we_wrote_stops_us(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    append(&world, 2);
    world.collector.last = spool_next_position(world.scene.spool); /* a clone was here */
    world.collector.last.epoch += 1000;
    open_uplink(&world);
    run_until(&world.loop, said_hello_twice, &world, 5000);
    assert_int_equal(world.collector.n_batches, 0);
    assert_false(spool_is_empty(world.scene.spool)); /* nothing is believed to be delivered */
    end(&world);
}

static void foreign_and_broken_messages_are_ignored(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    append(&world, 1);
    open_uplink(&world);
    wait_delivered(&world, 1);
    static const uint8_t garbage[] = {0xff, 0x00, 0x13};
    assert_int_equal(
        link_server_send(world.collector.server, &world.collector.peer, garbage, sizeof garbage),
        0);
    struct collector_message message = {.type = COLLECTOR_ACK,
                                        .position = spool_next_position(world.scene.spool)};
    message.position.stream[0] ^= 1;
    message.position.sequence = 2;
    answer(&world.collector, &message);
    append(&world, 2);
    wait_delivered(&world, 3);
    assert_int_equal(world.collector.n_taken, 3);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_in_order),
        cmocka_unit_test(clocks_are_compared_with_every_answer),
        cmocka_unit_test(silent_collector_gets_eight_and_a_new_connection),
        cmocka_unit_test(unanswered_hello_is_a_reason_too),
        cmocka_unit_test(lost_acks_cost_nothing),
        cmocka_unit_test(no_room_means_later),
        cmocka_unit_test(malformed_batch_is_skipped_as_a_gap),
        cmocka_unit_test(foreign_stream_waits_and_tries_again),
        cmocka_unit_test(damage_is_jumped_over_without_a_time_out),
        cmocka_unit_test(collector_restart_goes_on_where_it_was),
        cmocka_unit_test(collector_that_lost_its_disk_gets_all_that_is_here),
        cmocka_unit_test(ack_of_what_was_never_sent_is_ignored),
        cmocka_unit_test(collector_that_knows_more_than_we_wrote_stops_us),
        cmocka_unit_test(foreign_and_broken_messages_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
