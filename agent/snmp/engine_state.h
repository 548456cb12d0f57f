/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An engine from inside: what its halves share. engine.c finds the session of a datagram, and opens
 * and closes; engine_turns.c says who may send when.
 *
 * Threads: as the engine's. */
#ifndef SNMP_ENGINE_STATE_H
#define SNMP_ENGINE_STATE_H

#include "common/log.h"
#include "pace.h"
#include "peer.h"
#include "udp.h"
#include "wheel.h"

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/library/large_fd_set.h>
#include <net-snmp/net-snmp-includes.h>

#define PEER_OF(link, member) ((struct peer *)((char *)(link)-offsetof(struct peer, member)))

struct engine {
    uv_loop_t *loop;
    struct snmp_counts counts;
    struct udp *udp_v4;
    struct udp *udp_v6;
    struct index by_id;
    struct index by_address;
    struct index by_snmp_engine;
    struct pace pace;
    uint64_t n_kept;
    struct peer *first; /* in line */
    struct peer *last;
    uv_timer_t timer;   /* for the line */
    struct wheel wheel; /* the sessions' timers */
    uv_timer_t wheel_timer;
    int64_t wheel_turn_ms; /* for when it is set; INT64_MAX: it is not */
    uv_prepare_t prepare;
    struct peer *buried;
    unsigned n_open;
    struct usm_keys *keys;
    struct log_limit twin_limit;
    netsnmp_large_fd_set readable;
    struct message_scratch *scratch;
};

uint64_t engine_hash_address(const struct sockaddr *address);
/* For the engine's timer, and when a full socket takes messages again: lets go as many as may. */
void engine_on_timer(uv_timer_t *timer);
void engine_on_writable(void *engine);

#endif
