/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp.h"

#include "check_type.h"
#include "common/xalloc.h"
#include "icmp_packet.h"

#include <assert.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    ECHOES = 3,
    /* Datagrams of one wake-up: a flood shall not starve the loop. */
    READS_AT_ONCE = 64,
    DATAGRAM_SIZE = 2048,
    FAMILIES = 2, /* IPv4, IPv6 */
};

struct ping_socket {
    uv_poll_t poll;
    struct icmp *icmp;
    int fd;
    enum icmp_form form;
};

struct echo {
    bool sent;
    uint16_t sequence;
    uint8_t token[ICMP_TOKEN_SIZE];
    size_t address;
    struct mono time;
    struct wall time_wall;
};

struct icmp_probe {
    uv_timer_t timer;
    struct icmp *icmp;
    struct icmp_probe *next;
    struct icmp_probe **link; /* what points to it */
    struct target target;
    struct mono start;
    int64_t timeout_ms;
    int n_turns; /* echoes that were sent or could not be */
    struct echo echoes[ECHOES];
    struct verdict verdict; /* or the failure of what could not be sent */
    bool decided;
    probe_done *done;
    void *context;
};

struct icmp {
    uv_loop_t *loop;
    struct ping_socket *sockets[FAMILIES];
    struct icmp_probe *probes;
    uint16_t id;
    uint16_t sequence;
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

/* --- sockets --- */

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

/* A descriptor and the form of what is read from it, or -errno: that of the unprivileged way if
 * both are closed to us. */
static int open_descriptor(int family, enum icmp_form *form)
{
    int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    *form = family == AF_INET6 ? ICMP_FORM_V6 : ICMP_FORM_V4;
    int fd = socket(family, SOCK_DGRAM | flags, protocol);
    if (fd >= 0) {
        return fd;
    }
    int error = errno;
    if (error != EACCES && error != EPERM && error != EPROTONOSUPPORT) {
        return -error;
    }
    *form = family == AF_INET6 ? ICMP_FORM_V6 : ICMP_FORM_V4_IP;
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

static int open_socket(struct icmp *icmp, int family, struct ping_socket **slot)
{
    enum icmp_form form;
    int fd = open_descriptor(family, &form);
    if (fd < 0) {
        return fd;
    }
    struct ping_socket *ping = xcalloc(1, sizeof *ping);
    int rc = uv_poll_init(icmp->loop, &ping->poll, fd);
    if (rc != 0) {
        free(ping);
        close(fd);
        return rc;
    }
    ping->poll.data = ping;
    ping->icmp = icmp;
    ping->fd = fd;
    ping->form = form;
    uv_poll_start(&ping->poll, UV_READABLE, on_poll);
    *slot = ping;
    return 0;
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct ping_socket *ping = handle->data;
    close(ping->fd);
    free(ping);
}

/* --- sending --- */

static bool sequence_is_free(const struct icmp *icmp, uint16_t sequence)
{
    for (const struct icmp_probe *probe = icmp->probes; probe != NULL; probe = probe->next) {
        for (size_t i = 0; i < ECHOES; i++) {
            if (probe->echoes[i].sent && probe->echoes[i].sequence == sequence) {
                return false;
            }
        }
    }
    return true;
}

static uint16_t next_sequence(struct icmp *icmp)
{
    for (unsigned i = 0; i <= UINT16_MAX && !sequence_is_free(icmp, ++icmp->sequence); i++) {
    }
    return icmp->sequence; /* the token decides if all were taken */
}

static int send_echo(struct icmp_probe *probe, struct echo *echo, size_t address)
{
    struct icmp *icmp = probe->icmp;
    const struct sockaddr *to = (const struct sockaddr *)&probe->target.addresses[address];
    struct ping_socket **slot = &icmp->sockets[to->sa_family == AF_INET6];
    uint8_t packet[ICMP_PACKET_SIZE];
    if (*slot == NULL) {
        int rc = open_socket(icmp, to->sa_family, slot);
        if (rc != 0) {
            return rc;
        }
    }
    if (getrandom(echo->token, sizeof echo->token, GRND_NONBLOCK) != sizeof echo->token) {
        return -ENOBUFS; /* the machine is only just starting */
    }
    echo->sequence = next_sequence(icmp);
    echo->address = address;
    icmp_encode((*slot)->form, icmp->id, echo->sequence, echo->token, packet);
    echo->time = clock_mono();
    echo->time_wall = clock_wall();
    if (sendto((*slot)->fd, packet, sizeof packet, MSG_NOSIGNAL, to,
               target_address_size(&probe->target, address)) < 0) {
        return -errno;
    }
    echo->sent = true;
    return 0;
}

/* The next echo, to the address whose turn it is or the next one that can be reached at all. */
static void take_turn(struct icmp_probe *probe)
{
    size_t n = probe->target.n_addresses;
    struct echo *echo = &probe->echoes[probe->n_turns];
    for (size_t i = 0; i < n && !echo->sent; i++) {
        int rc = send_echo(probe, echo, ((size_t)probe->n_turns + i) % n);
        if (rc != 0) {
            struct verdict failure = {.time = clock_wall()};
            verdict_local(&failure, -rc);
            if (rc == -EACCES || rc == -EPERM) {
                verdict_set(&failure, OUTCOME_UNKNOWN, "no-permission",
                            "the agent may not send echo requests: it needs CAP_NET_RAW or a group "
                            "of net.ipv4.ping_group_range");
            }
            verdict_merge(&probe->verdict, &failure);
        }
    }
    probe->n_turns++;
}

static void arm(struct icmp_probe *probe)
{
    int64_t due_ms = probe->timeout_ms * probe->n_turns / ECHOES;
    int64_t wait_ms = due_ms - mono_elapsed_ms(probe->start, clock_mono());
    uv_update_time(probe->timer.loop);
    uv_timer_start(&probe->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

/* --- deciding --- */

static void leave(struct icmp_probe *probe)
{
    *probe->link = probe->next;
    if (probe->next != NULL) {
        probe->next->link = probe->link;
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void finish(struct icmp_probe *probe)
{
    leave(probe);
    uv_close((uv_handle_t *)&probe->timer, on_closed);
    probe->done(probe->context, &probe->verdict);
}

static void give_up(struct icmp_probe *probe)
{
    int n_sent = 0;
    struct wall first = {0};
    for (size_t i = 0; i < ECHOES; i++) {
        if (probe->echoes[i].sent && n_sent++ == 0) {
            first = probe->echoes[i].time_wall;
        }
    }
    if (n_sent > 0) {
        verdict_set(&probe->verdict, OUTCOME_DOWN, "timeout",
                    "no answer to %d echo requests in %lld ms", n_sent,
                    (long long)probe->timeout_ms);
        probe->verdict.time = first;
    }
    finish(probe);
}

static void on_timer(uv_timer_t *timer)
{
    struct icmp_probe *probe = timer->data;
    if (probe->decided) {
        finish(probe);
    } else if (probe->n_turns == ECHOES) {
        give_up(probe);
    } else {
        take_turn(probe);
        arm(probe);
    }
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family) {
        return false;
    }
    if (a->ss_family == AF_INET6) {
        return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
    }
    return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

static bool is_answer(const struct icmp_probe *probe, const struct echo *echo,
                      const struct icmp_reply *reply, const struct sockaddr_storage *from)
{
    return echo->sent && echo->sequence == reply->sequence &&
           memcmp(echo->token, reply->token, ICMP_TOKEN_SIZE) == 0 &&
           same_host(&probe->target.addresses[echo->address], from);
}

static void take_reply(struct icmp *icmp, const struct icmp_reply *reply,
                       const struct sockaddr_storage *from, struct mono now)
{
    for (struct icmp_probe *probe = icmp->probes; probe != NULL; probe = probe->next) {
        for (size_t i = 0; i < ECHOES && !probe->decided; i++) {
            const struct echo *echo = &probe->echoes[i];
            if (is_answer(probe, echo, reply, from)) {
                struct verdict *verdict = &probe->verdict;
                *verdict = (struct verdict){
                    .outcome = OUTCOME_UP, .reason = "", .time = echo->time_wall, .known = 1};
                verdict->values[0] = (double)(now.ns - echo->time.ns) / 1e9;
                probe->decided = true;
                uv_timer_start(&probe->timer, on_timer, 0, 0);
                return;
            }
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ping_socket *ping = poll->data;
    uint8_t bytes[DATAGRAM_SIZE];
    (void)status; /* an error of the socket is read away below */
    (void)events;
    for (int i = 0; i < READS_AT_ONCE; i++) {
        struct sockaddr_storage from = {0};
        socklen_t from_size = sizeof from;
        struct icmp_reply reply;
        ssize_t got =
            recvfrom(ping->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_size);
        if (got < 0) {
            break;
        }
        if (icmp_decode(ping->form, bytes, (size_t)got, &reply) == 0) {
            take_reply(ping->icmp, &reply, &from, clock_mono());
        }
    }
}

/* --- life --- */

struct icmp *icmp_new(uv_loop_t *loop)
{
    struct icmp *icmp = xcalloc(1, sizeof *icmp);
    icmp->loop = loop;
    icmp->id = (uint16_t)getpid();
    return icmp;
}

void icmp_free(struct icmp *icmp)
{
    if (icmp == NULL) {
        return;
    }
    assert(icmp->probes == NULL);
    for (size_t i = 0; i < FAMILIES; i++) {
        if (icmp->sockets[i] != NULL) {
            uv_close((uv_handle_t *)&icmp->sockets[i]->poll, on_socket_closed);
        }
    }
    free(icmp);
}

struct icmp_probe *icmp_start(struct icmp *icmp, const struct target *target, int64_t timeout_ms,
                              probe_done *done, void *context)
{
    struct icmp_probe *probe = xcalloc(1, sizeof *probe);
    probe->icmp = icmp;
    probe->target = *target;
    probe->timeout_ms = timeout_ms;
    probe->start = clock_mono();
    probe->done = done;
    probe->context = context;
    uv_timer_init(icmp->loop, &probe->timer);
    probe->timer.data = probe;
    probe->next = icmp->probes;
    probe->link = &icmp->probes;
    if (probe->next != NULL) {
        probe->next->link = &probe->next;
    }
    icmp->probes = probe;
    take_turn(probe);
    if (!probe->echoes[0].sent && strcmp(probe->verdict.reason, "no-permission") == 0) {
        probe->decided = true; /* asking again in a second changes nothing */
        uv_timer_start(&probe->timer, on_timer, 0, 0);
    } else {
        arm(probe);
    }
    return probe;
}

void icmp_cancel(struct icmp_probe *probe)
{
    leave(probe);
    uv_close((uv_handle_t *)&probe->timer, on_closed);
}

/* --- as a type of check --- */

static void *open_shared(uv_loop_t *loop)
{
    return icmp_new(loop);
}

static void close_shared(void *shared)
{
    icmp_free(shared);
}

static void *start(void *shared, const struct probe_order *order)
{
    return icmp_start(shared, order->target, order->timeout_ms, order->done, order->context);
}

static void cancel(void *probe)
{
    icmp_cancel(probe);
}

const struct check_type check_type_icmp = {
    .id = CHECK_ICMP, .open = open_shared, .close = close_shared, .start = start, .cancel = cancel};
