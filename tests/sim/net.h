/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The simulated devices' side of the network: a socket for each device (its own port), or one for
 * all (their own addresses of 127.0.0.0/8: the kernel tells which one was asked, and each answers
 * from its own). Datagrams go in and out in batches.
 *
 * Threads: one. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "options.h"

enum { NET_BATCH = 64, NET_REQUEST_MAX = 8192 };

struct net;

/* Where a reply goes. */
struct net_peer {
    uint32_t device;
    struct sockaddr_in address;
};
/* `request` may be written to; `n` is at most NET_REQUEST_MAX. */
typedef void net_request(void *context, const struct net_peer *peer, uint8_t *request, size_t n);

/* NULL with errno. */
struct net *net_open(const struct options *options, net_request *on_request, void *context);
/* To be watched; readable when net_receive has something to do. */
int net_fd(const struct net *net);
/* Hands over all that came in, then sends all replies. */
void net_receive(struct net *net);
/* Room for a reply of up to MESSAGE_MAX octets, until net_reply or the next net_room. */
uint8_t *net_room(struct net *net);
/* Sends what was written there, with others, when the batch is full or at net_flush. */
void net_reply(struct net *net, const struct net_peer *peer, size_t n);
void net_flush(struct net *net);
/* Replies that the kernel did not take. */
uint64_t net_unsent(const struct net *net);
void net_close(struct net *net);

#endif
