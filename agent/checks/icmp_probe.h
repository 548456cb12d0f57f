/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of icmp.c and icmp_decide.c: a probe, and what all of them share. */
#ifndef CHECKS_ICMP_PROBE_H
#define CHECKS_ICMP_PROBE_H

#include "common/log.h"
#include "icmp.h"
#include "icmp_socket.h"
#include "icmp_table.h"

enum {
    FAMILIES = 2, /* IPv4, IPv6 */
    TOKENS_AT_ONCE = 32,
};

enum echo_state { ECHO_NONE, ECHO_QUEUED, ECHO_SENT, ECHO_ANSWERED, ECHO_REFUSED, ECHO_FAILED };

struct probe_list {
    struct icmp_probe *first;
    struct icmp_probe **last;
};

struct echo {
    struct icmp_entry entry; /* first: what the table finds */
    struct icmp_probe *probe;
    uint8_t state; /* enum echo_state */
    uint8_t address;
    uint8_t tries; /* addresses it could not be sent to */
    struct mono time;
    struct wall time_wall;
    int64_t rtt_ns;
};

struct icmp_probe {
    uv_timer_t timer; /* of the next echo, or the end */
    struct icmp *icmp;
    struct probe_list *list; /* the queue or the finished; NULL: in none */
    struct icmp_probe *next;
    struct icmp_probe **link;
    union ping_address addresses[TARGET_ADDRESSES_MAX];
    size_t n_addresses;
    struct mono start;
    struct mono turn; /* when the last echo was queued */
    int64_t timeout_ms;
    int64_t share_ms; /* from one echo to the next while there is no answer */
    unsigned n_echoes;
    unsigned n_turns;               /* echoes queued, sent or failed */
    unsigned n_settled;             /* answered, refused or failed */
    int failure;                    /* -errno of the first that could not be sent */
    const struct icmp_error *error; /* the first refusal */
    union ping_address error_from;
    probe_done *done;
    void *context;
    struct echo echoes[];
};

struct icmp {
    uv_loop_t *loop;
    uv_prepare_t prepare; /* sends what the loop's turn has gathered */
    struct ping_socket *sockets[FAMILIES];
    struct ping_events events;
    struct icmp_table table; /* echoes sent and open */
    struct probe_list queue; /* with an echo to send */
    struct probe_list finished;
    size_t n_probes;
    uint16_t sequence;
    size_t n_tokens; /* fresh ones left */
    uint8_t tokens[TOKENS_AT_ONCE][ICMP_TOKEN_SIZE];
    struct icmp_ignored ignored;
    struct icmp_ignored logged;
    struct log_limit ignoring;
};

/* What the echoes of a probe that is at its end amount to; the rest of `*verdict` is empty. */
void icmp_decide(const struct icmp_probe *probe, struct verdict *verdict);

#endif
