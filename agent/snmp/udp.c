/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "udp.h"

#include "common/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RECEIVE_MAX = 65536,
    RECEIVE_BATCHES = 4, /* in one turn: other handles want theirs */
    ARENA = UDP_BATCH * 1024 + UDP_SEND_MAX,
    /* Thousands of devices may answer at once; the kernel may allow less. */
    RECEIVE_BUFFER = 8 * 1024 * 1024,
    SEND_BUFFER = 1024 * 1024,
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct outgoing {
    void *owner; /* NULL: withdrawn */
    union address to;
    size_t offset; /* in the arena */
    size_t size;
};

struct udp {
    struct udp_options options;
    uv_poll_t poll;
    int fd;
    bool is_blocked; /* by the kernel: waiting for UV_WRITABLE */
    size_t n_out;
    struct outgoing out[UDP_BATCH];
    size_t arena_used;
    uint8_t arena[ARENA];
    struct mmsghdr in[UDP_BATCH];
    struct iovec in_parts[UDP_BATCH];
    struct sockaddr_storage from[UDP_BATCH];
    uint8_t (*buffers)[RECEIVE_MAX]; /* pages that no datagram reached cost nothing */
};

/* --- receiving --- */

static void prepare_buffers(struct udp *udp)
{
    for (size_t i = 0; i < UDP_BATCH; i++) {
        udp->in_parts[i] = (struct iovec){udp->buffers[i], RECEIVE_MAX};
        udp->in[i].msg_hdr.msg_iov = &udp->in_parts[i];
        udp->in[i].msg_hdr.msg_iovlen = 1;
        udp->in[i].msg_hdr.msg_name = &udp->from[i];
    }
}

/* True: there may be more. */
static bool receive_batch(struct udp *udp)
{
    for (size_t i = 0; i < UDP_BATCH; i++) {
        udp->in[i].msg_hdr.msg_namelen = sizeof udp->from[i];
    }
    int n = recvmmsg(udp->fd, udp->in, UDP_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        udp->options.received(udp->options.context, (const struct sockaddr *)&udp->from[i],
                              udp->buffers[i], udp->in[i].msg_len);
    }
    return n == UDP_BATCH;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct udp *udp)
{
    uv_poll_start(&udp->poll, UV_READABLE | (udp->is_blocked ? UV_WRITABLE : 0), on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct udp *udp = poll->data;
    if (status < 0) {
        /* An error waits on the socket, and libuv has stopped looking at it. Reading takes the
         * error away. */
        watch(udp);
        events = UV_READABLE;
    }
    if ((events & UV_WRITABLE) != 0) {
        udp_flush(udp);
        if (!udp->is_blocked) {
            udp->options.writable(udp->options.context);
        }
    }
    for (int i = 0; (events & UV_READABLE) != 0 && i < RECEIVE_BATCHES; i++) {
        if (!receive_batch(udp)) {
            break;
        }
    }
}

/* --- sending --- */

int udp_fd(const struct udp *udp)
{
    return udp->fd;
}

bool udp_is_full(const struct udp *udp)
{
    return udp->is_blocked && (udp->n_out == UDP_BATCH || udp->arena_used > ARENA - UDP_SEND_MAX);
}

int udp_queue(struct udp *udp, const struct sockaddr *to, const uint8_t *bytes, size_t size,
              void *owner)
{
    if (size > UDP_SEND_MAX) {
        return -EMSGSIZE;
    }
    if (udp->n_out == UDP_BATCH || udp->arena_used > ARENA - UDP_SEND_MAX) {
        return -EAGAIN;
    }
    struct outgoing *out = &udp->out[udp->n_out++];
    *out = (struct outgoing){.owner = owner, .offset = udp->arena_used, .size = size};
    if (to->sa_family == AF_INET6) {
        memcpy(&out->to.v6, to, sizeof out->to.v6);
    } else {
        memcpy(&out->to.v4, to, sizeof out->to.v4);
    }
    memcpy(udp->arena + udp->arena_used, bytes, size);
    udp->arena_used += size;
    return 0;
}

void udp_send_full_batch(struct udp *udp)
{
    if (!udp->is_blocked && (udp->n_out == UDP_BATCH || udp->arena_used > ARENA - UDP_SEND_MAX)) {
        udp_flush(udp);
    }
}

void udp_withdraw(struct udp *udp, const void *owner)
{
    for (size_t i = 0; i < udp->n_out; i++) {
        if (udp->out[i].owner == owner) {
            udp->out[i].owner = NULL;
        }
    }
}

/* The queue without what was withdrawn. */
static void squeeze(struct udp *udp)
{
    size_t kept = 0;
    for (size_t i = 0; i < udp->n_out; i++) {
        if (udp->out[i].owner != NULL) {
            udp->out[kept++] = udp->out[i];
        }
    }
    udp->n_out = kept;
    udp->arena_used = kept == 0 ? 0 : udp->arena_used;
}

/* How many of the first ones left; or -errno of the very first. */
static int send_batch(struct udp *udp)
{
    struct mmsghdr messages[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    int n;
    for (size_t i = 0; i < udp->n_out; i++) {
        struct outgoing *out = &udp->out[i];
        parts[i] = (struct iovec){udp->arena + out->offset, out->size};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &out->to,
                                                   .msg_namelen = out->to.any.sa_family == AF_INET6
                                                                      ? sizeof out->to.v6
                                                                      : sizeof out->to.v4,
                                                   .msg_iov = &parts[i],
                                                   .msg_iovlen = 1}};
    }
    do {
        n = sendmmsg(udp->fd, messages, (unsigned)udp->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

void udp_flush(struct udp *udp)
{
    bool was_blocked = udp->is_blocked;
    udp->is_blocked = false;
    squeeze(udp);
    while (udp->n_out > 0) {
        int n = send_batch(udp);
        if (n == -EAGAIN || n == 0) {
            udp->is_blocked = true;
            break;
        }
        void *failed = n < 0 ? udp->out[0].owner : NULL;
        for (int i = 0; i < (n < 0 ? 1 : n); i++) {
            udp->out[i].owner = NULL;
        }
        squeeze(udp);
        if (failed != NULL) {
            udp->options.failed(udp->options.context, failed, -n);
        }
    }
    if (udp->is_blocked != was_blocked) {
        watch(udp);
    }
}

/* --- life --- */

static void set_buffer(int fd, int forced, int plain, int size)
{
    if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size); /* as much as is allowed */
    }
}

static int open_socket(int family)
{
    const int on = 1;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER);
    return fd;
}

struct udp *udp_open(const struct udp_options *options)
{
    struct udp *udp = xcalloc(1, sizeof *udp);
    int error;
    udp->options = *options;
    udp->fd = open_socket(options->family);
    if (udp->fd < 0) {
        error = errno;
        goto failed;
    }
    error = -uv_poll_init(options->loop, &udp->poll, udp->fd);
    if (error != 0) {
        goto close_socket;
    }
    udp->buffers = xmalloc(UDP_BATCH * sizeof *udp->buffers);
    udp->poll.data = udp;
    prepare_buffers(udp);
    watch(udp);
    return udp;
close_socket:
    close(udp->fd);
failed:
    free(udp);
    errno = error;
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct udp *udp = handle->data;
    close(udp->fd); /* only now: libuv is done with it */
    free(udp->buffers);
    free(udp);
}

void udp_close(struct udp *udp)
{
    if (udp != NULL) {
        uv_close((uv_handle_t *)&udp->poll, on_closed);
    }
}
