/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The part of a session that the engine knows, and what they ask of each other. The engine takes
 * each datagram to the peer that expects its id, in front of all checks but that of the source.
 *
 * Threads: as the engine's. */
#ifndef SNMP_PEER_H
#define SNMP_PEER_H

#include "engine.h"
#include "index.h"
#include "message.h"
#include "usm_keys.h"
#include "wheel.h"

#include <netinet/in.h>

struct peer;

/* Each from inside the loop. None may close the peer. */
struct peer_calls {
    /* Its turn has come (peer_await_turn). */
    void (*turn)(struct peer *peer);
    /* A datagram with the id that it expects, from where it may come. */
    void (*datagram)(struct peer *peer, const struct message_head *head, const uint8_t *bytes,
                     size_t size);
    /* What it sent did not leave this machine: errno. */
    void (*not_sent)(struct peer *peer, int error);
};

union peer_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct peer {
    /* Set before peer_join. */
    const struct peer_calls *calls;
    union peer_address address;
    const uint8_t *community; /* NULL: SNMPv3 */
    size_t community_size;
    bool any_source;
    struct snmp_counts *counts;
    /* The engine's. */
    struct engine *engine;
    struct udp *udp;
    struct index_link by_id;
    long id;
    struct index_link by_address;
    struct index_link by_snmp_engine;
    const uint8_t *snmp_engine_id;
    size_t snmp_engine_id_size;
    bool twin_told;
    bool has_place;   /* one of those with a request at its address */
    bool is_kept;     /* waits for a place there */
    uint64_t kept_as; /* the how many-th that was kept */
    bool is_waiting;  /* in line */
    struct peer *next;
    struct peer *previous;
};

/* 0 or -errno. */
int peer_join(struct engine *engine, struct peer *peer);
/* The descriptor that it sends and receives on. */
int peer_fd(const struct peer *peer);
/* No call-back after it, and nothing of it that is still queued is sent. */
void peer_leave(struct peer *peer);

/* Frees the block that begins with the peer, after peer_leave, as soon as no call that is under way
 * can know of it. */
void peer_bury(struct peer *peer);

/* Fires (the timer's `fire`) when the loop's clock has gone on by so many, or then by more, to a
 * multiple of `grid_ms`. A timer that runs is set anew. */
void peer_start_timer(struct peer *peer, struct wheel_timer *timer, int64_t ms, int64_t grid_ms);
void peer_stop_timer(struct peer *peer, struct wheel_timer *timer);

/* True: now is its turn. Else it waits in line, behind those that came before, and is called. Of
 * many peers at one address (a proxy, a simulator) only some have a request there at a time: who
 * answers them all does so one after the other. */
bool peer_await_turn(struct peer *peer);
/* Its request is over: another one at its address may begin. */
void peer_end_turn(struct peer *peer);
/* Out of turn: the others wait for it. */
void peer_take_turn(struct peer *peer);
/* Copies it into the batch of this turn of the loop. 0 or -errno. */
int peer_send(struct peer *peer, const uint8_t *bytes, size_t size);
/* After peer_send, where other peers may be called: sends when the batch is full. */
void peer_sent(struct peer *peer);

/* From now on datagrams with this id, and no other one, are its. */
void peer_expect(struct peer *peer, long id);
void peer_expect_nothing(struct peer *peer);
/* Its SNMP engine, whose ID must stay where it is; says once in the log when another address has
 * the same. */
void peer_identify(struct peer *peer, const uint8_t *engine_id, size_t size);

/* Where one message's varbinds go. */
struct message_scratch *peer_scratch(struct peer *peer);
/* The library reads the session's port, once. */
void peer_read(struct peer *peer, void *library);
struct usm_keys *engine_keys(struct engine *engine);

#endif
