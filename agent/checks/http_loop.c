/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http_loop.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A socket of libcurl's that is being watched. */
struct watched {
    uv_poll_t poll;
    struct http_loop *http_loop; /* NULL once it is let go */
    curl_socket_t socket;
    CURL *easy;
    bool is_connected;
};

struct http_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    void (*on_connected)(void *context, CURL *easy);
    void (*on_end)(void *context, CURL *easy, CURLcode code);
    void *context;
};

/* Not by SO_ERROR: who asks for it takes it from libcurl. */
static void look_whether_connected(struct watched *watched)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    if (!watched->is_connected &&
        getpeername(watched->socket, (struct sockaddr *)&peer, &size) == 0) {
        watched->is_connected = true;
        watched->http_loop->on_connected(watched->http_loop->context, watched->easy);
    }
}

/* Ended transfers are told here, outside libcurl's own call-backs. */
static void tell_ended(struct http_loop *http_loop)
{
    CURLMsg *message;
    int waiting;
    while ((message = curl_multi_info_read(http_loop->multi, &waiting)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            CURL *easy = message->easy_handle;
            CURLcode code = message->data.result; /* the message dies with the removal */
            curl_multi_remove_handle(http_loop->multi, easy);
            http_loop->on_end(http_loop->context, easy, code);
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watched *watched = poll->data;
    struct http_loop *http_loop = watched->http_loop;
    int running;
    int flags = 0;
    if (http_loop == NULL) {
        return;
    }
    look_whether_connected(watched);
    if (status < 0) {
        flags = CURL_CSELECT_ERR;
    }
    if (events & UV_READABLE) {
        flags |= CURL_CSELECT_IN;
    }
    if (events & UV_WRITABLE) {
        flags |= CURL_CSELECT_OUT;
    }
    curl_multi_socket_action(http_loop->multi, watched->socket, flags, &running);
    tell_ended(http_loop);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_loop *http_loop = timer->data;
    int running;
    curl_multi_socket_action(http_loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_ended(http_loop);
}

static void on_watched_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* libcurl closes the descriptor itself. */
static void let_go(struct watched *watched)
{
    watched->http_loop = NULL;
    uv_close((uv_handle_t *)&watched->poll, on_watched_closed);
}

static struct watched *watch(struct http_loop *http_loop, curl_socket_t socket)
{
    struct watched *watched = xcalloc(1, sizeof *watched);
    if (uv_poll_init(http_loop->loop, &watched->poll, socket) != 0) {
        free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    watched->http_loop = http_loop;
    watched->socket = socket;
    curl_multi_assign(http_loop->multi, socket, watched);
    return watched;
}

/* CURLMOPT_SOCKETFUNCTION */
static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context,
                     void *socket_context)
{
    struct http_loop *http_loop = context;
    struct watched *watched = socket_context;
    int events = 0;
    if (what == CURL_POLL_REMOVE) {
        if (watched != NULL) {
            curl_multi_assign(http_loop->multi, socket, NULL);
            let_go(watched);
        }
        return 0;
    }
    if (watched == NULL) {
        watched = watch(http_loop, socket);
    }
    if (watched == NULL) {
        return 0; /* unwatched, the transfer runs into its timeout */
    }
    watched->easy = easy;
    look_whether_connected(watched);
    if (what & CURL_POLL_IN) {
        events |= UV_READABLE;
    }
    if (what & CURL_POLL_OUT) {
        events |= UV_WRITABLE;
    }
    uv_poll_start(&watched->poll, events, on_poll);
    return 0;
}

/* CURLMOPT_TIMERFUNCTION: never acts at once, libcurl is in the middle of something. */
static int on_timeout_change(CURLM *multi, long timeout_ms, void *context)
{
    struct http_loop *http_loop = context;
    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(&http_loop->timer);
    } else {
        uv_update_time(http_loop->loop);
        uv_timer_start(&http_loop->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct http_loop *http_loop_new(uv_loop_t *loop, void (*on_connected)(void *context, CURL *easy),
                                void (*on_end)(void *context, CURL *easy, CURLcode code),
                                void *context)
{
    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        return NULL;
    }
    struct http_loop *http_loop = xcalloc(1, sizeof *http_loop);
    http_loop->loop = loop;
    http_loop->multi = multi;
    http_loop->on_connected = on_connected;
    http_loop->on_end = on_end;
    http_loop->context = context;
    uv_timer_init(loop, &http_loop->timer);
    http_loop->timer.data = http_loop;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http_loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http_loop);
    return http_loop;
}

int http_loop_add(struct http_loop *http_loop, CURL *easy)
{
    return curl_multi_add_handle(http_loop->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void http_loop_remove(struct http_loop *http_loop, CURL *easy)
{
    curl_multi_remove_handle(http_loop->multi, easy);
}

void http_loop_free(struct http_loop *http_loop)
{
    if (http_loop == NULL) {
        return;
    }
    curl_multi_cleanup(http_loop->multi);
    uv_close((uv_handle_t *)&http_loop->timer, on_timer_closed);
}
