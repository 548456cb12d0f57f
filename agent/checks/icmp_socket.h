/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The socket over which all echo requests of one address family go: an unprivileged ping socket
 * where net.ipv4.ping_group_range admits us, else a raw one. It sends and reads many datagrams with
 * one system call, dates answers by the kernel's clock, so that a busy loop makes no host slow, and
 * reads the errors that routers and this machine return (IP_RECVERR).
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_ICMP_SOCKET_H
#define CHECKS_ICMP_SOCKET_H

#include "common/clock.h"
#include "icmp_packet.h"
#include "icmp_table.h"

#include <uv.h>

/* Messages of one system call, and so of one time of sending: in 16 the last one leaves some 40 us
 * after the first. */
enum { PING_BATCH = 16 };

struct ping_message {
    const union ping_address *to;
    uint16_t sequence;
    const uint8_t *token; /* ICMP_TOKEN_SIZE */
};

struct ping_events {
    void *context;
    /* An echo reply came from there at that time. */
    void (*reply)(void *context, const struct icmp_reply *reply, const union ping_address *from,
                  struct mono time);
    /* An echo request to `to` could not be delivered, says `from` (sa_family AF_UNSPEC: nobody
     * known). */
    void (*refusal)(void *context, const struct icmp_quote *quote, const struct icmp_error *error,
                    const union ping_address *to, const union ping_address *from);
    /* An answer to another process's request: a raw socket is shown those too. */
    void (*foreign)(void *context);
    /* The end of a wake-up of the loop in which some of the above were called. */
    void (*end)(void *context);
};

struct ping_socket;

/* `events` must outlive the socket. 0 or -errno: that of the unprivileged way if both are closed to
 * us. */
int ping_socket_open(uv_loop_t *loop, int family, const struct ping_events *events,
                     struct ping_socket **socket);
/* NULL is allowed. */
void ping_socket_close(struct ping_socket *socket);

/* Sends in order, at most PING_BATCH; returns how many before the first that could not be, and then
 * why: -errno in *error. May call `refusal`, never `reply`, `foreign` or `end`. */
size_t ping_socket_send(struct ping_socket *socket, const struct ping_message *messages, size_t n,
                        int *error);
/* Reads what waits; does not call `end`. */
void ping_socket_read(struct ping_socket *socket);
/* Did the kernel drop answers since then for want of room in the socket's buffer? */
bool ping_socket_dropped_since(struct ping_socket *socket, struct mono time);

#endif
