/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tcp.h"

#include "check_type.h"
#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* One connection under way. */
struct attempt {
    uv_poll_t poll;
    struct tcp_probe *probe;
    int fd;
};

struct tcp_probe {
    uv_timer_t timer;
    struct target target;
    size_t next; /* address to try */
    struct attempt *attempt;
    struct mono deadline;
    struct mono sent;
    struct wall sent_wall;
    struct verdict verdict;
    bool decided;
    probe_done *done;
    void *context;
};

static void on_timer(uv_timer_t *timer);

static void on_attempt_closed(uv_handle_t *handle)
{
    struct attempt *attempt = handle->data;
    close(attempt->fd);
    free(attempt);
}

static void drop_attempt(struct tcp_probe *probe)
{
    if (probe->attempt != NULL) {
        uv_close((uv_handle_t *)&probe->attempt->poll, on_attempt_closed);
        probe->attempt = NULL;
    }
}

/* The answer is there; it is told from the loop. */
static void decide(struct tcp_probe *probe)
{
    probe->decided = true;
    drop_attempt(probe);
    uv_timer_start(&probe->timer, on_timer, 0, 0);
}

static void connected(struct tcp_probe *probe)
{
    struct verdict *verdict = &probe->verdict;
    *verdict = (struct verdict){.outcome = OUTCOME_UP, .reason = "", .time = probe->sent_wall};
    verdict->values[0] = (double)(clock_mono().ns - probe->sent.ns) / 1e9;
    verdict->known = 1;
    decide(probe);
}

static void failed(struct tcp_probe *probe, const struct verdict *attempt)
{
    struct verdict dated = *attempt;
    dated.time = probe->sent_wall;
    verdict_merge(&probe->verdict, &dated);
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* 0: connected at once; 1: under way; or -errno. */
static int connect_to(struct tcp_probe *probe, size_t i)
{
    int rc;
    const struct sockaddr *address = (const struct sockaddr *)&probe->target.addresses[i];
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, address, target_address_size(&probe->target, i)) == 0) {
        close(fd);
        return 0;
    }
    if (errno != EINPROGRESS) {
        rc = -errno;
        goto failed;
    }
    struct attempt *attempt = xcalloc(1, sizeof *attempt);
    rc = uv_poll_init(probe->timer.loop, &attempt->poll, fd);
    if (rc != 0) {
        free(attempt);
        goto failed;
    }
    attempt->poll.data = attempt;
    attempt->probe = probe;
    attempt->fd = fd;
    uv_poll_start(&attempt->poll, UV_WRITABLE, on_poll);
    probe->attempt = attempt;
    return 1;
failed:
    close(fd);
    return rc;
}

static void try_next(struct tcp_probe *probe)
{
    while (probe->next < probe->target.n_addresses) {
        size_t left = probe->target.n_addresses - probe->next;
        struct verdict attempt = {0};
        probe->sent = clock_mono();
        probe->sent_wall = clock_wall();
        int rc = connect_to(probe, probe->next++);
        if (rc == 0) {
            connected(probe);
            return;
        }
        if (rc > 0) {
            int64_t share_ms = mono_elapsed_ms(probe->sent, probe->deadline) / (int64_t)left;
            uv_update_time(probe->timer.loop);
            uv_timer_start(&probe->timer, on_timer, share_ms > 0 ? (uint64_t)share_ms : 0, 0);
            return;
        }
        verdict_local(&attempt, -rc);
        failed(probe, &attempt);
    }
    decide(probe);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct tcp_probe *probe = ((struct attempt *)poll->data)->probe;
    struct verdict attempt = {0};
    int error = 0;
    socklen_t size = sizeof error;
    (void)events; /* only writable is asked for; an error comes as it too */
    (void)status; /* libuv reports POLLERR as it; the socket knows better */
    if (getsockopt(probe->attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error == 0) {
        connected(probe);
        return;
    }
    verdict_remote(&attempt, error);
    failed(probe, &attempt);
    drop_attempt(probe);
    try_next(probe);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_timer(uv_timer_t *timer)
{
    struct tcp_probe *probe = timer->data;
    struct verdict attempt = {0};
    if (probe->decided) {
        uv_close((uv_handle_t *)timer, on_closed);
        probe->done(probe->context, &probe->verdict);
        return;
    }
    verdict_set(&attempt, OUTCOME_DOWN, "timeout", "no answer to a connection request");
    failed(probe, &attempt);
    drop_attempt(probe);
    try_next(probe);
}

struct tcp_probe *tcp_start(uv_loop_t *loop, const struct target *target, int64_t timeout_ms,
                            probe_done *done, void *context)
{
    struct tcp_probe *probe = xcalloc(1, sizeof *probe);
    probe->target = *target;
    probe->deadline = mono_add_ms(clock_mono(), timeout_ms);
    probe->done = done;
    probe->context = context;
    uv_timer_init(loop, &probe->timer);
    probe->timer.data = probe;
    try_next(probe);
    return probe;
}

void tcp_cancel(struct tcp_probe *probe)
{
    drop_attempt(probe);
    uv_close((uv_handle_t *)&probe->timer, on_closed);
}

/* --- as a type of check --- */

static void *start(void *shared, const struct probe_order *order)
{
    (void)shared;
    return tcp_start(order->loop, order->target, order->timeout_ms, order->done, order->context);
}

static void cancel(void *probe)
{
    tcp_cancel(probe);
}

const struct check_type check_type_tcp = {.id = CHECK_TCP, .start = start, .cancel = cancel};
