/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One unconnected UDP socket for many peers, read and written in batches: what is queued in a turn
 * of the loop leaves with one sendmmsg, what has arrived comes with one recvmmsg.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_UDP_H
#define SNMP_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    UDP_BATCH = 64,
    UDP_SEND_MAX = 8192, /* of one datagram: eight names of 128 sub-identifiers and SNMPv3's head */
};

struct udp_options {
    uv_loop_t *loop;
    int family; /* AF_INET, AF_INET6 */
    /* Each from inside the loop. A datagram that came in; valid during the call. */
    void (*received)(void *context, const struct sockaddr *from, const uint8_t *bytes, size_t size);
    /* The owner's datagram could not be sent: errno. The others of its batch could. */
    void (*failed)(void *context, void *owner, int error);
    /* There is room again after udp_is_full. */
    void (*writable)(void *context);
    void *context;
};

struct udp;

/* NULL with errno. */
struct udp *udp_open(const struct udp_options *options);
int udp_fd(const struct udp *udp);
/* The kernel takes no more for now: nothing must be queued until `writable`. */
bool udp_is_full(const struct udp *udp);
/* Copies the datagram. 0, -EAGAIN (full) or -EMSGSIZE. Calls nothing. */
int udp_queue(struct udp *udp, const struct sockaddr *to, const uint8_t *bytes, size_t size,
              void *owner);
/* After udp_queue: sends when a batch is full. May call `failed`. */
void udp_send_full_batch(struct udp *udp);
/* Sends what is queued: to be called before the loop waits. May call `failed`. */
void udp_flush(struct udp *udp);
/* What is queued for the owner is not sent, and it is not called. */
void udp_withdraw(struct udp *udp, const void *owner);
/* No call-back after it. NULL is allowed. */
void udp_close(struct udp *udp);

#endif
