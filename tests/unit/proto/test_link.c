/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The link with real CURVE over loopback: who gets in, who does not, what is told of it, and what
 * the wire may do to either end. */
#include "link_pair.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = pair_new();
    return 0;
}

static int tear_down(void **state)
{
    pair_free(*state);
    return 0;
}

static const struct link_server_stats *stats(const struct link_pair *pair)
{
    return link_server_stats(pair->server);
}

static void send_text(struct link_pair *pair, const char *text)
{
    assert_int_equal(link_client_send(pair->client, (const uint8_t *)text, strlen(text)), 0);
}

static void test_both_ways(void **state)
{
    struct link_pair *pair = *state;
    pair_open_both(pair);
    assert_int_equal(link_client_state(pair->client), LINK_UP);
    pair->echo = true;
    send_text(pair, "hello");
    pair_wait(pair, pair->at_client.messages == 1);
    assert_int_equal(pair->at_server.size, 5);
    assert_int_equal(pair->at_client.size, 5);
    assert_int_equal(pair->at_client.first, 'h');
    assert_int_equal(stats(pair)->accepted, 1);
    assert_int_equal(stats(pair)->messages, 1);
    assert_int_equal(pair->refusals, 0);
    assert_int_equal(link_client_reconnects(pair->client), 0);
    pair->echo = false;
    for (int i = 0; i < 300; i++) { /* over the queues and the budget of a turn */
        while (link_client_send(pair->client, (const uint8_t *)"x", 1) == -EAGAIN) {
            uint64_t writables = pair->writables;
            pair_wait(pair, pair->writables > writables);
        }
    }
    pair_wait(pair, pair->at_server.messages == 301);
    assert_int_equal(link_server_send(pair->server, &pair->peer, (const uint8_t *)"y", 0), -EINVAL);
    assert_int_equal(link_client_send(pair->client, (const uint8_t *)"y", 0), -EINVAL);
}

static void test_unknown_key(void **state)
{
    struct link_pair *pair = *state;
    pair_open_server(pair, NULL);
    pair_open_client(pair, pair->stranger_keys, keys_curve_public(pair->server_keys));
    pair_wait(pair, pair->state == LINK_REFUSED && pair->refusals > 0);
    assert_string_equal(pair->refusal, "unknown key");
    assert_string_equal(pair->refused_address, "127.0.0.1");
    assert_int_equal(stats(pair)->refused_key, 1);
    assert_int_equal(stats(pair)->accepted, 0);
    assert_int_equal(link_client_send(pair->client, (const uint8_t *)"x", 1), -EAGAIN);
    assert_int_equal(pair->ups, 0);
}

static void test_revoked_while_connected(void **state)
{
    struct link_pair *pair = *state;
    pair_open_both(pair);
    send_text(pair, "before");
    pair_wait(pair, pair->at_server.messages == 1);
    pair->agent_is_known = false;
    send_text(pair, "after");
    pair_wait(pair, stats(pair)->refused_key == 1);
    assert_string_equal(pair->refusal, "revoked key");
    assert_string_equal(pair->refused_address, "127.0.0.1");
    assert_int_equal(pair->at_server.messages, 1);
    assert_int_equal(stats(pair)->messages, 1);
}

/* The peer goes on as if it was let in: its READY (or HELLO), then a message. */
static void check_mechanism_refused(struct link_pair *pair, const char *mechanism,
                                    const char *command, size_t size)
{
    pair_open_server(pair, NULL);
    int fd = tcp_greet(pair, mechanism, command, size);
    pair_wait(pair, tcp_is_closed(fd) && stats(pair)->handshake_failed > 0);
    close(fd);
    assert_int_equal(stats(pair)->refused_mechanism, 1);
    assert_int_equal(pair->refusals, 1);
    assert_string_equal(pair->refusal, "not CURVE");
    assert_int_equal(stats(pair)->messages, 0);
    assert_int_equal(stats(pair)->accepted, 0);
}

static void test_null_mechanism(void **state)
{
    static const char then[] = "\x04\x06\x05READY\x00\x02hi";
    check_mechanism_refused(*state, "NULL", then, sizeof then - 1);
}

static void test_plain_mechanism(void **state)
{
    static const char then[] = "\x04\x0b\x05HELLO\x02me\x01x\x00\x02hi";
    check_mechanism_refused(*state, "PLAIN", then, sizeof then - 1);
}

/* CURVE by name only. */
static void test_broken_handshake(void **state)
{
    struct link_pair *pair = *state;
    static const char then[] = "\x04\x06\x05READY\x00\x02hi";
    pair_open_server(pair, NULL);
    int fd = tcp_greet(pair, "CURVE", then, sizeof then - 1);
    pair_wait(pair, tcp_is_closed(fd) && stats(pair)->handshake_failed > 0);
    close(fd);
    assert_string_equal(pair->refusal, "broken handshake");
    assert_int_equal(stats(pair)->messages, 0);
    assert_int_equal(stats(pair)->refused_mechanism, 0);
}

static void test_wrong_server_key(void **state)
{
    struct link_pair *pair = *state;
    pair_open_server(pair, NULL);
    pair_open_client(pair, pair->agent_keys, keys_curve_public(pair->stranger_keys));
    pair_wait(pair, pair->state == LINK_REFUSED && stats(pair)->handshake_failed > 0);
    assert_int_equal(pair->ups, 0);
    assert_int_equal(stats(pair)->accepted, 0);
}

static void test_largest_message(void **state)
{
    struct link_pair *pair = *state;
    pair->echo = true;
    pair_open_both(pair);
    uint8_t *bytes = calloc(1, PROTO_MESSAGE_MAX + 1);
    assert_non_null(bytes);
    bytes[0] = 'a';
    bytes[PROTO_MESSAGE_MAX - 1] = 'z';
    assert_int_equal(link_client_send(pair->client, bytes, PROTO_MESSAGE_MAX + 1), -EINVAL);
    assert_int_equal(link_client_send(pair->client, bytes, PROTO_MESSAGE_MAX), 0);
    pair_wait(pair, pair->at_client.messages == 1);
    assert_int_equal(pair->at_client.size, PROTO_MESSAGE_MAX);
    assert_int_equal(pair->at_client.first, 'a');
    assert_int_equal(pair->at_client.last, 'z');
    assert_int_equal(link_server_send(pair->server, &pair->peer, bytes, PROTO_MESSAGE_MAX + 1),
                     -EINVAL);
    free(bytes);
}

/* A raw socket says when it was thrown out. */
static void test_too_large_message(void **state)
{
    struct link_pair *pair = *state;
    pair_open_server(pair, NULL);
    void *raw = raw_connect(pair);
    assert_int_equal(zmq_socket_monitor(raw, "inproc://raw", ZMQ_EVENT_DISCONNECTED), 0);
    void *monitor = pair->raw[1] = zmq_socket(pair->zmq_context, ZMQ_PAIR);
    assert_int_equal(zmq_connect(monitor, "inproc://raw"), 0);
    raw_send(raw, "small", 5, false);
    pair_wait(pair, pair->at_server.messages == 1);
    uint8_t *bytes = calloc(1, PROTO_MESSAGE_MAX + 1);
    assert_non_null(bytes);
    raw_send(raw, bytes, PROTO_MESSAGE_MAX + 1, false);
    free(bytes);
    char event[8];
    pair_wait(pair, zmq_recv(monitor, event, sizeof event, ZMQ_DONTWAIT) == 6);
    assert_int_equal(pair->at_server.messages, 1);
    assert_int_equal(stats(pair)->messages, 1);
}

static void test_bad_frames(void **state)
{
    struct link_pair *pair = *state;
    pair_open_server(pair, NULL);
    void *raw = raw_connect(pair);
    raw_send(raw, "", 0, false);
    pair_wait(pair, stats(pair)->bad_frames == 1);
    raw_send(raw, "a", 1, true);
    raw_send(raw, "b", 1, false);
    pair_wait(pair, stats(pair)->bad_frames == 2);
    for (int i = 0; i < 20; i++) {
        raw_send(raw, "a", 1, true);
    }
    raw_send(raw, "b", 1, false);
    pair_wait(pair, stats(pair)->bad_frames == 3);
    raw_send(raw, "good", 4, false); /* the connection goes on */
    pair_wait(pair, pair->at_server.messages == 1);
    assert_int_equal(stats(pair)->messages, 1);
    assert_int_equal(pair->at_server.size, 4);
}

/* The answer to a peer that is gone is dropped, counted and said. */
static void test_peer_gone(void **state)
{
    struct link_pair *pair = *state;
    pair_open_both(pair);
    send_text(pair, "hello");
    pair_wait(pair, pair->at_server.messages == 1);
    pair_close_client(pair);
    pair_wait(pair, link_server_send(pair->server, &pair->peer, (const uint8_t *)"x", 1) ==
                        -EHOSTUNREACH);
    assert_int_equal(stats(pair)->send_dropped, 1);
}

/* Nobody dials but the client itself; it takes the one to two seconds of its first pause. */
static void test_server_restart(void **state)
{
    struct link_pair *pair = *state;
    pair_open_both(pair);
    link_server_close(pair->server);
    pair->server = NULL;
    pair_wait(pair, pair->state != LINK_UP);
    assert_int_equal(link_client_send(pair->client, (const uint8_t *)"x", 1), -EAGAIN);
    uint64_t writables = pair->writables;
    char endpoint[256];
    memcpy(endpoint, pair->endpoint, sizeof endpoint);
    pair_open_server(pair, endpoint);
    pair_wait(pair, pair->state == LINK_UP && pair->writables > writables);
    assert_int_equal(pair->ups, 2);
    assert_int_equal(link_client_reconnects(pair->client), 1);
    send_text(pair, "again");
    pair_wait(pair, pair->at_server.messages == 1);
}

static void test_client_restart(void **state)
{
    struct link_pair *pair = *state;
    pair_open_both(pair);
    link_client_restart(pair->client, 0);
    assert_int_equal(link_client_state(pair->client), LINK_CONNECTING);
    pair_wait(pair, pair->ups == 2 || link_client_reconnects(pair->client) == 1);
    pair_wait(pair, link_client_state(pair->client) == LINK_UP && pair->state == LINK_UP);
    send_text(pair, "again");
    pair_wait(pair, pair->at_server.messages == 1);
    assert_int_equal(stats(pair)->accepted, 2);
}

/* Each end may be closed from within its own call-back; pair_free sees that none comes after. */
static void test_close_from_call_back(void **state)
{
    struct link_pair *pair = *state;
    pair_open_both(pair);
    pair->close_on_message = true;
    for (int i = 0; i < 5; i++) {
        send_text(pair, "x");
    }
    pair_wait(pair, pair->server == NULL);
    assert_int_equal(pair->at_server.messages, 1);
    pair_turn(pair);
    assert_int_equal(pair->at_server.messages, 1);
}

static void test_close_client_from_call_back(void **state)
{
    struct link_pair *pair = *state;
    pair_open_both(pair);
    send_text(pair, "x");
    pair_wait(pair, pair->at_server.messages == 1);
    pair->close_on_message = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(link_server_send(pair->server, &pair->peer, (const uint8_t *)"y", 1), 0);
    }
    pair_wait(pair, pair->client == NULL);
    assert_int_equal(pair->at_client.messages, 1);
}

static void test_open_refuses(void **state)
{
    struct link_pair *pair = *state;
    pair_open_server(pair, NULL);
    struct link_server *second = NULL;
    const struct link_server_options taken = {.endpoint = pair->endpoint,
                                              .keys = pair->server_keys};
    assert_int_equal(link_server_open(&second, &pair->loop, &taken), -EADDRINUSE);
    const struct link_server_options nonsense = {.endpoint = "nonsense", .keys = pair->server_keys};
    assert_int_equal(link_server_open(&second, &pair->loop, &nonsense), -EINVAL);
    struct link_client *client = NULL;
    const struct link_client_options bad_key = {
        .endpoint = pair->endpoint, .server_key = "no key", .keys = pair->agent_keys};
    assert_int_equal(link_client_open(&client, &pair->loop, &bad_key), -EINVAL);
    const struct link_client_options bad_endpoint = {.endpoint = "nonsense",
                                                     .server_key =
                                                         keys_curve_public(pair->server_keys),
                                                     .keys = pair->agent_keys};
    assert_int_equal(link_client_open(&client, &pair->loop, &bad_endpoint), -EINVAL);
    assert_null(second);
    assert_null(client);
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINK_TEST(test_both_ways),
        LINK_TEST(test_unknown_key),
        LINK_TEST(test_revoked_while_connected),
        LINK_TEST(test_null_mechanism),
        LINK_TEST(test_plain_mechanism),
        LINK_TEST(test_broken_handshake),
        LINK_TEST(test_wrong_server_key),
        LINK_TEST(test_largest_message),
        LINK_TEST(test_too_large_message),
        LINK_TEST(test_bad_frames),
        LINK_TEST(test_peer_gone),
        LINK_TEST(test_server_restart),
        LINK_TEST(test_client_restart),
        LINK_TEST(test_close_from_call_back),
        LINK_TEST(test_close_client_from_call_back),
        LINK_TEST(test_open_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
