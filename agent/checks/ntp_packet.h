/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The client's half of SNTPv4 as bytes (RFC 5905 section 7.3, RFC 4330) and the arithmetic of its
 * four timestamps (RFC 5905 section 8). Pure.
 *
 * What we send says nothing of us: in place of our time stands a random number, which the server
 * sends back as the origin. */
#ifndef CHECKS_NTP_PACKET_H
#define CHECKS_NTP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NTP_PACKET_SIZE = 48, NTP_LEAP_UNKNOWN = 3, NTP_STRATUM_MAX = 15 };

struct ntp_reply {
    unsigned leap; /* 3: not synchronised */
    unsigned stratum;
    double root_delay_s;
    double root_dispersion_s;
    char code[5];     /* the reference as text where it is printable, else "" */
    uint64_t receive; /* 32.32 s of an era that is not told */
    uint64_t transmit;
};

void ntp_encode(uint64_t nonce, uint8_t packet[NTP_PACKET_SIZE]);
/* false: no server's answer to the request with that number. */
bool ntp_decode(const uint8_t *bytes, size_t size, uint64_t nonce, struct ntp_reply *reply);

struct ntp_measure {
    double delay_s;  /* the way there and back, without the server's own time */
    double offset_s; /* the server's clock less ours: positive, it is ahead */
};
/* `sent_wall_ns` and what passed until the answer are by our clock. Right as long as the clocks are
 * less than 68 years apart. false: the server claims to have taken longer than we waited, or to
 * have answered before it was asked. */
bool ntp_measure(const struct ntp_reply *reply, int64_t sent_wall_ns, double elapsed_s,
                 struct ntp_measure *measure);

#endif
