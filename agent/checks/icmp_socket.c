/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp_socket.h"

#include "common/xalloc.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/sock_diag.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    /* An IPv4 header with all its options, and the message. */
    DATAGRAM_SIZE = 60 + ICMP_PACKET_SIZE,
    READ_BATCH = 32,
    /* Of one wake-up: a flood shall not starve the loop. */
    READS_AT_ONCE = 16,
    ERRORS_AT_ONCE = 512,
    /* So much was waiting that there may have been no room for more. */
    READ_MUCH = 2 * READ_BATCH,
    /* The kernel's default holds the answers to 277 requests; less than this where rmem_max does
     * not allow it. */
    BUFFER_SIZE = 1024 * 1024,
    BIND_TRIES = 8,
    /* Of one message: the error of an earlier one may wait in the socket and be told instead. */
    SEND_TRIES = 4,
    CLOCK_STEP_MS = 10000,
};

struct ping_socket {
    uv_poll_t poll;
    const struct ping_events *events;
    int fd;
    int family;
    enum icmp_form form;
    uint16_t id;
    uint32_t dropped; /* all that the kernel counted */
    struct mono dropped_time;
};

static void on_poll(uv_poll_t *poll, int status, int events);

/* --- opening --- */

/* Only echo replies: a raw socket is shown every ICMP message of the machine. */
static int filter_raw(int fd, int family)
{
    if (family == AF_INET6) {
        struct icmp6_filter filter;
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
        return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
    }
    struct icmp_filter filter = {.data = ~(UINT32_C(1) << ICMP_ECHOREPLY)};
    return setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
}

/* A descriptor and the form of what is read from it. */
static int open_descriptor(int family, enum icmp_form *form, bool *is_raw)
{
    int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    *form = family == AF_INET6 ? ICMP_FORM_V6 : ICMP_FORM_V4;
    *is_raw = false;
    int fd = socket(family, SOCK_DGRAM | flags, protocol);
    if (fd >= 0) {
        return fd;
    }
    int error = errno;
    if (error != EACCES && error != EPERM && error != EPROTONOSUPPORT) {
        return -error;
    }
    *form = family == AF_INET6 ? ICMP_FORM_V6 : ICMP_FORM_V4_IP;
    *is_raw = true;
    fd = socket(family, SOCK_RAW | flags, protocol);
    if (fd < 0) {
        return -error;
    }
    if (filter_raw(fd, family) != 0) {
        error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* The kernel would number ping sockets in turn: an identifier that cannot be guessed makes forged
 * errors harder, which need not quote a token. A raw socket has no owner of its number. */
static int choose_id(struct ping_socket *ping, bool is_raw)
{
    for (int i = 0; i < BIND_TRIES; i++) {
        if (getrandom(&ping->id, sizeof ping->id, GRND_NONBLOCK) != sizeof ping->id) {
            return -EAGAIN; /* the machine is only just starting */
        }
        union ping_address self = {.any.sa_family = (sa_family_t)ping->family};
        if (ping->family == AF_INET6) {
            self.v6.sin6_port = htons(ping->id);
        } else {
            self.v4.sin_port = htons(ping->id);
        }
        socklen_t size = ping->family == AF_INET6 ? sizeof self.v6 : sizeof self.v4;
        if (ping->id != 0 && (is_raw || bind(ping->fd, &self.any, size) == 0)) {
            return 0;
        }
    }
    return -EADDRINUSE;
}

static void set_options(const struct ping_socket *ping)
{
    const int on = 1;
    const int size = BUFFER_SIZE;
    /* Without them all works, only less exactly: an old kernel may lack one. */
    (void)setsockopt(ping->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    (void)setsockopt(ping->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (ping->family == AF_INET6) {
        (void)setsockopt(ping->fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    } else {
        /* So small a packet is never cut up: it needs no number, which costs the kernel a search.
         */
        const int whole = IP_PMTUDISC_DO;
        (void)setsockopt(ping->fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
        (void)setsockopt(ping->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    }
}

static void watch(struct ping_socket *ping)
{
    (void)uv_poll_start(&ping->poll, UV_READABLE, on_poll); /* fails only when it is closing */
}

int ping_socket_open(uv_loop_t *loop, int family, const struct ping_events *events,
                     struct ping_socket **socket)
{
    bool is_raw;
    struct ping_socket *ping = xcalloc(1, sizeof *ping);
    ping->family = family;
    ping->events = events;
    ping->fd = open_descriptor(family, &ping->form, &is_raw);
    int rc = ping->fd;
    if (rc < 0) {
        goto free_ping;
    }
    rc = choose_id(ping, is_raw);
    if (rc != 0) {
        goto close_fd;
    }
    set_options(ping);
    rc = uv_poll_init(loop, &ping->poll, ping->fd);
    if (rc != 0) {
        goto close_fd;
    }
    ping->poll.data = ping;
    watch(ping);
    *socket = ping;
    return 0;
close_fd:
    close(ping->fd);
free_ping:
    free(ping);
    return rc;
}

static void on_closed(uv_handle_t *handle)
{
    struct ping_socket *ping = handle->data;
    close(ping->fd);
    free(ping);
}

void ping_socket_close(struct ping_socket *socket)
{
    if (socket != NULL) {
        uv_close((uv_handle_t *)&socket->poll, on_closed);
    }
}

/* --- errors --- */

static void take_error(const struct ping_socket *ping, const struct msghdr *message, size_t size)
{
    const union ping_address *to = message->msg_name;
    int level = ping->family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int type = ping->family == AF_INET6 ? IPV6_RECVERR : IP_RECVERR;
    int origin = ping->family == AF_INET6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
    struct {
        struct sock_extended_err error;
        union ping_address offender;
    } told;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
         c = CMSG_NXTHDR((struct msghdr *)message, c)) {
        if (c->cmsg_level != level || c->cmsg_type != type) {
            continue;
        }
        size_t told_size = c->cmsg_len - CMSG_LEN(0);
        memset(&told, 0, sizeof told);
        memcpy(&told, CMSG_DATA(c), told_size < sizeof told ? told_size : sizeof told);
        bool is_v6 = ping->family == AF_INET6;
        const struct icmp_error *error =
            icmp_explain(is_v6, told.error.ee_type, told.error.ee_code);
        struct icmp_quote quote;
        if (told.error.ee_origin != origin || error == NULL ||
            icmp_decode_quote(is_v6, message->msg_iov->iov_base, size, &quote) != 0) {
            continue;
        }
        if (quote.id == ping->id) {
            ping->events->refusal(ping->events->context, &quote, error, to, &told.offender);
        } else {
            ping->events->foreign(ping->events->context);
        }
    }
}

/* Each reading also clears the error that the next call would be refused with. */
static void read_errors(const struct ping_socket *ping)
{
    for (int i = 0; i < ERRORS_AT_ONCE; i++) {
        uint8_t bytes[DATAGRAM_SIZE];
        _Alignas(struct cmsghdr) uint8_t control[256];
        union ping_address to = {0};
        struct iovec iov = {bytes, sizeof bytes};
        struct msghdr message = {.msg_name = &to,
                                 .msg_namelen = sizeof to,
                                 .msg_iov = &iov,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        ssize_t got = recvmsg(ping->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (got < 0) {
            break;
        }
        take_error(ping, &message, (size_t)got);
    }
}

/* --- sending --- */

size_t ping_socket_send(struct ping_socket *socket, const struct ping_message *messages, size_t n,
                        int *error)
{
    uint8_t packets[PING_BATCH][ICMP_PACKET_SIZE];
    struct iovec iovs[PING_BATCH];
    struct mmsghdr headers[PING_BATCH];
    memset(headers, 0, sizeof headers);
    for (size_t i = 0; i < n; i++) {
        struct msghdr *header = &headers[i].msg_hdr;
        icmp_encode(socket->form, socket->id, messages[i].sequence, messages[i].token, packets[i]);
        iovs[i] = (struct iovec){packets[i], sizeof packets[i]};
        header->msg_name = (void *)&messages[i].to->any;
        header->msg_namelen =
            socket->family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        header->msg_iov = &iovs[i];
        header->msg_iovlen = 1;
    }
    size_t n_sent = 0;
    int tries = 0;
    while (n_sent < n && tries < SEND_TRIES) {
        int sent = sendmmsg(socket->fd, headers + n_sent, (unsigned)(n - n_sent), MSG_NOSIGNAL);
        if (sent > 0) {
            n_sent += (size_t)sent;
            tries = 0;
        } else {
            *error = -errno;
            tries++;
            read_errors(socket);
        }
    }
    return n_sent;
}

/* --- reading --- */

struct read_buffers {
    struct mmsghdr headers[READ_BATCH];
    struct iovec iovs[READ_BATCH];
    union ping_address from[READ_BATCH];
    uint8_t bytes[READ_BATCH][DATAGRAM_SIZE];
    _Alignas(struct cmsghdr) uint8_t control[READ_BATCH][CMSG_SPACE(sizeof(struct timespec))];
};

static void prepare(struct read_buffers *buffers)
{
    memset(buffers->headers, 0, sizeof buffers->headers);
    for (size_t i = 0; i < READ_BATCH; i++) {
        struct msghdr *header = &buffers->headers[i].msg_hdr;
        buffers->iovs[i] = (struct iovec){buffers->bytes[i], DATAGRAM_SIZE};
        header->msg_name = &buffers->from[i];
        header->msg_namelen = sizeof buffers->from[i];
        header->msg_iov = &buffers->iovs[i];
        header->msg_iovlen = 1;
        header->msg_control = buffers->control[i];
        header->msg_controllen = sizeof buffers->control[i];
    }
}

static int64_t real_ns(void)
{
    /* The clock that the kernel dates packets with, whatever a test makes of the others. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* How long it has been waiting for us; 0 when that is not known. */
static int64_t age_ns(struct msghdr *message, int64_t now_ns)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            int64_t age = now_ns - ((int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec);
            return age < 0 || age > CLOCK_STEP_MS * INT64_C(1000000) ? 0 : age;
        }
    }
    return 0;
}

static void take_datagram(const struct ping_socket *ping, struct mmsghdr *datagram, struct mono now,
                          int64_t now_ns)
{
    struct msghdr *message = &datagram->msg_hdr;
    const struct ping_events *events = ping->events;
    struct icmp_reply reply;
    if (icmp_decode(ping->form, message->msg_iov->iov_base, datagram->msg_len, &reply) != 0 ||
        reply.id != ping->id) {
        events->foreign(events->context);
        return;
    }
    struct mono time = {now.ns - age_ns(message, now_ns)};
    events->reply(events->context, &reply, message->msg_name, time);
}

static void note_dropped(struct ping_socket *ping, struct mono now)
{
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    if (getsockopt(ping->fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0 &&
        size > SK_MEMINFO_DROPS * sizeof memory[0] && memory[SK_MEMINFO_DROPS] != ping->dropped) {
        ping->dropped = memory[SK_MEMINFO_DROPS];
        ping->dropped_time = now;
    }
}

void ping_socket_read(struct ping_socket *socket)
{
    struct read_buffers buffers;
    int n_read = 0;
    int n = READ_BATCH;
    for (int i = 0; i < READS_AT_ONCE && n == READ_BATCH; i++) {
        prepare(&buffers);
        n = recvmmsg(socket->fd, buffers.headers, READ_BATCH, MSG_DONTWAIT, NULL);
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            n = READ_BATCH; /* it told an earlier request's error, and the next one may read */
            continue;
        }
        struct mono now = clock_mono();
        int64_t now_ns = real_ns();
        for (int j = 0; j < n; j++) {
            take_datagram(socket, &buffers.headers[j], now, now_ns);
        }
        n_read += n > 0 ? n : 0;
    }
    if (n_read >= READ_MUCH) {
        note_dropped(socket, clock_mono());
    }
}

bool ping_socket_dropped_since(struct ping_socket *socket, struct mono time)
{
    note_dropped(socket, clock_mono());
    return socket->dropped_time.ns >= time.ns && socket->dropped > 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ping_socket *ping = poll->data;
    (void)events;
    if (status < 0) { /* libuv stops to watch a socket that has an error */
        read_errors(ping);
        watch(ping);
    }
    ping_socket_read(ping);
    ping->events->end(ping->events->context);
}
