/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"

#include "common/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* How often what came is looked at while more may come: a peer that sends single bytes must not
     * have a pattern matched for each of them. */
    LOOKS_MAX = 256,
    FAREWELL_MS = 1000, /* how long a polite peer has to hang up first */
};

/* One connection; it outlives what it was for until the loop has let go of it. */
struct attempt {
    uv_poll_t poll;
    struct stream *stream;
    int fd;
};

enum phase { CONNECTING, TALKING, LEAVING, DECIDED };

struct stream {
    uv_timer_t timer;
    struct stream_order order;
    struct target target;
    size_t next; /* address to try */
    struct attempt *attempt;
    enum phase phase;
    struct mono deadline;
    struct mono sent;
    struct wall sent_wall;
    struct mono connected;
    uint8_t *bytes; /* size_max of them, once there is a connection */
    size_t size;
    unsigned looks;
    struct verdict judged;  /* of the attempt, while it leaves */
    struct verdict verdict; /* of all */
};

static void on_timer(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);
static void try_next(struct stream *stream);

/* --- one connection --- */

static void on_attempt_closed(uv_handle_t *handle)
{
    struct attempt *attempt = handle->data;
    close(attempt->fd);
    free(attempt);
}

static void drop_attempt(struct stream *stream)
{
    if (stream->attempt != NULL) {
        uv_close((uv_handle_t *)&stream->attempt->poll, on_attempt_closed);
        stream->attempt = NULL;
    }
}

static int watch(struct stream *stream, int fd)
{
    struct attempt *attempt = xcalloc(1, sizeof *attempt);
    int rc = uv_poll_init(stream->timer.loop, &attempt->poll, fd);
    if (rc != 0) {
        free(attempt);
        return rc;
    }
    attempt->poll.data = attempt;
    attempt->stream = stream;
    attempt->fd = fd;
    stream->attempt = attempt;
    return 0;
}

/* Over loopback a connection stands within the call, although it does not say so. */
static bool stands_already(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
    return poll(&pollfd, 1, 0) == 1 && pollfd.revents == POLLOUT;
}

/* 0: connected at once; 1: under way; or -errno. */
static int connect_to(struct stream *stream, size_t i)
{
    const struct sockaddr *address = (const struct sockaddr *)&stream->target.addresses[i];
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int rc = connect(fd, address, target_address_size(&stream->target, i));
    int error = rc == 0 ? 0 : errno;
    bool is_connected = error == 0 || (error == EINPROGRESS && stands_already(fd));
    if (is_connected && stream->order.judge == NULL) {
        close(fd); /* that it stands is all that was asked */
        return 0;
    }
    rc = is_connected || error == EINPROGRESS ? watch(stream, fd) : -error;
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return is_connected ? 0 : 1;
}

static void listen_for(struct stream *stream, int events)
{
    (void)uv_poll_start(&stream->attempt->poll, events, on_poll); /* fails only while closing */
}

static void arm(struct stream *stream, int64_t ms)
{
    uv_update_time(stream->timer.loop);
    uv_timer_start(&stream->timer, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

/* --- deciding --- */

/* The answer is there; it is told from the loop. */
static void decide(struct stream *stream)
{
    stream->phase = DECIDED;
    drop_attempt(stream);
    arm(stream, 0);
}

static bool is_good(const struct verdict *verdict)
{
    return verdict->outcome == OUTCOME_UP || verdict->outcome == OUTCOME_DEGRADED;
}

/* What one address came to: the next one has its turn unless this one is good. */
static void conclude(struct stream *stream, const struct verdict *verdict)
{
    if (is_good(verdict)) {
        stream->verdict = *verdict;
        decide(stream);
        return;
    }
    verdict_merge(&stream->verdict, verdict);
    drop_attempt(stream);
    try_next(stream);
}

/* Of this attempt, with what is known of it. */
static struct verdict attempt_verdict(const struct stream *stream)
{
    struct verdict verdict = {.time = stream->sent_wall};
    if (stream->phase != CONNECTING) {
        verdict.values[0] = (double)(stream->connected.ns - stream->sent.ns) / 1e9;
        verdict.known = 1;
    }
    return verdict;
}

static void fail_local(struct stream *stream, int error)
{
    struct verdict verdict = attempt_verdict(stream);
    verdict_local(&verdict, error);
    conclude(stream, &verdict);
}

static void fail_remote(struct stream *stream, int error)
{
    struct verdict verdict = attempt_verdict(stream);
    verdict_remote(&verdict, error);
    conclude(stream, &verdict);
}

/* --- talking --- */

/* Says good-bye and waits a moment for the peer to hang up, as both protocols of mail ask for; the
 * verdict counts after it. */
static void leave(struct stream *stream, const struct verdict *verdict)
{
    const char *text = stream->order.farewell;
    int64_t left_ms = mono_elapsed_ms(clock_mono(), stream->deadline);
    bool is_sent = text != NULL &&
                   send(stream->attempt->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
    bool is_next_due = !is_good(verdict) && stream->next < stream->target.n_addresses;
    if (!is_sent || is_next_due || left_ms <= 0) {
        conclude(stream, verdict); /* there is no time for manners */
        return;
    }
    stream->phase = LEAVING;
    stream->judged = *verdict;
    arm(stream, left_ms < FAREWELL_MS ? left_ms : FAREWELL_MS);
}

static void look(struct stream *stream, enum stream_state state)
{
    const struct stream_view view = {
        .bytes = stream->bytes,
        .size = stream->size,
        .state = state,
        .connect_s = (double)(stream->connected.ns - stream->sent.ns) / 1e9,
        .talk_s = (double)(clock_mono().ns - stream->connected.ns) / 1e9,
    };
    struct verdict verdict = attempt_verdict(stream);
    if (state == STREAM_OPEN && stream->looks++ >= LOOKS_MAX) {
        return; /* until the end of it */
    }
    switch (stream->order.judge(stream->order.judge_context, &view, &verdict)) {
    case STREAM_WAIT:
        assert(state == STREAM_OPEN);
        break;
    case STREAM_HANG_UP:
        conclude(stream, &verdict);
        break;
    case STREAM_FAREWELL:
        leave(stream, &verdict);
        break;
    }
}

static ssize_t read_some(struct stream *stream)
{
    ssize_t got = recv(stream->attempt->fd, stream->bytes + stream->size,
                       stream->order.size_max - stream->size, MSG_DONTWAIT);
    if (got > 0) {
        stream->size += (size_t)got;
    }
    return got < 0 ? -errno : got;
}

static void listen_on(struct stream *stream)
{
    ssize_t got = read_some(stream);
    if (got == -EAGAIN || got == -EINTR) {
        return;
    }
    if (got < 0) {
        fail_remote(stream, (int)-got);
    } else if (got == 0) {
        look(stream, STREAM_CLOSED);
    } else {
        look(stream, stream->size == stream->order.size_max ? STREAM_FULL : STREAM_OPEN);
    }
}

/* What the peer says while we go matters to nobody. */
static void listen_no_more(struct stream *stream)
{
    uint8_t bytes[512];
    ssize_t got = recv(stream->attempt->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        conclude(stream, &stream->judged);
    }
}

static void connected(struct stream *stream)
{
    stream->connected = clock_mono();
    stream->phase = TALKING;
    if (stream->order.judge == NULL) {
        struct verdict verdict = attempt_verdict(stream);
        verdict_set(&verdict, OUTCOME_UP, "", "%s", "");
        conclude(stream, &verdict);
        return;
    }
    if (stream->bytes == NULL) {
        stream->bytes = xcalloc(1, stream->order.size_max);
    }
    stream->size = 0;
    stream->looks = 0;
    if (stream->order.send != NULL) {
        /* A fresh connection has room for so little. */
        ssize_t sent = send(stream->attempt->fd, stream->order.send, stream->order.send_size,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 || (size_t)sent < stream->order.send_size) {
            fail_local(stream, sent < 0 ? errno : ENOBUFS);
            return;
        }
    }
    listen_for(stream, UV_READABLE);
}

/* --- the course of it --- */

static void try_next(struct stream *stream)
{
    while (stream->next < stream->target.n_addresses) {
        int64_t left = (int64_t)(stream->target.n_addresses - stream->next);
        struct verdict failure = {0};
        stream->phase = CONNECTING;
        stream->sent = clock_mono();
        stream->sent_wall = clock_wall();
        int rc = connect_to(stream, stream->next++);
        if (rc >= 0) {
            arm(stream, mono_elapsed_ms(stream->sent, stream->deadline) / left);
        }
        if (rc == 0) {
            connected(stream);
            return;
        }
        if (rc > 0) {
            listen_for(stream, UV_WRITABLE);
            return;
        }
        failure.time = stream->sent_wall;
        verdict_local(&failure, -rc);
        verdict_merge(&stream->verdict, &failure);
    }
    decide(stream);
}

static void finish_connecting(struct stream *stream)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(stream->attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error == 0) {
        connected(stream);
    } else {
        fail_remote(stream, error);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = ((struct attempt *)poll->data)->stream;
    (void)events; /* only one is asked for; an error comes as it too */
    (void)status; /* libuv reports POLLERR as it; the socket knows better */
    switch (stream->phase) {
    case CONNECTING:
        finish_connecting(stream);
        break;
    case TALKING:
        listen_on(stream);
        break;
    case LEAVING:
        listen_no_more(stream);
        break;
    case DECIDED: /* nobody listens any more */
        break;
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    free(stream->bytes);
    free(stream);
}

static void end(struct stream *stream)
{
    uv_close((uv_handle_t *)&stream->timer, on_closed);
    stream->order.done(stream->order.context, &stream->verdict);
}

static void on_timer(uv_timer_t *timer)
{
    struct stream *stream = timer->data;
    struct verdict verdict = attempt_verdict(stream);
    switch (stream->phase) {
    case CONNECTING:
        verdict_set(&verdict, OUTCOME_DOWN, "timeout", "no answer to a connection request");
        conclude(stream, &verdict);
        break;
    case TALKING:
        /* What came in time may only not have been looked at yet. */
        if (stream->size < stream->order.size_max) {
            (void)read_some(stream); /* nothing new: what is there is judged */
        }
        look(stream, STREAM_LATE);
        break;
    case LEAVING:
        conclude(stream, &stream->judged);
        break;
    case DECIDED:
        end(stream);
        break;
    }
}

struct stream *stream_start(const struct stream_order *order)
{
    struct stream *stream = xcalloc(1, sizeof *stream);
    stream->order = *order;
    stream->target = *order->target;
    stream->order.target = NULL; /* the caller's may be gone */
    stream->deadline = mono_add_ms(clock_mono(), order->timeout_ms);
    (void)uv_timer_init(order->loop, &stream->timer); /* cannot fail */
    stream->timer.data = stream;
    try_next(stream);
    return stream;
}

void stream_cancel(struct stream *stream)
{
    drop_attempt(stream);
    uv_close((uv_handle_t *)&stream->timer, on_closed);
}
