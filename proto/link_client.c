/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/link.h"

#include "common/xalloc.h"
#include "link_socket.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SEND_QUEUE = 64,
    RECEIVE_QUEUE = 256,
    RETRY_MIN_MS = 1000, /* a delay is drawn between one and two of these */
    RETRY_MAX_MS = 30000,
    RECONNECT_MAX_MS = 60000,
    CONNECT_MS = 10000, /* the kernel alone would try for two minutes */
};

/* libzmq retries a TCP connection; everything after that (a failed handshake, a lost connection, a
 * protocol error) is dialled anew with a new socket, because libzmq 4.3.4 gives up for ever after
 * some of them and retries the others without back-off. */
struct link_client {
    struct link_client_options options;
    void *zmq_context;
    struct link_socket *dealer; /* NULL: hung up, the timer will dial */
    struct link_socket *monitor;
    uv_loop_t *loop;
    uv_timer_t dial;
    uv_idle_t announce;
    int handles; /* of libuv, not yet closed */
    enum link_state state;
    enum link_state announced;
    bool want_writable;
    bool closed;
    uint32_t retry_ms;
    uint64_t dials;
    uint64_t ups;
};

const char *link_state_name(enum link_state state)
{
    switch (state) {
    case LINK_CONNECTING:
        return "connecting";
    case LINK_UP:
        return "up";
    case LINK_REFUSED:
        return "refused";
    }
    return "unknown";
}

static void on_announce(uv_idle_t *announce)
{
    struct link_client *client = announce->data;
    (void)uv_idle_stop(announce); /* cannot fail */
    if (client->announced == client->state) {
        return;
    }
    client->announced = client->state;
    if (client->options.on_state != NULL) {
        client->options.on_state(client->options.context, client->announced);
    }
    if (!client->closed && client->dealer != NULL) {
        link_socket_kick(client->dealer); /* on_writable comes after on_state */
    }
}

static void set_state(struct link_client *client, enum link_state state)
{
    client->state = state;
    (void)uv_idle_start(&client->announce, on_announce); /* fails only without a call-back */
}

/* --- dialling and hanging up --- */

static void hang_up(struct link_client *client)
{
    struct link_socket *dealer = client->dealer;
    struct link_socket *monitor = client->monitor;
    client->dealer = NULL;
    client->monitor = NULL;
    link_socket_close(dealer, NULL, NULL);
    link_socket_close(monitor, NULL, NULL);
}

static bool on_dealer(void *context);
static bool on_monitor(void *context);

static int open_dealer(struct link_client *client)
{
    static const struct link_option settings[] = {
        {ZMQ_IMMEDIATE, 1}, /* queue nothing for a peer that is not there */
        {ZMQ_SNDHWM, SEND_QUEUE},
        {ZMQ_RCVHWM, RECEIVE_QUEUE},
        {ZMQ_CONNECT_TIMEOUT, CONNECT_MS},
        {ZMQ_RECONNECT_IVL, RETRY_MIN_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
    };
    int rc = link_socket_open(&client->dealer, client->zmq_context, ZMQ_DEALER, settings,
                              sizeof settings / sizeof settings[0]);
    if (rc == 0) {
        rc = link_socket_set_wire_options(client->dealer);
    }
    if (rc != 0) {
        return rc;
    }
    void *dealer = link_socket_zmq(client->dealer);
    const struct keys *keys = client->options.keys;
    if (zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, client->options.server_key,
                       KEYS_CURVE_TEXT_SIZE) != 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, keys_curve_public(keys),
                       KEYS_CURVE_TEXT_SIZE) != 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, keys_curve_secret(keys),
                       KEYS_CURVE_TEXT_SIZE) != 0) {
        return link_socket_error();
    }
    char name[48];
    (void)snprintf(name, sizeof name, "inproc://dealer-events-%llu",
                   (unsigned long long)client->dials);
    rc = link_socket_open_monitor(
        &client->monitor, client->dealer, client->zmq_context, name,
        ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
            ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
            ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED);
    if (rc == 0 && zmq_connect(dealer, client->options.endpoint) != 0) {
        rc = link_socket_error();
    }
    return rc;
}

static int dial(struct link_client *client)
{
    client->dials++;
    int rc = open_dealer(client);
    if (rc == 0) {
        rc = link_socket_watch(client->monitor, client->loop, on_monitor, client);
    }
    if (rc == 0) {
        rc = link_socket_watch(client->dealer, client->loop, on_dealer, client);
    }
    if (rc != 0) {
        hang_up(client);
    }
    return rc;
}

/* The next delay: from 1 to 2 s at first, doubling up to 30 to 60 s, so that a city's agents do
 * not come back in the same second. */
static uint64_t next_delay_ms(struct link_client *client)
{
    uint64_t delay_ms = client->retry_ms + randombytes_uniform(client->retry_ms);
    uint32_t twice = 2 * client->retry_ms;
    client->retry_ms = twice < RETRY_MAX_MS ? twice : RETRY_MAX_MS;
    return delay_ms;
}

static void on_dial(uv_timer_t *timer)
{
    struct link_client *client = timer->data;
    if (dial(client) != 0) {
        /* Out of descriptors, say: later there may be some. */
        (void)uv_timer_start(timer, on_dial, next_delay_ms(client), 0);
    }
}

/* The connection is of no use any more: dial again later. */
static void give_up(struct link_client *client, enum link_state state)
{
    hang_up(client);
    set_state(client, state);
    (void)uv_timer_start(&client->dial, on_dial, next_delay_ms(client), 0); /* cannot fail */
}

/* --- what the connection tells --- */

static void take_event(struct link_client *client, uint16_t event, uint32_t value)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        client->ups++;
        client->want_writable = true;
        set_state(client, LINK_UP);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        give_up(client, LINK_REFUSED);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        /* A server that cannot open our HELLO, because it has another key than we expect, hangs up
         * without a word. One that is silent until the time-out may just be slow. */
        give_up(client, value == EPIPE || value == ECONNRESET ? LINK_REFUSED : LINK_CONNECTING);
        break;
    case ZMQ_EVENT_DISCONNECTED:
        give_up(client, client->state == LINK_UP ? LINK_CONNECTING : LINK_REFUSED);
        break;
    case ZMQ_EVENT_CONNECT_RETRIED:
        set_state(client, LINK_CONNECTING);
        break;
    default: /* events that a newer libzmq may add */
        break;
    }
}

static bool on_monitor(void *context)
{
    struct link_client *client = context;
    struct link_socket *monitor = client->monitor;
    for (int i = 0; i < LINK_TURN_BUDGET; i++) {
        struct link_frames frames;
        if (link_socket_receive(monitor, &frames) != 0) {
            return false;
        }
        uint16_t event = 0;
        uint32_t value = 0;
        int rc = link_frames_read_event(&frames, &event, &value);
        link_frames_close(&frames);
        if (rc == 0) {
            take_event(client, event, value);
        }
        if (client->monitor != monitor) {
            return false;
        }
    }
    return true;
}

/* --- messages --- */

static void take_message(struct link_client *client, struct link_frames *frames)
{
    size_t size = zmq_msg_size(&frames->frame[0]);
    if (frames->count != 1 || size == 0 || size > PROTO_MESSAGE_MAX) {
        give_up(client, LINK_CONNECTING); /* no collector of ours: seen as a reconnect */
        return;
    }
    client->retry_ms = RETRY_MIN_MS; /* a peer that answers, not only one that lets us in */
    client->options.on_message(client->options.context, zmq_msg_data(&frames->frame[0]), size);
}

static bool on_dealer(void *context)
{
    struct link_client *client = context;
    struct link_socket *dealer = client->dealer;
    for (int i = 0; i < LINK_TURN_BUDGET; i++) {
        struct link_frames frames;
        if (link_socket_receive(dealer, &frames) != 0) {
            break;
        }
        take_message(client, &frames);
        link_frames_close(&frames);
        if (client->dealer != dealer) {
            return false; /* closed or restarted by the call-back */
        }
    }
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt(link_socket_zmq(dealer), ZMQ_EVENTS, &events, &size) != 0) {
        return false;
    }
    if (client->want_writable && client->announced == LINK_UP && client->state == LINK_UP &&
        (events & ZMQ_POLLOUT) != 0) {
        client->want_writable = false;
        if (client->options.on_writable != NULL) {
            client->options.on_writable(client->options.context);
        }
    }
    return (events & ZMQ_POLLIN) != 0;
}

/* --- the handle --- */

int link_client_open(struct link_client **out, uv_loop_t *loop,
                     const struct link_client_options *options)
{
    uint8_t key[KEYS_CURVE_SIZE];
    if (keys_parse_curve_public(options->server_key, key) != 0) {
        return -EINVAL;
    }
    struct link_client *client = xcalloc(1, sizeof *client);
    client->options = *options;
    client->loop = loop;
    client->retry_ms = RETRY_MIN_MS;
    client->zmq_context = zmq_ctx_new();
    int rc = client->zmq_context == NULL ? link_socket_error() : dial(client);
    if (rc != 0) {
        link_socket_end_context(client->zmq_context);
        free(client);
        return rc;
    }
    (void)uv_timer_init(loop, &client->dial); /* neither can fail */
    (void)uv_idle_init(loop, &client->announce);
    client->dial.data = client;
    client->announce.data = client;
    client->handles = 2;
    *out = client;
    return 0;
}

int link_client_send(struct link_client *client, const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > PROTO_MESSAGE_MAX) {
        return -EINVAL;
    }
    if (client->state != LINK_UP || client->dealer == NULL) {
        return -EAGAIN;
    }
    int rc = 0;
    if (zmq_send(link_socket_zmq(client->dealer), bytes, size, ZMQ_DONTWAIT) < 0) {
        rc = link_socket_error();
        client->want_writable = true;
    }
    link_socket_kick(client->dealer);
    return rc;
}

enum link_state link_client_state(const struct link_client *client)
{
    return client->state;
}

void link_client_restart(struct link_client *client, int64_t delay_ms)
{
    hang_up(client);
    set_state(client, LINK_CONNECTING);
    (void)uv_timer_start(&client->dial, on_dial, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

uint64_t link_client_reconnects(const struct link_client *client)
{
    return client->ups > 0 ? client->ups - 1 : 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct link_client *client = handle->data;
    if (--client->handles == 0) {
        free(client);
    }
}

void link_client_close(struct link_client *client)
{
    if (client == NULL) {
        return;
    }
    client->closed = true;
    hang_up(client);
    link_socket_end_context(client->zmq_context);
    uv_close((uv_handle_t *)&client->dial, on_handle_closed);
    uv_close((uv_handle_t *)&client->announce, on_handle_closed);
}
